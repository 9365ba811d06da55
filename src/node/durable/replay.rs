//! Replaying the log into tables: what the tree does not have yet. An entry is a resulting state, so
//! replaying it twice changes nothing; two states of a key merge, as everywhere.

use std::collections::BTreeMap;

use super::counts::Counts;
use super::{DurableConfig, meta};
use crate::node::handoff::Restored;
use crate::node::policy::Policies;
use crate::record::{self, Peek, Record};
use crate::store::log::{Body, EntryKind, EntryRef};
use crate::store::table::{Directory, Entry, entry};
use crate::types::{Database, Hlc, PartitionId, Token};
use crate::version::{ActorTable, Floor};

/// What a replay gathers.
pub(super) struct Replay {
    pub(super) actors: ActorTable,
    pub(super) counts: Counts,
    pub(super) flushed: Vec<Floor>,
    pub(super) policies: Policies,
    pub(super) ceiling: Hlc,
    pub(super) handoff: Restored,
    pub(super) tables: BTreeMap<PartitionId, BTreeMap<Database, Directory>>,
    partitions: u16,
    scratch: Vec<u8>,
}

impl Replay {
    pub(super) fn new(
        config: &DurableConfig,
        actors: ActorTable,
        counts: Counts,
        flushed: Vec<Floor>,
        policies: Policies,
    ) -> Self {
        Self {
            actors,
            counts,
            flushed,
            policies,
            ceiling: Hlc(0),
            handoff: Restored::default(),
            tables: BTreeMap::new(),
            partitions: config.partitions,
            scratch: Vec::new(),
        }
    }

    /// A durable ceiling of an earlier life.
    pub(super) fn ceiling(&mut self, ceiling: Hlc) {
        self.ceiling = self.ceiling.max(ceiling);
    }

    /// Takes in one entry. Kinds that this version does not know were checked by the log and mean
    /// nothing here.
    pub(super) fn entry(&mut self, entry: &EntryRef<'_>) {
        let change = i8::from(entry.appeared()) - i8::from(entry.vanished());
        match entry.body {
            Body::Record {
                partition,
                database,
                token,
                key,
                record,
            } => {
                if partition.0 < self.partitions {
                    self.record(partition, database, token, key, record, change);
                }
            }
            Body::Opaque(bytes) => self.own(entry.kind, bytes),
        }
    }

    fn own(&mut self, kind: EntryKind, bytes: &[u8]) {
        match kind {
            EntryKind::HLC_LEASE => {
                if let Some(ceiling) = meta::decode_u64(bytes) {
                    self.ceiling(Hlc(ceiling));
                }
            }
            EntryKind::ACTOR => {
                if let Some((_, actor)) = meta::decode_actor(bytes) {
                    self.actors.intern(actor);
                }
            }
            EntryKind::POLICY => {
                if let Some(policies) = meta::decode_policies(bytes) {
                    self.policies = policies;
                }
            }
            EntryKind::FLUSH => {
                if let Some((database, marker)) = meta::decode_flush(bytes) {
                    self.flush(database, &marker);
                }
            }
            EntryKind::HINT | EntryKind::MISSED => self.handoff.entry(kind, bytes),
            _ => {}
        }
    }

    fn flush(&mut self, database: Database, marker: &Floor) {
        let index = usize::from(database.0);
        if self.flushed.len() <= index {
            self.flushed.resize(index + 1, Floor::default());
        }
        if let Some(flushed) = self.flushed.get_mut(index) {
            flushed.join(marker);
        }
        self.counts.clear(&[database]);
        for tables in self.tables.values_mut() {
            if let Some(table) = tables.get_mut(&database) {
                table.retain(|_, entry| {
                    !record::decode(entry.record())
                        .is_ok_and(|decoded| decoded.dots().all(|dot| marker.covers(dot)))
                });
            }
        }
    }

    fn record(
        &mut self,
        partition: PartitionId,
        database: Database,
        token: Token,
        key: &[u8],
        bytes: &[u8],
        change: i8,
    ) {
        if let Some(marker) = self.flushed.get(usize::from(database.0))
            && !marker.is_empty()
            && record::decode(bytes).is_ok_and(|r| r.dots().all(|dot| marker.covers(dot)))
        {
            return;
        }
        self.counts.change(partition, database, i64::from(change));
        let table = self
            .tables
            .entry(partition)
            .or_default()
            .entry(database)
            .or_default();
        let Some(found) = table.get_mut(token, key, true) else {
            let state = entry::DIRTY | counted(bytes);
            let fill = |to: &mut [u8]| to.copy_from_slice(bytes);
            table.insert(token, Entry::new(key, state, bytes.len(), fill));
            return;
        };
        self.scratch.clear();
        if !joined(found.record(), bytes, &mut self.scratch) {
            return;
        }
        let scratch = &self.scratch;
        found.set_record(scratch.len(), |to| to.copy_from_slice(scratch));
        found.change_state(counted(scratch), entry::COUNTED & !counted(scratch));
    }
}

fn counted(bytes: &[u8]) -> u8 {
    let value = match record::peek(bytes) {
        Ok(Peek::Simple(simple)) => simple.value.is_some(),
        _ => record::decode(bytes).is_ok_and(|decoded| decoded.has_value()),
    };
    if value { entry::COUNTED } else { 0 }
}

/// The join of two states into `out`; false when the present one has it all.
fn joined(present: &[u8], bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if let (Ok(Peek::Simple(old)), Ok(Peek::Simple(new))) =
        (record::peek(present), record::peek(bytes))
        && old.dot.actor == new.dot.actor
    {
        // One actor's unbroken past: the later state contains the earlier. Equal dots: a value
        // dropped past its deadline is the later state.
        let newer = new.dot.hlc > old.dot.hlc || (new.dot == old.dot && new.value.is_none());
        if newer {
            out.extend_from_slice(bytes);
        }
        return newer;
    }
    let (Ok(mut old), Ok(new)) = (record::decode(present), record::decode(bytes)) else {
        out.extend_from_slice(bytes);
        return true;
    };
    old.merge_into(Floor::NONE, new, Floor::NONE);
    encode(&old, out);
    true
}

fn encode(record: &Record, out: &mut Vec<u8>) {
    record::encode(record, out);
}
