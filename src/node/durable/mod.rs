//! The durable engine under the table: log first, tree later (the paper's object buffer, section 6.1).
//!
//! ```text
//!  commands ──► table ──► stage ──► commit log ──► acknowledgement
//!                 │                     │
//!                 └── dirty records ────┼──► applier ──► ordered tree ──► log segments go
//!                 ▲                     │
//!                 └──── loader ◄── cold keys
//! ```
//!
//! What is always true: a write is in the log as durably as `storage.durability` says before it is
//! acknowledged; a record is in the table, dirty, until a durable ingestion holds it; a segment goes
//! only after that. Once log or tree has failed, nothing is acknowledged until a restart.

mod applier;
mod cache;
mod compactor;
mod counts;
mod loader;
mod meta;
mod recover;
mod replay;
mod sweep;
mod syncer;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, watch};

pub use cache::CacheHold;
pub use recover::{DurableConfig, OpenError, open};

use self::applier::Applier;
use self::compactor::Compactor;
use self::counts::Counts;
use self::loader::Loader;
use super::commit::Committed;
use super::keyspace::Keyspace;
use super::stage::{Change, Stage};
use crate::config::Durability;
use crate::env::Clock;
use crate::store::disk::RealDisk;
use crate::store::high_water::HighWater;
use crate::store::lock::DirectoryLock;
use crate::store::log::{EntryKind, Log, LogError, append_opaque};
use crate::store::tree::Tree;
use crate::types::{Actor, ActorIndex, Database, PartitionId, WallMs};

/// What the log's lock guards: the log, and the counts as far as the log has them.
struct Writer {
    log: Log<RealDisk>,
    counts: Counts,
}

/// Log, table's shadow and tree of one node.
pub struct Durable {
    keyspace: Arc<Keyspace>,
    clock: Clock,
    durability: Durability,
    writer: Mutex<Writer>,
    /// Kept for as long as the node lives.
    _lock: DirectoryLock,
    disk: RealDisk,
    tree: Arc<dyn Tree>,
    high_water: Mutex<HighWater<RealDisk>>,
    name_key: [u8; 16],
    failure: OnceLock<String>,
    failed: AtomicBool,
    disk_full: AtomicBool,
    reserve_bytes: u64,
    /// Bytes logged since free space was last looked at.
    unwatched: AtomicU64,
    /// Bound of dirty records; beyond it writes wait.
    dirty_bound: u64,
    /// Bound of the table.
    cache_bytes: u64,
    cache_park: Mutex<()>,
    /// Whose turn it is to hold the cache, and whether it is held: see [`CacheHold`].
    cache_turn: Arc<Semaphore>,
    cache_held: AtomicBool,
    cache_signal: Condvar,
    /// Sequence of the last appended group.
    appended: AtomicU64,
    /// Sequence up to which the log is fsynced, for whoever waits.
    synced: watch::Sender<u64>,
    rotating: Mutex<()>,
    /// Held by the one thread that fsyncs the log. Comes before the log's lock.
    syncing: Mutex<()>,
    sync_wanted: Mutex<bool>,
    sync_signal: Condvar,
    applier: Applier,
    compactor: Compactor,
    loader: Loader,
    stopping: AtomicBool,
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Durable")
            .field("failed", &self.failure.get())
            .finish_non_exhaustive()
    }
}

/// What INFO and /metrics show of log and tree.
#[derive(Clone, Debug, Default)]
pub struct DurableReport {
    /// Bytes of log segments on disk.
    pub log_bytes: u64,
    /// Segments on disk.
    pub log_segments: u64,
    /// Sequence of the last group.
    pub log_sequence: u64,
    /// Sequence up to which it is fsynced.
    pub log_synced: u64,
    /// Why writes are refused, if they are.
    pub failed: Option<String>,
    /// Too little room is left on the disk.
    pub disk_full: bool,
    /// Bytes of the tree on disk.
    pub tree_bytes: u64,
    /// Entries in the tree, superseded ones included.
    pub tree_entries: u64,
    /// Ingestions that compaction has not merged.
    pub tree_unmerged: u64,
    /// The tree is being rewritten, to be rid of superseded entries.
    pub tree_compacting: bool,
    /// Ingestions since the start.
    pub drains: u64,
    /// Wall milliseconds of the end of the last one; 0: none yet.
    pub last_drain_ms: u64,
}

