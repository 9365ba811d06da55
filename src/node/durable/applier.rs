//! The one thread that writes to the tree. It seals the log's segment, collects what is dirty in the
//! table partition by partition (which is the tree's order), ingests it, and only when that is
//! durable lets the segments go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::compactor::{BUSY_PERCENT, CALM_PERCENT, REST_PERCENT};
use super::{Durable, meta};
use crate::record::{self, Peek, Simple};
use crate::store::key::{append_record_key, append_record_value};
use crate::store::table::entry;
use crate::store::tree::Change;
use crate::types::{Database, PartitionId, Token, WallMs};

/// So many bytes of log make an ingestion worth its fsync and its run in the tree: some half a
/// million small records.
const INGEST_BYTES: u64 = 64 << 20;

/// And it does not wait longer than this.
const INGEST_AFTER: Duration = Duration::from_secs(10);

/// Beyond so many unmerged runs in the tree the applier waits for compaction, if memory allows.
const UNMERGED_MAX: u64 = 24;

/// A node at rest has had nothing to log or ingest for so long.
const REST_AFTER: Duration = Duration::from_secs(2);

/// After a rewrite the tree needs some ticks to let go of the old files, each with a flush between.
const SETTLING_TICKS: u32 = 4;

type Waiter = oneshot::Sender<Result<(), String>>;

/// The applier's own state.
pub(super) struct Applier {
    /// Bytes appended to the log since the last ingestion began.
    pending: AtomicU64,
    /// Those of the ingestion under way.
    ingesting: AtomicU64,
    waiters: Mutex<Vec<Waiter>>,
    signal: Condvar,
    drains: AtomicU64,
    last_drain: AtomicU64,
    /// The ingestion under way; 0 between two.
    pub(super) epoch: AtomicU8,
    /// Something in the tree may be dead or expire: the sweep walks it.
    pub(super) sweep: AtomicBool,
    pub(super) sweep_from: Mutex<Vec<u8>>,
}

/// A collected entry that said "absent": to be taken out of the table once the tree agrees.
type Absent = (PartitionId, Database, Token, Box<[u8]>);

impl Applier {
    pub(super) fn new(sweep: bool) -> Self {
        Self {
            pending: AtomicU64::new(0),
            ingesting: AtomicU64::new(0),
            waiters: Mutex::default(),
            signal: Condvar::new(),
            drains: AtomicU64::new(0),
            last_drain: AtomicU64::new(0),
            epoch: AtomicU8::new(0),
            sweep: AtomicBool::new(sweep),
            sweep_from: Mutex::default(),
        }
    }

    /// A group of so many bytes was appended.
    #[inline]
    pub(super) fn note(&self, bytes: usize) {
        let before = self.pending.fetch_add(bytes as u64, Ordering::Relaxed);
        if before < INGEST_BYTES && before + bytes as u64 >= INGEST_BYTES {
            self.signal.notify_one();
        }
    }

    pub(super) async fn drain(&self) -> Result<(), String> {
        let (sender, receiver) = oneshot::channel();
        self.waiters.lock().push(sender);
        self.signal.notify_one();
        receiver
            .await
            .unwrap_or_else(|_| Err("ERR the applier has stopped".to_owned()))
    }

    pub(super) fn drain_soon(&self) {
        let (sender, _nobody) = oneshot::channel();
        self.waiters.lock().push(sender);
        self.signal.notify_one();
    }

    pub(super) fn wake(&self) {
        self.signal.notify_all();
    }

    pub(super) fn drains(&self) -> u64 {
        self.drains.load(Ordering::Relaxed)
    }

    pub(super) fn last_drain(&self) -> WallMs {
        WallMs(self.last_drain.load(Ordering::Relaxed))
    }

    /// The tree holds records that a flush has killed: walk it from the start.
    pub(super) fn sweep_all(&self) {
        self.sweep_from.lock().clear();
        self.sweep.store(true, Ordering::Release);
    }

    /// Bytes of log that wait for the next ingestion.
    fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Bytes of log that the tree does not have.
    pub(super) fn undrained(&self) -> u64 {
        // Moved from the first to the second: read the other way round, some could be missed.
        let pending = self.pending.load(Ordering::Acquire);
        pending + self.ingesting.load(Ordering::Acquire)
    }
}

