//! One peer's requests as a worker serves them: its operations are merged, its digests compared, its
//! commands run. The answers gather in [`Served::out`] for a driver to write; acknowledgements only
//! once the group of the operations is committed.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::asks::{Ask, commands};
use super::frames::put_frame;
use super::operations::{name_actors, put_ack, record_entry};
use super::plane::Plane;
use super::wire::{self, Malformed, Said};
use crate::coordinator::hints::Hint;
use crate::node::{Absorbed, Incoming, Locked, Node, Place, Stage, translated_record};
use crate::peer::{FrameKind, Header, Parsed};
use crate::store::log::{Body, Entries, EntryKind, EntryRef, append_record};
use crate::types::{ActorIndex, Database, NodeId, WallMs};
use crate::version::wire::{Reader, put_varint};

/// Bytes of one operation that came in pieces: Redis's longest value, and its key.
const CHUNKED_BYTES_MAX: usize = (512 << 20) + (64 << 10);

/// Keys that must be loaded before an operation can be merged.
#[derive(Debug)]
pub struct Cold {
    /// The operation, as it came.
    entry: Box<[u8]>,
    /// Its number.
    number: u64,
    /// In which database.
    pub database: Database,
    /// The key.
    pub key: Box<[u8]>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Served {
    /// Bytes for the driver to write.
    pub out: Vec<u8>,
    actors: Vec<ActorIndex>,
    announced: usize,
    /// Operations taken in, committed or not.
    taken: u64,
    acknowledged: u64,
    /// Refused since the last acknowledgement.
    refused: Vec<u64>,
    /// Waiting for their keys: operations behind them are not acknowledged before.
    cold: VecDeque<Cold>,
    chunks: Vec<u8>,
}

impl Served {
    /// Takes in one frame. Commands go to `asks`: the driver runs them, in order.
    pub fn received(
        &mut self,
        plane: &mut Plane,
        frame: &Parsed<'_>,
        stage: &mut Stage,
        asks: &mut Vec<Ask>,
    ) -> Result<(), Malformed> {
        let node = Arc::clone(&plane.node);
        node.keyspace.clock.observe(frame.header.hlc);
        let now = node.clock.wall();
        match frame.header.kind {
            FrameKind::ACTORS => name_actors(&node, &mut self.actors, frame.body)?,
            FrameKind::APPLY => self.apply(&node, frame.body, stage, now)?,
            FrameKind::CHUNK => self.chunk(&node, frame.body, stage, now)?,
            FrameKind::READ => self.read(plane, frame.body, stage, now)?,
            FrameKind::COMMAND => commands(frame.body, asks)?,
            _ => {}
        }
        Ok(())
    }

    fn apply(
        &mut self,
        node: &Node,
        body: &[u8],
        stage: &mut Stage,
        now: WallMs,
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        let (first, count) = (reader.varint()?, reader.varint()?);
        let entries = reader.rest();
        let mut number = first;
        let mut left = Entries::new(entries);
        loop {
            let before = entries.len() - left.left();
            let Some(entry) = left.next() else { break };
            let after = entries.len() - left.left();
            let bytes = entries.get(before..after).unwrap_or_default();
            self.operation(
                node,
                &entry.map_err(|_| Malformed)?,
                bytes,
                number,
                stage,
                now,
            )?;
            number += 1;
        }
        if number != first + count {
            return Err(Malformed);
        }
        self.taken = self.taken.max(number - 1);
        Ok(())
    }

    fn chunk(
        &mut self,
        node: &Node,
        body: &[u8],
        stage: &mut Stage,
        now: WallMs,
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        let (number, last) = (reader.varint()?, reader.byte()? == 1);
        if self.chunks.len() + reader.rest().len() > CHUNKED_BYTES_MAX {
            return Err(Malformed);
        }
        self.chunks.extend_from_slice(reader.rest());
        if last {
            let op = std::mem::take(&mut self.chunks);
            let mut body = Vec::with_capacity(op.len() + 16);
            put_varint(&mut body, number);
            put_varint(&mut body, 1);
            body.extend_from_slice(&op);
            self.apply(node, &body, stage, now)?;
        }
        Ok(())
    }

    /// One operation: merged, kept for another node, or waiting for its key.
    fn operation(
        &mut self,
        node: &Node,
        entry: &EntryRef<'_>,
        bytes: &[u8],
        number: u64,
        stage: &mut Stage,
        now: WallMs,
    ) -> Result<(), Malformed> {
        match entry.body {
            Body::Record {
                partition,
                database,
                token,
                key,
                record,
            } => {
                if partition.0 >= node.keyspace.partition_count() {
                    return Err(Malformed);
                }
                let place = Place { partition, token };
                let behind = self
                    .cold
                    .iter()
                    .any(|cold| cold.database == database && *cold.key == *key);
                let merged = !behind
                    && self.merge(node, (place, database), (key, record), number, stage, now);
                if !merged {
                    self.cold.push_back(Cold {
                        entry: bytes.into(),
                        number,
                        database,
                        key: key.into(),
                    });
                }
            }
            Body::Opaque(bytes) if entry.kind == EntryKind::HINT => {
                if !self.keep_hint(node, bytes, stage)? {
                    self.refused.push(number);
                }
            }
            Body::Opaque(_) => return Err(Malformed),
        }
        Ok(())
    }

