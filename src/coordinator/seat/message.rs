//! What nodes say to each other about seats. Four messages, each for many partitions at once, so
//! that a dead node of a ring costs every claimant two messages per peer: its claim, and the yield.
//!
//! ```text
//!  claimant ── Claim ──────────▶ owner        I coordinate these from now on, under this epoch
//!           ◀───────── Yield ──               you do; I no longer did; of these I was serving ...
//!           ◀────── Promised ──               no: I have already promised a later epoch
//!  replica  ── Promised ───────▶ writer       (in an acknowledgement) your write is not the seat's
//!           ── Foreign ────────▶ seat         somebody else wrote here, and I took the state
//! ```

use super::Partitions;
use crate::types::{Hlc, NodeId, PartitionId};

/// One tenure of a seat: who claimed, and when by its hybrid clock. Later epochs win; a node claims
/// under rising times only, also across restarts, so that no epoch is claimed twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// When it was claimed. Stands first: the order goes by time.
    pub hlc: Hlc,
    /// Who claimed. The id 0 is nobody's: see [`Epoch::forgotten`].
    pub node: NodeId,
}

/// The id that stands for "nobody" in an epoch. Node ids are 128 random bits.
const NOBODY: NodeId = NodeId(0);

impl Epoch {
    /// Before every claim: what the write of a coordinator that holds no claim carries.
    pub const NONE: Self = Self {
        hlc: Hlc(0),
        node: NOBODY,
    };

    /// What a node that has just started is taken to have promised: it has forgotten to whom, but
    /// its clock was above every epoch it had promised before, so nothing below `hlc` may pass.
    pub fn forgotten(hlc: Hlc) -> Self {
        Self { hlc, node: NOBODY }
    }

    /// The node that claimed it, if it is a claim.
    pub fn seat(self) -> Option<NodeId> {
        (self.node != NOBODY).then_some(self.node)
    }
}

/// What a replica puts into its acknowledgement of a write that was not the seat's: the state was
/// taken, but whoever sent it is not (or no longer) the one this replica has promised to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The partition that was written.
    pub partition: PartitionId,
    /// The epoch that the replica has promised.
    pub promised: Epoch,
}

impl From<Notice> for Message {
    /// The notice as its receiver's machine takes it.
    fn from(notice: Notice) -> Self {
        let partitions = [notice.partition].into_iter().collect();
        Self::Promised {
            promises: vec![(notice.promised, partitions)],
        }
    }
}

/// A message between two machines. The sender's id and clock are the frame's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The sender claims these partitions under the epoch (`hlc`, sender).
    Claim {
        /// The time of the epoch.
        hlc: Hlc,
        /// What is claimed.
        partitions: Partitions,
    },
    /// The sender has promised the receiver's epoch of `hlc`, and coordinates these no more.
    Yield {
        /// The time of the receiver's epoch.
        hlc: Hlc,
        /// What is yielded.
        partitions: Partitions,
        /// Those among them that the sender was serving until now: nobody else was.
        served: Partitions,
    },
    /// The sender has promised these epochs: a refusal of an earlier claim, or a [`Notice`].
    Promised {
        /// Epochs in rising order, the partitions of each.
        promises: Vec<(Epoch, Partitions)>,
    },
    /// To the seat: the sender took a write of these from a coordinator that is not the seat.
    Foreign {
        /// What was written.
        partitions: Partitions,
    },
}
