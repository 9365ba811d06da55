//! Taking in what another node holds: one record of one key, merged into ours under the partition's
//! lock. The one door for operations, answers to reads, hints and repairs.

use bytes::Bytes;

use super::eviction::first_use;
use super::keyspace::Place;
use super::locked::Locked;
use super::partition::{Known, Partition};
use super::write::Write;
use crate::record::{self, CodecError, Peek, Record, Simple};
use crate::store::table::entry;
use crate::types::{Actor, ActorIndex, Hlc};
use crate::version::{Dot, Floor};

/// A record as it came, its actors in the sender's numbers.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Where its key lives.
    pub place: Place,
    /// The key.
    pub key: &'a [u8],
    /// The encoded record.
    pub record: &'a [u8],
    /// Our index of each of the sender's actors.
    pub actors: &'a [ActorIndex],
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absorbed {
    /// Ours had it all.
    Known,
    /// Ours has grown.
    Changed {
        /// A live sibling with a greater lww stamp stands beside what came: a plain read does not
        /// show it (counterexample F6).
        hidden: bool,
    },
    /// The key must be loaded first; nothing was done.
    Cold,
}

/// Why a record was not taken in. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAbsorbed {
    /// It does not decode.
    #[error("the record does not decode: {0}")]
    Damaged(#[from] CodecError),
    /// It names an actor that the sender has not announced.
    #[error("the record names actor {0}, which was not announced")]
    UnknownActor(u32),
}

impl Locked<'_> {
    /// Merges one record of another node into ours. Its partition must be locked.
    pub fn absorb(&mut self, incoming: &Incoming<'_>) -> Result<Absorbed, NotAbsorbed> {
        let Incoming { place, key, .. } = *incoming;
        let known = self
            .partition(place.partition)
            .look(self.database, place.token, key);
        let (present, mine) = match known {
            Known::Cold | Known::Loading => return Ok(Absorbed::Cold),
            Known::Absent => (None, false),
            Known::Here(found) => (Some(record::peek(found.record())?), found.is(entry::MINE)),
        };
        if let Peek::Simple(simple) = record::peek(incoming.record)? {
            let actor = translate(simple.dot.actor, incoming.actors)?;
            let simple = Simple {
                dot: Dot::new(actor, simple.dot.hlc),
                ..simple
            };
            let flushed = self.is_flushed_dot(simple.dot);
            match present {
                _ if flushed => return Ok(Absorbed::Known),
                None if self.floor_covers(simple.dot) => return Ok(Absorbed::Known),
                None => {
                    self.put_simple(place, key, &simple, false);
                    return Ok(Absorbed::Changed { hidden: false });
                }
                Some(Peek::Simple(old)) if old.dot.actor == actor => {
                    // One actor's unbroken past: the later state contains the earlier.
                    let newer = simple.dot.hlc > old.dot.hlc
                        || (simple.dot == old.dot && simple.value < old.value);
                    if !newer {
                        return Ok(Absorbed::Known);
                    }
                    self.put_simple(place, key, &simple, mine);
                    return Ok(Absorbed::Changed { hidden: false });
                }
                Some(_) => {}
            }
        }
        self.absorb_general(incoming, mine)
    }

    fn absorb_general(
        &mut self,
        incoming: &Incoming<'_>,
        mine: bool,
    ) -> Result<Absorbed, NotAbsorbed> {
        let Incoming { place, key, .. } = *incoming;
        let mut theirs = translated(record::decode(incoming.record)?, incoming.actors)?;
        if self.keyspace.is_flushed(self.database, &theirs) {
            return Ok(Absorbed::Known);
        }
        let flushed = self.keyspace.flushed.load();
        if let Some(marker) = flushed.get(usize::from(self.database.0))
            && theirs.dots().any(|dot| marker.covers(dot))
        {
            theirs = super::flush::stripped(theirs, marker);
        }
        let arrived: Vec<Dot> = theirs.dots().collect();
        let mut ours = match self.record_bytes_at(place, key) {
            Some(bytes) => record::decode(bytes)?,
            None => Record::default(),
        };
        let floor = self.keyspace.floor.load();
        if !ours.merge_into(&floor, theirs, Floor::NONE) {
            return Ok(Absorbed::Known);
        }
        ours.trim(&floor);
        let last = ours.dots().map(|dot| dot.hlc).max().unwrap_or_default();
        let hidden = {
            let actors = self.keyspace.actors.lock();
            ours.winner(&actors)
                .is_some_and(|winner| !arrived.contains(&winner.dot))
                && arrived
                    .iter()
                    .any(|dot| ours.dots().any(|live| live == *dot))
        };
        self.put(place, key, &ours, last, mine);
        Ok(Absorbed::Changed { hidden })
    }

    fn put_simple(&mut self, place: Place, key: &[u8], simple: &Simple<'_>, mine: bool) {
        let used = first_use(self.use_now, self.frequency);
        let database = self.database;
        let (partition, stage): (&mut Partition, _) = self.partition_and_stage(place.partition);
        let write = Write {
            place,
            database,
            key,
            live: simple.value.is_some(),
            expiry: simple.expiry,
            hlc: simple.dot.hlc,
            used,
            mine,
        };
        write.apply(partition, stage, record::simple_len(simple), |bytes| {
            record::write_simple(simple, bytes);
        });
    }

    fn floor_covers(&self, dot: Dot) -> bool {
        self.keyspace.floor.load().covers(dot)
    }

    fn is_flushed_dot(&self, dot: Dot) -> bool {
        let flushed = self.keyspace.flushed.load();
        flushed
            .get(usize::from(self.database.0))
            .is_some_and(|marker| !marker.is_empty() && marker.covers(dot))
    }

    /// The stored bytes of a resident key whose place is known.
    pub fn record_bytes_at(&self, place: Place, key: &[u8]) -> Option<&[u8]> {
        let space = self.partition(place.partition).space(self.database)?;
        let found = space.table.get(place.token, key)?;
        (!found.is(entry::ABSENT | entry::LOADING)).then(|| found.record())
    }

    /// What two copies of a key compare: a hash of its live dots, the same on every node that holds
    /// the same versions; 0 when there are none. Equal live dots imply equal pasts.
    ///
    /// `actors` is the caller's copy of the table of actors, by index.
    #[inline]
    pub fn digest_at(&self, place: Place, key: &[u8], actors: &[Actor]) -> Option<u64> {
        let Some(bytes) = self.record_bytes_at(place, key) else {
            return Some(0);
        };
        let hash = |dot: Dot| Some(dot_hash(*actors.get(dot.actor.0 as usize)?, dot.hlc));
        match record::peek(bytes) {
            Ok(Peek::Simple(simple)) => hash(simple.dot),
            _ => record::decode(bytes)
                .ok()?
                .dots()
                .try_fold(0, |sum, dot| Some(sum ^ hash(dot)?)),
        }
    }
}