impl Durable {
    /// Commits one worker's group, as durably as the settings say.
    pub async fn commit(&self, stage: &Stage) -> Committed {
        let sequence = match self.append(stage) {
            Ok(sequence) => sequence,
            Err(error) => {
                self.fail(&error.to_string());
                return Committed::No;
            }
        };
        if self.durability != Durability::Always {
            return Committed::Yes;
        }
        if self.sync_through(sequence).await {
            Committed::Yes
        } else {
            Committed::No
        }
    }

    fn append(&self, stage: &Stage) -> Result<u64, LogError> {
        let now = self.clock.wall();
        let mut writer = self.writer.lock();
        let sequence = writer.log.append_group(now, stage.entries, &stage.log)?;
        let flushed = self.keyspace.flushed.load();
        writer
            .counts
            .add(&stage.changes, &flushed, self.keyspace.actor);
        drop(writer);
        self.appended.fetch_max(sequence, Ordering::AcqRel);
        self.applier.note(stage.log.len());
        // A fast writer fills a small disk between two looks a second apart.
        let unwatched = self
            .unwatched
            .fetch_add(stage.log.len() as u64, Ordering::Relaxed);
        if unwatched > self.reserve_bytes / 16 {
            self.unwatched.store(0, Ordering::Relaxed);
            self.watch_disk();
        }
        Ok(sequence)
    }

    /// Appends entries that no worker staged: leases, actors, policies, flush markers.
    fn append_own(
        &self,
        entries: &[(EntryKind, Vec<u8>)],
        change: impl FnOnce(&mut Counts),
    ) -> Result<u64, LogError> {
        let mut payload = Vec::new();
        for (kind, bytes) in entries {
            append_opaque(&mut payload, *kind, bytes);
        }
        let mut writer = self.writer.lock();
        let appended = writer
            .log
            .append_group(self.clock.wall(), entries.len() as u32, &payload);
        match appended {
            Ok(sequence) => {
                change(&mut writer.counts);
                drop(writer);
                self.appended.fetch_max(sequence, Ordering::AcqRel);
                self.applier.note(payload.len());
                Ok(sequence)
            }
            Err(error) => {
                drop(writer);
                self.fail(&error.to_string());
                Err(error)
            }
        }
    }

    /// Wakes the thread that syncs.
    fn want_sync(&self) {
        *self.sync_wanted.lock() = true;
        self.sync_signal.notify_one();
    }

    /// Waits until the log is fsynced up to a group. False: it failed.
    async fn wait_synced(&self, sequence: u64) -> bool {
        let mut synced = self.synced.subscribe();
        // The sender lives as long as self; an error cannot be.
        let reached = synced.wait_for(|at| *at >= sequence || *at == FAILED).await;
        reached.is_ok_and(|at| *at != FAILED)
    }

    /// Waits until everything appended so far is fsynced. False: time is up, or the log failed.
    pub async fn fsynced(&self, timeout: Option<Duration>) -> bool {
        let target = self.appended.load(Ordering::Acquire);
        self.want_sync();
        let wait = self.wait_synced(target);
        match timeout {
            None => wait.await,
            Some(limit) => tokio::time::timeout(limit, wait).await.unwrap_or(false),
        }
    }

    /// Log or tree has failed: from now on nothing is acknowledged.
    fn fail(&self, reason: &str) {
        if self.failure.set(reason.to_owned()).is_ok() {
            tracing::error!(
                reason,
                "the log or the tree has failed: writes are refused until a restart; reads go on. \
                 Look at the disk, then restart; `dynamo check --data-dir` reports what is there"
            );
        }
        self.failed.store(true, Ordering::Release);
        self.synced.send_replace(FAILED);
    }

