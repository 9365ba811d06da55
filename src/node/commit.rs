//! What stands between a staged write and its acknowledgement, and the waits of connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::durable::CacheHold;
use super::evict::evict_until;
use super::eviction::EvictionPolicy;
use super::{Locked, Node, Stage};
use crate::config::Config;
use crate::env::clock::sleep;
use crate::env::rng::Sampler;
use crate::types::{Actor, ActorIndex, Database, PartitionId, WallMs};

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is as durable as the settings promise: acknowledge.
    Yes,
    /// The log failed: acknowledge nothing of it.
    No,
}

/// What a write is answered whose marker could not be logged.
pub(super) const LOG_FAILED: &str = "NOQUORUM W=1 not met (acked 0): the log could not be written; the change \
                          may still become visible";

impl Node {
    /// Takes on a changed configuration: CONFIG SET.
    pub fn apply(&self, config: Config) {
        let eviction = &self.keyspace.eviction;
        if !self.is_logged() {
            eviction
                .bound
                .store(config.storage.max_memory, Ordering::Relaxed);
        }
        if let Some(policy) = EvictionPolicy::parse(&config.storage.eviction) {
            eviction.set_policy(policy);
        }
        let limit = config.slowlog.slower_than_us;
        self.slowlog_all
            .store((0..20).contains(&limit), Ordering::Relaxed);
        self.config.store(Arc::new(config));
    }

    /// Keeps the policies: they outlive a restart. The error is the reply.
    pub fn keep_policies(&self) -> Result<(), &'static str> {
        match &self.durable {
            Some(durable) => durable.log_policies().map_err(|_| LOG_FAILED),
            None => Ok(()),
        }
    }

    /// Our index of an actor that a peer has named, kept before anything uses it.
    pub fn intern_actor(&self, actor: Actor) -> Result<ActorIndex, &'static str> {
        let mut actors = self.keyspace.actors.lock();
        let (index, new) = actors.intern(actor);
        if new && let Some(durable) = &self.durable {
            durable.log_actor(index, actor).map_err(|_| LOG_FAILED)?;
        }
        Ok(index)
    }

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

    /// Keeps keys that were brought in from leaving before the command that needs them has run.
    pub async fn hold_cache(&self) -> Option<CacheHold> {
        match &self.durable {
            Some(durable) => durable.hold_cache().await,
            None => None,
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

    /// May a write be taken? The error is the reply. The cache engine makes room first.
    #[inline]
    pub fn may_write(&self, denyoom: bool, stage: &mut Stage) -> Result<(), &'static str> {
        if let Some(durable) = &self.durable {
            return durable.may_write();
        }
        let bound = self.keyspace.eviction.bound.load(Ordering::Relaxed);
        if bound == 0 {
            return Ok(());
        }
        let Stage { sampler, .. } = stage;
        let mut sampler = std::mem::replace(sampler, Sampler::seeded(0));
        let made_room = evict_until(&self.keyspace, stage, &mut sampler, bound);
        stage.sampler = sampler;
        if made_room || !denyoom {
            return Ok(());
        }
        Err("OOM command not allowed when used memory > 'maxmemory'.")
    }

    /// FLUSHDB, FLUSHALL: `None` is every database. All partitions stay locked until the marker is
    /// in the log.
    pub fn flush(
        &self,
        locked: &mut Locked<'_>,
        database: Option<Database>,
    ) -> Result<(), &'static str> {
        let databases: Vec<Database> = match database {
            Some(one) => vec![one],
            None => (0..self.config.load().client.databases)
                .map(Database)
                .collect(),
        };
        locked.flush(&databases, self.is_logged());
        if let Some(durable) = &self.durable {
            durable.log_flush(&databases, &[]).map_err(|_| LOG_FAILED)?;
        }
        Ok(())
    }

    /// Is `slowlog.slower_than_us` so low that every command counts?
    #[inline]
    pub fn slowlog_all(&self) -> bool {
        self.slowlog_all.load(Ordering::Relaxed)
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

    /// All keys of one partition, read where it may block.
    pub async fn keys_of(
        self: &Arc<Self>,
        partition: PartitionId,
        database: Database,
    ) -> Vec<Vec<u8>> {
        let node = Arc::clone(self);
        let job = move || {
            let mut stage = Stage::new(false);
            let now = node.clock.wall();
            let mut locked = Locked::new(&node.keyspace, database, now, &mut stage);
            let durable = node.durable.as_deref().filter(|_| node.may_be_cold());
            locked.keys_of(partition, durable)
        };
        match &self.durable {
            Some(durable) => durable.run_blocking(job).await.unwrap_or_default(),
            None => job(),
        }
    }

    /// Stops the node.
    pub fn shut_down(&self, _no_save: bool) {
        self.stopping.notify_waiters();
        self.stopping.notify_one();
    }
}
