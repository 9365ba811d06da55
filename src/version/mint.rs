//! Minting: the dot of a new write and the interval that it adds to its record's history.
//!
//! An interval may reach down to the actor's previous one only if this node has held the record
//! without a break in between. Otherwise an own earlier write, acknowledged and living elsewhere by
//! now, would look superseded (counterexamples F1b, F1c, G9).

use super::{Dot, History, Interval};
use crate::types::{ActorIndex, Hlc};

/// A new dot and where its interval starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mint {
    /// The name of the write.
    pub dot: Dot,
    /// The first hlc that the write adds to the history; the last is the dot's.
    pub interval_from: Hlc,
}

impl Mint {
    /// What the write adds to the history.
    pub fn interval(self) -> Interval {
        Interval {
            from: self.interval_from,
            to: self.dot.hlc,
        }
    }
}

/// The mint of a write on a record with this history: `[top + 1, hlc]` when the record was held
/// without a break (see [`may_extend`]), `[hlc, hlc]` otherwise.
pub fn mint(history: &History, actor: ActorIndex, hlc: Hlc, extend: bool) -> Mint {
    mint_above(history.top(actor), actor, hlc, extend)
}

/// [`mint`] for whoever knows the actor's top without a [`History`] at hand: on a simple record it
/// is the hlc of the version, or none if another actor minted that.
pub fn mint_above(top: Option<Hlc>, actor: ActorIndex, hlc: Hlc, extend: bool) -> Mint {
    let start = match top {
        None => Hlc(0),
        Some(top) => Hlc(top.0.saturating_add(1)),
    };
    // A clock at or behind its own top would be a broken promise: then nothing is claimed but the
    // dot itself.
    let interval_from = if extend && start <= hlc { start } else { hlc };
    Mint {
        dot: Dot::new(actor, hlc),
        interval_from,
    }
}

/// Whether this node has held the key's record without a break since its actor last minted on it.
///
/// `mine`: the record's bit, set by this actor's mint and clear when the entry came from outside.
/// `last_dropped`: the hlc at which this partition last dropped a record (evicted, hint removed,
/// partition given up). `floor`: the floor's entry for this actor, below which nothing is unknown.
pub fn may_extend(mine: bool, last_dropped: Option<Hlc>, floor: Option<Hlc>) -> bool {
    mine || match last_dropped {
        None => true,
        Some(dropped) => floor.is_some_and(|floor| dropped < floor),
    }
}
