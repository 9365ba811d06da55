//! All keys of this node: partitions behind short locks, the clock that names writes, and what every
//! write must know (floor, policies, limits). A command runs on the thread that read it: it locks the
//! partitions of its keys, reads, decides, mints, changes the table and stages the log entry
//! (design, "Threads"). [`super::locked::Locked`] is what it works with meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use siphasher::sip::SipHasher13;

use super::clock::HybridClock;
use super::eviction::Eviction;
use super::handoff::Handoff;
use super::partition::Partition;
use super::policy::Policies;
use crate::types::{ActorIndex, Hlc, PartitionId, Token, WallMs, slot_of};
use crate::version::{ActorTable, Floor};

/// What a keyspace is made from.
#[derive(Debug)]
pub struct Founding {
    /// Number of partitions, Q.
    pub partitions: u16,
    /// The cluster's key for tokens.
    pub token_key: [u8; 16],
    /// The cluster's key for contexts.
    pub context_key: [u8; 16],
    /// This life's actor.
    pub actor: ActorIndex,
    /// All actors ever met.
    pub actors: ActorTable,
    /// What the clock must stay above.
    pub clock_from: Hlc,
    /// The durable ceiling of the clock.
    pub ceiling: Hlc,
    /// What is settled everywhere.
    pub floor: Floor,
    /// Does the table hold everything there is?
    pub complete: bool,
}

/// Where a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its partition.
    pub partition: PartitionId,
    /// Its place inside.
    pub token: Token,
}

/// Sums that are kept per node; each worker adds per group.
#[derive(Debug, Default)]
pub struct Sums {
    /// Logical bytes of the table.
    pub table_bytes: AtomicI64,
    /// Logical bytes of dirty records.
    pub dirty_bytes: AtomicI64,
    /// Reads that found siblings and showed one.
    pub conflicts_masked: AtomicU64,
    /// Siblings made by writes.
    pub siblings_created: AtomicU64,
    /// Keys that went from several versions to one.
    pub siblings_resolved: AtomicU64,
    /// Contexts refused.
    pub contexts_rejected: AtomicU64,
    /// Keys reaped after their deadline.
    pub expired_keys: AtomicU64,
    /// Keys evicted for memory.
    pub evicted_keys: AtomicU64,
    /// Clean records evicted from the cache of the tree.
    pub cache_evictions: AtomicU64,
    /// Keys that were read from the tree.
    pub cold_reads: AtomicU64,
    /// Dead records forgotten below the floor.
    pub forgotten: AtomicU64,
}

/// All keys of this node.
#[derive(Debug)]
pub struct Keyspace {
    partitions: Box<[Mutex<Partition>]>,
    token_key: [u8; 16],
    /// Key of context tags.
    pub context_key: [u8; 16],
    /// This life's actor.
    pub actor: ActorIndex,
    /// All actors ever met, by index.
    pub actors: Mutex<ActorTable>,
    /// Names writes.
    pub clock: HybridClock,
    /// Settled everywhere: an implicit part of every history.
    pub floor: ArcSwap<Floor>,
    /// Flushed: dots at or below are dead wherever they are met, per database.
    pub flushed: ArcSwap<Vec<Floor>>,
    /// Conflict policies by prefix.
    pub policies: ArcSwap<Policies>,
    /// How eviction counts uses, and what it does.
    pub eviction: Eviction,
    /// Now, as entries note their use (seconds since the node started).
    pub use_clock: AtomicU32,
    /// Some partition may have cold keys: commands check residence before they run.
    pub may_be_cold: AtomicBool,
    /// Sums.
    pub sums: Sums,
    /// What this node keeps for owners that cannot be reached.
    pub handoff: Handoff,
}

impl Keyspace {
    /// An empty keyspace.
    pub fn new(founding: Founding) -> Arc<Self> {
        let partition = |_| Mutex::new(Partition::new(founding.complete));
        Arc::new(Self {
            partitions: (0..founding.partitions).map(partition).collect(),
            token_key: founding.token_key,
            context_key: founding.context_key,
            actor: founding.actor,
            actors: Mutex::new(founding.actors),
            clock: HybridClock::new(founding.clock_from, founding.ceiling),
            floor: ArcSwap::from_pointee(founding.floor),
            flushed: ArcSwap::from_pointee(Vec::new()),
            policies: ArcSwap::from_pointee(Policies::default()),
            eviction: Eviction::default(),
            use_clock: AtomicU32::new(0),
            may_be_cold: AtomicBool::new(!founding.complete),
            sums: Sums::default(),
            handoff: Handoff::default(),
        })
    }

    /// Number of partitions.
    pub fn partition_count(&self) -> u16 {
        self.partitions.len() as u16
    }

    /// Where a key lives.
    #[inline]
    pub fn place(&self, key: &[u8]) -> Place {
        let partition = slot_of(key).partition(self.partition_count());
        Place {
            partition,
            token: Token(SipHasher13::new_with_key(&self.token_key).hash(key)),
        }
    }

    /// Locks a partition.
    #[inline]
    pub fn lock(&self, partition: PartitionId) -> MutexGuard<'_, Partition> {
        #[allow(
            clippy::indexing_slicing,
            reason = "ids come from `place` or `partition_ids`"
        )]
        self.partitions[usize::from(partition.0)].lock()
    }

    /// All partitions, in the order of the disk.
    pub fn partition_ids(&self) -> impl DoubleEndedIterator<Item = PartitionId> + use<> {
        (0..self.partition_count()).map(PartitionId)
    }

    /// A new hybrid time.
    #[inline]
    pub fn tick(&self, now: WallMs) -> Hlc {
        self.clock.tick(now)
    }

    /// Adds what a worker summed up since its last group.
    pub fn add_sums(&self, table_bytes: isize, dirty_bytes: isize) {
        if table_bytes != 0 {
            self.sums
                .table_bytes
                .fetch_add(table_bytes as i64, Ordering::Relaxed);
        }
        if dirty_bytes != 0 {
            self.sums
                .dirty_bytes
                .fetch_add(dirty_bytes as i64, Ordering::Relaxed);
        }
    }

    /// Is all of this record flushed?
    pub fn is_flushed(
        &self,
        database: crate::types::Database,
        record: &crate::record::Record,
    ) -> bool {
        let flushed = self.flushed.load();
        flushed
            .get(usize::from(database.0))
            .is_some_and(|marker| !marker.is_empty() && record.dots().all(|dot| marker.covers(dot)))
    }

    /// Keys of one database; expired ones count until they are reaped.
    pub fn count(&self, database: crate::types::Database) -> u64 {
        self.partition_ids()
            .map(|id| self.lock(id).space(database).map_or(0, |s| s.keys))
            .sum()
    }
}
