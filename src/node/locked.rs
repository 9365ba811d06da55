//! What a command works with: its keys' partitions, locked in order, every key resident. Reads borrow
//! straight from the table; writes are in [`super::write`].

use parking_lot::MutexGuard;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

use super::keyspace::{Keyspace, Place};
use super::partition::{Known, Partition};
use super::policy::Conflict;
use super::stage::Stage;
use crate::record::{self, CodecError, Kind, Peek, Record, Simple};
use crate::store::table::{Entry, entry};
use crate::types::{Database, PartitionId, WallMs};

/// Why a key could not be read or written. Each leaves the key as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Several versions, under policy `siblings`.
    #[error("CONFLICT {0} concurrent versions of this key; use GETVERSIONS and PUTCTX")]
    Conflict(usize),
    /// The key holds another type.
    #[error("WRONGTYPE Operation against a key holding the wrong kind of value")]
    WrongType,
    /// The write would leave more siblings than a key may have.
    #[error("TOOMANYSIBLINGS {0} concurrent versions of this key; resolve them first")]
    TooManySiblings(usize),
    /// The stored bytes do not decode: disk or memory damage that the checksums let through.
    #[error("ERR the record of this key is damaged: {0}")]
    Damaged(#[from] CodecError),
}

/// Locked partitions of one command, or of one EXEC.
pub struct Locked<'a> {
    pub(super) keyspace: &'a Keyspace,
    guards: SmallVec<[(PartitionId, MutexGuard<'a, Partition>); 1]>,
    /// The database that the connection selected.
    pub database: Database,
    /// Wall clock of this batch.
    pub now: WallMs,
    /// Where writes are noted.
    pub stage: &'a mut Stage,
    /// Seconds, as entries note their use.
    pub(super) use_now: u32,
    pub(super) frequency: bool,
    last_place: Option<(*const u8, usize, Place)>,
    general: Option<Record>,
}

/// A key as plain commands see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The value of the winner.
    pub value: &'a [u8],
    /// Its deadline.
    pub expiry: Option<WallMs>,
}

impl<'a> Locked<'a> {
    /// Nothing locked yet.
    pub fn new(
        keyspace: &'a Keyspace,
        database: Database,
        now: WallMs,
        stage: &'a mut Stage,
    ) -> Self {
        Self {
            keyspace,
            guards: SmallVec::new(),
            database,
            now,
            stage,
            use_now: keyspace.use_clock.load(Ordering::Relaxed),
            frequency: keyspace.eviction.policy().counts_frequency(),
            last_place: None,
            general: None,
        }
    }

    /// The keyspace behind.
    pub fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    /// Locks the partition of the only key.
    #[inline]
    pub fn lock_one(&mut self, key: &[u8]) {
        let place = self.keyspace.place(key);
        self.last_place = Some((key.as_ptr(), key.len(), place));
        self.guards.clear();
        self.guards
            .push((place.partition, self.keyspace.lock(place.partition)));
    }

    /// Locks one partition.
    pub fn lock_at(&mut self, partition: PartitionId) {
        self.last_place = None;
        self.guards.clear();
        self.guards.push((partition, self.keyspace.lock(partition)));
    }

