//! What the machine has decided, as a snapshot that worker threads read without a lock: who
//! coordinates each partition, and what this node has promised. Every query is O(1) or O(owners)
//! and allocates nothing; a snapshot is immutable, and a new one is published when anything changed.

use std::sync::Arc;

use super::{Epoch, Notice};
use crate::types::{NodeId, PartitionId};

/// This node's part in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It coordinates every write, on its own copy alone.
    Seated {
        /// Its tenure. A write is clean if this still holds when its W acknowledgements are in.
        epoch: Epoch,
    },
    /// It coordinates, but its copy may lack what others have acknowledged.
    Unseated {
        /// Owners of each live layout, itself included, to read before a read-modify-write.
        reads: u8,
    },
    /// It coordinates nothing here: pass the command on, or refuse with this name.
    Elsewhere {
        /// The node to name.
        seat: NodeId,
    },
}

/// One partition, as small as it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) standing: Standing,
    /// The latest epoch that this node has promised: its own while it holds a claim.
    pub(super) promise: Epoch,
    /// Which of the owners, by their place in `order`, have yielded to our own claim.
    pub(super) yielded: u32,
}

/// The owners of each partition, older layout first: shared by all snapshots between two layouts.
pub(super) type Orders = Arc<Vec<Vec<NodeId>>>;

/// A snapshot of all partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatMap {
    pub(super) me: NodeId,
    pub(super) orders: Orders,
    pub(super) entries: Vec<Entry>,
}

impl SeatMap {
    /// A node that knows no layout: it coordinates what it is asked to, and trusts nothing.
    pub(super) fn new(me: NodeId) -> Self {
        Self {
            me,
            orders: Arc::default(),
            entries: Vec::new(),
        }
    }

    pub(super) fn entry(&self, partition: PartitionId) -> Option<&Entry> {
        self.entries.get(usize::from(partition.0))
    }

    fn order(&self, partition: PartitionId) -> &[NodeId] {
        let order = self.orders.get(usize::from(partition.0));
        order.map(Vec::as_slice).unwrap_or_default()
    }

    /// What this node does with a write to `partition`. To be asked under the partition's lock, and
    /// again when the write's W acknowledgements are in. A partition without owners is unseated.
    pub fn standing(&self, partition: PartitionId) -> Standing {
        self.entry(partition)
            .map_or(Standing::Unseated { reads: 1 }, |entry| entry.standing)
    }

    /// The latest epoch that this node has promised. It goes with every answer to the read of an
    /// unseated coordinator, which counts only answers that promise its own epoch.
    pub fn promised(&self, partition: PartitionId) -> Epoch {
        self.entry(partition)
            .map_or(Epoch::NONE, |entry| entry.promise)
    }

    /// Whom a command goes to: this node itself if it coordinates or can reach nobody better; the
    /// seat if it can be reached; else another owner, which may reach the seat (the second hop).
    pub fn route(&self, partition: PartitionId, reachable: impl Fn(NodeId) -> bool) -> NodeId {
        let Standing::Elsewhere { seat } = self.standing(partition) else {
            return self.me;
        };
        if reachable(seat) {
            return seat;
        }
        let others = self.order(partition).iter().copied();
        others
            .filter(|owner| *owner != self.me && *owner != seat)
            .find(|owner| reachable(*owner))
            .unwrap_or(self.me)
    }

    /// The epoch that a write to `to` must carry: none, and no byte, if `to` has yielded to it.
    pub fn stamp(&self, partition: PartitionId, to: NodeId) -> Option<Epoch> {
        let Some(entry) = self.entry(partition) else {
            return Some(Epoch::NONE);
        };
        if entry.promise.node != self.me || matches!(entry.standing, Standing::Elsewhere { .. }) {
            return Some(Epoch::NONE);
        }
        let place = self.order(partition).iter().position(|owner| *owner == to);
        let knows = place.is_some_and(|place| entry.yielded & (1 << place) != 0);
        (!knows).then_some(entry.promise)
    }

    /// A replica has *taken* a write that `from` coordinated under `epoch` (as [`stamp`](Self::stamp)
    /// gave it), and asks before it acknowledges. `Some`: the notice goes into the acknowledgement,
    /// and the machine hears of it as [`Input::WroteForeign`](super::Input::WroteForeign).
    ///
    /// First take, then ask: a yield that this snapshot does not show has not left yet, so the
    /// exchange that follows it sees the write.
    pub fn observe_write(
        &self,
        partition: PartitionId,
        epoch: Option<Epoch>,
        from: NodeId,
    ) -> Option<Notice> {
        let promised = self.promised(partition);
        let by_the_seat = promised.node == from && epoch.is_none_or(|epoch| epoch == promised);
        (!by_the_seat).then_some(Notice {
            partition,
            promised,
        })
    }
}
