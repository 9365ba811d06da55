//! Record encoding, version 1. Frozen: `tests/fixtures/record_v1_*.hex` must open for ever.
//!
//! ```text
//!   simple    1 | flags | actor u32 | hlc u64 | [expiry u64] | [stamp u64] | value: the rest
//!   general   1 | 0 | history | cell count | cells
//!             history  actor count, then per actor: index, intervals
//!             cell     kind byte, element length, element, version count, versions
//!             version  flags byte, actor, hlc, [expiry], [stamp], [value length, value]
//! ```
//!
//! Fixed integers are little-endian, all others LEB128. *Simple* is a record of one string cell with
//! one version whose history is exactly `{actor: [0, hlc]}`: nearly every record there is, and the
//! hot paths read and write it without building a [`Record`]. A record has one encoding: decoding
//! refuses any other spelling, so equal records are equal bytes.

mod general;

use bytes::Bytes;
use smallvec::SmallVec;
use thiserror::Error;

use super::{Cell, Kind, Record, Version};
use crate::types::{ActorIndex, Hlc, WallMs};
use crate::version::wire::WireError;
use crate::version::{Dot, Floor, History, Interval, Mint};

/// The format version: the first byte of every record.
pub const FORMAT: u8 = 1;

const SIMPLE: u8 = 0x01;
const EXPIRY: u8 = 0x02;
const TOMBSTONE: u8 = 0x04;
const STAMP: u8 = 0x08;

/// Format, flags, actor, hlc.
const SIMPLE_HEAD: usize = 2 + 4 + 8;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// Written by a later version of this program, or damaged.
    #[error("the record has format {0}, which is not known here")]
    UnknownFormat(u8),
    /// Flags, a kind or a combination that the format does not have.
    #[error("the record has unknown flags or kinds")]
    Unknown,
    /// The bytes end too early.
    #[error("the record ends too early")]
    Truncated,
    /// Unsorted, repeated, left over, or spelled in another way than the one there is.
    #[error("the record is not in its one canonical form")]
    NotCanonical,
}

impl From<WireError> for CodecError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Truncated => Self::Truncated,
            WireError::NotCanonical => Self::NotCanonical,
        }
    }
}

/// A simple record, still in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simple<'a> {
    /// The name of its one version.
    pub dot: Dot,
    /// The time by which `lww` ranks it.
    pub stamp: Hlc,
    /// From when on it counts as deleted.
    pub expiry: Option<WallMs>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// What the first bytes of a record tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek<'a> {
    /// All of it, without decoding.
    Simple(Simple<'a>),
    /// That it has to be decoded.
    General,
}

/// Reads a simple record in place, or says that the record is a general one (whose bytes are not
/// looked at any further).
#[inline]
pub fn peek(bytes: &[u8]) -> Result<Peek<'_>, CodecError> {
    let Some((&[format, flags], rest)) = bytes.split_first_chunk::<2>() else {
        return Err(CodecError::Truncated);
    };
    if format != FORMAT {
        return Err(CodecError::UnknownFormat(format));
    }
    if flags & SIMPLE == 0 {
        return if flags == 0 {
            Ok(Peek::General)
        } else {
            Err(CodecError::Unknown)
        };
    }
    if flags & !(SIMPLE | EXPIRY | TOMBSTONE | STAMP) != 0 {
        return Err(CodecError::Unknown);
    }
    let Some((actor, rest)) = rest.split_first_chunk::<4>() else {
        return Err(CodecError::Truncated);
    };
    let (hlc, mut rest) = take_u64(rest)?;
    let dot = Dot::new(ActorIndex(u32::from_le_bytes(*actor)), Hlc(hlc));
    let (mut expiry, mut stamp) = (None, dot.hlc);
    if flags & EXPIRY != 0 {
        let (at, after) = take_u64(rest)?;
        (expiry, rest) = (Some(WallMs(at)), after);
    }
    if flags & STAMP != 0 {
        let (at, after) = take_u64(rest)?;
        (stamp, rest) = (Hlc(at), after);
        if stamp == dot.hlc {
            return Err(CodecError::NotCanonical);
        }
    }
    let value = if flags & TOMBSTONE == 0 {
        Some(rest)
    } else if rest.is_empty() {
        None
    } else {
        return Err(CodecError::NotCanonical);
    };
    Ok(Peek::Simple(Simple {
        dot,
        stamp,
        expiry,
        value,
    }))
}

#[inline]
fn take_u64(bytes: &[u8]) -> Result<(u64, &[u8]), CodecError> {
    match bytes.split_first_chunk::<8>() {
        Some((&taken, rest)) => Ok((u64::from_le_bytes(taken), rest)),
        None => Err(CodecError::Truncated),
    }
}

