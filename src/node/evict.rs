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
use crate::record::{self, Peek, Simple};
use crate::store::table::{Slot, entry};
use crate::types::{Database, Hlc, PartitionId, Token, WallMs};

/// Keys looked at for each one evicted: Redis's `maxmemory-samples`.
const SAMPLES: usize = 5;

/// Partitions they are taken from.
const SAMPLED_PARTITIONS: usize = 3;

/// Tries without a candidate before every partition is asked: keys, or those with an expiry, may be
/// few among many partitions.
const TRIES: usize = 16;

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
        let reach = if failures == TRIES {
            Reach::Everywhere
        } else {
            Reach::Somewhere
        };
        if evict_one(keyspace, stage, sampler, policy, reach) {
            failures = 0;
        } else {
            failures += 1;
        }
    }
}

/// How hard a candidate is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Random pages of some partitions.
    Somewhere,
    /// Every partition, and all of it if need be: finds a candidate if there is one.
    Everywhere,
}

fn evict_one(
    keyspace: &Keyspace,
    stage: &mut Stage,
    sampler: &mut Sampler,
    policy: EvictionPolicy,
    reach: Reach,
) -> bool {
    let partitions = keyspace.partition_count();
    let mut best: Option<Candidate> = None;
    let mut ask = |id, sampler: &mut Sampler| {
        for (database, space) in keyspace.lock(id).spaces() {
            let mut offer = |idle, slot: &Slot| {
                if best.as_ref().is_none_or(|best| idle > best.idle) {
                    best = Some(Candidate {
                        idle,
                        id,
                        database,
                        token: slot.token,
                        key: slot.entry.key().into(),
                    });
                }
            };
            sample(keyspace, space, sampler, policy, reach, &mut offer);
        }
    };
    match reach {
        Reach::Everywhere => keyspace.partition_ids().for_each(|id| ask(id, sampler)),
        Reach::Somewhere => {
            for _ in 0..SAMPLED_PARTITIONS {
                let id = PartitionId(sampler.below(usize::from(partitions)) as u16);
                ask(id, sampler);
            }
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
    reach: Reach,
    offer: &mut impl FnMut(u64, &Slot),
) {
    let now = keyspace.use_clock.load(Ordering::Relaxed);
    let volatile = policy.only_volatile();
    if space.keys == 0 || volatile && space.expiring.is_empty() {
        return;
    }
    let page: Vec<_> = space
        .table
        .sample_page(sampler.bits())
        .filter(|slot| is_candidate(slot))
        .collect();
    let mut judge = |slot: &Slot, sampler: &mut Sampler| {
        let expiry = expiry_of(slot);
        let fits = !volatile || expiry.is_some();
        if fits {
            let expiry = expiry.map(|at| at.0);
            offer(idleness(&slot.entry, expiry, policy, now, sampler), slot);
        }
        fits
    };
    let mut offered = false;
    for _ in 0..SAMPLES.min(page.len()) {
        if let Some(slot) = page.get(sampler.below(page.len())) {
            offered |= judge(slot, sampler);
        }
    }
    if offered || reach == Reach::Somewhere {
        return;
    }
    if volatile {
        for _ in 0..SAMPLES {
            if let Some((_, token)) = space.expiring.sample(sampler.bits()) {
                let slots = space.table.slots_of(token);
                slots.filter(|slot| is_candidate(slot)).for_each(|slot| {
                    judge(slot, sampler);
                });
            }
        }
    } else if let Some(slot) = space.table.iter().find(|slot| is_candidate(slot)) {
        judge(slot, sampler);
    }
}

/// A key that exists: the dead wait for the floor, they are not evicted.
fn is_candidate(slot: &Slot) -> bool {
    slot.entry.is(entry::COUNTED) && !slot.entry.is(entry::LOADING)
}

fn expiry_of(slot: &Slot) -> Option<WallMs> {
    match record::peek(slot.entry.record()) {
        Ok(Peek::Simple(Simple { expiry, .. })) => expiry,
        _ => record::decode(slot.entry.record()).ok()?.last_expiry(),
    }
}

fn drop_key(
    keyspace: &Keyspace,
    partition: &mut Partition,
    stage: &mut Stage,
    chosen: &Candidate,
) -> bool {
    let space = partition.space_mut(chosen.database);
    let found = space.table.get(chosen.token, &chosen.key);
    if !found.is_some_and(|found| found.is(entry::COUNTED)) {
        return false;
    }
    let Some(gone) = space.table.remove(chosen.token, &chosen.key) else {
        return false;
    };
    unindex(&mut space.expiring, &gone, chosen.token);
    space.keys = space.keys.saturating_sub(1);
    stage.table_bytes -= gone.bytes() as isize;
    let last = record::decode(gone.record())
        .ok()
        .and_then(|decoded| decoded.dots().map(|dot| dot.hlc).max())
        .unwrap_or(Hlc(0));
    partition.last_dropped = Some(partition.last_dropped.map_or(last, |at| at.max(last)));
    keyspace.sums.evicted_keys.fetch_add(1, Ordering::Relaxed);
    true
}

#[cfg(test)]
mod tests;
