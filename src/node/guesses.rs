//! Failed AUTH attempts by address: ten a second, then an error without judging.

use std::collections::BTreeMap;
use std::net::IpAddr;

use parking_lot::Mutex;

use crate::types::WallMs;

/// Judged tries in one second.
const TRIES: u32 = 10;

/// Addresses remembered; beyond, those of past seconds are forgotten, and if all are of this one,
/// newcomers share one entry's fate: refused.
const ADDRESSES: usize = 10_000;

/// Who has been guessing.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<BTreeMap<IpAddr, (u64, u32)>>);

impl Guesses {
    /// Notes a failed try; false when it is one too many and must not be judged.
    pub fn failed(&self, from: IpAddr, now: WallMs) -> bool {
        let second = now.0 / 1_000;
        let mut all = self.0.lock();
        if all.len() >= ADDRESSES {
            all.retain(|_, (at, _)| *at == second);
            if all.len() >= ADDRESSES {
                return false;
            }
        }
        let (at, tries) = all.entry(from).or_insert((second, 0));
        if *at != second {
            (*at, *tries) = (second, 0);
        }
        *tries += 1;
        *tries <= TRIES
    }

    /// May a try from this address be judged now?
    pub fn may_try(&self, from: IpAddr, now: WallMs) -> bool {
        let second = now.0 / 1_000;
        self.0
            .lock()
            .get(&from)
            .is_none_or(|(at, tries)| *at != second || *tries < TRIES)
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
}