/// How many bytes [`encode_simple`] appends.
#[inline]
pub fn simple_len(simple: &Simple<'_>) -> usize {
    SIMPLE_HEAD
        + if simple.expiry.is_some() { 8 } else { 0 }
        + if simple.stamp == simple.dot.hlc { 0 } else { 8 }
        + simple.value.map_or(0, <[u8]>::len)
}

/// Appends a simple record.
#[inline]
pub fn encode_simple(simple: &Simple<'_>, out: &mut Vec<u8>) {
    out.reserve(simple_len(simple));
    let (head, used) = simple_head(simple);
    out.extend_from_slice(head.get(..used).unwrap_or_default());
    out.extend_from_slice(simple.value.unwrap_or_default());
}

/// Writes a simple record over the whole of `out`, which must be [`simple_len`] long. `false`, and
/// nothing written, if it is not.
#[inline]
pub fn write_simple(simple: &Simple<'_>, out: &mut [u8]) -> bool {
    if out.len() != simple_len(simple) {
        return false;
    }
    let (head, used) = simple_head(simple);
    let Some((into_head, into_value)) = out.split_at_mut_checked(used) else {
        return false;
    };
    into_head.copy_from_slice(head.get(..used).unwrap_or_default());
    into_value.copy_from_slice(simple.value.unwrap_or_default());
    true
}

/// Everything before the value, and its length.
#[inline]
#[allow(
    clippy::indexing_slicing,
    reason = "constant ranges of an array of 30; `used` is 14, 22 or 30"
)]
fn simple_head(simple: &Simple<'_>) -> ([u8; SIMPLE_HEAD + 16], usize) {
    let mut head = [0; SIMPLE_HEAD + 16];
    let mut flags = SIMPLE;
    let mut used = SIMPLE_HEAD;
    head[2..6].copy_from_slice(&simple.dot.actor.0.to_le_bytes());
    head[6..14].copy_from_slice(&simple.dot.hlc.0.to_le_bytes());
    if let Some(expiry) = simple.expiry {
        flags |= EXPIRY;
        head[used..used + 8].copy_from_slice(&expiry.0.to_le_bytes());
        used += 8;
    }
    if simple.stamp != simple.dot.hlc {
        flags |= STAMP;
        head[used..used + 8].copy_from_slice(&simple.stamp.0.to_le_bytes());
        used += 8;
    }
    if simple.value.is_none() {
        flags |= TOMBSTONE;
    }
    head[0] = FORMAT;
    head[1] = flags;
    (head, used)
}

/// Whether an overwrite of a missing or simple record, whose version is `current`, leaves a simple
/// one, so that the hot path may write its bytes and need not build a [`Record`].
#[inline]
pub fn stays_simple(current: Option<Dot>, mint: Mint, floor: &Floor) -> bool {
    let covered = floor.get(mint.dot.actor);
    let reaches = |end: Hlc| mint.interval_from.0 <= end.0.saturating_add(1);
    match current {
        Some(dot) if dot.actor == mint.dot.actor && reaches(dot.hlc) => true,
        Some(dot) if !floor.covers(dot) => false,
        _ => mint.interval_from.0 == 0 || covered.is_some_and(reaches),
    }
}

/// Appends a record, simple if it fits.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    match as_simple(record) {
        Some(simple) => encode_simple(&simple, out),
        None => general::encode(record, out),
    }
}

/// The record that the bytes stand for. Allocates no more than a small multiple of their length,
/// whatever they claim.
pub fn decode(bytes: &[u8]) -> Result<Record, CodecError> {
    match peek(bytes)? {
        Peek::Simple(simple) => Ok(Record::from(simple)),
        Peek::General => {
            let record = general::decode(bytes)?;
            if as_simple(&record).is_some() {
                return Err(CodecError::NotCanonical);
            }
            Ok(record)
        }
    }
}

/// The simple form of a record that has one.
pub fn as_simple(record: &Record) -> Option<Simple<'_>> {
    let [cell] = record.cells() else { return None };
    let [version] = cell.versions.as_slice() else {
        return None;
    };
    if cell.kind != Kind::String || !cell.element.is_empty() || record.history().len() != 1 {
        return None;
    }
    let only = (version.dot.actor, Interval::up_to(version.dot.hlc));
    if record.history().iter().next() != Some(only) {
        return None;
    }
    Some(Simple {
        dot: version.dot,
        stamp: version.stamp,
        expiry: version.expiry,
        value: version.value.as_deref(),
    })
}

impl From<Simple<'_>> for Record {
    fn from(simple: Simple<'_>) -> Self {
        Self {
            history: History::up_to(simple.dot),
            cells: vec![Cell {
                kind: Kind::String,
                element: Bytes::new(),
                versions: SmallVec::from_iter([Version {
                    dot: simple.dot,
                    stamp: simple.stamp,
                    expiry: simple.expiry,
                    value: simple.value.map(Bytes::copy_from_slice),
                }]),
            }],
        }
    }
}
