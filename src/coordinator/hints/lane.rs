//! The way to one node: which hints wait for it, and how much is on its way. A node that failed is
//! left alone until the next look, and then asked with one hint before the rest follows, so that
//! nobody sends a window at a node that is down.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::book::HintId;

/// How readily a node is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Not until the next look, or until it is believed up.
    #[default]
    Held,
    /// One at a time, until one is acknowledged.
    Probing,
    /// As much as the window holds.
    Flowing,
}

impl Pace {
    /// A look at everything: who was held is tried.
    pub(crate) fn look(&mut self) {
        if *self == Self::Held {
            *self = Self::Probing;
        }
    }

    /// It acknowledged something.
    pub(crate) fn acknowledged(&mut self) {
        if *self == Self::Probing {
            *self = Self::Flowing;
        }
    }
}

/// The hints owed to one node.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) pace: Pace,
    /// Owed and not on their way.
    pub(super) waiting: BTreeSet<HintId>,
    /// On their way.
    pub(super) sent: usize,
    /// Their bytes.
    pub(super) sent_bytes: u64,
    /// The last one sent: the next look goes on behind it, so that a hint which is refused each
    /// time does not stand before all others.
    pub(super) last: HintId,
}

impl Lane {
    /// The next hint to send, if any waits.
    pub(super) fn next(&self) -> Option<HintId> {
        let behind = (Bound::Excluded(self.last), Bound::Unbounded);
        let next = self.waiting.range(behind).next();
        next.or_else(|| self.waiting.first()).copied()
    }

    /// Whether something of this size may go now.
    pub(super) fn has_room(&self, bytes: u64, window_bytes: u64) -> bool {
        match self.pace {
            Pace::Held => false,
            Pace::Probing => self.sent == 0,
            Pace::Flowing => self.sent == 0 || self.sent_bytes + bytes <= window_bytes,
        }
    }

    pub(super) fn depart(&mut self, hint: HintId, bytes: u64) {
        self.waiting.remove(&hint);
        self.last = hint;
        self.sent += 1;
        self.sent_bytes += bytes;
    }

    pub(super) fn arrive(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_sub(1);
        self.sent_bytes = self.sent_bytes.saturating_sub(bytes);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.sent == 0
    }
}