impl Durable {
    /// Runs until the node stops.
    pub(super) fn apply_for_ever(self: &Arc<Self>) {
        const STEP: Duration = Duration::from_millis(100);
        let mut last = self.clock.now();
        let mut rests_from = last + REST_AFTER;
        while !self.stopping.load(Ordering::Acquire) {
            let applier = &self.applier;
            let waiters = {
                let mut waiters = applier.waiters.lock();
                if waiters.is_empty() && applier.pending() < INGEST_BYTES {
                    applier.signal.wait_for(&mut waiters, STEP);
                }
                std::mem::take(&mut *waiters)
            };
            let now = self.clock.now();
            let full = applier.pending() >= INGEST_BYTES;
            if self.is_dirty() {
                rests_from = now + REST_AFTER;
            }
            let due = full || (self.is_dirty() && now.duration_since(last) >= INGEST_AFTER);
            if (due && self.tree_has_room()) || !waiters.is_empty() {
                last = now;
                let result = self.ingest_dirty();
                if let Err(reason) = &result {
                    self.fail(reason);
                } else if waiters.is_empty() {
                    self.compact_past(if full { BUSY_PERCENT } else { CALM_PERCENT });
                } else {
                    self.settle();
                    self.let_go();
                }
                for waiter in waiters {
                    let answer = result.as_ref().map(|_| ()).map_err(|e| format!("ERR {e}"));
                    // A waiter that is gone needs no answer.
                    let _ = waiter.send(answer);
                }
            } else {
                if let Err(error) = self.tree.tick() {
                    self.fail(&error.to_string());
                }
                self.sweep_step();
                if now >= rests_from {
                    self.compact_past(REST_PERCENT);
                    rests_from = now + REST_AFTER;
                }
            }
        }
    }

    /// Ticks until the files of a rewritten tree are gone.
    fn let_go(&self) {
        const PAUSE: Duration = Duration::from_millis(20);
        for _ in 0..SETTLING_TICKS {
            if let Err(error) = self.tree.tick() {
                self.fail(&error.to_string());
                return;
            }
            let mut waiters = self.applier.waiters.lock();
            self.applier.signal.wait_for(&mut waiters, PAUSE);
        }
    }

    /// Does the table have what the tree lacks? Forgotten keys are in no group of the log.
    fn is_dirty(&self) -> bool {
        let dirty = self.keyspace.sums.dirty_bytes.load(Ordering::Relaxed);
        dirty > 0 || self.applier.pending() > 0
    }

    /// Compaction may lag; memory may not run out for its sake.
    fn tree_has_room(&self) -> bool {
        self.is_behind()
            || self
                .tree
                .sizes()
                .is_ok_and(|sizes| sizes.unmerged_tables < UNMERGED_MAX)
    }

    fn ingest_dirty(&self) -> Result<u64, String> {
        if let Some(reason) = self.failure() {
            return Err(reason.to_owned());
        }
        let applier = &self.applier;
        let taken = applier.pending();
        applier.ingesting.store(taken, Ordering::Release);
        applier.pending.fetch_sub(taken, Ordering::Release);
        let (sealed, counts) = self.rotate(super::counts::Counts::encode)?;
        let epoch = next_epoch(applier.drains());
        applier.epoch.store(epoch, Ordering::Release);
        let mut absent: Vec<Absent> = Vec::new();
        let mut sweep = applier.sweep.load(Ordering::Acquire);
        let mut collected = 0;
        let partitions = self.keyspace.partition_ids();
        let mut changes = partitions.flat_map(|id| {
            self.collect(id, epoch, &mut absent, &mut sweep, &mut collected)
                .into_iter()
        });
        let ingested = self.tree.ingest(&mut changes);
        drop(changes);
        let ingested = ingested.map_err(|error| error.to_string())?;
        self.put_meta(sealed, counts, sweep)?;
        applier.epoch.store(0, Ordering::Release);
        applier.sweep.store(sweep, Ordering::Release);
        let synced = self.writer.lock().log.position();
        self.high_water
            .lock()
            .record(synced_no_later(synced, sealed), sealed)
            .map_err(|e| e.to_string())?;
        self.writer
            .lock()
            .log
            .drop_through(sealed)
            .map_err(|error| error.to_string())?;
        self.keyspace
            .sums
            .dirty_bytes
            .fetch_sub(collected, Ordering::Relaxed);
        self.forget_absent(absent);
        applier.ingesting.store(0, Ordering::Release);
        applier.drains.fetch_add(1, Ordering::Relaxed);
        applier.last_drain.store(self.now().0, Ordering::Relaxed);
        Ok(ingested)
    }

