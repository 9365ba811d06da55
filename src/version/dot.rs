//! The name of one write of one cell, and the order in which `lww` ranks two of them.

use std::cmp::Ordering;

use super::ActorTable;
use crate::types::{ActorIndex, Hlc};

/// The name of one write of one cell. Never minted twice: an actor is one life of one process, and
/// its hlc only rises.
///
/// The derived order (hlc, then the place in this node's table) sorts versions inside a cell. It is
/// local: ask [`Dot::lww_order`] who wins, since another node has another table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// When it was minted. Stands first, so that the derived order goes by time.
    pub hlc: Hlc,
    /// Who minted it.
    pub actor: ActorIndex,
}

impl Dot {
    /// The dot (actor, hlc).
    pub fn new(actor: ActorIndex, hlc: Hlc) -> Self {
        Self { hlc, actor }
    }

    /// Which of two dots is later under `lww`: by hlc, then by the full actor, so that every node
    /// gives the same answer whatever indexes it has handed out.
    pub fn lww_order(self, other: Self, actors: &ActorTable) -> Ordering {
        self.hlc.cmp(&other.hlc).then_with(|| {
            if self.actor == other.actor {
                return Ordering::Equal;
            }
            actors.actor(self.actor).cmp(&actors.actor(other.actor))
        })
    }
}

/// Ranks two versions under `lww`: by stamp, then by dot. The stamp is the time of the *value*; a
/// version minted by EXPIRE keeps it, so that it never hides a later value that it has not seen.
pub fn lww_order(a: (Hlc, Dot), b: (Hlc, Dot), actors: &ActorTable) -> Ordering {
    a.0.cmp(&b.0).then_with(|| a.1.lww_order(b.1, actors))
}
