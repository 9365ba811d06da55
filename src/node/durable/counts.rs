//! How many keys there are, per partition and database, as far as the log knows: what an ingestion
//! stores with itself, so that DBSIZE is right at once after a restart.

use super::is_void;
use crate::node::stage::Change;
use crate::types::{ActorIndex, Database, PartitionId};
use crate::version::Floor;

/// Databases that a count can be kept for: SELECT's 0 to 255.
const DATABASES: usize = 256;

/// Keys by partition and database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// By partition, then by database; as long as the greatest database used.
    partitions: Vec<Vec<i64>>,
}

impl Counts {
    pub(super) fn new(partitions: u16) -> Self {
        Self {
            partitions: vec![Vec::new(); usize::from(partitions)],
        }
    }

    /// Adds a worker's changes, but for those that a flush has made void meanwhile.
    pub(super) fn add(&mut self, changes: &[Change], flushed: &[Floor], actor: ActorIndex) {
        for change in changes {
            if !is_void(change, flushed, actor) {
                self.change(change.partition, change.database, i64::from(change.by));
            }
        }
    }

    pub(super) fn change(&mut self, partition: PartitionId, database: Database, by: i64) {
        let Some(of) = self.partitions.get_mut(usize::from(partition.0)) else {
            return;
        };
        let index = usize::from(database.0);
        if index >= of.len() {
            of.resize((index + 1).min(DATABASES), 0);
        }
        if let Some(count) = of.get_mut(index) {
            *count += by;
        }
    }

    /// The databases are empty.
    pub(super) fn clear(&mut self, databases: &[Database]) {
        for of in &mut self.partitions {
            for database in databases {
                if let Some(count) = of.get_mut(usize::from(database.0)) {
                    *count = 0;
                }
            }
        }
    }

    /// All counts that are not zero.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PartitionId, Database, u64)> {
        self.partitions
            .iter()
            .enumerate()
            .flat_map(|(partition, of)| {
                of.iter().enumerate().filter(|(_, count)| **count > 0).map(
                    move |(database, count)| {
                        (
                            PartitionId(partition as u16),
                            Database(database as u8),
                            *count as u64,
                        )
                    },
                )
            })
    }

    /// All keys together.
    pub(super) fn total(&self) -> u64 {
        self.iter().map(|(.., count)| count).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        for (partition, database, count) in self.iter() {
            out.extend_from_slice(&partition.0.to_le_bytes());
            out.push(database.0);
            out.extend_from_slice(&count.to_le_bytes());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8], partitions: u16) -> Option<Self> {
        let (&1, mut rest) = bytes.split_first()? else {
            return None;
        };
        let mut counts = Self::new(partitions);
        while let Some((one, tail)) = rest.split_first_chunk::<11>() {
            let [p0, p1, database, count @ ..] = *one;
            let partition = PartitionId(u16::from_le_bytes([p0, p1]));
            counts.change(
                partition,
                Database(database),
                u64::from_le_bytes(count) as i64,
            );
            rest = tail;
        }
        rest.is_empty().then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Hlc;

    #[test]
    fn counts_come_back_and_a_flush_voids_what_was_before_it() {
        let mut counts = Counts::new(4);
        let change = |at| Change {
            partition: PartitionId(3),
            database: Database(1),
            by: 1,
            at: Hlc(at),
        };
        let mut marker = Floor::default();
        marker.raise(ActorIndex(0), Hlc(10));
        let flushed = [Floor::default(), marker];
        counts.add(
            &[change(9), change(10), change(11), change(12)],
            &flushed,
            ActorIndex(0),
        );
        assert_eq!(
            counts.iter().collect::<Vec<_>>(),
            [(PartitionId(3), Database(1), 2)]
        );
        assert_eq!(Counts::decode(&counts.encode(), 4), Some(counts.clone()));
        counts.clear(&[Database(1)]);
        assert_eq!(counts.iter().count(), 0);
        assert_eq!(Counts::decode(b"", 4), None);
    }
}
