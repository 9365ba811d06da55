//! The merge: the one function by which state of another copy arrives, be it by write, read repair,
//! hint, handoff, anti-entropy or restore.
//!
//! A version of either side stays iff the other side has it too, or has never heard of it. What the
//! other side has heard of and does not have, it knows to be superseded. Commutative, associative,
//! idempotent; never refuses a sibling, or replicas would differ for ever.

use smallvec::SmallVec;

use super::{Cell, Record, Version};
use crate::version::{Dot, Floor, History, Interval};

/// What both records know, together. Each floor is the implicit part of its side's history:
/// [`Floor::NONE`] for hints, and for copies that are repairing or in transfer.
#[must_use]
pub fn merge(mut a: Record, a_floor: &Floor, b: Record, b_floor: &Floor) -> Record {
    a.merge_into(a_floor, b, b_floor);
    a
}

impl Record {
    /// [`merge()`] in place, taking `other` in. Tells whether anything changed here.
    pub fn merge_into(&mut self, floor: &Floor, other: Self, other_floor: &Floor) -> bool {
        let Self {
            history: other_history,
            cells: other_cells,
        } = other;
        let here = Side::new(&self.history, floor);
        let there = Side::new(&other_history, other_floor);
        let mut merged = Vec::with_capacity(self.cells.len().max(other_cells.len()));
        let mut changed = false;
        let mut implied: SmallVec<[(Dot, Interval); 2]> = SmallVec::new();

        let mut ours = std::mem::take(&mut self.cells).into_iter().peekable();
        let mut theirs = other_cells.into_iter().peekable();
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => (a.kind, &a.element).cmp(&(b.kind, &b.element)),
            };
            let our_cell = if order.is_le() { ours.next() } else { None };
            let their_cell = if order.is_ge() { theirs.next() } else { None };
            let Some(name) = our_cell.as_ref().or(their_cell.as_ref()) else {
                break;
            };
            let (kind, element) = (name.kind, name.element.clone());
            let our_versions = our_cell.map(|cell| cell.versions).unwrap_or_default();
            let their_versions = their_cell.map(|cell| cell.versions).unwrap_or_default();
            let before = our_versions.clone();
            let versions = merge_versions(our_versions, here, their_versions, there);
            changed |= versions != before;
            // A live dot that only a floor vouched for is now also vouched for here, where the
            // floor may be lower: everything below it is live in that side's cells or superseded.
            for version in &versions {
                for side in [here, there] {
                    if side.floor.covers(version.dot) {
                        implied.push((version.dot, Interval::up_to(version.dot.hlc)));
                    }
                }
            }
            if !versions.is_empty() {
                merged.push(Cell {
                    kind,
                    element,
                    versions,
                });
            }
        }
        self.cells = merged;

        changed |= !self.history.includes(&other_history);
        self.history.join(&other_history);
        for (dot, interval) in implied {
            if !self.history.covers(dot) {
                changed |= !floor.covers(dot);
                self.history.insert(dot.actor, interval);
            }
        }
        changed
    }
}

/// What one side has heard of.
#[derive(Clone, Copy)]
struct Side<'a> {
    history: &'a History,
    floor: &'a Floor,
}

impl<'a> Side<'a> {
    fn new(history: &'a History, floor: &'a Floor) -> Self {
        Self { history, floor }
    }

    fn covers(self, dot: Dot) -> bool {
        self.history.covers(dot) || self.floor.covers(dot)
    }
}

/// The siblings of one cell, both lists sorted by dot.
fn merge_versions(
    ours: SmallVec<[Version; 1]>,
    here: Side<'_>,
    theirs: SmallVec<[Version; 1]>,
    there: Side<'_>,
) -> SmallVec<[Version; 1]> {
    let mut kept = SmallVec::new();
    let mut ours = ours.into_iter().peekable();
    let mut theirs = theirs.into_iter().peekable();
    loop {
        let order = match (ours.peek(), theirs.peek()) {
            (None, None) => return kept,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.dot.cmp(&b.dot),
        };
        let our_version = if order.is_le() { ours.next() } else { None };
        let their_version = if order.is_ge() { theirs.next() } else { None };
        match (our_version, their_version) {
            (Some(ours), Some(theirs)) => kept.push(same_dot(ours, theirs)),
            (Some(ours), None) if !there.covers(ours.dot) => kept.push(ours),
            (None, Some(theirs)) if !here.covers(theirs.dot) => kept.push(theirs),
            _ => {}
        }
    }
}

/// Two copies of one write differ at most in that one has dropped its expired value. Whatever they
/// are, both replicas must choose alike.
fn same_dot(a: Version, b: Version) -> Version {
    let a_ranks_first = (&a.value, a.expiry, a.stamp) <= (&b.value, b.expiry, b.stamp);
    if a_ranks_first { a } else { b }
}
