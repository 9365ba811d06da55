//! Walks over the whole keyspace: SCAN and KEYS, RANDOMKEY, counts, flushes. Each takes one
//! partition's lock at a time, unless the caller holds them all.
//!
//! SCAN's cursor is 1 + (partition, 12 bits | the token's top 40 bits): below 2^53, stateless, good on
//! any node and after a restart. Keys that share these bits come in one reply, so a cursor never
//! stands between two of them; a key that is there throughout is returned at least once.

mod whole;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::durable::Durable;
use super::locked::Locked;
use crate::env::rng::Sampler;
use crate::record::{self, Peek, Simple};
use crate::store::key::{parse_record_key, parse_record_value, token_range};
use crate::store::table::{Entry, entry};
use crate::types::{Database, PartitionId, Token, WallMs};

/// Bits of the token in a cursor.
const TOKEN_BITS: u32 = 40;

/// One step of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Where the next step begins; 0: the walk is over.
    pub cursor: u64,
    /// Live keys.
    pub keys: Vec<Vec<u8>>,
}

/// What INFO shows of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseSummary {
    /// Keys, expired ones that are not reaped among them.
    pub keys: u64,
    /// Hot keys with a deadline.
    pub expires: u64,
    /// What these have left on average, in milliseconds.
    pub average_ttl_ms: u64,
}

/// Entries that a step may look at for each key it is asked for: dead ones and other walks' finds
/// cost time too, and a step holds up its worker.
const LOOKED_PER_KEY: usize = 10;

/// What a step may look at in any case: some pages.
const LOOKED_LEAST: usize = 1_000;

fn cursor_of(partition: PartitionId, token: Token) -> u64 {
    1 + (u64::from(partition.0) << TOKEN_BITS | token.0 >> (64 - TOKEN_BITS))
}

/// The partition that a cursor stands in; beyond the last: the walk is over.
pub fn partition_of(cursor: u64) -> PartitionId {
    place_of(cursor).0
}

fn place_of(cursor: u64) -> (PartitionId, Token) {
    let place = cursor.saturating_sub(1);
    let token = place & ((1 << TOKEN_BITS) - 1);
    (
        PartitionId((place >> TOKEN_BITS) as u16),
        Token(token << (64 - TOKEN_BITS)),
    )
}

/// The first token behind all that share a cursor with this one.
fn behind(token: Token) -> Option<Token> {
    let step = 1u64 << (64 - TOKEN_BITS);
    (token.0 & !(step - 1)).checked_add(step).map(Token)
}

/// Live keys of one stretch of tokens, and where the stretch ends (`None`: with the partition).
struct Stretch {
    keys: Vec<(Token, Vec<u8>)>,
    end: Option<Token>,
    /// Entries looked at.
    looked: usize,
}