    /// May a write be taken?
    #[inline]
    pub fn may_write(&self) -> Result<(), &'static str> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(
                "MISCONF the commit log has failed: writes are refused until the node is \
                        restarted. Nothing was written; see the node's log and `dynamo check`",
            );
        }
        if self.disk_full.load(Ordering::Relaxed) {
            return Err(
                "MISCONF the disk is nearly full (see storage.reserve_bytes): writes are \
                        refused until there is room. Nothing was written",
            );
        }
        Ok(())
    }

    /// Must writes wait for the applier?
    #[inline]
    pub fn is_behind(&self) -> bool {
        self.keyspace.sums.dirty_bytes.load(Ordering::Relaxed) > self.dirty_bound as i64
    }

    /// Brings everything logged so far into the tree.
    pub async fn drain(&self) -> Result<(), String> {
        self.applier.drain().await
    }

    /// The same, without waiting.
    pub fn drain_soon(&self) {
        self.applier.drain_soon();
    }

    /// When the last ingestion ended; 0: there was none.
    pub fn last_drain(&self) -> WallMs {
        self.applier.last_drain()
    }

    /// Bytes of log that the tree does not have.
    pub fn undrained(&self) -> u64 {
        self.applier.undrained()
    }

    /// Has the log failed, and why?
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// For INFO and /metrics.
    pub fn report(&self) -> DurableReport {
        let sizes = self.tree.sizes().unwrap_or_default();
        let writer = self.writer.lock();
        let (log_bytes, log_segments) = (writer.log.bytes(), writer.log.segments());
        drop(writer);
        let synced = *self.synced.borrow();
        DurableReport {
            log_bytes,
            log_segments,
            log_sequence: self.appended.load(Ordering::Relaxed),
            log_synced: if synced == FAILED { 0 } else { synced },
            failed: self.failure.get().cloned(),
            disk_full: self.disk_full.load(Ordering::Relaxed),
            tree_bytes: sizes.disk_bytes,
            tree_entries: sizes.entries,
            tree_unmerged: sizes.unmerged_tables,
            tree_compacting: self.compactor.is_running(),
            drains: self.applier.drains(),
            last_drain_ms: self.applier.last_drain().0,
        }
    }

    /// FLUSHDB, FLUSHALL: called with every partition locked. The marker is in the log before
    /// anyone can write again; `left`: keys above the marker, which go on counting.
    pub fn log_flush(
        &self,
        databases: &[Database],
        left: &[(PartitionId, Database, u64)],
    ) -> Result<(), LogError> {
        let flushed = self.keyspace.flushed.load();
        let entries: Vec<_> = databases
            .iter()
            .map(|database| (EntryKind::FLUSH, meta::encode_flush(*database, &flushed)))
            .collect();
        self.append_own(&entries, |counts| {
            counts.clear(databases);
            for (partition, database, keys) in left {
                counts.change(*partition, *database, *keys as i64);
            }
        })?;
        self.applier.sweep_all();
        Ok(())
    }

    /// Keeps a line of the table of actors: it is in the log before a record that uses it.
    pub fn log_actor(&self, index: ActorIndex, actor: Actor) -> Result<(), LogError> {
        let entry = (EntryKind::ACTOR, meta::encode_actor(index, actor));
        self.append_own(&[entry], |_| {}).map(|_| ())
    }

    /// Keeps the policies: they outlive a restart.
    pub fn log_policies(&self) -> Result<(), LogError> {
        let policies = self.keyspace.policies.load();
        let entry = (EntryKind::POLICY, meta::encode_policies(&policies));
        self.append_own(&[entry], |_| {}).map(|_| ())
    }

    /// Brings a cold key into the table.
    pub async fn load(&self, database: Database, key: &[u8]) {
        self.loader.load(&self.keyspace, database, key).await;
    }

    /// Runs a job that reads the tree, on a thread where it may block.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.loader.run(job).await
    }

    /// The tree, for walks over cold keys.
    pub fn tree(&self) -> &Arc<dyn Tree> {
        &self.tree
    }

    /// The key that names long keys in the tree.
    pub fn name_key(&self) -> &[u8; 16] {
        &self.name_key
    }

    /// Ends the threads. What is not drained stays in the log, for the next start.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.want_sync();
        self.applier.wake();
        self.cache_signal.notify_all();
    }

    fn now(&self) -> WallMs {
        self.clock.wall()
    }
}

/// The value of `synced` once the log has failed: no sequence gets there.
const FAILED: u64 = u64::MAX;

/// Changes as the log's counts take them.
fn is_void(change: &Change, flushed: &[crate::version::Floor], actor: ActorIndex) -> bool {
    flushed
        .get(usize::from(change.database.0))
        .and_then(|marker| marker.get(actor))
        .is_some_and(|at| change.at <= at)
}
