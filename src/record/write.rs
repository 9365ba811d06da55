//! What a write does to its record. A dot is minted under the partition's lock (see
//! [`mint`](crate::version::mint)) and joins the history with its interval; every write mints, also
//! one that only removes (counterexample G1).
//!
//! Which versions go is decided by what the writer had *seen*, and that is an argument: a plain SET
//! has seen its coordinator's whole record, `PUTCTX` what its context says.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Cell, Kind, Record, Version};
use crate::types::{Hlc, WallMs};
use crate::version::{ActorTable, Dot, History, Mint};

/// What a write puts into its cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// From when on it counts as deleted.
    pub expiry: Option<WallMs>,
    /// The time by which `lww` ranks it, if not the dot's.
    pub stamp: Option<Hlc>,
}

impl Payload {
    /// A value without expiry.
    pub fn value(value: impl Into<Bytes>) -> Self {
        Self {
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// A delete.
    pub fn tombstone() -> Self {
        Self::default()
    }

    /// The same, expiring.
    #[must_use]
    pub fn expiring(mut self, expiry: Option<WallMs>) -> Self {
        self.expiry = expiry;
        self
    }

    fn minted(self, dot: Dot) -> Version {
        Version {
            dot,
            stamp: self.stamp.unwrap_or(dot.hlc),
            expiry: self.expiry,
            value: self.value,
        }
    }
}

impl Record {
    /// A write of the whole key that has seen `context`: `PUTCTX`. Versions of any cell that the
    /// context covers go, others stay, and the history gains the context.
    pub fn write(
        &mut self,
        context: &History,
        mint: Mint,
        kind: Kind,
        element: Bytes,
        payload: Payload,
    ) {
        for cell in &mut self.cells {
            cell.versions.retain(|version| !context.covers(version.dot));
        }
        self.drop_empty_cells();
        self.history.join(context);
        self.put(mint, kind, element, payload);
    }

    /// A write of the whole key that has seen all of this record: `SET` and every other overwrite.
    /// Masked siblings and cells of other types go too.
    pub fn overwrite(&mut self, mint: Mint, kind: Kind, element: Bytes, payload: Payload) {
        self.cells.clear();
        self.put(mint, kind, element, payload);
    }

    /// A write of one cell that has seen all of that cell here: `HSET`, `SADD`. Other cells stay,
    /// so nothing but the mint may join the history.
    pub fn write_cell(&mut self, mint: Mint, kind: Kind, element: Bytes, payload: Payload) {
        if let Ok(place) = self.place(kind, &element) {
            self.cells.remove(place);
        }
        self.put(mint, kind, element, payload);
    }

    /// The removal of one cell that has seen all of that cell here: `HDEL`, `SREM`. The mint has no
    /// cell; it gives the removal a place before or after the floor.
    pub fn remove_cell(&mut self, mint: Mint, kind: Kind, element: &[u8]) {
        if let Ok(place) = self.place(kind, element) {
            self.cells.remove(place);
        }
        self.cover(mint);
    }

    /// `DELCTX`: removes what `context` has seen. A string leaves a tombstone in its place, so that
    /// the delete takes part in `lww`; a collection leaves its clock alone.
    pub fn delete(&mut self, context: &History, mint: Mint) {
        let collection = !self.cells.is_empty() && self.cell(Kind::String, b"").is_none();
        if !collection {
            self.write(
                context,
                mint,
                Kind::String,
                Bytes::new(),
                Payload::tombstone(),
            );
            return;
        }
        for cell in &mut self.cells {
            cell.versions.retain(|version| !context.covers(version.dot));
        }
        self.drop_empty_cells();
        self.history.join(context);
        self.cover(mint);
    }

    /// `DEL`: the same for a delete that has seen all of this record. A key that its coordinator
    /// sees as absent is not to be deleted: such a `DEL` writes nothing.
    pub fn delete_all(&mut self, mint: Mint) {
        let collection = !self.cells.is_empty() && self.cell(Kind::String, b"").is_none();
        self.cells.clear();
        if collection {
            self.cover(mint);
        } else {
            self.put(mint, Kind::String, Bytes::new(), Payload::tombstone());
        }
    }

    /// `EXPIRE`, `PERSIST` and `GETEX` on a string: the version that `lww` shows is minted anew with
    /// another expiry. It keeps its stamp, so that it never hides a later value that was not seen
    /// here (F13), and supersedes that version only, so that no masked sibling is lost to a
    /// command that writes no value. `false`, and no change, if there is no live string.
    pub fn expire(
        &mut self,
        mint: Mint,
        expiry: Option<WallMs>,
        now: WallMs,
        actors: &ActorTable,
    ) -> bool {
        let Some(shown) = self.winner(actors).filter(|version| version.is_live(now)) else {
            return false;
        };
        let mut version = shown.clone();
        let superseded = std::mem::replace(&mut version.dot, mint.dot);
        version.expiry = expiry;
        self.replace(superseded, version);
        self.cover(mint);
        true
    }

    /// The second mint of a write that a replica reported as *hidden* behind a greater stamp: the
    /// same value under a later dot, superseding the write's own first dot and nothing else, so
    /// that the version it was hidden behind stays as a sibling (F6, G5). `false` if `first` has
    /// been superseded meanwhile: then there is nothing left to show.
    pub fn remint_own(&mut self, first: Dot, mint: Mint) -> bool {
        let Some(version) = self.version(first) else {
            return false;
        };
        let mut version = version.clone();
        // An EXPIRE that was hidden stays where its value stands.
        if version.stamp == version.dot.hlc {
            version.stamp = mint.dot.hlc;
        }
        version.dot = mint.dot;
        self.replace(first, version);
        self.cover(mint);
        true
    }

    /// Drops the values of versions that are past their expiry; dots and deadlines stay, since the
    /// floor alone may forget them. Tells whether anything was dropped.
    pub fn drop_expired_values(&mut self, now: WallMs) -> bool {
        let mut dropped = false;
        for version in self.cells.iter_mut().flat_map(|cell| &mut cell.versions) {
            if version.value.is_some() && !version.is_live(now) {
                version.value = None;
                dropped = true;
            }
        }
        dropped
    }

    /// Adds a mint to the history: of a removal, which has no cell.
    pub fn cover(&mut self, mint: Mint) {
        self.history.insert(mint.dot.actor, mint.interval());
    }

    fn put(&mut self, mint: Mint, kind: Kind, element: Bytes, payload: Payload) {
        let version = payload.minted(mint.dot);
        match self.place(kind, &element) {
            Ok(place) => {
                if let Some(cell) = self.cells.get_mut(place) {
                    cell.insert(version);
                }
            }
            Err(place) => self.cells.insert(
                place,
                Cell {
                    kind,
                    element,
                    versions: SmallVec::from_iter([version]),
                },
            ),
        }
        self.cover(mint);
    }

    fn replace(&mut self, superseded: Dot, version: Version) {
        for cell in &mut self.cells {
            let before = cell.versions.len();
            cell.versions.retain(|version| version.dot != superseded);
            if cell.versions.len() < before {
                cell.insert(version);
                return;
            }
        }
    }
}

impl Cell {
    fn insert(&mut self, version: Version) {
        let place = self
            .versions
            .partition_point(|known| known.dot < version.dot);
        self.versions.insert(place, version);
    }
}