impl Locked<'_> {
    /// One step of SCAN: about `count` keys, fewer where most entries are dead. Cold keys come from
    /// `durable`, which may block: then this runs on a reader's thread.
    pub fn scan(&mut self, cursor: u64, count: usize, durable: Option<&Durable>) -> Scanned {
        self.scan_of(cursor, count, durable, &|_| true)
    }

    /// The same over those partitions that `mine` names: the walk stops at the first other one, and
    /// its cursor is good for a node that has it.
    pub fn scan_of(
        &mut self,
        cursor: u64,
        count: usize,
        durable: Option<&Durable>,
        mine: &dyn Fn(PartitionId) -> bool,
    ) -> Scanned {
        let (mut id, mut from) = place_of(cursor);
        let mut keys = Vec::new();
        let partitions = self.keyspace().partition_count();
        let mut left = count.saturating_mul(LOOKED_PER_KEY).max(LOOKED_LEAST);
        while id.0 < partitions {
            if !mine(id) {
                return Scanned {
                    cursor: cursor_of(id, from),
                    keys,
                };
            }
            let wanted = count.saturating_sub(keys.len()).max(1);
            let stretch = self.stretch(id, from, (wanted, left), durable);
            left = left.saturating_sub(stretch.looked);
            let mut last = None;
            for (token, key) in stretch.keys {
                let group = token.0 >> (64 - TOKEN_BITS);
                if keys.len() >= count && last != Some(group) {
                    return Scanned {
                        cursor: cursor_of(id, token),
                        keys,
                    };
                }
                last = Some(group);
                keys.push(key);
            }
            (id, from) = match stretch.end {
                Some(end) => (id, end),
                None => (PartitionId(id.0 + 1), Token(0)),
            };
            if (keys.len() >= count || left == 0) && id.0 < partitions {
                return Scanned {
                    cursor: cursor_of(id, from),
                    keys,
                };
            }
        }
        Scanned { cursor: 0, keys }
    }

    /// A page of the table from a token on, joined with what only the tree has. The table is read
    /// first and the tree opened after, so a key that moves from one to the other is seen.
    fn stretch(
        &mut self,
        id: PartitionId,
        from: Token,
        (wanted, left): (usize, usize),
        durable: Option<&Durable>,
    ) -> Stretch {
        let (database, now) = (self.database, self.now);
        let (mut known, mut end, complete) = self.with_partition(id, |partition| {
            let Some(space) = partition.space(database) else {
                return (Vec::new(), None, partition.complete);
            };
            let (slots, end) = space.table.page_sorted(from);
            // A key that is being loaded is still in the tree, and only there.
            let known: Vec<_> = slots
                .iter()
                .filter(|slot| !slot.entry.is(entry::LOADING))
                .map(|slot| {
                    let live = is_live(&slot.entry, now);
                    (slot.token, slot.entry.key().to_vec(), live)
                })
                .collect();
            // Warming may have come to its end while it is loaded: then the table has everything
            // but the record that the placeholder stands for.
            let loading = slots.iter().any(|slot| slot.entry.is(entry::LOADING));
            (known, end, partition.complete && !loading)
        });
        let (mut keys, mut looked) = (Vec::new(), known.len());
        if let Some(durable) = durable.filter(|_| !complete) {
            let hot: BTreeSet<&[u8]> = known.iter().map(|(_, key, _)| key.as_slice()).collect();
            let cold = cold_keys(self, durable, id, (from, end), (wanted, left), &hot);
            if let Some(stopped) = cold.end {
                end = Some(stopped);
                known.retain(|(token, _, _)| *token < stopped);
            }
            keys = cold.keys;
            looked += cold.looked;
        }
        keys.extend(
            known
                .into_iter()
                .filter(|(.., live)| *live)
                .map(|(t, key, _)| (t, key)),
        );
        keys.sort_unstable();
        Stretch { keys, end, looked }
    }

    /// A key by chance, if there is any in the partitions that `mine` names: a random page of a random
    /// partition, then a walk.
    pub fn random_key(
        &mut self,
        durable: Option<&Durable>,
        mine: &dyn Fn(PartitionId) -> bool,
    ) -> Option<Vec<u8>> {
        let mut sampler = std::mem::replace(&mut self.stage.sampler, Sampler::seeded(0));
        let found = self.sampled_key(&mut sampler, durable, mine);
        self.stage.sampler = sampler;
        found
    }

    fn sampled_key(
        &mut self,
        sampler: &mut Sampler,
        durable: Option<&Durable>,
        mine: &dyn Fn(PartitionId) -> bool,
    ) -> Option<Vec<u8>> {
        const TRIES: usize = 100;
        let (database, now) = (self.database, self.now);
        let partitions = usize::from(self.keyspace().partition_count());
        for _ in 0..TRIES {
            let id = PartitionId(sampler.below(partitions) as u16);
            let choice = sampler.bits();
            if !mine(id) {
                continue;
            }
            let found = self.with_partition(id, |partition| {
                let space = partition.space(database)?;
                let live: Vec<_> = space
                    .table
                    .sample_page(choice)
                    .filter(|slot| is_live(&slot.entry, now))
                    .collect();
                let index = ((u128::from(choice) * live.len() as u128) >> 64) as usize;
                live.get(index).map(|slot| slot.entry.key().to_vec())
            });
            if found.is_some() {
                return found;
            }
        }
        let start = cursor_of(PartitionId(sampler.below(partitions) as u16), Token(0));
        let found = self.first_key(start, durable, mine);
        found.or_else(|| self.first_key(0, durable, mine))
    }

    fn first_key(
        &mut self,
        mut cursor: u64,
        durable: Option<&Durable>,
        mine: &dyn Fn(PartitionId) -> bool,
    ) -> Option<Vec<u8>> {
        loop {
            let step = self.scan_of(cursor, 1, durable, mine);
            if step.cursor == 0 || !step.keys.is_empty() {
                return step.keys.into_iter().next();
            }
            cursor = step.cursor;
            let (id, _) = place_of(cursor);
            if !mine(id) {
                let next = PartitionId(id.0 + 1);
                if next.0 >= self.keyspace().partition_count() {
                    return None;
                }
                cursor = cursor_of(next, Token(0));
            }
        }
    }

    /// Keys and deadlines of every database that has any.
    pub fn summaries(&mut self) -> Vec<(Database, DatabaseSummary)> {
        let mut all: Vec<(Database, DatabaseSummary)> = Vec::new();
        let mut deadlines: Vec<u128> = Vec::new();
        self.for_each_partition(|_, partition| {
            for (database, space) in partition.spaces() {
                let index = usize::from(database.0);
                if all.len() <= index {
                    all.extend(
                        (all.len()..=index)
                            .map(|i| (Database(i as u8), DatabaseSummary::default())),
                    );
                    deadlines.resize(index + 1, 0);
                }
                if let Some(sum) = deadlines.get_mut(index) {
                    *sum += space.expiring.sum();
                }
                if let Some((_, summary)) = all.get_mut(index) {
                    summary.keys += space.keys;
                    summary.expires += space.expiring.len() as u64;
                }
            }
        });
        let now = u128::from(self.now.0);
        for ((_, summary), sum) in all.iter_mut().zip(deadlines) {
            let average = sum.checked_div(u128::from(summary.expires)).unwrap_or(now);
            summary.average_ttl_ms = average.saturating_sub(now) as u64;
        }
        all.retain(|(_, summary)| summary.keys > 0);
        all
    }

    /// Empties databases, with every partition locked. What was minted up to now is dead wherever
    /// it is met again: in the tree, in the log, in an old copy.
    pub fn flush(&mut self, databases: &[Database], logged: bool) {
        if self.is_unlocked() {
            self.lock_all();
        }
        let keyspace = self.keyspace();
        if logged {
            let (last, actors) = (keyspace.clock.last(), keyspace.actors.lock().len());
            let mut flushed = keyspace.flushed.load().as_ref().clone();
            for database in databases {
                let index = usize::from(database.0);
                if flushed.len() <= index {
                    flushed.resize(index + 1, crate::version::Floor::default());
                }
                if let Some(marker) = flushed.get_mut(index) {
                    for actor in 0..actors {
                        marker.raise(crate::types::ActorIndex(actor as u32), last);
                    }
                }
            }
            keyspace.flushed.store(std::sync::Arc::new(flushed));
        }
        let (mut bytes, mut dirty) = (0isize, 0isize);
        let mut keys = 0;
        self.for_each_partition(|_, partition| {
            for database in databases {
                let emptied = std::mem::take(partition.space_mut(*database));
                keys += emptied.keys;
                for slot in emptied.table.iter() {
                    let size = slot.entry.bytes() as isize;
                    bytes += size;
                    dirty += if slot.entry.is(entry::DIRTY) { size } else { 0 };
                }
            }
        });
        self.stage.table_bytes -= bytes;
        self.stage.dirty_bytes -= dirty;
        self.stage.writes += 1;
        tracing::info!(keys, databases = databases.len(), "flushed");
    }
}

