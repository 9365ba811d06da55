//! Deadlines of one database's hot keys in one partition, soonest first, with their sum: INFO's average
//! is there without a walk.

use std::collections::BTreeSet;

use crate::types::{Token, WallMs};

/// Deadlines by time.
#[derive(Debug, Default)]
pub struct Deadlines {
    by_time: BTreeSet<(WallMs, Token)>,
    sum: u128,
}

impl Deadlines {
    /// Notes a deadline.
    #[inline]
    pub fn insert(&mut self, deadline: (WallMs, Token)) {
        if self.by_time.insert(deadline) {
            self.sum += u128::from(deadline.0.0);
        }
    }

    /// Takes a deadline out, if it is there.
    #[inline]
    pub fn remove(&mut self, deadline: &(WallMs, Token)) {
        if self.by_time.remove(deadline) {
            self.sum -= u128::from(deadline.0.0);
        }
    }

    /// The soonest.
    pub fn first(&self) -> Option<(WallMs, Token)> {
        self.by_time.first().copied()
    }

    /// Takes the soonest out, if it has passed.
    pub fn pop_due(&mut self, now: WallMs) -> Option<(WallMs, Token)> {
        let due = self.first().filter(|(at, _)| *at <= now)?;
        self.remove(&due);
        Some(due)
    }

    /// The soonest of those whose place lies `share` of 2^64 between the first and the last: for
    /// sampling. Even as far as the deadlines are spread evenly.
    pub fn sample(&self, share: u64) -> Option<(WallMs, Token)> {
        let (first, last) = (self.by_time.first()?.0.0, self.by_time.last()?.0.0);
        let offset = (u128::from(share) * (u128::from(last - first) + 1)) >> 64;
        let from = (WallMs(first + offset as u64), Token(0));
        self.by_time.range(from..).next().copied()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_time.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    /// The sum of the deadlines, in milliseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sum_is_that_of_what_is_there(
            steps in prop::collection::vec((0_u64..50, 0_u64..4, any::<bool>()), 0..200),
        ) {
            let (mut deadlines, mut model) = (Deadlines::default(), BTreeSet::new());
            for (at, token, insert) in steps {
                let deadline = (WallMs(at), Token(token));
                if insert {
                    deadlines.insert(deadline);
                    model.insert(deadline);
                } else {
                    deadlines.remove(&deadline);
                    model.remove(&deadline);
                }
                let sum: u128 = model.iter().map(|(at, _)| u128::from(at.0)).sum();
                prop_assert_eq!((deadlines.len(), deadlines.sum()), (model.len(), sum));
                prop_assert_eq!(deadlines.first(), model.first().copied());
            }
            while let Some(due) = deadlines.pop_due(WallMs(25)) {
                prop_assert!(due.0 <= WallMs(25) && model.remove(&due));
            }
            prop_assert!(model.iter().all(|(at, _)| *at > WallMs(25)));
            for share in [0, 1 << 63, u64::MAX] {
                let sampled = deadlines.sample(share);
                prop_assert_eq!(sampled.is_some(), !model.is_empty());
                prop_assert!(sampled.is_none_or(|deadline| model.contains(&deadline)));
            }
            prop_assert_eq!(deadlines.is_empty(), model.is_empty());
        }
    }
}
