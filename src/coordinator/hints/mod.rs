//! Hinted handoff (Dynamo, section 4.6): what a fallback keeps for an owner that could not be
//! reached, and how it gives it back.
//!
//! ```text
//!   coordinator          fallback F                        owner A (down, later up)
//!      | record for A       |                                   |
//!      |------------------->| take: merged, version 1           |
//!      |                    | HINT entry durable in F's log     |
//!      |<-------------------| acknowledged: counts towards W    x
//!      |                    |                                   |
//!      |                    | A believed up, or the timer       |
//!      |                    | Deliver (version 1) ------------->| merges, logs
//!      | second record ---->| take: merged, version 2           |
//!      |                    |<---------------------- Delivered  |
//!      |                    | version 1 < 2: kept, sent again   |
//!      |                    | Deliver (version 2) ------------->|
//!      |                    |<---------------------- Delivered  |
//!      |                    | Remove: logged, gone              |
//! ```
//!
//! Always:
//! - A hint goes only once each node that it is owed to has acknowledged the version that is held
//!   now. Never by age: age raises an alarm. Never by force: a full book refuses new hints.
//! - It is owed to its intended owner while the layout is the one it was taken in, and to every
//!   current owner once the layout has changed; the intended one may have left or moved.
//! - One hint per (owner, key): further ones merge into it, and its version rises.

mod book;
mod delivery;
mod entry;
mod lane;
mod owners;
mod replay;

use bytes::Bytes;

use crate::types::{Database, Hlc, NodeId, PartitionId, Token};

pub use book::{HINT_OVERHEAD_BYTES, HintBook};
pub use delivery::{DELIVERY_TIMEOUT_MS, LOOK_PERIOD_MS};
pub use entry::{Entry, EntryError, Removed, decode_entry, encode_entry};
pub(crate) use lane::Pace;
pub use owners::Owners;
pub use replay::Replay;

/// What a fallback keeps: a whole record, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The owner that could not be reached.
    pub owner: NodeId,
    /// The key's partition.
    pub partition: PartitionId,
    /// The key's database.
    pub database: Database,
    /// The key's token.
    pub token: Token,
    /// The key.
    pub key: Bytes,
    /// The whole record, encoded, with this node's indexes of actors.
    pub record: Bytes,
    /// Number of the layout by which `owner` is an owner. Of merged hints, the lowest.
    pub layout: u64,
    /// When it was taken, by this node's clock; its age counts from here. Of merged hints, the
    /// earliest.
    pub taken: Hlc,
}

/// The bounds of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HintLimits {
    /// Bytes of all hints, each with [`HINT_OVERHEAD_BYTES`]; beyond, new ones are refused.
    pub max_bytes: u64,
    /// Bytes on the way to one node at a time. One hint always goes, however long.
    pub window_bytes: u64,
    /// Milliseconds from which the oldest hint raises an alarm, once in every such span.
    pub alarm_age_ms: u64,
}

impl Default for HintLimits {
    fn default() -> Self {
        Self {
            // An hour of some 70 KB/s for one unreachable owner; a small part of a small node.
            max_bytes: 256 << 20,
            // A round trip of 1 ms then allows 1 GB/s: the admission control paces, not this.
            window_bytes: 1 << 20,
            // Longer than a restart or a deployment, shorter than a night.
            alarm_age_ms: 3_600_000,
        }
    }
}

/// Planted bugs: what the simulator must catch. All off, always, outside of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HintFaults {
    /// An acknowledgement removes the hint, though it has changed since it was sent.
    pub delete_unconditionally: bool,
    /// A hint older than the alarm is dropped.
    pub drop_by_age: bool,
    /// Only the intended owner is ever asked, whatever the layout.
    pub intended_only: bool,
}

/// What became of a hint that was offered.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Kept. It counts once this entry (its version in it) is durable in the log, and not before.
    Stored(Entry),
    /// Not kept; the book is as it was. Does not count towards W.
    Refused(Refusal),
}

/// Why a hint was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The book is at its bound in bytes.
    Full,
    /// The record's bytes are no record.
    Malformed,
}

/// Names one sending of one hint, in this life of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery(pub u64);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The node serves: whatever the log brought back is looked at. The clock is the node's own.
    Started {
        /// The node's hybrid time.
        hlc: Hlc,
    },
    /// The deadline has come.
    Ticked {
        /// The node's hybrid time.
        hlc: Hlc,
    },
    /// The failure detector takes this node to be up (again).
    BelievedUp(NodeId),
    /// The live layouts changed: who owns what from now on. Hints are re-targeted.
    OwnersChanged(Owners),
    /// The node has the hint in its log. Said once per delivery, or [`Input::Failed`] is.
    Delivered {
        /// Which sending.
        delivery: Delivery,
        /// By whom.
        to: NodeId,
    },
    /// The node refused, or the link broke before it answered.
    Failed {
        /// Which sending.
        delivery: Delivery,
        /// To whom.
        to: NodeId,
    },
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send the hint as a write of a replica; the receiver merges it and never mints. `to` may be
    /// this node itself, once it has become an owner: then merge it here, and answer when durable.
    Deliver {
        /// Which sending the answer is to name.
        delivery: Delivery,
        /// To whom.
        to: NodeId,
        /// What.
        hint: Hint,
    },
    /// Log the removal. Nothing waits for it: a hint that comes back is delivered once more.
    /// The partition has dropped a record here, which bounds what the next mint may extend.
    Remove(Removed),
    /// Tell the operator: a hint has waited this long, and an owner is short of a copy.
    Alarm {
        /// Age of the oldest hint in milliseconds.
        oldest_age_ms: u64,
    },
}

/// Figures for operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HintMetrics {
    /// Hints kept now.
    pub count: u64,
    /// Their bytes, as the bound counts them.
    pub bytes: u64,
    /// Age of the oldest in milliseconds; 0 without any.
    pub oldest_age_ms: u64,
    /// Hints delivered to all whom they were owed to, since the start.
    pub delivered: u64,
    /// Hints refused since the start.
    pub refused: u64,
}

#[cfg(test)]
mod tests;
