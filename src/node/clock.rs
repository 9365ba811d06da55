//! The node's hybrid clock, shared by all threads: one atomic, monotone, never beyond the ceiling
//! that is durable on disk (a restart begins above the ceiling, whatever its wall clock says).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::types::{Hlc, WallMs};
use crate::version::next_hlc;

/// How far ahead of the clock a ceiling is leased.
const LEASE_MS: u64 = 60_000;

/// Last hybrid time minted or seen, and the durable ceiling above it.
#[derive(Debug)]
pub struct HybridClock {
    last: AtomicU64,
    ceiling: AtomicU64,
}

impl HybridClock {
    /// A clock that starts above `floor` and may run up to `ceiling`.
    pub fn new(floor: Hlc, ceiling: Hlc) -> Self {
        Self {
            last: AtomicU64::new(floor.0),
            ceiling: AtomicU64::new(ceiling.0),
        }
    }

    /// A new hybrid time, greater than every one before.
    #[inline]
    pub fn tick(&self, wall: WallMs) -> Hlc {
        let ceiling = Hlc(self.ceiling.load(Ordering::Relaxed));
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            let next = next_hlc(Hlc(last), wall, ceiling);
            match self.last.compare_exchange_weak(
                last,
                next.0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return next,
                Err(seen) => last = seen,
            }
        }
    }

    /// A peer has said its time: ours becomes at least that, without regard to our wall clock.
    #[inline]
    pub fn observe(&self, remote: Hlc) {
        if remote.0 > self.last.load(Ordering::Relaxed) {
            self.last.fetch_max(remote.0, Ordering::Relaxed);
        }
    }

    /// The last time minted or seen.
    pub fn last(&self) -> Hlc {
        Hlc(self.last.load(Ordering::Relaxed))
    }

    /// The ceiling to lease next, when the present one is near.
    pub fn wanted_lease(&self, wall: WallMs) -> Option<Hlc> {
        let reached = self.last().0.max(Hlc::from_wall(wall).0);
        let ceiling = self.ceiling.load(Ordering::Relaxed);
        (reached + ((LEASE_MS / 2) << 16) > ceiling).then(|| Hlc(reached + (LEASE_MS << 16)))
    }

    /// The durable ceiling.
    pub fn ceiling(&self) -> Hlc {
        Hlc(self.ceiling.load(Ordering::Relaxed))
    }

    /// The lease is durable.
    pub fn granted(&self, ceiling: Hlc) {
        self.ceiling.fetch_max(ceiling.0, Ordering::Relaxed);
    }
}
