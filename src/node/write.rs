//! Writes under the partition's lock: mint a dot, build the new record, count, index the deadline,
//! stage the log entry. A record of one version whose past is its own actor's takes the short way and
//! never leaves its encoding; everything else is decoded and goes through [`Record::write`].

use bytes::Bytes;

use super::deadlines::Deadlines;
use super::eviction::first_use;
use super::keyspace::Place;
use super::locked::{Locked, Refusal};
use super::partition::{Partition, Space};
use super::stage::Stage;
use crate::record::{self, Kind, Payload, Peek, Record, SIBLINGS_MAX, SIBLINGS_WARN, Simple};
use crate::store::table::{Entry, entry};
use crate::types::{Database, Hlc, PartitionId, Token, WallMs};
use crate::version::{Dot, History, Mint, may_extend, mint};

/// The deadline of a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// None, or what the key's policy gives.
    Unset,
    /// None, whatever the policy: RENAME and COPY take over the source's.
    Never,
    /// That of the version it replaces; of a missing key, what the key's policy gives.
    Keep,
    /// At this wall-clock time.
    At(WallMs),
}

impl Locked<'_> {
    /// SET and every other overwrite: supersedes all that this node sees of the key.
    pub fn set(&mut self, key: &[u8], value: &[u8], deadline: Deadline) -> Result<(), Refusal> {
        let expiry = match deadline {
            Deadline::At(at) => Some(at),
            Deadline::Keep => match self.peek(key)? {
                Some(shown) => shown.expiry,
                None => self.policy_expiry(key),
            },
            Deadline::Unset => self.policy_expiry(key),
            Deadline::Never => None,
        };
        self.overwrite(key, Some(value), expiry, None)
    }

    /// The deadline of a write that names none.
    pub fn policy_expiry(&self, key: &[u8]) -> Option<WallMs> {
        let ttl = self.keyspace.policies.load().of(key).ttl_seconds?;
        Some(WallMs(self.now.0.saturating_add(ttl.saturating_mul(1_000))))
    }

    /// DEL: a tombstone over all that this node sees. A key that is missing stays unwritten.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, Refusal> {
        if !self.exists(key)? {
            return Ok(false);
        }
        self.overwrite(key, None, None, None)?;
        Ok(true)
    }

    /// EXPIRE, PERSIST, GETEX: a version with the same value and lww stamp, another deadline.
    pub fn set_expiry(&mut self, key: &[u8], expiry: Option<WallMs>) -> Result<bool, Refusal> {
        let mut record = self.record(key)?;
        let now = self.now;
        let Some((value, stamp)) = ({
            let actors = self.keyspace.actors.lock();
            record
                .winner(&actors)
                .filter(|version| version.is_live(now))
                .and_then(|version| {
                    version
                        .value
                        .as_deref()
                        .map(|value| (value.to_vec(), version.stamp))
                })
        }) else {
            return Ok(false);
        };
        if record.sibling_count() <= 1 {
            self.overwrite(key, Some(&value), expiry, Some(stamp))?;
            return Ok(true);
        }
        // With siblings only the winner gets the deadline; the others keep their own.
        let place = self.place(key);
        let mint = self.mint_for(place, key, record.history());
        record.expire(mint, expiry, now, &self.keyspace.actors.lock());
        self.put_record(place, key, &record, mint.dot.hlc);
        Ok(true)
    }

    /// PUTCTX and DELCTX: supersedes exactly what `context` has seen. Returns the record after the
    /// write and the dot of the new version.
    pub fn write_with_context(
        &mut self,
        key: &[u8],
        context: &History,
        value: Option<&[u8]>,
        expiry: Option<WallMs>,
    ) -> Result<(Record, Dot), Refusal> {
        let mut record = self.record(key)?;
        let before = record.sibling_count();
        let after = record.sibling_count_after(context);
        if after > SIBLINGS_MAX && after > before {
            return Err(Refusal::TooManySiblings(before));
        }
        let place = self.place(key);
        let mint = self.mint_for(place, key, record.history());
        match value {
            Some(value) => {
                let payload = Payload::value(value.to_vec()).expiring(expiry);
                record.write(context, mint, Kind::String, Bytes::new(), payload);
            }
            None => record.delete(context, mint),
        }
        self.note_siblings(key, before, after);
        record.trim(&self.keyspace.floor.load());
        self.put_record(place, key, &record, mint.dot.hlc);
        Ok((record, mint.dot))
    }

    fn note_siblings(&self, key: &[u8], before: usize, after: usize) {
        use std::sync::atomic::Ordering::Relaxed;
        let sums = &self.keyspace.sums;
        if after > before && after > 1 {
            sums.siblings_created
                .fetch_add((after - before.max(1)) as u64, Relaxed);
            if after == SIBLINGS_WARN {
                tracing::warn!(
                    key_bytes = key.len(),
                    siblings = after,
                    "a key gathers siblings"
                );
            }
        } else if before > 1 && after <= 1 {
            sums.siblings_resolved.fetch_add(1, Relaxed);
        }
    }

    #[inline]
    fn may_extend(&self, partition: PartitionId, mine: bool) -> bool {
        let last_dropped = self.partition(partition).last_dropped;
        if mine || last_dropped.is_none() {
            return true;
        }
        let own_floor = self.keyspace.floor.load().get(self.keyspace.actor);
        may_extend(mine, last_dropped, own_floor)
    }

    fn mint_for(&mut self, place: Place, key: &[u8], history: &History) -> Mint {
        let mine = self
            .partition(place.partition)
            .space(self.database)
            .and_then(|space| space.table.get(place.token, key))
            .is_some_and(|found| found.is(entry::MINE));
        let extend = self.may_extend(place.partition, mine);
        mint(
            history,
            self.keyspace.actor,
            self.keyspace.tick(self.now),
            extend,
        )
    }

    /// Replaces everything seen by one version; `None` is a tombstone.
    #[inline]
    pub(super) fn overwrite(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        expiry: Option<WallMs>,
        stamp: Option<Hlc>,
    ) -> Result<(), Refusal> {
        let place = self.place(key);
        if !self.is_short_way(place, key)? {
            return self.overwrite_general(place, key, value, expiry, stamp);
        }
        let hlc = self.keyspace.tick(self.now);
        let dot = Dot::new(self.keyspace.actor, hlc);
        let simple = Simple {
            dot,
            stamp: stamp.unwrap_or(hlc),
            expiry,
            value,
        };
        let used = first_use(self.use_now, self.frequency);
        let database = self.database;
        let (partition, stage) = self.partition_and_stage(place.partition);
        let write = Write {
            place,
            database,
            key,
            live: value.is_some(),
            expiry,
            hlc,
            used,
            mine: true,
        };
        write.apply(partition, stage, record::simple_len(&simple), |bytes| {
            record::write_simple(&simple, bytes);
        });
        Ok(())
    }

    /// May the key's next record be `{actor: [0, t]}` with one version? So when nothing else is in
    /// its past: no record, our own unbroken past, or one that the floor implies.
    #[inline]
    fn is_short_way(&self, place: Place, key: &[u8]) -> Result<bool, Refusal> {
        let keyspace = self.keyspace;
        let space = self.partition(place.partition).space(self.database);
        let found = space.and_then(|space| space.table.get(place.token, key));
        let Some(found) = found.filter(|found| !found.is(entry::ABSENT)) else {
            return Ok(self.may_extend(place.partition, false));
        };
        let Peek::Simple(Simple { dot, .. }) = record::peek(found.record())? else {
            return Ok(false);
        };
        if dot.actor == keyspace.actor {
            return Ok(self.may_extend(place.partition, found.is(entry::MINE)));
        }
        Ok(keyspace.floor.load().covers(dot) && self.may_extend(place.partition, false))
    }

    fn overwrite_general(
        &mut self,
        place: Place,
        key: &[u8],
        value: Option<&[u8]>,
        expiry: Option<WallMs>,
        stamp: Option<Hlc>,
    ) -> Result<(), Refusal> {
        let mut record = self.record(key)?;
        let before = record.sibling_count();
        let mint = self.mint_for(place, key, record.history());
        match value {
            Some(value) => {
                let value = Some(Bytes::copy_from_slice(value));
                let payload = Payload {
                    value,
                    expiry,
                    stamp,
                };
                record.overwrite(mint, Kind::String, Bytes::new(), payload);
            }
            None => record.delete_all(mint),
        }
        self.note_siblings(key, before, record.sibling_count());
        record.trim(&self.keyspace.floor.load());
        self.put_record(place, key, &record, mint.dot.hlc);
        Ok(())
    }

    /// Stores a whole record as it is: what a merge or a transfer brought, and tests of other types.
    pub fn put_whole(&mut self, key: &[u8], record: &Record) {
        let place = self.place(key);
        let last = record.dots().map(|dot| dot.hlc).max().unwrap_or_default();
        self.put_record(place, key, record, last);
    }

    /// Stores a record that was minted here.
    fn put_record(&mut self, place: Place, key: &[u8], record: &Record, hlc: Hlc) {
        self.put(place, key, record, hlc, true);
    }

    /// Stores a record, minted here or not.
    pub(super) fn put(&mut self, place: Place, key: &[u8], record: &Record, hlc: Hlc, mine: bool) {
        let mut encoded = Vec::new();
        record::encode(record, &mut encoded);
        let used = first_use(self.use_now, self.frequency);
        let (live, expiry) = (record.has_value(), record.last_expiry());
        let database = self.database;
        let (partition, stage) = self.partition_and_stage(place.partition);
        let write = Write {
            place,
            database,
            key,
            live,
            expiry,
            hlc,
            used,
            mine,
        };
        write.apply(partition, stage, encoded.len(), |bytes| {
            bytes.copy_from_slice(&encoded);
        });
    }
}

