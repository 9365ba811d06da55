//! Failed AUTH attempts by address: at most ten in any second are judged, then an error without
//! judging.

use std::collections::BTreeMap;
use std::net::IpAddr;

use parking_lot::Mutex;

use crate::types::WallMs;

/// Judged tries in any second.
const TRIES: usize = 10;

/// The second.
const WINDOW_MS: u64 = 1_000;

/// Addresses remembered; beyond, those that have been quiet for a second are forgotten, and if none
/// has, newcomers share one fate: refused.
const ADDRESSES: usize = 10_000;

/// When the last ten judged tries of an address were, the oldest next; 0: there was none.
#[derive(Debug, Default)]
struct Tries {
    at_ms: [u64; TRIES],
    next: usize,
}

impl Tries {
    fn may_try(&self, now: WallMs) -> bool {
        let oldest = self.at_ms.get(self.next).copied().unwrap_or_default();
        // A wall clock that stepped back locks nobody out.
        oldest == 0 || oldest > now.0 || now.0 - oldest >= WINDOW_MS
    }

    fn note(&mut self, now: WallMs) {
        if let Some(oldest) = self.at_ms.get_mut(self.next) {
            *oldest = now.0;
        }
        self.next = (self.next + 1) % TRIES;
    }

    fn is_quiet(&self, now: WallMs) -> bool {
        self.at_ms
            .iter()
            .all(|at| now.0.saturating_sub(*at) >= WINDOW_MS)
    }
}

/// Who has been guessing.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<BTreeMap<IpAddr, Tries>>);

impl Guesses {
    /// Notes a failed try; false when it is one too many and must not be judged.
    pub fn failed(&self, from: IpAddr, now: WallMs) -> bool {
        let mut all = self.0.lock();
        if all.len() >= ADDRESSES && !all.contains_key(&from) {
            all.retain(|_, tries| !tries.is_quiet(now));
            if all.len() >= ADDRESSES {
                return false;
            }
        }
        let tries = all.entry(from).or_default();
        let judged = tries.may_try(now);
        if judged {
            tries.note(now);
        }
        judged
    }

    /// May a try from this address be judged now?
    pub fn may_try(&self, from: IpAddr, now: WallMs) -> bool {
        let all = self.0.lock();
        all.get(&from).is_none_or(|tries| tries.may_try(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_a_second_and_address() {
        let guesses = Guesses::default();
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let judged = (0..100)
            .filter(|_| guesses.failed(one, WallMs(5_000)))
            .count();
        assert_eq!(judged, 10);
        assert!(!guesses.may_try(one, WallMs(5_999)) && guesses.may_try(one, WallMs(6_000)));
        assert!(guesses.failed(other, WallMs(5_000)));
    }

    /// Ten at the end of one second and ten at the beginning of the next were twenty at once.
    #[test]
    fn no_second_has_more_than_ten_wherever_it_begins() {
        let guesses = Guesses::default();
        let one = IpAddr::from([127, 0, 0, 1]);
        let judged: Vec<u64> = (5_000..12_345)
            .step_by(7)
            .filter(|at| guesses.failed(one, WallMs(*at)))
            .collect();
        for tries in judged.windows(TRIES + 1) {
            assert!(tries[TRIES] - tries[0] >= 1_000, "{tries:?}");
        }
        assert!(
            judged.len() >= 70,
            "a guesser is slowed down, not locked out"
        );
    }

    #[test]
    fn a_crowd_of_addresses_is_bounded_and_forgotten_after_a_second() {
        let guesses = Guesses::default();
        let address = |n: u32| IpAddr::from((n + 1).to_be_bytes());
        for n in 0..ADDRESSES as u32 {
            assert!(guesses.failed(address(n), WallMs(5_000)));
        }
        assert!(!guesses.failed(address(1 << 20), WallMs(5_999)));
        assert!(
            guesses.failed(address(7), WallMs(5_999)),
            "known, with tries left"
        );
        assert!(guesses.failed(address(1 << 20), WallMs(6_000)));
        assert!(guesses.0.lock().len() < 10);
    }
}
