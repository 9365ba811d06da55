//! The table as a cache of the tree: clean records leave when it is full, and a table with room is
//! warmed after a start, so that "not in the table" comes to mean "not at all" again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Durable;
use super::loader::{cold_entry, place_of};
use crate::env::clock::sleep;
use crate::env::rng::Sampler;
use crate::node::partition::{Partition, Space};
use crate::record::{self, Peek, Simple};
use crate::store::key::{parse_record_key, parse_record_value, partition_range};
use crate::store::table::{Entry, entry};
use crate::types::{Database, PartitionId, Token};

/// Pages looked at before the least used clean entries of them go.
const SAMPLE_PAGES: usize = 4;

/// Of the sampled clean entries this share goes, in percent.
const EVICT_PERCENT: usize = 20;

/// How often a partition is read anew when keys were forgotten meanwhile.
const WARM_TRIES: usize = 5;

/// Milliseconds that the end of a partition's warming waits for loads under way.
const LOADS_WAITED: usize = 1_000;

/// Records installed under one hold of a partition's lock while warming.
const WARM_BATCH: usize = 512;

/// The table has so long to come back under its bound before the next command may hold it.
const TURN_STEPS: usize = 200;
const TURN_STEP: Duration = Duration::from_millis(5);

/// Nothing is evicted while this lives: a command is gathering more keys than the cache has room for.
/// Otherwise the first would be gone again before the last is here, for ever.
#[derive(Debug)]
pub struct CacheHold {
    durable: Arc<Durable>,
    _turn: tokio::sync::OwnedSemaphorePermit,
}

impl Drop for CacheHold {
    fn drop(&mut self) {
        self.durable.cache_held.store(false, Ordering::Release);
        self.durable.cache_signal.notify_all();
    }
}

impl Durable {
    /// Waits for its turn to hold the cache: one command at a time, and the table is brought under
    /// its bound in between, so that it grows by one command's keys at most. `None`: the node stops.
    pub async fn hold_cache(self: &Arc<Self>) -> Option<CacheHold> {
        let turn = Arc::clone(&self.cache_turn).acquire_owned().await.ok()?;
        for _ in 0..TURN_STEPS {
            if !self.over_bound() {
                break;
            }
            sleep(TURN_STEP).await;
        }
        self.cache_held.store(true, Ordering::Release);
        Some(CacheHold {
            durable: Arc::clone(self),
            _turn: turn,
        })
    }

    /// Keeps the table under its bound; warms it first. Runs until the node stops.
    pub(super) fn cache_for_ever(self: &Arc<Self>) {
        const STEP: Duration = Duration::from_millis(20);
        let mut sampler = Sampler::from_system();
        self.warm();
        let mut park = self.cache_park.lock();
        while !self.stopping.load(Ordering::Acquire) {
            if !self.evict_some(&mut sampler) {
                self.cache_signal.wait_for(&mut park, STEP);
            }
        }
    }

    fn over_bound(&self) -> bool {
        let used = self
            .keyspace
            .sums
            .table_bytes
            .load(Ordering::Relaxed)
            .max(0) as u64;
        used > self.cache_bytes
    }

    /// Evicts from one partition; false when there is nothing to do, or nothing clean was found.
    fn evict_some(&self, sampler: &mut Sampler) -> bool {
        if !self.over_bound() || self.cache_held.load(Ordering::Acquire) {
            return false;
        }
        let mut gone = 0;
        for _ in 0..16 {
            let id =
                PartitionId(sampler.below(usize::from(self.keyspace.partition_count())) as u16);
            let mut partition = self.keyspace.lock(id);
            gone += self.evict_from(&mut partition, sampler);
        }
        if gone > 0 {
            self.keyspace.may_be_cold.store(true, Ordering::Release);
        }
        gone > 0
    }

    fn evict_from(&self, partition: &mut Partition, sampler: &mut Sampler) -> usize {
        let epoch = self.applier.epoch.load(Ordering::Acquire);
        let now = self.keyspace.use_clock.load(Ordering::Relaxed);
        let mut victims: Vec<(u32, Database, Token, Box<[u8]>)> = Vec::new();
        for (database, space) in partition.spaces() {
            for _ in 0..SAMPLE_PAGES {
                let page = space.table.sample_page(sampler.bits());
                let clean = page.filter(|slot| is_evictable(&slot.entry, epoch));
                victims.extend(clean.map(|slot| {
                    let idle = now.wrapping_sub(slot.entry.used());
                    (idle, database, slot.token, slot.entry.key().into())
                }));
            }
        }
        victims.sort_unstable_by_key(|victim| std::cmp::Reverse(victim.0));
        victims.truncate((victims.len() * EVICT_PERCENT).div_ceil(100));
        if victims.is_empty() {
            return 0;
        }
        partition.complete = false;
        partition.evictions += 1;
        let mut gone = 0;
        for (_, database, token, key) in victims {
            let space = partition.space_mut(database);
            if let Some(entry) = space.table.remove(token, &key) {
                crate::node::write::unindex(&mut space.expiring, &entry, token);
                self.keyspace.add_sums(-(entry.bytes() as isize), 0);
                self.keyspace
                    .sums
                    .cache_evictions
                    .fetch_add(1, Ordering::Relaxed);
                gone += 1;
            }
        }
        gone
    }