/// Spreads one dot over 64 bits. Clients choose neither half, so a mixer is enough.
#[inline]
fn dot_hash(actor: Actor, hlc: Hlc) -> u64 {
    let mut x = actor.0 ^ hlc.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) | 1
}

/// A record with our numbers for the sender's actors, encoded.
pub fn translated_record(record: &[u8], actors: &[ActorIndex]) -> Result<Vec<u8>, NotAbsorbed> {
    let mut out = Vec::with_capacity(record.len() + 8);
    record::encode(&translated(record::decode(record)?, actors)?, &mut out);
    Ok(out)
}

fn translate(actor: ActorIndex, actors: &[ActorIndex]) -> Result<ActorIndex, NotAbsorbed> {
    actors
        .get(actor.0 as usize)
        .copied()
        .ok_or(NotAbsorbed::UnknownActor(actor.0))
}

/// The record with our numbers for its actors.
fn translated(record: Record, actors: &[ActorIndex]) -> Result<Record, NotAbsorbed> {
    let mut history = crate::version::History::default();
    for (actor, interval) in record.history().iter() {
        history.insert(translate(actor, actors)?, interval);
    }
    let mut cells = record.cells().to_vec();
    for cell in &mut cells {
        cell.element = Bytes::copy_from_slice(&cell.element);
        for version in &mut cell.versions {
            version.dot = Dot::new(translate(version.dot.actor, actors)?, version.dot.hlc);
        }
    }
    Ok(Record::from_parts(history, cells))
}
