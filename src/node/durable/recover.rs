//! Opening a data directory: lock it, judge log and tree, take a new actor, replay what the tree does
//! not have, start the threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::applier::Applier;
use super::compactor::Compactor;
use super::counts::Counts;
use super::loader::Loader;
use super::replay::Replay;
use super::{Durable, Writer, meta};
use crate::config::Durability;
use crate::env::{Clock, rng, task};
use crate::node::keyspace::{Founding, Keyspace};
use crate::node::policy::Policies;
use crate::store::disk::RealDisk;
use crate::store::high_water::{HighWater, HighWaterError};
use crate::store::lock::{DirectoryLock, LockError};
use crate::store::log::{EntryKind, Log, LogConfig, LogError};
use crate::store::tree::{FjallConfig, FjallTree, Tree, TreeError};
use crate::types::{Actor, Hlc, WallMs};
use crate::version::{ActorTable, Floor};

/// What the durable engine needs to know.
#[derive(Clone, Debug)]
pub struct DurableConfig {
    /// The data directory.
    pub directory: PathBuf,
    /// When an acknowledged write is on the disk.
    pub durability: Durability,
    /// Logical bytes of the table.
    pub cache_bytes: u64,
    /// Logical bytes of records that the tree does not have; beyond, writes wait.
    pub dirty_bytes: u64,
    /// Free space below which writes are refused.
    pub reserve_bytes: u64,
    /// Size of a log segment.
    pub segment_bytes: u64,
    /// Number of partitions, Q.
    pub partitions: u16,
    /// The cluster's key for tokens.
    pub token_key: [u8; 16],
    /// The cluster's key for contexts.
    pub context_key: [u8; 16],
    /// The cluster's key for names of long keys in the tree.
    pub name_key: [u8; 16],
    /// The node has never been one of several: all that was ever minted is here, so that the floor may
    /// stand above every former life.
    pub alone: bool,
}

/// Why a data directory does not open. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it, or it cannot be made.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// The log is damaged, or unreadable.
    #[error(
        "{0}; nothing was changed. `dynamo check --data-dir {1}` reports what is there, and \
             with --accept-loss sets the damaged part aside"
    )]
    Log(LogError, String),
    /// The high-water mark is damaged.
    #[error("{0}; `dynamo check --data-dir {1}` reports what is there")]
    HighWater(HighWaterError, String),
    /// The tree does not open.
    #[error("{0}; `dynamo check --data-dir {1}` reports what is there")]
    Tree(TreeError, String),
    /// The tree is older than it was.
    #[error(
        "the tree in {0} is older than it was when the node last ran: it holds the log through \
             segment {1}, and once held it through {2}. It was put back from an old copy or cut \
             short; `dynamo check --data-dir {0} --accept-loss` goes on with what is there"
    )]
    TreeShortened(String, u64, u64),
    /// An entry of the metadata does not decode.
    #[error("the tree's metadata {0} is damaged; nothing was changed")]
    Metadata(&'static str),
    /// The disk failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// What the metadata of the tree says.
struct Stored {
    applied: u64,
    actors: ActorTable,
    ceiling: Hlc,
    counts: Counts,
    floor: Floor,
    flushed: Vec<Floor>,
    policies: Policies,
    sweep: bool,
    handoff: Vec<(EntryKind, Vec<u8>)>,
    any: bool,
}

impl Stored {
    fn read(tree: &dyn Tree, partitions: u16, directory: &str) -> Result<Self, OpenError> {
        let get = |name: &'static [u8]| {
            tree.get_meta(name)
                .map_err(|error| OpenError::Tree(error, directory.to_owned()))
        };
        let applied = get(meta::APPLIED)?;
        let any = applied.is_some();
        let counts = match get(meta::COUNTS)? {
            None => Counts::new(partitions),
            Some(bytes) => {
                Counts::decode(&bytes, partitions).ok_or(OpenError::Metadata("counts"))?
            }
        };
        Ok(Self {
            applied: or_default(applied, meta::decode_u64, "applied")?,
            actors: or_default(get(meta::ACTORS)?, meta::decode_actors, "actors")?,
            ceiling: Hlc(or_default(
                get(meta::CEILING)?,
                meta::decode_u64,
                "ceiling",
            )?),
            counts,
            floor: or_default(get(meta::FLOOR)?, meta::decode_floor, "floor")?,
            flushed: or_default(get(meta::FLUSHED)?, meta::decode_flushed, "flushed")?,
            policies: or_default(get(meta::POLICIES)?, meta::decode_policies, "policies")?,
            sweep: or_default(get(meta::SWEEP)?, meta::decode_u64, "sweep")? != 0,
            handoff: or_default(get(meta::HANDOFF)?, meta::decode_handoff, "handoff")?,
            any,
        })
    }
}