    /// Reads partitions into the table while there is room. A partition that is read whole without
    /// an eviction in between is complete: the tree need not be asked about it any more.
    fn warm(&self) {
        let started = self.clock.now();
        let mut complete = 0;
        for id in self.keyspace.partition_ids() {
            // Keys forgotten meanwhile void a pass; a table that is full ends the warming.
            let warmed = (0..WARM_TRIES).any(|_| self.over_bound() || self.warm_one(id));
            if !warmed || self.over_bound() || self.stopping.load(Ordering::Acquire) {
                return;
            }
            complete += 1;
        }
        self.keyspace.may_be_cold.store(false, Ordering::Release);
        // An eviction between the last partition and the line above would be overlooked.
        if self
            .keyspace
            .partition_ids()
            .any(|id| !self.keyspace.lock(id).complete)
        {
            self.keyspace.may_be_cold.store(true, Ordering::Release);
        }
        let millis = self.clock.now().duration_since(started).as_millis() as u64;
        tracing::info!(
            partitions = complete,
            millis,
            "the table holds everything the tree has"
        );
    }

    fn warm_one(&self, id: PartitionId) -> bool {
        let evictions = {
            let partition = self.keyspace.lock(id);
            if partition.complete {
                return true;
            }
            partition.evictions
        };
        let (from, to) = partition_range(id);
        let mut batch = Vec::new();
        let mut went_well = true;
        let visited = self.tree.visit(&from, Some(&to), &mut |name, value| {
            batch.push((name.to_vec(), value.to_vec()));
            if batch.len() >= WARM_BATCH {
                went_well = self.install_warm(id, evictions, &mut batch);
            }
            if went_well && !self.stopping.load(Ordering::Relaxed) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if visited.is_err() || !went_well || !self.install_warm(id, evictions, &mut batch) {
            return false;
        }
        // What a placeholder stands for is not in the table yet; such reads are short.
        for _ in 0..LOADS_WAITED {
            let mut partition = self.keyspace.lock(id);
            let whole = partition.evictions == evictions && !self.stopping.load(Ordering::Relaxed);
            if !whole || !is_loading(&partition) {
                partition.complete = whole;
                return whole;
            }
            drop(partition);
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    /// Installs what the table does not have. The tree was opened before: with no eviction since,
    /// what the table lacks cannot have been written meanwhile.
    fn install_warm(
        &self,
        id: PartitionId,
        evictions: u64,
        batch: &mut Vec<(Vec<u8>, Vec<u8>)>,
    ) -> bool {
        let mut partition = self.keyspace.lock(id);
        if self.over_bound() || partition.evictions != evictions {
            return false;
        }
        let mut bytes = 0;
        for (name, value) in batch.drain(..) {
            let Some((_, database, token)) = place_of(&name) else {
                continue;
            };
            let Some(parsed) = parse_record_key(&name) else {
                continue;
            };
            let Some((key, record)) = parse_record_value(parsed.name, &value) else {
                continue;
            };
            let space = partition.space_mut(database);
            if space.table.get(token, key).is_some() {
                continue;
            }
            if record::decode(record).is_ok_and(|r| self.keyspace.is_flushed(database, &r)) {
                continue;
            }
            let entry = cold_entry(&self.keyspace, key, record);
            bytes += entry.bytes() as isize;
            index_expiry(space, token, &entry);
            space.table.insert(token, entry);
        }
        drop(partition);
        self.keyspace.add_sums(bytes, 0);
        true
    }
}

fn is_loading(partition: &Partition) -> bool {
    let mut all = partition.spaces().flat_map(|(_, space)| space.table.iter());
    all.any(|slot| slot.entry.is(entry::LOADING))
}

fn is_evictable(found: &Entry, epoch: u8) -> bool {
    !found.is(entry::DIRTY | entry::LOADING) && (epoch == 0 || found.epoch() != epoch)
}

/// A record that came from outside: its deadline into the index, its death to the forgotten.
pub(super) fn index_expiry(space: &mut Space, token: Token, entry: &Entry) {
    match record::peek(entry.record()) {
        Ok(Peek::Simple(Simple {
            expiry,
            value: Some(_),
            ..
        })) => {
            if let Some(at) = expiry {
                space.expiring.insert((at, token));
            }
        }
        Ok(Peek::Simple(Simple {
            dot, value: None, ..
        })) => {
            space.dead.push_back((dot.hlc, token, entry.key().into()));
        }
        _ => {
            if let Some(at) = record::decode(entry.record())
                .ok()
                .and_then(|r| r.last_expiry())
            {
                space.expiring.insert((at, token));
            }
        }
    }
}
