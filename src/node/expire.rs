//! What happens to keys by themselves: past their deadline they are reaped, and what is dead below the
//! floor is forgotten. Neither is a delete: a reaped version keeps dot and deadline, so that no
//! replica sees a difference.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::keyspace::Keyspace;
use super::partition::Space;
use super::stage::Stage;
use crate::record;
use crate::store::table::{Entry, entry};
use crate::types::{Database, Hlc, PartitionId, Token, WallMs};
use crate::version::Floor;

/// Reaps keys that are past their deadline, at most `budget`; how many?
pub fn reap_due(keyspace: &Keyspace, stage: &mut Stage, now: WallMs, budget: usize) -> usize {
    let mut reaped = 0;
    let partitions = keyspace.partition_count();
    // From anywhere, so that no partition waits for ever behind those that are always busy.
    let first = stage.sampler.below(usize::from(partitions)) as u16;
    for id in (first..partitions).chain(0..first).map(PartitionId) {
        let mut partition = keyspace.lock(id);
        for (database, space) in partition.spaces_mut() {
            while reaped < budget
                && let Some((_, token)) = space.expiring.pop_due(now)
            {
                for key in space.table.keys_of(token) {
                    let place = Reaped {
                        id,
                        database,
                        token,
                        key: &key,
                    };
                    reaped += usize::from(reap(keyspace, space, stage, &place, now));
                }
            }
        }
        if reaped >= budget {
            break;
        }
    }
    keyspace
        .sums
        .expired_keys
        .fetch_add(reaped as u64, Ordering::Relaxed);
    reaped
}

struct Reaped<'k> {
    id: PartitionId,
    database: Database,
    token: Token,
    key: &'k [u8],
}

/// Drops the expired values of one key. A key whose values are all gone no longer counts.
fn reap(
    keyspace: &Keyspace,
    space: &mut Space,
    stage: &mut Stage,
    at: &Reaped<'_>,
    now: WallMs,
) -> bool {
    let Some(found) = space.table.get_mut(at.token, at.key, stage.logged) else {
        return false;
    };
    if !found.is(entry::COUNTED) || found.is(entry::LOADING | entry::ABSENT) {
        return false;
    }
    let Ok(mut decoded) = record::decode(found.record()) else {
        return false;
    };
    if !decoded.drop_expired_values(now) {
        return false;
    }
    let mut encoded = Vec::new();
    record::encode(&decoded, &mut encoded);
    let (before, was_dirty) = (found.bytes() as isize, found.is(entry::DIRTY));
    found.set_record(encoded.len(), |bytes| bytes.copy_from_slice(&encoded));
    let gone = !decoded.has_value();
    let dirty = if stage.logged { entry::DIRTY } else { 0 };
    found.change_state(dirty, if gone { entry::COUNTED } else { 0 });
    let after = found.bytes() as isize;
    stage.table_bytes += after - before;
    if stage.logged {
        stage.dirty_bytes += after - if was_dirty { before } else { 0 };
    }
    let minted = keyspace.clock.last();
    let change = -i8::from(gone);
    stage.record(
        at.id,
        at.database,
        at.token,
        at.key,
        &encoded,
        change,
        minted,
    );
    if gone {
        space.keys = space.keys.saturating_sub(1);
        let last = decoded.dots().map(|dot| dot.hlc).max().unwrap_or_default();
        space.dead.push_back((last, at.token, at.key.into()));
    } else if let Some(next) = decoded.last_expiry() {
        space.expiring.insert((next, at.token));
    }
    gone
}

/// Forgets dead records that the floor covers, at most `budget`; how many?
pub fn forget(keyspace: &Keyspace, stage: &mut Stage, now: WallMs, budget: usize) -> usize {
    let floor = keyspace.floor.load();
    let own = floor.get(keyspace.actor).unwrap_or_default();
    let mut forgotten = 0;
    for id in keyspace.partition_ids() {
        let mut partition = keyspace.lock(id);
        for (_, space) in partition.spaces_mut() {
            for _ in 0..space.dead.len() {
                if forgotten >= budget || space.dead.front().is_none_or(|(at, ..)| *at > own) {
                    break;
                }
                let Some((at, token, key)) = space.dead.pop_front() else {
                    break;
                };
                match forget_one(space, stage, token, &key, &floor, now) {
                    Fate::Forgotten => forgotten += 1,
                    Fate::Alive => {}
                    Fate::Waits => space.dead.push_back((at, token, key)),
                }
            }
        }
    }
    keyspace
        .sums
        .forgotten
        .fetch_add(forgotten as u64, Ordering::Relaxed);
    forgotten
}

enum Fate {
    Forgotten,
    /// Written again since, or gone already.
    Alive,
    /// Dead, but some of its past is above the floor.
    Waits,
}

fn forget_one(
    space: &mut Space,
    stage: &mut Stage,
    token: Token,
    key: &[u8],
    floor: &Floor,
    now: WallMs,
) -> Fate {
    let Some(found) = space.table.get(token, key) else {
        return Fate::Alive;
    };
    if found.is(entry::COUNTED | entry::ABSENT | entry::LOADING) {
        return Fate::Alive;
    }
    let Ok(decoded) = record::decode(found.record()) else {
        return Fate::Alive;
    };
    if decoded.has_value() {
        return Fate::Alive;
    }
    if !decoded.is_forgettable(floor, now) {
        return Fate::Waits;
    }
    let Some(gone) = space.table.remove(token, key) else {
        return Fate::Alive;
    };
    stage.table_bytes -= gone.bytes() as isize;
    if stage.logged {
        // The tree may have the key: the applier deletes it there, then the marker goes.
        if gone.is(entry::DIRTY) {
            stage.dirty_bytes -= gone.bytes() as isize;
        }
        let marker = Entry::marker(key, entry::ABSENT | entry::DIRTY);
        stage.table_bytes += marker.bytes() as isize;
        stage.dirty_bytes += marker.bytes() as isize;
        space.table.insert(token, marker);
    }
    Fate::Forgotten
}

/// Raises the floor of a one-member cluster: everything this node minted up to `to` is settled.
pub fn advance_floor(keyspace: &Keyspace, to: Hlc) {
    let mut floor = keyspace.floor.load().as_ref().clone();
    floor.raise(keyspace.actor, to);
    keyspace.floor.store(Arc::new(floor));
}

#[cfg(test)]
mod tests;