/// A value of the metadata; what was never written has its default.
fn or_default<T: Default>(
    bytes: Option<Vec<u8>>,
    decode: impl FnOnce(&[u8]) -> Option<T>,
    name: &'static str,
) -> Result<T, OpenError> {
    match bytes {
        None => Ok(T::default()),
        Some(bytes) => decode(&bytes).ok_or(OpenError::Metadata(name)),
    }
}

/// Opens a data directory: its keys, and the engine behind them.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the settings of an engine that lives on"
)]
pub fn open(
    config: DurableConfig,
    clock: Clock,
) -> Result<(Arc<Keyspace>, Arc<Durable>), OpenError> {
    let shown = config.directory.display().to_string();
    let lock = DirectoryLock::acquire(&config.directory)?;
    let disk = RealDisk::open_directory(config.directory.join("log"))?;
    // Apart from log and tree, so that neither takes it along when it is lost or put back.
    let own = RealDisk::open_directory(&config.directory)?;
    let high_water =
        HighWater::open(&own).map_err(|error| OpenError::HighWater(error, shown.clone()))?;
    let tree = open_tree(&config.directory.join("tree"), &shown)?;
    let stored = Stored::read(&*tree, config.partitions, &shown)?;
    let mark = high_water.mark();
    if mark.tree_is_shortened(stored.applied) {
        return Err(OpenError::TreeShortened(
            shown,
            stored.applied,
            mark.applied,
        ));
    }
    let now = clock.wall();
    let log_config = LogConfig {
        segment_bytes: config.segment_bytes,
        salt: rng::random_u64() as u32,
        now,
        mark: Some(mark),
        applied: stored.applied,
    };
    let log = Log::open(disk.clone(), log_config);
    let (log, recovery) = log.map_err(|error| OpenError::Log(error, shown.clone()))?;
    if recovery.torn_bytes > 0 {
        tracing::warn!(
            bytes = recovery.torn_bytes,
            "cut a torn tail of the log: a write that was never acknowledged"
        );
    }
    let applied = stored.applied;
    let mut replay = Replay::new(
        &config,
        stored.actors,
        stored.counts,
        stored.flushed,
        stored.policies,
    );
    replay.ceiling(stored.ceiling);
    for (kind, bytes) in &stored.handoff {
        replay.handoff.entry(*kind, bytes);
    }
    crate::store::log::replay(&disk, applied + 1, &mut |_, entry| replay.entry(&entry))
        .map_err(|error| OpenError::Log(error, shown.clone()))?;
    tracing::info!(
        segments = recovery.segments,
        groups = recovery.groups,
        entries = recovery.entries,
        "replayed the log"
    );
    let begun = Begun {
        stored_any: stored.any,
        floor: stored.floor,
        now,
    };
    let (keyspace, counts, own_entries, ceiling) = begun.keyspace(&config, replay);
    let sequence = log.position().sequence;
    let durable = Arc::new(Durable {
        keyspace: Arc::clone(&keyspace),
        clock,
        durability: config.durability,
        writer: Mutex::new(Writer { log, counts }),
        _lock: lock,
        disk,
        tree: Arc::clone(&tree),
        high_water: Mutex::new(high_water),
        name_key: config.name_key,
        failure: OnceLock::new(),
        failed: AtomicBool::new(false),
        disk_full: AtomicBool::new(false),
        reserve_bytes: config.reserve_bytes,
        unwatched: AtomicU64::new(0),
        dirty_bound: config.dirty_bytes,
        cache_bytes: config.cache_bytes,
        cache_park: Mutex::new(()),
        cache_turn: Arc::new(tokio::sync::Semaphore::new(1)),
        cache_held: AtomicBool::new(false),
        cache_signal: Condvar::new(),
        appended: AtomicU64::new(sequence),
        synced: watch::Sender::new(sequence),
        rotating: Mutex::new(()),
        syncing: Mutex::new(()),
        sync_wanted: Mutex::new(false),
        sync_signal: Condvar::new(),
        applier: Applier::new(stored.sweep),
        compactor: Compactor::default(),
        loader: Loader::start(tree, config.name_key)?,
        stopping: AtomicBool::new(false),
    });
    // The actor and the lease are on the disk before the first dot is minted.
    let failed = |reason: String| OpenError::Io(std::io::Error::other(reason));
    durable
        .append_own(&own_entries, |_| {})
        .map_err(|e| failed(e.to_string()))?;
    durable.sync_now().map_err(failed)?;
    keyspace.clock.granted(ceiling);
    start_threads(&durable)?;
    Ok((keyspace, durable))
}