    /// What is dirty in one partition, in the order of the tree.
    fn collect(
        &self,
        id: PartitionId,
        epoch: u8,
        absent: &mut Vec<Absent>,
        sweep: &mut bool,
        collected: &mut i64,
    ) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        let mut partition = self.keyspace.lock(id);
        for (database, space) in partition.spaces_mut() {
            space.table.collect_dirty(epoch, |token, found| {
                let key = found.key();
                let mut name = Vec::with_capacity(13 + key.len());
                append_record_key(&mut name, (id, database, token), key, &self.name_key);
                *collected += found.bytes() as i64;
                if found.is(entry::ABSENT) {
                    absent.push((id, database, token, key.into()));
                    changes.push((name, None));
                } else {
                    *sweep |= !lives_for_ever(found.record());
                    let mut value = Vec::with_capacity(found.record().len());
                    append_record_value(&mut value, key, found.record());
                    changes.push((name, Some(value)));
                }
            });
        }
        drop(partition);
        // Tokens ascend already; only equal ones, which nobody can aim for, need more.
        changes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        changes
    }

    fn put_meta(&self, sealed: u64, counts: Vec<u8>, sweep: bool) -> Result<(), String> {
        let keyspace = &self.keyspace;
        let actors = meta::encode_actors(&keyspace.actors.lock());
        let all = [
            (meta::COUNTS.to_vec(), Some(counts)),
            (meta::ACTORS.to_vec(), Some(actors)),
            // Their entries go with the segments: what is kept now stands here.
            (
                meta::HANDOFF.to_vec(),
                Some(meta::encode_handoff(&keyspace.handoff.snapshot())),
            ),
            (
                meta::CEILING.to_vec(),
                Some(meta::encode_u64(keyspace.clock.ceiling().0)),
            ),
            (
                meta::FLOOR.to_vec(),
                Some(meta::encode_floor(&keyspace.floor.load())),
            ),
            (
                meta::FLUSHED.to_vec(),
                Some(meta::encode_flushed(&keyspace.flushed.load())),
            ),
            (
                meta::POLICIES.to_vec(),
                Some(meta::encode_policies(&keyspace.policies.load())),
            ),
            (
                meta::SWEEP.to_vec(),
                Some(meta::encode_u64(u64::from(sweep))),
            ),
            (meta::APPLIED.to_vec(), Some(meta::encode_u64(sealed))),
        ];
        self.tree
            .put_meta_all(&all)
            .map_err(|error| error.to_string())
    }

    /// The tree no longer has these keys: a table that holds everything need not remember that.
    fn forget_absent(&self, absent: Vec<Absent>) {
        for (id, database, token, key) in absent {
            let mut partition = self.keyspace.lock(id);
            if !partition.complete {
                // Whoever is reading the tree's older state must not take it for the present.
                partition.evictions += 1;
            }
            let table = &mut partition.space_mut(database).table;
            let still = table
                .get(token, &key)
                .is_some_and(|found| found.is(entry::ABSENT) && !found.is(entry::DIRTY));
            if still && let Some(gone) = table.remove(token, &key) {
                self.keyspace.add_sums(-(gone.bytes() as isize), 0);
            }
        }
    }
}

/// Neither deleted nor expiring: nothing for the sweep.
pub(super) fn lives_for_ever(record: &[u8]) -> bool {
    matches!(
        record::peek(record),
        Ok(Peek::Simple(Simple {
            expiry: None,
            value: Some(_),
            ..
        }))
    )
}

/// Epochs go from 1 to 255 and around; 0 means that no ingestion is under way.
fn next_epoch(drains: u64) -> u8 {
    (drains % 255) as u8 + 1
}

/// The mark may lag, never lead: what is certainly synced is the sealed segment.
fn synced_no_later(position: crate::store::log::Synced, sealed: u64) -> crate::store::log::Synced {
    if position.segment > sealed + 1 {
        position
    } else {
        crate::store::log::Synced::default()
    }
}
