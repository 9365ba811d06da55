//! The hybrid logical clock of a node: monotone, also across restarts, and never behind what it has
//! heard. Pure: the wall clock is an argument. The decisions are free functions, so that a hot path
//! may keep `last` in an atomic and apply the same rules.
//!
//! Across restarts: times up to a *ceiling* are leased, that is, the ceiling is durable before any
//! time up to it is given out, and a start begins at the ceiling that it finds. A clock whose last
//! time is at the ceiling is *exhausted* and must not mint until the next lease is durable.

use thiserror::Error;

use crate::types::{Hlc, WallMs};

/// How far ahead of now a lease reaches. The next one is asked for when half of it is left, so a
/// disk may stall for this long before minting stops.
pub const LEASE_MS: u64 = 60_000;

/// A peer's time is further ahead of our wall clock than the limit; it was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the peer's clock is {ahead_ms} ms ahead, the limit is {limit_ms} ms")]
pub struct SkewTooLarge {
    /// How far ahead it is.
    pub ahead_ms: u64,
    /// The limit in force.
    pub limit_ms: u64,
}

/// The next time to give out: above the last one, and with the wall clock as far as the lease
/// allows. Ask [`is_exhausted`] first.
#[inline]
pub fn next_hlc(last: Hlc, wall: WallMs, ceiling: Hlc) -> Hlc {
    let above = last.0.saturating_add(1);
    Hlc(above.max(from_wall(wall).0.min(ceiling.0)))
}

/// Whether the lease is used up, so that nothing may be minted before the next one is durable.
#[inline]
pub fn is_exhausted(last: Hlc, ceiling: Hlc) -> bool {
    last >= ceiling
}

/// What `last` becomes after hearing `remote`: at least that, without regard to our own wall clock.
/// Only a peer more than `max_skew_ms` ahead of it is refused.
pub fn observed(
    last: Hlc,
    remote: Hlc,
    wall: WallMs,
    max_skew_ms: u64,
) -> Result<Hlc, SkewTooLarge> {
    if remote <= last {
        return Ok(last);
    }
    let ahead_ms = remote.wall().0.saturating_sub(wall.0);
    if ahead_ms > max_skew_ms {
        return Err(SkewTooLarge {
            ahead_ms,
            limit_ms: max_skew_ms,
        });
    }
    Ok(remote)
}

/// The ceiling to lease next, once less than half a lease is left; `None` while there is more.
pub fn lease_needed(last: Hlc, wall: WallMs, ceiling: Hlc) -> Option<Hlc> {
    let now = last.max(from_wall(wall));
    if ceiling >= ahead(now, LEASE_MS / 2) {
        return None;
    }
    Some(ahead(now, LEASE_MS))
}

/// The clock of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HlcClock {
    last: Hlc,
    ceiling: Hlc,
}

impl HlcClock {
    /// The clock of a node that found this ceiling on disk; `Hlc(0)` for a new node. It is
    /// exhausted until the first lease is granted.
    pub fn new(ceiling: Hlc) -> Self {
        Self {
            last: ceiling,
            ceiling,
        }
    }

    /// A new time, above all before it. Not to be called on an exhausted clock.
    pub fn tick(&mut self, wall: WallMs) -> Hlc {
        self.last = next_hlc(self.last, wall, self.ceiling);
        self.last
    }

    /// Takes over a time that a peer's frame carried.
    pub fn observe(
        &mut self,
        remote: Hlc,
        wall: WallMs,
        max_skew_ms: u64,
    ) -> Result<(), SkewTooLarge> {
        self.last = observed(self.last, remote, wall, max_skew_ms)?;
        Ok(())
    }

    /// The ceiling to make durable next, if it is time.
    pub fn needs_lease(&self, wall: WallMs) -> Option<Hlc> {
        lease_needed(self.last, wall, self.ceiling)
    }

    /// A new ceiling is durable.
    pub fn granted(&mut self, ceiling: Hlc) {
        self.ceiling = self.ceiling.max(ceiling);
    }

    /// Whether nothing may be minted before the next lease is granted.
    pub fn is_exhausted(&self) -> bool {
        is_exhausted(self.last, self.ceiling)
    }

    /// The last time given out or heard: what our frames carry.
    pub fn last(&self) -> Hlc {
        self.last
    }

    /// The end of the lease.
    pub fn ceiling(&self) -> Hlc {
        self.ceiling
    }
}

/// [`Hlc::from_wall`] for a wall clock that may be absurd: 48 bits of milliseconds at most.
fn from_wall(wall: WallMs) -> Hlc {
    Hlc::from_wall(WallMs(wall.0.min(u64::MAX >> 16)))
}

fn ahead(hlc: Hlc, milliseconds: u64) -> Hlc {
    Hlc(hlc.0.saturating_add(milliseconds << 16))
}
