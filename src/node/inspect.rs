//! What commands ask about a key beside its value: whether it is there, of which type, written since
//! or used, and how large.

use super::locked::{Locked, Refusal};
use crate::record::{self, Kind, Peek, Version};
use crate::store::table::Entry;
use crate::version::Dot;

/// The fingerprint of a key without a record.
const MISSING: u64 = 0;

/// Set in the fingerprint of a key that has a value.
const LIVE: u64 = 1;

/// By its fingerprints then and now: has nobody written the key, and has it not expired? A dead
/// record may have been forgotten meanwhile.
pub fn is_as_it_was(then: u64, now: u64) -> bool {
    then == now || (then & LIVE == 0 && now == MISSING)
}

impl Locked<'_> {
    /// Does the key exist?
    pub fn exists(&mut self, key: &[u8]) -> Result<bool, Refusal> {
        match self.peek(key) {
            Ok(shown) => Ok(shown.is_some()),
            Err(Refusal::WrongType) => Ok(true),
            Err(refusal) => Err(refusal),
        }
    }

    /// For read-modify-write: refuses a key in conflict under policy `siblings`, whatever its type.
    pub fn check(&mut self, key: &[u8]) -> Result<(), Refusal> {
        match self.show(key, true, false) {
            Ok(_) | Err(Refusal::WrongType) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// TOUCH: marks the key as used. Does it exist?
    pub fn touch(&mut self, key: &[u8]) -> Result<bool, Refusal> {
        match self.show(key, false, true) {
            Ok(shown) => Ok(shown.is_some()),
            Err(Refusal::WrongType) => Ok(true),
            Err(refusal) => Err(refusal),
        }
    }

    /// The type that the key shows.
    pub fn kind(&mut self, key: &[u8]) -> Result<Option<Kind>, Refusal> {
        match self.peek(key) {
            Ok(shown) => Ok(shown.map(|_| Kind::String)),
            Err(Refusal::WrongType) => {
                let record = self.record(key)?;
                Ok(record.shown_kind(self.now, &self.keyspace.actors.lock()))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// What WATCH remembers of a key, for [`is_as_it_was`]. It is of all versions, tombstones too:
    /// whoever sets a key and deletes it again has written it.
    pub fn fingerprint(&mut self, key: &[u8]) -> u64 {
        use std::hash::Hasher as _;
        let (now, keyspace) = (self.now, self.keyspace);
        let Some(bytes) = self.record_bytes(key, false) else {
            return MISSING;
        };
        let actors = keyspace.actors.lock();
        let mut hasher = siphasher::sip::SipHasher13::new();
        // By the actor's own name: the same on every node.
        let mut note = |version: &Dot| {
            let actor = actors.actor(version.actor).map_or(0, |actor| actor.0);
            hasher.write_u64(actor);
            hasher.write_u64(version.hlc.0);
        };
        let live = if let Ok(Peek::Simple(simple)) = record::peek(bytes) {
            note(&simple.dot);
            simple.value.is_some() && simple.expiry.is_none_or(|at| now < at)
        } else {
            let Ok(decoded) = record::decode(bytes) else {
                return LIVE;
            };
            decoded
                .cells()
                .iter()
                .flat_map(|cell| &cell.versions)
                .for_each(|v: &Version| {
                    note(&v.dot);
                });
            !decoded.is_dead(now)
        };
        // A dead record is not taken for a missing one.
        (hasher.finish() | 2) & !LIVE | if live { LIVE } else { 0 }
    }

    /// Seconds since the key was used, or its frequency: OBJECT IDLETIME and FREQ.
    pub fn usage(&mut self, key: &[u8]) -> Option<(u32, u32)> {
        let place = self.place(key);
        let (now, database) = (self.use_now, self.database);
        let space = self.partition(place.partition).space(database)?;
        let found = space.table.get(place.token, key)?;
        Some((
            now.wrapping_sub(found.used()),
            super::eviction::decayed(found.used(), now),
        ))
    }

    /// RESTORE's IDLETIME and FREQ: the one that the eviction policy counts takes effect.
    pub fn set_usage(&mut self, key: &[u8], idle: Option<u32>, frequency: Option<u8>) {
        let place = self.place(key);
        let (now, counts_frequency) = (self.use_now, self.frequency);
        let database = self.database;
        let used = if counts_frequency {
            frequency.map(|count| super::eviction::used_often(now, count))
        } else {
            idle.map(|seconds| now.wrapping_sub(seconds))
        };
        let space = self.partition_mut(place.partition).space_mut(database);
        if let Some(used) = used
            && let Some(found) = space.table.get_mut(place.token, key, false)
        {
            found.set_used(used);
        }
    }

    /// Bytes that a key takes in the table: MEMORY USAGE.
    pub fn memory(&mut self, key: &[u8]) -> Option<usize> {
        let place = self.place(key);
        let space = self.partition(place.partition).space(self.database)?;
        space.table.get(place.token, key).map(Entry::bytes)
    }
}
