//! Records: what is stored for one key, that is, its clock and its live cells, and the few laws by
//! which they change. Pure values, like all of [`version`](crate::version).
//!
//! A key is one causal object. Its *history* says which dots are live or superseded here; a dot that
//! it covers and that no cell carries is removed, so removals leave nothing behind but the history.
//! A string has one cell, a hash one per field, a set one per member. A cell holds *siblings*: the
//! versions that no known write has superseded.
//!
//! - [`Record::merge_into`] is the one function by which state arrives, on every path. Whoever
//!   stores the result calls [`Record::trim`] with the partition's floor.
//! - `write`: what a mint does to a record. `view`: what a reader is shown. `codec`: bytes.

pub mod codec;
mod merge;
mod view;
mod write;

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::types::{Hlc, WallMs};
use crate::version::{Dot, Floor, History, Interval};

pub use codec::{
    CodecError, Peek, Simple, decode, encode, encode_simple, peek, simple_len, write_simple,
};
pub use merge::merge;
pub use view::{SIBLINGS_MAX, SIBLINGS_WARN};
pub use write::Payload;

/// What a cell is a part of. The order decides which type a key shows when concurrent writes have
/// given it cells of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A string, or a counter; its element is empty.
    String = 0,
    /// A list; the element is a position.
    List = 1,
    /// A hash; the element is a field.
    Hash = 2,
    /// A set; the element is a member.
    Set = 3,
    /// A sorted set; the element is a member, the value its score.
    SortedSet = 4,
    /// A `HyperLogLog`; one cell of registers.
    HyperLogLog = 5,
}

impl Kind {
    /// The name that TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::String | Self::HyperLogLog => "string",
            Self::List => "list",
            Self::Hash => "hash",
            Self::Set => "set",
            Self::SortedSet => "zset",
        }
    }

    /// The kind that is written as `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::String,
            1 => Self::List,
            2 => Self::Hash,
            3 => Self::Set,
            4 => Self::SortedSet,
            5 => Self::HyperLogLog,
            _ => return None,
        })
    }
}

/// One write of one cell, as far as it is still needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub dot: Dot,
    /// The time by which `lww` ranks it: the dot's, unless EXPIRE, PERSIST or GETEX minted it; these
    /// keep the value's.
    pub stamp: Hlc,
    /// From when on it counts as deleted.
    pub expiry: Option<WallMs>,
    /// The value. `None` is a tombstone, or a value dropped past its expiry.
    pub value: Option<Bytes>,
}

impl Version {
    /// Whether a reader may see its value: neither deleted nor expired.
    pub fn is_live(&self, now: WallMs) -> bool {
        self.value.is_some() && self.expiry.is_none_or(|expiry| now < expiry)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.dot.actor.0, self.dot.hlc.0)?;
        if self.stamp != self.dot.hlc {
            write!(f, "@{}", self.stamp.0)?;
        }
        if let Some(expiry) = self.expiry {
            write!(f, " until {}", expiry.0)?;
        }
        match &self.value {
            Some(value) => write!(f, " {value:?}"),
            None => write!(f, " tombstone"),
        }
    }
}

/// The siblings of one (kind, element), by dot, never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it is a part of.
    pub kind: Kind,
    /// Which part: empty for a string.
    pub element: Bytes,
    /// Sorted by dot, each dot once.
    pub versions: SmallVec<[Version; 1]>,
}

/// One key: its clock and its live cells.
///
/// Always: cells are sorted by (kind, element), each once; none is empty; and a live dot is covered
/// by the history or by the floor of the partition that holds the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    history: History,
    cells: Vec<Cell>,
}

impl Record {
    /// A record from its parts. Cells and versions are put in order; empty cells go.
    pub fn from_parts(history: History, cells: Vec<Cell>) -> Self {
        let mut record = Self { history, cells };
        record.cells.retain(|cell| !cell.versions.is_empty());
        record
            .cells
            .sort_by(|a, b| (a.kind, &a.element).cmp(&(b.kind, &b.element)));
        for cell in &mut record.cells {
            cell.versions.sort_by_key(|version| version.dot);
            cell.versions.dedup_by_key(|version| version.dot);
        }
        record
    }

    /// The key's clock, as far as it is stored.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The cells, by (kind, element).
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cell of this name.
    pub fn cell(&self, kind: Kind, element: &[u8]) -> Option<&Cell> {
        let place = self.place(kind, element).ok()?;
        self.cells.get(place)
    }

    /// All live dots of all cells, tombstones too.
    pub fn dots(&self) -> impl Iterator<Item = Dot> + '_ {
        self.cells
            .iter()
            .flat_map(|cell| cell.versions.iter().map(|version| version.dot))
    }

    /// Whether there is neither history nor cell: the same as having no record.
    pub fn is_empty(&self) -> bool {
        self.history.is_empty() && self.cells.is_empty()
    }

    /// Drops the part of the history that `floor` implies. A record of one live version keeps the
    /// history that its simple encoding stands for, which is free.
    pub fn trim(&mut self, floor: &Floor) {
        self.history = self.history.without_floor(floor);
        let mut dots = self.dots();
        if let (Some(dot), None) = (dots.next(), dots.next())
            && self.history.is_empty()
            && floor.covers(dot)
        {
            drop(dots);
            self.history.insert(dot.actor, Interval::up_to(dot.hlc));
        }
    }

    fn place(&self, kind: Kind, element: &[u8]) -> Result<usize, usize> {
        self.cells
            .binary_search_by(|cell| (cell.kind, cell.element.as_ref()).cmp(&(kind, element)))
    }

    fn drop_empty_cells(&mut self) {
        self.cells.retain(|cell| !cell.versions.is_empty());
    }
}

#[cfg(test)]
mod tests;
