//! The ordered tree: where records go once the log has them, in key order, by sorted ingestion.
//!
//! What every implementation keeps, and `contract.rs` tests: an ingestion is durable and visible to
//! every reader that begins after [`Tree::ingest`] returned, and before that it is not there at all
//! or there whole after a crash; [`Tree::put_meta`] is durable on return, never before an ingestion
//! that returned earlier. A reader sees the tree as it stood when it began. After a failed write
//! the tree is failed for good, as the log is; reads go on.
//!
//! One thread, the applier, writes; any thread reads. Calls block and belong on no async worker.

mod fjall;
mod memory;

use std::ops::ControlFlow;

pub use self::fjall::{FjallConfig, FjallTree};
pub use memory::{MemoryTree, When};

/// No key of the tree is longer.
pub const MAX_TREE_KEY_BYTES: usize = 65_535;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// A change to ingest: a key, and its value or nothing for a delete.
pub type Change = (Vec<u8>, Option<Vec<u8>>);

/// Shows pairs in key order, until it breaks off.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered map on disk.
pub trait Tree: Send + Sync + 'static {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError>;

    /// Shows each pair from `from` on and before `to`, in key order.
    fn visit(&self, from: &[u8], to: Option<&[u8]>, visit: &mut Visit<'_>)
    -> Result<(), TreeError>;

    /// Takes in changes in strictly ascending order of their keys, all or none. Gives their number.
    fn ingest(&self, changes: &mut dyn Iterator<Item = Change>) -> Result<u64, TreeError>;

    /// Changes entries of the metadata, all or none. Durable on return.
    fn put_meta_all(&self, changes: &[Change]) -> Result<(), TreeError>;

    /// An entry of the metadata.
    fn get_meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError>;

    /// All entries of the metadata whose keys begin so.
    fn meta_prefix(&self, prefix: &[u8]) -> Result<Vec<Pair>, TreeError>;

    /// How large it is.
    fn sizes(&self) -> Result<TreeSizes, TreeError>;

    /// Rewrites all of it, so that deleted and superseded entries take no room. Long; for idle times.
    fn compact(&self) -> Result<(), TreeError>;

    /// Housekeeping, to be called about once a second; cheap when nothing happened.
    fn tick(&self) -> Result<(), TreeError>;

    /// Why the tree has failed, if it has.
    fn failed(&self) -> Option<String>;

    /// Changes one entry of the metadata. Durable on return.
    fn put_meta(&self, key: &[u8], value: &[u8]) -> Result<(), TreeError> {
        self.put_meta_all(&[(key.to_vec(), Some(value.to_vec()))])
    }

    /// The first `limit` pairs from `from` on and before `to`.
    fn range(&self, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, TreeError> {
        let mut pairs = Vec::new();
        if limit > 0 {
            self.visit(from, to, &mut |key, value| {
                pairs.push((key.to_vec(), value.to_vec()));
                if pairs.len() < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })?;
        }
        Ok(pairs)
    }
}

/// Approximate sizes, for metrics and pacing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSizes {
    /// Bytes of the entries, as they lie on disk.
    pub data_bytes: u64,
    /// Bytes on disk, journals included.
    pub disk_bytes: u64,
    /// Entries, superseded ones and deletes included.
    pub entries: u64,
    /// Ingestions that compaction has not merged yet. Nothing throttles these but the applier.
    pub unmerged_tables: u64,
}

/// Why the tree refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Keys to ingest did not ascend strictly. Nothing was taken in.
    #[error("keys to ingest do not ascend")]
    Unsorted,
    /// A key is empty or too long. Nothing was written.
    #[error("a key of {0} bytes cannot be stored")]
    KeyLength(usize),
    /// Reading failed, or what was read does not verify.
    #[error("the tree cannot be read: {0}")]
    Unreadable(String),
    /// An earlier write failed, or this one did; what it was to write may or may not be found after
    /// a restart. Only a restart helps.
    #[error("the tree has failed: {0}")]
    Failed(String),
    /// It does not open.
    #[error("the tree does not open: {0}")]
    Unopenable(String),
}

/// Refuses keys that no tree takes, and keys out of order.
#[derive(Default)]
struct Order {
    last: Option<Vec<u8>>,
}

impl Order {
    fn check(&mut self, key: &[u8]) -> Result<(), TreeError> {
        if key.is_empty() || key.len() > MAX_TREE_KEY_BYTES {
            return Err(TreeError::KeyLength(key.len()));
        }
        if self.last.as_deref().is_some_and(|last| key <= last) {
            return Err(TreeError::Unsorted);
        }
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }
}

#[cfg(test)]
mod contract;
