//! When each peer was asked something and when it was last heard, as workers note it: two stores a group
//! instead of a message to the failure detector.

use std::sync::atomic::{AtomicU64, Ordering};

use super::view::NodeIndex;
use crate::types::{Actor, Hlc};

/// Nodes that are watched: more than a cluster has members that answer.
const NODES: usize = 4_096;

#[derive(Debug, Default)]
struct Pulse {
    asked_ms: AtomicU64,
    heard_ms: AtomicU64,
    /// Its present life's actor, and the last hybrid time heard from it.
    actor: AtomicU64,
    hlc: AtomicU64,
}

/// By node index, in milliseconds since some moment before the node started.
#[derive(Debug)]
pub struct Pulses(Box<[Pulse]>);

impl Default for Pulses {
    fn default() -> Self {
        Self((0..NODES).map(|_| Pulse::default()).collect())
    }
}

impl Pulses {
    /// Something that wants an answer has gone to a peer. Kept is the first of what is unanswered.
    #[inline]
    pub fn asked(&self, peer: NodeIndex, now_ms: u64) {
        if let Some(pulse) = self.0.get(usize::from(peer.0))
            && pulse.asked_ms.load(Ordering::Relaxed) <= pulse.heard_ms.load(Ordering::Relaxed)
        {
            pulse.asked_ms.store(now_ms.max(1), Ordering::Relaxed);
        }
    }

    /// A peer has answered.
    #[inline]
    pub fn heard(&self, peer: NodeIndex, now_ms: u64) {
        if let Some(pulse) = self.0.get(usize::from(peer.0)) {
            pulse.heard_ms.store(now_ms.max(1), Ordering::Relaxed);
        }
    }

    /// A peer's present life: all that an earlier one was heard of is forgotten.
    pub fn lives(&self, peer: NodeIndex, actor: Actor, hlc: Hlc) {
        if let Some(pulse) = self.0.get(usize::from(peer.0)) {
            if pulse.actor.swap(actor.0, Ordering::AcqRel) == actor.0 {
                pulse.hlc.fetch_max(hlc.0, Ordering::AcqRel);
            } else {
                pulse.hlc.store(hlc.0, Ordering::Release);
            }
        }
    }

    /// A frame of a peer carried this hybrid time: what it holds was minted up to then.
    #[inline]
    pub fn heard_at(&self, peer: NodeIndex, hlc: Hlc) {
        if let Some(pulse) = self.0.get(usize::from(peer.0)) {
            pulse.hlc.fetch_max(hlc.0, Ordering::Relaxed);
        }
    }

    /// The actor of a peer's present life and the last hybrid time heard from it, if it was ever heard.
    pub fn minted(&self, peer: NodeIndex) -> Option<(Actor, Hlc)> {
        let pulse = self.0.get(usize::from(peer.0))?;
        let actor = pulse.actor.load(Ordering::Acquire);
        (actor != 0).then(|| (Actor(actor), Hlc(pulse.hlc.load(Ordering::Acquire))))
    }

    /// When it was asked and heard; asked after heard: it owes an answer.
    pub fn of(&self, peer: NodeIndex) -> (u64, u64) {
        let pulse = self.0.get(usize::from(peer.0));
        pulse.map_or((0, 0), |pulse| {
            (
                pulse.asked_ms.load(Ordering::Relaxed),
                pulse.heard_ms.load(Ordering::Relaxed),
            )
        })
    }
}