/// One record on its way into the table and the log.
pub(super) struct Write<'k> {
    pub(super) place: Place,
    pub(super) database: Database,
    pub(super) key: &'k [u8],
    /// Some version has a value (expired or not): the key counts.
    pub(super) live: bool,
    /// When the whole key is past its deadline: the last of its versions'.
    pub(super) expiry: Option<WallMs>,
    pub(super) hlc: Hlc,
    pub(super) used: u32,
    /// Minted here, or held without a break since it was.
    pub(super) mine: bool,
}

impl Write<'_> {
    #[inline]
    pub(super) fn apply(
        &self,
        partition: &mut Partition,
        stage: &mut Stage,
        record_len: usize,
        fill: impl FnOnce(&mut [u8]),
    ) {
        let Place {
            partition: id,
            token,
        } = self.place;
        let space = partition.space_mut(self.database);
        let counted = if self.live { entry::COUNTED } else { 0 };
        let mine = if self.mine { entry::MINE } else { 0 };
        let set = mine | if stage.logged { entry::DIRTY } else { 0 } | counted;
        let mut change = i8::from(self.live);
        if let Some(found) = space.table.get_mut(token, self.key, stage.logged) {
            let before = found.bytes();
            change -= i8::from(found.is(entry::COUNTED));
            unindex(&mut space.expiring, found, token);
            let was_dirty = found.is(entry::DIRTY);
            found.set_record(record_len, fill);
            found.change_state(set, entry::ABSENT | (entry::COUNTED | entry::MINE) & !set);
            found.set_used(self.used);
            stage.table_bytes += found.bytes() as isize - before as isize;
            if stage.logged {
                let dirty_before = if was_dirty { before } else { 0 };
                stage.dirty_bytes += found.bytes() as isize - dirty_before as isize;
            }
            stage.record(
                id,
                self.database,
                token,
                self.key,
                found.record(),
                change,
                self.hlc,
            );
        } else {
            let mut entry = Entry::new(self.key, set, record_len, fill);
            entry.set_used(self.used);
            stage.table_bytes += entry.bytes() as isize;
            if stage.logged {
                stage.dirty_bytes += entry.bytes() as isize;
            }
            stage.record(
                id,
                self.database,
                token,
                self.key,
                entry.record(),
                change,
                self.hlc,
            );
            space.table.insert(token, entry);
        }
        self.index(space, token, change);
    }

    #[inline]
    fn index(&self, space: &mut Space, token: Token, change: i8) {
        space.keys = space.keys.saturating_add_signed(i64::from(change));
        if let Some(at) = self.expiry.filter(|_| self.live) {
            space.expiring.insert((at, token));
        }
        if !self.live {
            space.dead.push_back((self.hlc, token, self.key.into()));
        }
    }
}

/// Takes a record's deadline out of the index before the record changes.
#[inline]
pub(in crate::node) fn unindex(expiring: &mut Deadlines, entry: &Entry, token: Token) {
    if expiring.is_empty() || !entry.is(entry::COUNTED) {
        return;
    }
    match record::peek(entry.record()) {
        Ok(Peek::Simple(Simple {
            expiry: Some(at), ..
        })) => {
            expiring.remove(&(at, token));
        }
        Ok(Peek::General) => {
            if let Some(at) = record::decode(entry.record())
                .ok()
                .and_then(|r| r.last_expiry())
            {
                expiring.remove(&(at, token));
            }
        }
        _ => {}
    }
}
