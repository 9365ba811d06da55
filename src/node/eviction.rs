//! Which records leave the table when it is full. Two callers: the cache engine, which loses keys by
//! Redis's `maxmemory-policy`, and the table over the tree, which only forgets clean copies.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::env::rng::Sampler;
use crate::store::table::Entry;

/// Redis's eviction policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EvictionPolicy {
    /// Refuse writes.
    #[default]
    NoEviction,
    /// The least recently used key.
    AllKeysLru,
    /// The least frequently used key.
    AllKeysLfu,
    /// Any key.
    AllKeysRandom,
    /// The least recently used key with an expiry.
    VolatileLru,
    /// The least frequently used key with an expiry.
    VolatileLfu,
    /// Any key with an expiry.
    VolatileRandom,
    /// The key that expires soonest.
    VolatileTtl,
}

const NAMES: [(&str, EvictionPolicy); 8] = [
    ("noeviction", EvictionPolicy::NoEviction),
    ("allkeys-lru", EvictionPolicy::AllKeysLru),
    ("allkeys-lfu", EvictionPolicy::AllKeysLfu),
    ("allkeys-random", EvictionPolicy::AllKeysRandom),
    ("volatile-lru", EvictionPolicy::VolatileLru),
    ("volatile-lfu", EvictionPolicy::VolatileLfu),
    ("volatile-random", EvictionPolicy::VolatileRandom),
    ("volatile-ttl", EvictionPolicy::VolatileTtl),
];

impl EvictionPolicy {
    /// By Redis's name.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, p)| *p)
    }

    /// Redis's name.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, policy)| *policy == self)
            .map_or("noeviction", |(name, _)| name)
    }

    /// All names, for error messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Does it count frequency rather than recency?
    pub fn counts_frequency(self) -> bool {
        matches!(self, Self::AllKeysLfu | Self::VolatileLfu)
    }

    /// Does it only look at keys with an expiry?
    pub fn only_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }
}

/// Eviction settings as the hot path reads them.
#[derive(Debug, Default)]
pub struct Eviction {
    policy: AtomicU8,
    /// Logical bytes the table may hold; 0: no bound.
    pub bound: AtomicU64,
}

impl Eviction {
    /// The policy.
    #[inline]
    pub fn policy(&self) -> EvictionPolicy {
        let number = usize::from(self.policy.load(Ordering::Relaxed));
        NAMES
            .get(number)
            .map_or(EvictionPolicy::NoEviction, |(_, policy)| *policy)
    }

    /// Changes the policy.
    pub fn set_policy(&self, policy: EvictionPolicy) {
        let number = NAMES
            .iter()
            .position(|(_, known)| *known == policy)
            .unwrap_or_default();
        self.policy.store(number as u8, Ordering::Relaxed);
    }
}

/// A new key's frequency, so that it is not the first to go.
const LFU_START: u32 = 5;
/// Minutes for one step of decay.
const LFU_DECAY_MINUTES: u32 = 1;
const LFU_FACTOR: u32 = 10;

/// Notes a use of an entry at `now` seconds; frequency is Redis's logarithmic counter: 16 bits of
/// minutes, 8 bits of count.
#[inline]
pub fn touch(entry: &mut Entry, now: u32, frequency: bool, chance: impl FnOnce() -> u32) {
    if frequency {
        let count = decayed(entry.used(), now);
        let base = count.saturating_sub(LFU_START);
        let grow = count < 255 && chance().is_multiple_of(base * LFU_FACTOR + 1);
        entry.set_used(((now / 60) & 0xFFFF) << 8 | (count + u32::from(grow)));
    } else if entry.used() != now {
        entry.set_used(now);
    }
}

/// How a new entry begins.
#[inline]
pub fn first_use(now: u32, frequency: bool) -> u32 {
    if frequency {
        ((now / 60) & 0xFFFF) << 8 | LFU_START
    } else {
        now
    }
}

/// An entry used now, with this frequency.
pub fn used_often(now: u32, count: u8) -> u32 {
    ((now / 60) & 0xFFFF) << 8 | u32::from(count)
}

/// The frequency of an entry last used at `used`, decayed to `now`.
pub fn decayed(used: u32, now: u32) -> u32 {
    let minutes = (now / 60).wrapping_sub(used >> 8) & 0xFFFF;
    (used & 0xFF).saturating_sub(minutes / LFU_DECAY_MINUTES)
}

/// How gladly an entry is given up: greater goes first.
pub fn idleness(
    entry: &Entry,
    expiry_ms: Option<u64>,
    policy: EvictionPolicy,
    now: u32,
    sampler: &mut Sampler,
) -> u64 {
    match policy {
        EvictionPolicy::AllKeysLfu | EvictionPolicy::VolatileLfu => {
            255 - u64::from(decayed(entry.used(), now))
        }
        EvictionPolicy::VolatileTtl => u64::MAX - expiry_ms.unwrap_or(u64::MAX),
        EvictionPolicy::AllKeysRandom | EvictionPolicy::VolatileRandom => sampler.bits(),
        _ => u64::from(now.wrapping_sub(entry.used())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (name, policy) in NAMES {
            assert_eq!(EvictionPolicy::parse(name), Some(policy));
            assert_eq!(policy.name(), name);
        }
        assert_eq!(EvictionPolicy::parse("nosuch"), None);
    }

    #[test]
    fn frequency_grows_ever_slower_and_decays() {
        let mut entry = Entry::marker(b"k", 0);
        entry.set_used(first_use(0, true));
        for _ in 0..1_000 {
            touch(&mut entry, 0, true, || 0);
        }
        assert_eq!(decayed(entry.used(), 0), 255);
        assert_eq!(decayed(entry.used(), 100 * 60), 155);
        assert_eq!(decayed(entry.used(), 1_000 * 60), 0);
    }
}
