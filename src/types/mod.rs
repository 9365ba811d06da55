//! Ground: the ids and limits that every layer speaks of. Newtypes only; nothing here acts.
//!
//! The words are those of the project's vocabulary: a *key* hashes to a *slot* as in Redis Cluster,
//! a slot belongs to a *partition*, and inside a partition records are ordered by *token*.

mod id;
mod key;
mod time;

pub use id::{Actor, ActorIndex, ClusterId, Database, NodeId, PartitionId, Slot, Token};
pub use key::{MAX_BULK_BYTES, SLOTS, crc16, hash_tag, slot_of};
pub use time::{Hlc, MonoMs, WallMs};
