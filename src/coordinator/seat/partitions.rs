//! A set of partitions as runs of consecutive ids: what claims and yields speak of, since a dead
//! node concerns many partitions at once and neighbours tend to share their owners.
//!
//! Always: runs are sorted, disjoint and do not touch, so that a set has one form.

use crate::types::PartitionId;

/// The most partitions a ring has (`cluster.partitions`); ids are below it.
pub const MAX_PARTITIONS: u16 = 4096;

/// One run of consecutive partitions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u16,
    pub(super) last: u16,
}

/// A set of partitions, kept as runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partitions {
    runs: Vec<Run>,
}

impl Partitions {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Number of partitions in it.
    pub fn len(&self) -> usize {
        let lengths = self.runs.iter().map(|run| run.last - run.first);
        lengths.map(|more| usize::from(more) + 1).sum()
    }

    /// Whether `partition` is in it.
    pub fn contains(&self, partition: PartitionId) -> bool {
        let after = self.runs.partition_point(|run| run.last < partition.0);
        self.runs
            .get(after)
            .is_some_and(|run| run.first <= partition.0)
    }

    /// Adds one. Cheap at the end, which is where a walk in order adds.
    pub fn insert(&mut self, partition: PartitionId) {
        let id = partition.0;
        if self.contains(partition) {
            return;
        }
        let at = self.runs.partition_point(|run| run.last < id);
        let touches_next = self
            .runs
            .get(at)
            .is_some_and(|run| run.first.checked_sub(1) == Some(id));
        let before = at.checked_sub(1).and_then(|i| self.runs.get_mut(i));
        let joined = match before.filter(|run| run.last.checked_add(1) == Some(id)) {
            Some(run) => {
                run.last = id;
                true
            }
            None => false,
        };
        match (joined, touches_next) {
            (true, true) => {
                let next = self.runs.remove(at);
                if let Some(run) = at.checked_sub(1).and_then(|i| self.runs.get_mut(i)) {
                    run.last = next.last;
                }
            }
            (true, false) => {}
            (false, true) => {
                if let Some(run) = self.runs.get_mut(at) {
                    run.first = id;
                }
            }
            (false, false) => self.runs.insert(
                at,
                Run {
                    first: id,
                    last: id,
                },
            ),
        }
    }

    /// The partitions, in order.
    pub fn iter(&self) -> impl Iterator<Item = PartitionId> + '_ {
        let runs = self.runs.iter();
        runs.flat_map(|run| (run.first..=run.last).map(PartitionId))
    }

    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Appends a run that a decoder has read; `None` unless it stands after the others with a gap.
    pub(super) fn push_run(&mut self, run: Run) -> Option<()> {
        let apart = self
            .runs
            .last()
            .is_none_or(|before| u32::from(before.last) + 1 < u32::from(run.first));
        if !apart || run.last < run.first || run.last >= MAX_PARTITIONS {
            return None;
        }
        self.runs.push(run);
        Some(())
    }
}

impl FromIterator<PartitionId> for Partitions {
    fn from_iter<I: IntoIterator<Item = PartitionId>>(ids: I) -> Self {
        let mut set = Self::new();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_runs_is_a_set(ids in proptest::collection::vec(0..40u16, 0..60)) {
            let wanted: BTreeSet<u16> = ids.iter().copied().collect();
            let set: Partitions = ids.into_iter().map(PartitionId).collect();
            prop_assert_eq!(set.iter().map(|p| p.0).collect::<Vec<_>>(),
                wanted.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), wanted.len());
            prop_assert!((0..40).all(|id| set.contains(PartitionId(id)) == wanted.contains(&id)));
            let apart = set.runs().windows(2).all(|two| two[0].last + 1 < two[1].first);
            prop_assert!(apart);
        }
    }
}
