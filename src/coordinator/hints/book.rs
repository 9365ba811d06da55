//! The book itself: which hints are kept, what they cost, and to whom each is owed. Taking a hint
//! in is here; giving it back is `delivery`.

use std::collections::BTreeMap;

use bytes::Bytes;
use smallvec::SmallVec;

use super::delivery::Flight;
use super::entry::check_record;
use super::lane::{Lane, Pace};
use super::{
    Delivery, Entry, Hint, HintFaults, HintLimits, HintMetrics, Owners, Refusal, Removed, Taken,
};
use crate::record::{decode, encode};
use crate::types::{Database, Hlc, MonoMs, NodeId, PartitionId, Token};
use crate::version::Floor;

/// What a hint costs beside its key and record: two allocations, its place among the hints, the
/// names and the lanes. Charged to the bound, so that many small hints are bounded too.
pub const HINT_OVERHEAD_BYTES: u64 = 400;

/// A hint's place in the book, in the order of taking; the first is the oldest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HintId(pub(super) u64);

/// What there is one hint of, in the order of the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    owner: NodeId,
    partition: PartitionId,
    database: Database,
    token: Token,
    key: Bytes,
}

impl Name {
    pub(super) fn of_hint(hint: &Hint) -> Self {
        Self {
            owner: hint.owner,
            partition: hint.partition,
            database: hint.database,
            token: hint.token,
            key: hint.key.clone(),
        }
    }

    pub(super) fn of_removed(removed: &Removed) -> Self {
        Self {
            owner: removed.owner,
            partition: removed.partition,
            database: removed.database,
            token: removed.token,
            key: removed.key.clone(),
        }
    }
}

/// How far the delivery to one node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// In the node's lane.
    Waiting,
    /// On its way, in the version that the flight says.
    Sent(Delivery),
    /// The node has the version that is held now.
    Acknowledged,
}

/// A hint as the book keeps it.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) hint: Hint,
    pub(super) version: u64,
    pub(super) owed: SmallVec<[(NodeId, Progress); 1]>,
}

impl Held {
    pub(super) fn bytes(&self) -> u64 {
        cost(&self.hint.key, &self.hint.record)
    }

    pub(super) fn is_delivered(&self) -> bool {
        let mut states = self.owed.iter().map(|(_, progress)| *progress);
        !self.owed.is_empty() && states.all(|progress| progress == Progress::Acknowledged)
    }

    pub(super) fn progress(&mut self, of: NodeId) -> Option<&mut Progress> {
        let owed = self.owed.iter_mut().find(|(node, _)| *node == of);
        owed.map(|(_, progress)| progress)
    }

    fn removed(&self) -> Removed {
        Removed {
            owner: self.hint.owner,
            partition: self.hint.partition,
            database: self.hint.database,
            token: self.hint.token,
            key: self.hint.key.clone(),
            version: self.version,
        }
    }
}

/// What a fallback keeps for the owners it stands in for.
#[derive(Debug)]
pub struct HintBook {
    pub(super) limits: HintLimits,
    pub(super) faults: HintFaults,
    pub(super) owners: Owners,
    pub(super) hints: BTreeMap<HintId, Held>,
    names: BTreeMap<Name, HintId>,
    pub(super) lanes: BTreeMap<NodeId, Lane>,
    pub(super) flights: BTreeMap<Delivery, Flight>,
    bytes: u64,
    next_hint: u64,
    next_version: u64,
    pub(super) next_delivery: u64,
    pub(super) look_at: Option<MonoMs>,
    pub(super) alarmed_at: Option<Hlc>,
    delivered: u64,
    refused: u64,
}

impl HintBook {
    /// An empty book of a node that knows who owns what. A node with a log uses
    /// [`Replay`](super::Replay).
    pub fn new(limits: HintLimits, owners: Owners) -> Self {
        Self::with_faults(limits, owners, HintFaults::default())
    }

