//! What stands between a staged write and its acknowledgement, and the waits of connections.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Node, Stage};
use crate::env::clock::sleep;
use crate::types::{Database, WallMs};

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is as durable as the settings promise: acknowledge.
    Yes,
    /// The log failed: acknowledge nothing of it.
    No,
}

impl Node {
    /// Is there a log that writes go to?
    #[inline]
    pub fn is_logged(&self) -> bool {
        self.durable.is_some()
    }

    /// Commits a worker's group.
    pub async fn commit(&self, stage: &Stage) -> Committed {
        match &self.durable {
            Some(durable) if !stage.is_empty() => durable.commit(stage).await,
            _ => Committed::Yes,
        }
    }

    /// May some key be in the tree only?
    #[inline]
    pub fn may_be_cold(&self) -> bool {
        self.keyspace.may_be_cold.load(Ordering::Relaxed)
    }

    /// Brings a key from the tree into the table.
    pub async fn load(&self, database: Database, key: &[u8]) {
        if let Some(durable) = &self.durable {
            durable.load(database, key).await;
        }
    }

    /// Must commands wait now (CLIENT PAUSE)?
    #[inline]
    pub fn holds(&self, write: bool, now: WallMs) -> bool {
        let paused = now.0 < self.paused_until.load(Ordering::Relaxed)
            && (write || self.paused_all.load(Ordering::Relaxed));
        paused
            || (write
                && self
                    .durable
                    .as_ref()
                    .is_some_and(|durable| durable.is_behind()))
    }

    /// Waits a little before a held command is tried again.
    pub async fn hold(&self) {
        sleep(Duration::from_millis(5)).await;
    }

    /// May a write be taken? The error is the reply.
    #[inline]
    pub fn may_write(&self, denyoom: bool, _stage: &mut Stage) -> Result<(), &'static str> {
        if let Some(durable) = &self.durable {
            return durable.may_write();
        }
        let bound = self.keyspace.eviction.bound.load(Ordering::Relaxed);
        if bound == 0 || !denyoom {
            return Ok(());
        }
        let used = self
            .keyspace
            .sums
            .table_bytes
            .load(Ordering::Relaxed)
            .max(0) as u64;
        if used <= bound {
            return Ok(());
        }
        Err("OOM command not allowed when used memory > 'maxmemory'.")
    }

    /// Is `slowlog.slower_than_us` so low that every command counts?
    #[inline]
    pub fn slowlog_all(&self) -> bool {
        false
    }

    /// Waits until this node has fsynced everything written so far.
    pub async fn fsynced(&self, timeout: Option<Duration>) -> bool {
        match &self.durable {
            Some(durable) => durable.fsynced(timeout).await,
            None => false,
        }
    }

    /// Brings everything logged so far into the tree.
    pub async fn drain(&self) -> Result<(), String> {
        match &self.durable {
            Some(durable) => durable.drain().await,
            None => Ok(()),
        }
    }

    /// Stops the node.
    pub fn shut_down(&self, _no_save: bool) {
        self.stopping.notify_waiters();
        self.stopping.notify_one();
    }
}