    /// Locks the partitions of several keys, in order, each once.
    pub fn lock_many<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) {
        let mut wanted: SmallVec<[PartitionId; 8]> =
            keys.map(|key| self.keyspace.place(key).partition).collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.lock_partitions(wanted.into_iter());
    }

    /// Locks every partition.
    pub fn lock_all(&mut self) {
        self.lock_partitions(self.keyspace.partition_ids());
    }

    fn lock_partitions(&mut self, ids: impl Iterator<Item = PartitionId>) {
        self.guards.clear();
        for id in ids {
            self.guards.push((id, self.keyspace.lock(id)));
        }
    }

    /// Lets go of all locks.
    pub fn unlock(&mut self) {
        self.guards.clear();
        self.last_place = None;
    }

    /// Is nothing locked?
    pub fn is_unlocked(&self) -> bool {
        self.guards.is_empty()
    }

    /// Where a key lives; remembered for the argument slice that was asked last.
    #[inline]
    pub(super) fn place(&mut self, key: &[u8]) -> Place {
        if let Some((pointer, len, place)) = self.last_place
            && pointer == key.as_ptr()
            && len == key.len()
        {
            return place;
        }
        let place = self.keyspace.place(key);
        self.last_place = Some((key.as_ptr(), key.len(), place));
        place
    }

    #[inline]
    fn guard_index(&self, id: PartitionId) -> usize {
        if self.guards.len() == 1 {
            return 0;
        }
        let found = self.guards.binary_search_by_key(&id, |(held, _)| *held);
        found.expect("dispatch locks the partitions of all keys of the command's key spec")
    }

    /// A locked partition.
    #[inline]
    pub(super) fn partition(&self, id: PartitionId) -> &Partition {
        let index = self.guard_index(id);
        #[allow(clippy::indexing_slicing, reason = "found just above")]
        &self.guards[index].1
    }

    /// A locked partition, to change it.
    #[inline]
    pub(super) fn partition_mut(&mut self, id: PartitionId) -> &mut Partition {
        let index = self.guard_index(id);
        #[allow(clippy::indexing_slicing, reason = "found just above")]
        &mut self.guards[index].1
    }

    /// The partition with the stage: two borrows that a write needs at once.
    #[inline]
    pub(super) fn partition_and_stage(&mut self, id: PartitionId) -> (&mut Partition, &mut Stage) {
        let index = self.guard_index(id);
        #[allow(clippy::indexing_slicing, reason = "found just above")]
        (&mut self.guards[index].1, self.stage)
    }

    /// Runs `visit` on every partition, locking those that are not held.
    pub fn for_each_partition(&mut self, mut visit: impl FnMut(PartitionId, &mut Partition)) {
        for id in self.keyspace.partition_ids() {
            if self.guards.is_empty() {
                visit(id, &mut self.keyspace.lock(id));
            } else {
                visit(id, self.partition_mut(id));
            }
        }
    }

    /// One partition, held or locked for the time of the visit.
    pub fn with_partition<T>(
        &mut self,
        id: PartitionId,
        visit: impl FnOnce(&mut Partition) -> T,
    ) -> T {
        if self.guards.is_empty() {
            visit(&mut self.keyspace.lock(id))
        } else {
            visit(self.partition_mut(id))
        }
    }

    /// Are all these keys in the table, or known to be missing?
    pub fn first_cold<'k>(&mut self, mut keys: impl Iterator<Item = &'k [u8]>) -> Option<&'k [u8]> {
        let database = self.database;
        keys.find(|key| {
            let place = self.place(key);
            let known = self
                .partition(place.partition)
                .look(database, place.token, key);
            matches!(known, Known::Cold | Known::Loading)
        })
    }

    /// The record of a key, or `None` when there is none.
    #[inline]
    pub(super) fn record_bytes(&mut self, key: &[u8], touch: bool) -> Option<&[u8]> {
        let place = self.place(key);
        let (now, frequency) = (self.use_now, self.frequency);
        let found = find(&mut self.guards, self.database, place, key)?;
        if touch {
            super::eviction::touch(found, now, frequency, chance);
        }
        Some(found.record())
    }

    /// A key as GET shows it. Errors: CONFLICT under policy `siblings`, WRONGTYPE.
    #[inline]
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Shown<'_>>, Refusal> {
        self.show(key, true, true)
    }

    /// A key as STRLEN, TTL and TYPE show it: the winner's view, never CONFLICT.
    pub fn peek(&mut self, key: &[u8]) -> Result<Option<Shown<'_>>, Refusal> {
        self.show(key, false, false)
    }

    #[inline]
    pub(super) fn show(
        &mut self,
        key: &[u8],
        strict: bool,
        touch: bool,
    ) -> Result<Option<Shown<'_>>, Refusal> {
        let place = self.place(key);
        let Self {
            guards,
            general,
            keyspace,
            now,
            use_now,
            frequency,
            database,
            ..
        } = self;
        let now = *now;
        let Some(found) = find(guards, *database, place, key) else {
            return Ok(None);
        };
        if touch {
            super::eviction::touch(found, *use_now, *frequency, chance);
        }
        match record::peek(found.record())? {
            Peek::Simple(Simple {
                expiry: Some(at), ..
            }) if at <= now => Ok(None),
            Peek::Simple(Simple { value, expiry, .. }) => {
                Ok(value.map(|value| Shown { value, expiry }))
            }
            Peek::General => {
                let decoded = general.insert(record::decode(found.record())?);
                show_general(keyspace, decoded, key, strict, now)
            }
        }
    }

    /// The decoded record of a key, for commands that speak of versions. Missing: an empty record.
    pub fn record(&mut self, key: &[u8]) -> Result<Record, Refusal> {
        let Some(bytes) = self.record_bytes(key, true) else {
            return Ok(Record::default());
        };
        Ok(record::decode(bytes)?)
    }
}

/// The entry of a resident key with a record, live or dead.
#[inline]
fn find<'g>(
    guards: &'g mut [(PartitionId, MutexGuard<'_, Partition>)],
    database: Database,
    place: Place,
    key: &[u8],
) -> Option<&'g mut Entry> {
    let index = if guards.len() == 1 {
        0
    } else {
        guards
            .binary_search_by_key(&place.partition, |(held, _)| *held)
            .ok()?
    };
    let (_, guard) = guards.get_mut(index)?;
    let found = guard
        .space_mut(database)
        .table
        .get_mut(place.token, key, false)?;
    (!found.is(entry::ABSENT | entry::LOADING)).then_some(found)
}

/// The winner of a record with siblings, other types, or an older history.
fn show_general<'r>(
    keyspace: &Keyspace,
    decoded: &'r Record,
    key: &[u8],
    strict: bool,
    now: WallMs,
) -> Result<Option<Shown<'r>>, Refusal> {
    let actors = keyspace.actors.lock();
    if decoded
        .shown_kind(now, &actors)
        .is_some_and(|kind| kind != Kind::String)
    {
        return Err(Refusal::WrongType);
    }
    let siblings = decoded.live_siblings(now).count();
    if siblings > 1 && strict {
        if keyspace.policies.load().of(key).conflict == Conflict::Siblings {
            return Err(Refusal::Conflict(siblings));
        }
        keyspace
            .sums
            .conflicts_masked
            .fetch_add(1, Ordering::Relaxed);
    }
    let winner = decoded
        .winner(&actors)
        .filter(|version| version.is_live(now));
    Ok(winner.and_then(|version| {
        version.value.as_deref().map(|value| Shown {
            value,
            expiry: version.expiry,
        })
    }))
}

/// A cheap source of chance for frequency counters: the low bits of a per-thread counter, mixed.
fn chance() -> u32 {
    use std::cell::Cell;
    thread_local! {
        static STATE: Cell<u32> = const { Cell::new(0x9E37_79B9) };
    }
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        state.set(x);
        x
    })
}