    /// The same with planted bugs, for the simulator to catch.
    pub fn with_faults(limits: HintLimits, owners: Owners, faults: HintFaults) -> Self {
        Self {
            limits,
            faults,
            owners,
            hints: BTreeMap::new(),
            names: BTreeMap::new(),
            lanes: BTreeMap::new(),
            flights: BTreeMap::new(),
            bytes: 0,
            next_hint: 1,
            next_version: 1,
            next_delivery: 1,
            look_at: None,
            alarmed_at: None,
            delivered: 0,
            refused: 0,
        }
    }

    /// Takes a hint in, merged with what is kept under its name. Nothing is sent for it: whoever
    /// hints has just failed to reach the owner. It waits for a belief or for the next look.
    ///
    /// The entry is to be logged also when the hint brought nothing new: the one that holds the
    /// same may still be on its way to the log by another thread.
    pub fn take(&mut self, hint: Hint) -> Taken {
        if check_record(&hint.record).is_err() {
            return self.refuse(Refusal::Malformed);
        }
        match self.names.get(&Name::of_hint(&hint)) {
            None => self.take_new(hint),
            Some(&id) => self.take_more(id, &hint),
        }
    }

    fn take_new(&mut self, hint: Hint) -> Taken {
        if self.bytes + cost(&hint.key, &hint.record) > self.limits.max_bytes {
            return self.refuse(Refusal::Full);
        }
        let version = self.rise();
        self.keep(version, hint.clone());
        Taken::Stored(Entry::Kept { version, hint })
    }

    fn take_more(&mut self, id: HintId, hint: &Hint) -> Taken {
        let Some(held) = self.hints.get(&id) else {
            return self.refuse(Refusal::Malformed);
        };
        let Some(record) = joined(&held.hint.record, &hint.record) else {
            return self.refuse(Refusal::Malformed);
        };
        let (before, after) = (held.bytes(), cost(&hint.key, &record));
        if self.bytes - before + after > self.limits.max_bytes && after > before {
            return self.refuse(Refusal::Full);
        }
        let layout = held.hint.layout.min(hint.layout);
        let changed = record != held.hint.record || layout != held.hint.layout;
        let next_version = if changed { self.rise() } else { held.version };
        self.bytes = self.bytes - before + after;
        let Some(held) = self.hints.get_mut(&id) else {
            return self.refuse(Refusal::Malformed);
        };
        held.hint.record = record;
        held.hint.layout = layout;
        held.hint.taken = held.hint.taken.min(hint.taken);
        held.version = next_version;
        let entry = Entry::Kept {
            version: held.version,
            hint: held.hint.clone(),
        };
        if changed {
            self.owe(id, Pace::Held, true);
        }
        Taken::Stored(entry)
    }

    /// Keeps a hint that is not here yet, within the bound or, from a log, beyond it: what was
    /// acknowledged stays.
    pub(super) fn keep(&mut self, version: u64, hint: Hint) {
        let id = HintId(self.next_hint);
        self.next_hint += 1;
        self.next_version = self.next_version.max(version + 1);
        self.bytes += cost(&hint.key, &hint.record);
        self.names.insert(Name::of_hint(&hint), id);
        let owed = SmallVec::new();
        self.hints.insert(
            id,
            Held {
                hint,
                version,
                owed,
            },
        );
        self.owe(id, Pace::Held, false);
    }

    /// Versions begin above this one.
    pub(super) fn versions_above(&mut self, version: u64) {
        self.next_version = self.next_version.max(version + 1);
    }

