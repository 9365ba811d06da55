//! What a change of layout moves: who gets a copy of which partition, and who may let one go.

use crate::types::{NodeId, PartitionId};

use super::Layout;

/// A replica that comes to be with the new layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// Of which partition.
    pub partition: PartitionId,
    /// The owner whose place it takes, which may have left; none if the partition has more replicas
    /// than before. Any owner of the older layout can be copied from.
    pub from: Option<NodeId>,
    /// Who is to hold it.
    pub to: NodeId,
}

/// A replica that ceases to be once the old layout has retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    /// Of which partition.
    pub partition: PartitionId,
    /// Who owned it.
    pub node: NodeId,
}

/// Every replica that `new` has and `old` has not, by partition.
///
/// Both are layouts of one cluster: the number of partitions never changes.
pub fn moves(old: &Layout, new: &Layout) -> Vec<Move> {
    let mut found = Vec::new();
    for partition in new.every_partition() {
        let mut gone = old.owners(partition).filter(|o| !new.owns(*o, partition));
        let gained = new.owners(partition).filter(|o| !old.owns(*o, partition));
        found.extend(gained.map(|to| Move {
            partition,
            from: gone.next(),
            to,
        }));
    }
    found
}

/// Every replica that `old` has and `new` has not, by partition; those of nodes that left too.
pub fn drops(old: &Layout, new: &Layout) -> Vec<Dropped> {
    let mut found = Vec::new();
    for partition in old.every_partition() {
        let gone = old.owners(partition).filter(|o| !new.owns(*o, partition));
        found.extend(gone.map(|node| Dropped { partition, node }));
    }
    found
}
