//! Who owns which partition: the part of the ring that hints and missed lists ask for, as a value
//! that the caller makes anew whenever the live layouts change.

use std::sync::Arc;

use crate::types::{NodeId, PartitionId};

/// The owners of every partition, in all live layouts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    layout: u64,
    lists: Arc<[Box<[NodeId]>]>,
}

impl Owners {
    /// `lists` holds, per partition, each node that owns it in any live layout, once. `layout` is
    /// the number of the newest live layout.
    pub fn new(layout: u64, lists: impl IntoIterator<Item = Vec<NodeId>>) -> Self {
        Self {
            layout,
            lists: lists.into_iter().map(Vec::into_boxed_slice).collect(),
        }
    }

    /// The number of the newest live layout.
    pub fn layout(&self) -> u64 {
        self.layout
    }

    /// The owners of a partition; none if there is no such partition.
    pub fn of(&self, partition: PartitionId) -> &[NodeId] {
        self.lists
            .get(usize::from(partition.0))
            .map_or(&[], |list| list)
    }

    /// Whether the node owns the partition.
    pub fn owns(&self, node: NodeId, partition: PartitionId) -> bool {
        self.of(partition).contains(&node)
    }

    /// Whether the node owns anything.
    pub fn owns_any(&self, node: NodeId) -> bool {
        self.lists.iter().any(|list| list.contains(&node))
    }
}