    /// Works out anew to whom a hint is owed. Who is owed it already keeps its progress, unless the
    /// hint has `changed`: then an acknowledgement is worth nothing any more, and what is on its
    /// way will be found out of date. New lanes begin at `pace`.
    pub(super) fn owe(&mut self, id: HintId, pace: Pace, changed: bool) {
        let Some(held) = self.hints.get_mut(&id) else {
            return;
        };
        let before = std::mem::take(&mut held.owed);
        let targets = owed_to(&self.owners, &held.hint, self.faults);
        for (node, _) in &before {
            if !targets.contains(node)
                && let Some(lane) = self.lanes.get_mut(node)
            {
                lane.waiting.remove(&id);
            }
        }
        for node in targets {
            let known = before.iter().find(|(other, _)| *other == node);
            let progress = match known.map(|(_, progress)| *progress) {
                Some(Progress::Acknowledged) if changed => Progress::Waiting,
                Some(progress) => progress,
                None => Progress::Waiting,
            };
            if progress == Progress::Waiting {
                let fresh = || Lane {
                    pace,
                    ..Lane::default()
                };
                let lane = self.lanes.entry(node).or_insert_with(fresh);
                lane.waiting.insert(id);
            }
            held.owed.push((node, progress));
        }
    }

    /// Lets a hint go.
    pub(super) fn remove(&mut self, id: HintId) -> Option<Removed> {
        let held = self.hints.remove(&id)?;
        self.names.remove(&Name::of_hint(&held.hint));
        self.bytes = self.bytes.saturating_sub(held.bytes());
        for (node, _) in &held.owed {
            if let Some(lane) = self.lanes.get_mut(node) {
                lane.waiting.remove(&id);
            }
        }
        self.delivered += 1;
        Some(held.removed())
    }

    /// The hint kept for this owner and key, if there is one.
    pub fn get(
        &self,
        owner: NodeId,
        (partition, database, token): (PartitionId, Database, Token),
        key: &Bytes,
    ) -> Option<&Hint> {
        let id = self.names.get(&Name {
            owner,
            partition,
            database,
            token,
            key: key.clone(),
        })?;
        self.hints.get(id).map(|held| &held.hint)
    }

    /// The log entries that this book could be rebuilt from.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.hints.values().map(|held| Entry::Kept {
            version: held.version,
            hint: held.hint.clone(),
        })
    }

    /// All hints, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Hint> + '_ {
        self.hints.values().map(|held| &held.hint)
    }

    /// Figures for operators.
    pub fn metrics(&self, now: Hlc) -> HintMetrics {
        HintMetrics {
            count: self.hints.len() as u64,
            bytes: self.bytes,
            oldest_age_ms: self.oldest_age_ms(now),
            delivered: self.delivered,
            refused: self.refused,
        }
    }

    /// Age of the oldest hint; 0 without any, or if the clock stands before it.
    pub(super) fn oldest_age_ms(&self, now: Hlc) -> u64 {
        self.hints.first_key_value().map_or(0, |(_, held)| {
            now.wall().0.saturating_sub(held.hint.taken.wall().0)
        })
    }

    fn refuse(&mut self, why: Refusal) -> Taken {
        self.refused += 1;
        Taken::Refused(why)
    }

    fn rise(&mut self) -> u64 {
        let version = self.next_version;
        self.next_version += 1;
        version
    }
}

/// To whom a hint is owed. A hint of a layout that this node has not heard of waits for it.
fn owed_to(owners: &Owners, hint: &Hint, faults: HintFaults) -> SmallVec<[NodeId; 1]> {
    let intended_serves = owners.layout() == hint.layout && owners.owns(hint.owner, hint.partition);
    if intended_serves || faults.intended_only {
        SmallVec::from_slice(&[hint.owner])
    } else if owners.layout() < hint.layout {
        SmallVec::new()
    } else {
        SmallVec::from_slice(owners.of(hint.partition))
    }
}

/// Both records in one. Hints have no floor: they are whole in themselves.
fn joined(kept: &Bytes, more: &Bytes) -> Option<Bytes> {
    if kept == more {
        return Some(kept.clone());
    }
    let mut record = decode(kept).ok()?;
    record.merge_into(Floor::NONE, decode(more).ok()?, Floor::NONE);
    let mut bytes = Vec::with_capacity(kept.len() + more.len());
    encode(&record, &mut bytes);
    Some(Bytes::from(bytes.into_boxed_slice()))
}

fn cost(key: &Bytes, record: &Bytes) -> u64 {
    key.len() as u64 + record.len() as u64 + HINT_OVERHEAD_BYTES
}
