//! Missed lists: what a coordinator could not deliver to an owner, so that the owner can be brought
//! up to date on its return without comparing everything.
//!
//! The paper's fallbacks (section 4.6) need a node to stand in. Three nodes at N = 3 have none, so
//! every restart would cost a whole anti-entropy. A note names a key, not a value: what is sent at
//! last is the record as it stands then, so a key written a thousand times is sent once.
//!
//! ```text
//!   write of k, owner C down
//!     note(C, k) ── logged with the group that holds k; does not count towards W
//!     note(C, k) ── stands already: nothing to do, nothing to log
//!   C believed up
//!     SendCurrent [k, ...] ──> C merges, logs
//!       note(C, k) while that is on its way: k stands once more, behind
//!     Delivered ──> Forget: everything noted up to there, in one entry
//!   too many keys for the bound
//!     they become "exchange partition p with C", a few bytes for each partition
//! ```
//!
//! Always:
//! - A note goes only once the owner has acknowledged a record read after the note was made, or an
//!   exchange begun after it.
//! - Notes of an owner leave in the order in which they came, so that one number forgets them.
//! - At most [`MissedLimits::owner_bytes`] are kept for one owner.

mod entry;
mod list;
mod notes;
mod queue;
mod replay;
mod resend;

use bytes::Bytes;

use super::hints::Owners;
use crate::types::{Database, NodeId, PartitionId, Token};

pub use entry::{Entry, EntryError, PARTITIONS_MAX, decode_entry, encode_entry};
pub use list::{MissedList, NOTED_KEY_MAX};
pub use notes::{BATCH_BYTES, BATCH_KEYS, BATCHES_MAX};
pub use queue::{INDEX_BYTES, NOTE_HEAD_BYTES};
pub use replay::Replay;
pub use resend::{BATCH_TIMEOUT_MS, LOOK_PERIOD_MS};

/// Where a key stands: what a record is ordered by.
pub type Place = (PartitionId, Database, Token);

/// The bound of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedLimits {
    /// Bytes of notes for one owner; beyond, they become partitions. At most 1 GiB.
    pub owner_bytes: u64,
}

impl Default for MissedLimits {
    fn default() -> Self {
        Self {
            // A million keys of some 40 bytes. More is what anti-entropy is for.
            owner_bytes: 64 << 20,
        }
    }
}

/// Planted bugs: what the simulator must catch. All off, always, outside of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissedFaults {
    /// A key whose record is on its way is not noted again.
    pub ignore_while_sent: bool,
    /// Beyond the bound notes go, and no exchange stands in for them.
    pub drop_on_overflow: bool,
}

/// A key whose record an owner lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedKey {
    /// The key's partition.
    pub partition: PartitionId,
    /// The key's database.
    pub database: Database,
    /// The key's token.
    pub token: Token,
    /// The key.
    pub key: Bytes,
}

/// Names one sending, in this life of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Batch(pub u64);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The node serves: whatever the log brought back is looked at.
    Started,
    /// The deadline has come.
    Ticked,
    /// The failure detector takes this node to be up (again).
    BelievedUp(NodeId),
    /// The live layouts changed. What a node does not own any more it need not get.
    OwnersChanged(Owners),
    /// The node has all records of the batch in its log. Said once per batch, or
    /// [`Input::Failed`] is.
    Delivered {
        /// Which sending.
        batch: Batch,
        /// By whom.
        to: NodeId,
    },
    /// The node refused any of it, or the link broke, or a record could not be read.
    Failed {
        /// Which sending.
        batch: Batch,
        /// To whom.
        to: NodeId,
    },
    /// The exchange has found and repaired every difference.
    Exchanged {
        /// Which partition.
        partition: PartitionId,
        /// With whom.
        to: NodeId,
    },
    /// The exchange ended early.
    ExchangeFailed {
        /// Which partition.
        partition: PartitionId,
        /// With whom.
        to: NodeId,
    },
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read these records now and send them, as writes of a replica. A key without a record is
    /// done by that. By reading only now, the list vouches for everything noted so far.
    SendCurrent {
        /// Which sending the answer is to name.
        batch: Batch,
        /// To whom.
        to: NodeId,
        /// Whose records.
        keys: Vec<MissedKey>,
    },
    /// Compare this partition with the node, beginning now, and repair what differs.
    ExchangePartition {
        /// With whom.
        to: NodeId,
        /// Which partition.
        partition: PartitionId,
    },
    /// Log it. Nothing waits for it: a note that comes back is sent once more.
    Forget(Entry<'static>),
}

/// Figures for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissedMetrics {
    /// Owners for whom something is noted.
    pub owners: u64,
    /// Keys noted now.
    pub keys: u64,
    /// Partitions to be exchanged, for all owners together.
    pub partitions: u64,
    /// Bytes of all notes, as the bound counts them.
    pub bytes: u64,
    /// Keys whose records were acknowledged, since the start.
    pub delivered: u64,
    /// Times that an owner's notes became partitions, since the start.
    pub collapsed: u64,
}

#[cfg(test)]
mod tests;
