//! What readers are shown: one value under `lww`, all siblings to those who ask, and the context
//! that goes with them.

use super::{Cell, Kind, Record, Version};
use crate::types::WallMs;
use crate::version::{ActorTable, Dot, Floor, History, Interval, lww_order};

/// From so many siblings on, the log warns.
pub const SIBLINGS_WARN: usize = 25;

/// A client's write that would make more siblings is refused. Never a merge.
pub const SIBLINGS_MAX: usize = 100;

impl Cell {
    /// The version with the greatest (stamp, dot): the same on every node. It may be a tombstone or
    /// expired, and then the answer is nil: a dead winner never uncovers a sibling.
    pub fn winner(&self, actors: &ActorTable) -> Option<&Version> {
        self.versions
            .iter()
            .max_by(|a, b| lww_order((a.stamp, a.dot), (b.stamp, b.dot), actors))
    }
}

impl Record {
    /// The version of the string cell that `lww` shows.
    pub fn winner(&self, actors: &ActorTable) -> Option<&Version> {
        self.cell(Kind::String, b"")?.winner(actors)
    }

    /// The version with this dot.
    pub fn version(&self, dot: Dot) -> Option<&Version> {
        self.cells
            .iter()
            .flat_map(|cell| &cell.versions)
            .find(|version| version.dot == dot)
    }

    /// All versions of the string cell, tombstones too, by dot.
    pub fn siblings(&self) -> &[Version] {
        self.cell(Kind::String, b"")
            .map_or(&[], |cell| cell.versions.as_slice())
    }

    /// The versions of the string cell whose values may be seen.
    pub fn live_siblings(&self, now: WallMs) -> impl Iterator<Item = &Version> {
        self.siblings()
            .iter()
            .filter(move |version| version.is_live(now))
    }

    /// How many siblings the string cell has, tombstones too.
    pub fn sibling_count(&self) -> usize {
        self.siblings().len()
    }

    /// How many siblings a write that has seen `context` would leave, itself among them.
    pub fn sibling_count_after(&self, context: &History) -> usize {
        let unseen = |version: &&Version| !context.covers(version.dot);
        1 + self.siblings().iter().filter(unseen).count()
    }

    /// Whether the version with this dot is kept here but loses to a greater stamp: the *hidden* of
    /// an acknowledgement, upon which its coordinator mints once more.
    pub fn hides(&self, dot: Dot, actors: &ActorTable) -> bool {
        self.cells.iter().any(|cell| {
            cell.versions.iter().any(|version| version.dot == dot)
                && cell.winner(actors).is_some_and(|winner| winner.dot != dot)
        })
    }

    /// The clock for a reader who is shown all siblings: the stored history, and what the floor
    /// vouches for as far as the live dots reach.
    pub fn context(&self, floor: &Floor) -> History {
        let mut context = self.history.clone();
        for dot in self.dots() {
            if context.covers(dot) {
                continue;
            }
            if floor.covers(dot) {
                context.insert(dot.actor, Interval::up_to(dot.hlc));
            } else {
                context.insert_dot(dot);
            }
        }
        context
    }

    /// The context that a write returns to the client whose context was `seen` and whose own dot is
    /// `own`: this record's clock minus the live dots that the client has not been shown, or its
    /// next write would erase what it never saw. At most an interval per actor and two per unseen
    /// sibling, however many rounds went before.
    pub fn returned_context(&self, seen: &History, own: Dot, floor: &Floor) -> History {
        let mut context = self.context(floor);
        context.subtract(self.dots().filter(|&dot| dot != own && !seen.covers(dot)));
        context
    }

    /// The type that the key shows: the first that has a live cell. `None`: the key does not exist.
    pub fn shown_kind(&self, now: WallMs, actors: &ActorTable) -> Option<Kind> {
        self.cells
            .iter()
            .find(|cell| {
                cell.winner(actors)
                    .is_some_and(|version| version.is_live(now))
            })
            .map(|cell| cell.kind)
    }

    /// Whether no version has a value that anybody may see, not even as a masked sibling.
    pub fn is_dead(&self, now: WallMs) -> bool {
        self.cells
            .iter()
            .flat_map(|cell| &cell.versions)
            .all(|version| !version.is_live(now))
    }

    /// Whether some version still carries a value, expired or not: the key counts until it is reaped.
    pub fn has_value(&self) -> bool {
        self.cells
            .iter()
            .flat_map(|cell| &cell.versions)
            .any(|version| version.value.is_some())
    }

    /// When the last value of the record will have expired; `None` if one never does.
    pub fn last_expiry(&self) -> Option<WallMs> {
        let values = self.cells.iter().flat_map(|cell| &cell.versions);
        values
            .filter(|version| version.value.is_some())
            .map(|version| version.expiry)
            .try_fold(WallMs(0), |last, expiry| {
                expiry.map(|expiry| last.max(expiry))
            })
            .filter(|last| last.0 > 0)
    }

    /// Whether the record may be dropped: nothing in it is live, and the floor says all that its
    /// history and its tombstones say. A live sibling masked by a tombstone keeps both.
    pub fn is_forgettable(&self, floor: &Floor, now: WallMs) -> bool {
        self.is_dead(now)
            && self.history.is_below(floor)
            && self.dots().all(|dot| floor.covers(dot))
    }
}
