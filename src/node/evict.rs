//! The cache engine at its bound: whole keys go, by Redis's policies. Eviction is no delete: it never
//! travels and leaves no tombstone, but it breaks the record's past, so the next mint on the key
//! claims nothing but itself (counterexample F1c).

use std::sync::atomic::Ordering;

use super::eviction::{EvictionPolicy, idleness};
use super::keyspace::Keyspace;
use super::partition::{Partition, Space};
use super::stage::Stage;
use super::write::unindex;
use crate::env::rng::Sampler;
use crate::record;
use crate::store::table::{Entry, entry};
use crate::types::{Database, Hlc, PartitionId, Token};

/// Keys looked at for each one evicted: Redis's `maxmemory-samples`.
const SAMPLES: usize = 5;

/// Partitions they are taken from.
const SAMPLED_PARTITIONS: usize = 3;

/// Tries without a candidate before giving up: the keys may all be without an expiry.
const TRIES: usize = 200;

struct Candidate {
    idle: u64,
    id: PartitionId,
    database: Database,
    token: Token,
    key: Box<[u8]>,
}

/// Evicts until the table is within `bound`; false when nothing more may go.
pub fn evict_until(
    keyspace: &Keyspace,
    stage: &mut Stage,
    sampler: &mut Sampler,
    bound: u64,
) -> bool {
    let policy = keyspace.eviction.policy();
    let mut failures = 0;
    loop {
        let used = keyspace.sums.table_bytes.load(Ordering::Relaxed) + stage.table_bytes as i64;
        if used.max(0) as u64 <= bound {
            return true;
        }
        if policy == EvictionPolicy::NoEviction || failures > TRIES {
            return false;
        }
        if evict_one(keyspace, stage, sampler, policy) {
            failures = 0;
        } else {
            failures += 1;
        }
    }
}

fn evict_one(
    keyspace: &Keyspace,
    stage: &mut Stage,
    sampler: &mut Sampler,
    policy: EvictionPolicy,
) -> bool {
    let mut best: Option<Candidate> = None;
    for _ in 0..SAMPLED_PARTITIONS {
        let id = PartitionId(sampler.below(usize::from(keyspace.partition_count())) as u16);
        let partition = keyspace.lock(id);
        for (database, space) in partition.spaces() {
            sample(keyspace, space, sampler, policy, |idle, token, entry| {
                if best.as_ref().is_none_or(|best| idle > best.idle) {
                    let key = entry.key().into();
                    best = Some(Candidate {
                        idle,
                        id,
                        database,
                        token,
                        key,
                    });
                }
            });
        }
    }
    best.is_some_and(|chosen| {
        let mut partition = keyspace.lock(chosen.id);
        drop_key(keyspace, &mut partition, stage, &chosen)
    })
}

fn sample(
    keyspace: &Keyspace,
    space: &Space,
    sampler: &mut Sampler,
    policy: EvictionPolicy,
    mut offer: impl FnMut(u64, Token, &Entry),
) {
    let now = keyspace.use_clock.load(Ordering::Relaxed);
    let page: Vec<_> = space
        .table
        .sample_page(sampler.bits())
        .filter(|slot| slot.entry.is(entry::COUNTED) && !slot.entry.is(entry::LOADING))
        .collect();
    for _ in 0..SAMPLES.min(page.len()) {
        let Some(slot) = page.get(sampler.below(page.len())) else {
            continue;
        };
        let expiry = record::decode(slot.entry.record())
            .ok()
            .and_then(|r| r.last_expiry());
        if policy.only_volatile() && expiry.is_none() {
            continue;
        }
        let idle = idleness(&slot.entry, expiry.map(|at| at.0), policy, now, sampler);
        offer(idle, slot.token, &slot.entry);
    }
}

fn drop_key(
    keyspace: &Keyspace,
    partition: &mut Partition,
    stage: &mut Stage,
    chosen: &Candidate,
) -> bool {
    let space = partition.space_mut(chosen.database);
    let Some(gone) = space.table.remove(chosen.token, &chosen.key) else {
        return false;
    };
    unindex(&mut space.expiring, &gone, chosen.token);
    if gone.is(entry::COUNTED) {
        space.keys = space.keys.saturating_sub(1);
    }
    stage.table_bytes -= gone.bytes() as isize;
    let last = record::decode(gone.record())
        .ok()
        .and_then(|decoded| decoded.dots().map(|dot| dot.hlc).max())
        .unwrap_or(Hlc(0));
    partition.last_dropped = Some(partition.last_dropped.map_or(last, |at| at.max(last)));
    keyspace.sums.evicted_keys.fetch_add(1, Ordering::Relaxed);
    true
}
