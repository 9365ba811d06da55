//! FLUSHDB and FLUSHALL over many nodes (design, section 11). A flush is a marker: per database a vector
//! actor → hlc; dots at or below it are dead wherever they are met: in a table, a tree, a log, a late
//! operation, a replica that was away. Two rounds make one: each member fixes what it has minted, then
//! the joined vector is made known to all.
//!
//! What is always true: a marker only grows; a dot above it lives, whatever was flushed beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::commit::LOG_FAILED;
use super::keyspace::Place;
use super::{Locked, Node};
use crate::record::{self, Peek, Record};
use crate::store::table::entry;
use crate::types::{Actor, Database, Hlc, PartitionId, Token};
use crate::version::{Dot, Floor};

/// What one member says when a flush begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Up to where this member has minted, and the last that it has heard from other members: in their
    /// present lives.
    pub named: Vec<(Actor, Hlc)>,
    /// Actors of former lives, and those of which nobody present knows whose they are.
    pub others: Vec<(Actor, Hlc)>,
}

/// The vector of one database, in actors' own names.
pub type Marker = Vec<(Actor, Hlc)>;

/// The marker that follows from what the members have said.
pub fn joined(said: &[Fixed]) -> Marker {
    let mut named = BTreeMap::new();
    let raise = |into: &mut BTreeMap<Actor, Hlc>, (actor, hlc): (Actor, Hlc)| {
        let at = into.entry(actor).or_insert(hlc);
        *at = hlc.max(*at);
    };
    for one in said.iter().flat_map(|fixed| &fixed.named) {
        raise(&mut named, *one);
    }
    let mut marker = named.clone();
    for one in said.iter().flat_map(|fixed| &fixed.others) {
        // Whoever is named speaks for himself: what he minted later lives.
        if !named.contains_key(&one.0) {
            raise(&mut marker, *one);
        }
    }
    marker.into_iter().collect()
}

/// Names of keys that a flush leaves, to count them.
type Left = Vec<(PartitionId, Database, u64)>;

impl Node {
    /// The first round: fixes under all locks what this node has minted.
    pub fn fix(&self, locked: &mut Locked<'_>) -> Fixed {
        locked.lock_all();
        let last = self.keyspace.clock.last();
        let actors = self.keyspace.actors.lock();
        let view = self.view.load();
        let peers = (1..view.nodes.len()).filter_map(|place| {
            self.pulses
                .minted(super::view::NodeIndex(place as u16))
                .filter(|(_, hlc)| *hlc > Hlc(0))
        });
        let me = actors.actor(self.keyspace.actor).map(|actor| (actor, last));
        let named: Vec<_> = me.into_iter().chain(peers).collect();
        let others = actors
            .entries()
            .iter()
            .filter(|actor| named.iter().all(|(known, _)| known != *actor));
        let others = others.map(|actor| (*actor, last)).collect();
        Fixed { named, others }
    }

    /// The second round: what is at or below the markers goes, for ever. The error is the reply.
    pub fn take_markers(
        &self,
        locked: &mut Locked<'_>,
        markers: &[(Database, Marker)],
    ) -> Result<(), &'static str> {
        let mut wanted = Vec::new();
        for (database, marker) in markers {
            let mut floor = Floor::default();
            for (actor, hlc) in marker {
                floor.raise(self.intern_actor(*actor)?, *hlc);
            }
            wanted.push((*database, floor));
        }
        locked.lock_all();
        let known = self.keyspace.flushed.load();
        wanted.retain(|(database, floor)| {
            let before = known.get(usize::from(database.0)).unwrap_or(Floor::NONE);
            let mut after = before.clone();
            after.join(floor);
            after != *before
        });
        if wanted.is_empty() {
            return Ok(());
        }
        let left = locked.flush_below(&wanted);
        if let Some(durable) = &self.durable {
            let databases: Vec<Database> = wanted.iter().map(|(database, _)| *database).collect();
            durable
                .log_flush(&databases, &left)
                .map_err(|_| LOG_FAILED)?;
        }
        Ok(())
    }

    /// All markers of this node, for one that may have been away.
    pub fn markers(&self) -> Vec<(Database, Marker)> {
        let actors = self.keyspace.actors.lock();
        let flushed = self.keyspace.flushed.load();
        let all = flushed.iter().enumerate();
        all.filter(|(_, floor)| !floor.is_empty())
            .map(|(database, floor)| {
                let named = floor
                    .iter()
                    .filter_map(|(index, hlc)| Some((actors.actor(index)?, hlc)));
                (Database(database as u8), named.collect())
            })
            .collect()
    }
}

/// What becomes of an entry.
enum Fate {
    Stays,
    Goes,
    /// Some of its versions are flushed.
    Shrinks(Record),
}

fn fate(bytes: &[u8], marker: &Floor) -> Fate {
    match record::peek(bytes) {
        Ok(Peek::Simple(simple)) if marker.covers(simple.dot) => Fate::Goes,
        Ok(Peek::Simple(_)) | Err(_) => Fate::Stays,
        Ok(Peek::General) => match record::decode(bytes) {
            Ok(record) => {
                let covered = |dot: Dot| marker.covers(dot);
                if record.dots().all(covered) {
                    Fate::Goes
                } else if record.dots().any(covered) {
                    Fate::Shrinks(stripped(record, marker))
                } else {
                    Fate::Stays
                }
            }
            Err(_) => Fate::Stays,
        },
    }
}