    /// Keeps a record for an owner that its coordinator cannot reach. False: refused.
    fn keep_hint(&self, node: &Node, bytes: &[u8], stage: &mut Stage) -> Result<bool, Malformed> {
        let (owner, entry) = bytes.split_first_chunk::<16>().ok_or(Malformed)?;
        let (named, _, record) = record_entry(entry).ok_or(Malformed)?;
        if node.may_write(false, stage).is_err() {
            return Ok(false);
        }
        let Ok(record) = translated_record(record, &self.actors) else {
            return Err(Malformed);
        };
        let hint = Hint {
            owner: NodeId(u128::from_le_bytes(*owner)),
            partition: named.partition,
            database: named.database,
            token: named.token,
            key: Bytes::copy_from_slice(named.key),
            record: record.into(),
            layout: node.view.load().layout,
            taken: node.keyspace.clock.last(),
        };
        Ok(node.keyspace.handoff.take(hint, stage))
    }

    /// False: the key must be loaded first.
    fn merge(
        &mut self,
        node: &Node,
        (place, database): (Place, Database),
        (key, record): (&[u8], &[u8]),
        number: u64,
        stage: &mut Stage,
        now: WallMs,
    ) -> bool {
        if node.may_write(false, stage).is_err() {
            self.refused.push(number);
            return true;
        }
        let mut locked = Locked::new(&node.keyspace, database, now, stage);
        locked.lock_at(place.partition);
        let incoming = Incoming {
            place,
            key,
            record,
            actors: &self.actors,
        };
        match locked.absorb(&incoming) {
            Ok(Absorbed::Cold) => return false,
            Ok(Absorbed::Known | Absorbed::Changed { .. }) => {}
            Err(error) => {
                tracing::error!(%error, "an operation of a peer was refused");
                self.refused.push(number);
            }
        }
        true
    }

    /// The next key to load before waiting operations can go on.
    pub fn cold(&self) -> Option<(Database, &[u8])> {
        self.cold.front().map(|cold| (cold.database, &*cold.key))
    }

    /// Its key is loaded: tries the operations that wait, in order.
    pub fn warmed(&mut self, node: &Node, stage: &mut Stage) {
        let now = node.clock.wall();
        while let Some(cold) = self.cold.pop_front() {
            let merged = match record_entry(&cold.entry) {
                Some((named, place, record)) => self.merge(
                    node,
                    (place, named.database),
                    (named.key, record),
                    cold.number,
                    stage,
                    now,
                ),
                None => true,
            };
            if !merged {
                self.cold.push_front(cold);
                return;
            }
        }
    }

    /// Up to which operation everything taken in is merged.
    pub fn merged(&self) -> u64 {
        self.cold.front().map_or(self.taken, |cold| cold.number - 1)
    }

    /// Is an acknowledgement due?
    pub fn owes(&self, merged: u64) -> bool {
        merged > self.acknowledged
    }

    /// The group that holds the operations up to `number` is committed: says so, once.
    pub fn committed(&mut self, plane: &Plane, number: u64, synced: u64) {
        if number <= self.acknowledged {
            return;
        }
        self.acknowledged = number;
        let refused = std::mem::take(&mut self.refused);
        put_ack(&plane.header(), &mut self.out, number, synced, &refused);
    }

    fn read(
        &mut self,
        plane: &mut Plane,
        body: &[u8],
        stage: &mut Stage,
        now: WallMs,
    ) -> Result<(), Malformed> {
        let node = Arc::clone(&plane.node);
        let mut reader = Reader::new(body);
        let (first, count) = (reader.varint()?, reader.varint()?);
        let partitions = node.keyspace.partition_count();
        let mut answers = Vec::new();
        for number in first..first.saturating_add(count) {
            let item = wire::take_read(&mut reader, partitions)?;
            let mut locked = Locked::new(&node.keyspace, item.database, now, stage);
            locked.lock_at(item.place.partition);
            let digest = locked.digest_at(item.place, item.key, &plane.actors);
            if digest == Some(item.digest) {
                wire::put_said(&mut answers, number, Said::Equal);
                continue;
            }
            let record = locked
                .record_bytes_at(item.place, item.key)
                .unwrap_or_default();
            let said = if record.is_empty() {
                Said::Nothing
            } else {
                Said::Differs
            };
            wire::put_said(&mut answers, number, said);
            let mut entry = Vec::with_capacity(item.key.len() + record.len() + 40);
            let Place { partition, token } = item.place;
            append_record(
                &mut entry,
                0,
                partition,
                item.database,
                token,
                item.key,
                record,
            );
            wire::put_bytes(&mut answers, &entry);
        }
        let header = plane.header();
        self.announce(plane, &header);
        put_frame(&header, FrameKind::READ_ANSWER, &mut self.out, |out| {
            out.extend_from_slice(&answers);
        });
        Ok(())
    }

    /// Names the actors that records of ours may hold.
    fn announce(&mut self, plane: &mut Plane, header: &Header) {
        plane.refresh_actors();
        let new = plane.actors.get(self.announced..).unwrap_or_default();
        if new.is_empty() {
            return;
        }
        let first = self.announced;
        put_frame(header, FrameKind::ACTORS, &mut self.out, |out| {
            wire::put_actors(out, first, new);
        });
        self.announced = plane.actors.len();
    }
}
