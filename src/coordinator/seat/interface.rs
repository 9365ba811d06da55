//! What the machine hears and what it asks for.

use super::{Epoch, Message, Partitions};
use crate::types::{Hlc, NodeId, PartitionId};

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// These layouts are live now, the older one first.
    LayoutsChanged {
        /// One or two tables: per partition its owners, first owner first.
        live: Vec<Vec<Vec<NodeId>>>,
        /// N of the cluster.
        n: u8,
        /// W of the cluster.
        w: u8,
    },
    /// The failure detector gave a node up; also, before [`BelievedUp`](Self::BelievedUp), when its
    /// handshake shows that it has started anew without having been missed.
    BelievedDown(NodeId),
    /// A node answers (again). Until told otherwise every node is believed up.
    BelievedUp(NodeId),
    /// A message arrived, or an acknowledgement carried a notice.
    Received {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        message: Message,
    },
    /// An exchange that [`Effect::Exchange`] asked for is complete: both sides hold the same.
    Exchanged {
        /// The claim of the effect.
        claim: Hlc,
        /// What was exchanged.
        partitions: Partitions,
        /// The owner it was exchanged with.
        with: NodeId,
    },
    /// [`SeatMap::observe_write`](super::SeatMap::observe_write) had something to say about a write that was taken here.
    WroteForeign {
        /// The partition written.
        partition: PartitionId,
        /// The epoch that the write carried.
        epoch: Option<Epoch>,
        /// Its coordinator.
        from: NodeId,
    },
    /// [`Seats::deadline`](super::Seats::deadline) has passed.
    Ticked,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message; it may be lost.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// Begin to exchange these partitions with each of `with`, now: state that either side has
    /// already must not be missed. Ends in one [`Input::Exchanged`] for each, or in its
    /// [`Input::BelievedDown`]; the caller repeats what a broken link has cut.
    Exchange {
        /// The claim it is for.
        claim: Hlc,
        /// What to exchange.
        partitions: Partitions,
        /// With whom.
        with: Vec<NodeId>,
    },
    /// This node is the seat of these now.
    Seated {
        /// Of which.
        partitions: Partitions,
    },
    /// This node was the seat of these and is no longer.
    Unseated {
        /// Of which.
        partitions: Partitions,
        /// Who is, as far as known; this node itself if it coordinates on as an unseated owner.
        seat: NodeId,
    },
    /// Take each partition's lock once, so that no command decided under the old snapshot is still
    /// running, and have every delta minted here on its way to `to` before the yield that follows.
    HandOver {
        /// Of which.
        partitions: Partitions,
        /// The claimant.
        to: NodeId,
    },
    /// Give workers the new [`Seats::map`](super::Seats::map) before anything that follows is done.
    Publish,
}