/// The record without its flushed versions: their dots stay covered.
pub(super) fn stripped(record: Record, marker: &Floor) -> Record {
    let mut kept = Record::default();
    kept.merge_into(marker, record, Floor::NONE);
    kept
}

impl Locked<'_> {
    /// Raises the markers of databases, and takes away what they cover. All partitions are locked.
    fn flush_below(&mut self, markers: &[(Database, Floor)]) -> Left {
        let mut flushed = self.keyspace().flushed.load().as_ref().clone();
        for (database, floor) in markers {
            let index = usize::from(database.0);
            if flushed.len() <= index {
                flushed.resize(index + 1, Floor::default());
            }
            if let Some(marker) = flushed.get_mut(index) {
                marker.join(floor);
            }
        }
        let flushed = Arc::new(flushed);
        self.keyspace().flushed.store(Arc::clone(&flushed));
        let before = self.database;
        let mut left = Left::new();
        for (database, _) in markers {
            self.database = *database;
            let marker = flushed.get(usize::from(database.0)).unwrap_or(Floor::NONE);
            for id in self.keyspace().partition_ids() {
                let keys = self.flush_partition(id, marker);
                if keys > 0 {
                    left.push((id, *database, keys));
                }
            }
        }
        self.database = before;
        self.stage.writes += 1;
        let kept: u64 = left.iter().map(|(.., keys)| keys).sum();
        tracing::info!(kept, databases = markers.len(), "flushed");
        left
    }

    /// Empties one database of one partition but for what lives; how many keys do.
    fn flush_partition(&mut self, id: PartitionId, marker: &Floor) -> u64 {
        let (database, mut bytes, mut dirty) = (self.database, 0, 0);
        let emptied = std::mem::take(self.partition_mut(id).space_mut(database));
        let mut live: Vec<(Token, Box<[u8]>, Record, Hlc)> = Vec::new();
        for slot in emptied.table.iter() {
            let size = slot.entry.bytes() as isize;
            bytes += size;
            dirty += if slot.entry.is(entry::DIRTY) { size } else { 0 };
            if slot.entry.is(entry::ABSENT | entry::LOADING) {
                continue;
            }
            let record = match fate(slot.entry.record(), marker) {
                Fate::Goes => continue,
                Fate::Shrinks(record) => record,
                Fate::Stays => match record::decode(slot.entry.record()) {
                    Ok(record) => record,
                    Err(_) => continue,
                },
            };
            let last = record.dots().map(|dot| dot.hlc).max().unwrap_or_default();
            live.push((slot.token, slot.entry.key().into(), record, last));
        }
        self.stage.table_bytes -= bytes;
        self.stage.dirty_bytes -= dirty;
        // Put back as any write is: into the log too, behind the marker.
        let fanning = self.stage.fanout.as_mut().map(|fanout| {
            let on = fanout.on;
            fanout.on = false;
            on
        });
        for (token, key, record, last) in &live {
            let place = Place {
                partition: id,
                token: *token,
            };
            self.put(place, key, record, *last, false);
        }
        if let (Some(on), Some(fanout)) = (fanning, &mut self.stage.fanout) {
            fanout.on = on;
        }
        // These were counted by `put`; the log counts them with the marker.
        self.stage
            .changes
            .retain(|change| change.partition != id || change.database != database);
        self.partition_mut(id).space_mut(database).keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::fixture::Fixture;

    #[test]
    fn whoever_is_named_speaks_for_himself() {
        let (a, b, gone) = (Actor(1), Actor(2), Actor(3));
        let said = [
            Fixed {
                named: vec![(a, Hlc(10)), (b, Hlc(4))],
                others: vec![(gone, Hlc(10))],
            },
            Fixed {
                named: vec![(b, Hlc(6))],
                others: vec![(a, Hlc(99)), (gone, Hlc(12))],
            },
        ];
        let wanted = vec![(a, Hlc(10)), (b, Hlc(6)), (gone, Hlc(12))];
        assert_eq!(joined(&said), wanted);
    }

    #[test]
    fn what_is_above_the_marker_lives() {
        let mut fixture = Fixture::new(4, false);
        fixture.set("old", "1", None);
        let at = fixture.keyspace.clock.last();
        fixture.now.0 += 5;
        fixture.set("new", "2", Some(1_000));
        let me = fixture.keyspace.actor;
        let marker: Floor = [(me, at)].into_iter().collect();
        let left = fixture.run(|l| l.flush_below(&[(Database(0), marker.clone())]));
        assert!(!fixture.exists("old") && fixture.exists("new"));
        assert_eq!(left.iter().map(|(.., keys)| keys).sum::<u64>(), 1);
        assert_eq!(fixture.count(), 1);
        fixture.bytes();
        // Again: nothing more goes.
        fixture.run(|l| l.flush_below(&[(Database(0), marker)]));
        assert!(fixture.exists("new"));
    }
}