/// Keys that only the tree has, from a token on, until there are enough.
fn cold_keys(
    locked: &Locked<'_>,
    durable: &Durable,
    id: PartitionId,
    (from, end): (Token, Option<Token>),
    (wanted, left): (usize, usize),
    hot: &BTreeSet<&[u8]>,
) -> Stretch {
    let (database, now, keyspace) = (locked.database, locked.now, locked.keyspace());
    let last = end.map_or(Token(u64::MAX), |end| Token(end.0.saturating_sub(1)));
    let (low, high) = token_range(id, database, from, last);
    let mut keys: Vec<(Token, Vec<u8>)> = Vec::new();
    let (mut stopped, mut last_seen, mut looked) = (None, None, 0);
    let visited = durable.tree().visit(&low, Some(&high), &mut |name, value| {
        let Some(parsed) = parse_record_key(name) else {
            return ControlFlow::Continue(());
        };
        if (keys.len() >= wanted || looked >= left)
            && let Some(boundary) = last_seen.and_then(behind)
            && parsed.token >= boundary
        {
            stopped = Some(boundary);
            return ControlFlow::Break(());
        }
        looked += 1;
        last_seen = Some(parsed.token);
        if let Some((key, bytes)) = parse_record_value(parsed.name, value)
            && !hot.contains(key)
            && let Ok(decoded) = record::decode(bytes)
            && !decoded.is_dead(now)
            && !keyspace.is_flushed(database, &decoded)
        {
            keys.push((parsed.token, key.to_vec()));
        }
        ControlFlow::Continue(())
    });
    if let Err(error) = visited {
        tracing::error!(%error, "a walk could not read the tree");
    }
    Stretch {
        keys,
        end: stopped,
        looked,
    }
}

/// Does the entry hold a value that a reader may see?
pub(super) fn is_live(found: &Entry, now: WallMs) -> bool {
    if !found.is(entry::COUNTED) || found.is(entry::ABSENT | entry::LOADING) {
        return false;
    }
    match record::peek(found.record()) {
        Ok(Peek::Simple(Simple { expiry, value, .. })) => {
            value.is_some() && expiry.is_none_or(|at| now < at)
        }
        _ => record::decode(found.record()).is_ok_and(|decoded| !decoded.is_dead(now)),
    }
}

#[cfg(test)]
mod tests;
