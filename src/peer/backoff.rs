//! How long to wait before a peer is dialed again. Pure: time and chance are arguments. What is always
//! true: a wait is between 25 ms and 2 s, so that a peer that comes back is found at once, as people
//! see it, and one that is down for long costs a dial a second at most.

use crate::types::MonoMs;

/// The first wait, before jitter.
const FIRST_MS: u64 = 50;

/// No wait is longer.
const LONGEST_MS: u64 = 2_000;

/// A connection that lived so long was a good one: the next wait is the first again.
const GOOD_MS: u64 = 1_000;

/// The waits between the dials of one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
    connected: Option<MonoMs>,
}

impl Backoff {
    /// The connection is there, proved.
    pub fn connected(&mut self, now: MonoMs) {
        self.connected = Some(now);
    }

    /// The dial failed, or the connection is lost: milliseconds to wait before the next dial. `chance`
    /// is 64 random bits; it chooses from half the wait to all of it, so that the nodes of a cluster
    /// do not dial a returning peer all at once.
    pub fn lost(&mut self, now: MonoMs, chance: u64) -> u64 {
        let lived_ms = self
            .connected
            .take()
            .map(|since| now.0.saturating_sub(since.0));
        if lived_ms.is_some_and(|lived_ms| lived_ms >= GOOD_MS) {
            self.failures = 0;
        }
        let doubled = FIRST_MS.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let wait_ms = doubled.min(LONGEST_MS);
        wait_ms / 2 + chance % (wait_ms / 2 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_two_seconds() {
        let mut backoff = Backoff::default();
        let longest = |backoff: &mut Backoff| {
            let wait = Backoff::clone(backoff).lost(MonoMs(0), 0);
            let half = backoff.lost(MonoMs(0), wait);
            assert_eq!(half, 2 * wait);
            half
        };
        let waits: Vec<_> = (0..8).map(|_| longest(&mut backoff)).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
    }

    #[test]
    fn chance_never_leaves_half_to_all() {
        for chance in [0, 1, 24, 25, 26, 1 << 40, u64::MAX] {
            let wait = Backoff::default().lost(MonoMs(0), chance);
            assert!((25..=50).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn a_good_second_begins_anew_and_a_bad_one_does_not() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.lost(MonoMs(0), 0);
        }
        backoff.connected(MonoMs(10));
        assert_eq!(backoff.lost(MonoMs(1_009), 0), 800);
        backoff.connected(MonoMs(2_000));
        assert_eq!(backoff.lost(MonoMs(3_000), 0), 25);
        // A dial that fails after that is no long connection.
        assert_eq!(backoff.lost(MonoMs(9_000), 0), 50);
    }

    #[test]
    fn a_thousand_failures_overflow_nothing() {
        let mut backoff = Backoff::default();
        let last = (0..1_000).map(|_| backoff.lost(MonoMs(0), u64::MAX)).last();
        assert!(last <= Some(2_000));
    }
}