fn open_tree(directory: &Path, shown: &str) -> Result<Arc<dyn Tree>, OpenError> {
    std::fs::create_dir_all(directory)?;
    let tree = FjallTree::open(directory, FjallConfig::default())
        .map_err(|error| OpenError::Tree(error, shown.to_owned()))?;
    Ok(Arc::new(tree))
}

/// A keyspace, its counts, the log entries that must be durable before it mints, and the ceiling
/// that they lease.
type Born = (Arc<Keyspace>, Counts, Vec<(EntryKind, Vec<u8>)>, Hlc);

struct Begun {
    stored_any: bool,
    floor: Floor,
    now: WallMs,
}

impl Begun {
    /// The keyspace of this life, and the log entries that must be durable before it mints.
    fn keyspace(mut self, config: &DurableConfig, replay: Replay) -> Born {
        let Replay {
            mut actors,
            counts,
            flushed,
            policies,
            ceiling,
            handoff,
            tables,
            ..
        } = replay;
        // One member, its data whole: all that former lives minted is here, live or superseded.
        let settled = if config.alone { actors.len() } else { 0 };
        for index in 0..settled {
            self.floor
                .raise(crate::types::ActorIndex(index as u32), ceiling);
        }
        let actor = loop {
            let (index, is_new) = actors.intern(Actor(rng::random_u64()));
            if is_new {
                break index;
            }
        };
        let minted = actors.actor(actor).unwrap_or(Actor(0));
        let clock_from = ceiling.max(Hlc::from_wall(self.now));
        let next_ceiling = Hlc(clock_from.0 + (crate::version::LEASE_MS << 16));
        let entries = vec![
            (EntryKind::ACTOR, meta::encode_actor(actor, minted)),
            (EntryKind::HLC_LEASE, meta::encode_u64(next_ceiling.0)),
        ];
        let keyspace = Keyspace::new(Founding {
            partitions: config.partitions,
            token_key: config.token_key,
            context_key: config.context_key,
            actor,
            actors,
            clock_from,
            ceiling: clock_from,
            floor: self.floor,
            complete: !self.stored_any,
        });
        keyspace.handoff.restore(handoff);
        keyspace.flushed.store(Arc::new(flushed));
        keyspace.policies.store(Arc::new(policies));
        for (partition, database, count) in counts.iter() {
            keyspace.lock(partition).space_mut(database).keys = count;
        }
        let (mut table_bytes, mut dirty_bytes) = (0, 0);
        for (id, tables) in tables {
            let mut partition = keyspace.lock(id);
            for (database, table) in tables {
                let space = partition.space_mut(database);
                for slot in table.iter() {
                    table_bytes += slot.entry.bytes() as isize;
                    dirty_bytes += slot.entry.bytes() as isize;
                    super::cache::index_expiry(space, slot.token, &slot.entry);
                }
                space.table = table;
            }
        }
        keyspace.add_sums(table_bytes, dirty_bytes);
        (keyspace, counts, entries, next_ceiling)
    }
}

fn start_threads(durable: &Arc<Durable>) -> std::io::Result<()> {
    let syncer = Arc::clone(durable);
    task::thread("log-sync", move || syncer.sync_for_ever())?;
    let applier = Arc::clone(durable);
    task::thread("applier", move || applier.apply_for_ever())?;
    let cache = Arc::clone(durable);
    task::thread("cache", move || cache.cache_for_ever())?;
    if durable.keyspace.sums.dirty_bytes.load(Ordering::Relaxed) > 0 {
        durable.applier.note(1);
    }
    Ok(())
}
