//! What this node keeps for owners that cannot be reached: hints, where it stands in for one, and missed
//! lists, where nobody does (paper, section 4.6). The machines behind one lock; they are asked only
//! while an owner is away.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;

use super::fanout::Missed;
use super::keyspace::Place;
use super::stage::Stage;
use super::view::{NodeIndex, View};
use crate::coordinator::hints::{
    self, Hint, HintBook, HintLimits, HintMetrics, Owners, Taken, encode_entry,
};
use crate::coordinator::missed::{self, MissedLimits, MissedList, MissedMetrics};
use crate::store::log::EntryKind;
use crate::types::{Database, Hlc, MonoMs, NodeId};

/// See the module's head.
#[derive(Debug)]
pub struct Handoff(Mutex<Machines>);

#[derive(Debug)]
struct Machines {
    book: HintBook,
    missed: MissedList,
    view: u64,
}

/// What is to be sent, and what has become of it.
#[derive(Debug, Default)]
pub struct Due {
    /// Of hints.
    pub hints: Vec<hints::Effect>,
    /// Of missed lists.
    pub missed: Vec<missed::Effect>,
}

/// What is kept for one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Hints.
    pub hints: u64,
    /// Their keys and records.
    pub hint_bytes: u64,
    /// When the oldest hint was taken.
    pub oldest: Option<Hlc>,
    /// Keys that it is known to lack.
    pub missed_keys: u64,
    /// Partitions that are to be exchanged with it.
    pub missed_partitions: u64,
}

/// What is kept of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfKey {
    /// For whom, bytes of the record, when it was taken.
    pub hints: Vec<(NodeId, u64, Hlc)>,
    /// Who has missed it.
    pub missed: Vec<NodeId>,
}

/// What log and tree have brought back.
#[derive(Debug, Default)]
pub struct Restored {
    hints: hints::Replay,
    missed: missed::Replay,
}

impl Restored {
    /// One entry of the log, or of the tree's metadata. Entries that do not parse were written by a
    /// later version or are damaged; the log's checksums tell the latter.
    pub fn entry(&mut self, kind: EntryKind, bytes: &[u8]) {
        match kind {
            EntryKind::HINT => match hints::decode_entry(bytes) {
                Ok(entry) => self.hints.apply(entry),
                Err(error) => tracing::error!(%error, "a hint in the log does not parse"),
            },
            EntryKind::MISSED => match missed::decode_entry(bytes) {
                Ok(entry) => self.missed.apply(entry),
                Err(error) => tracing::error!(%error, "a missed list in the log does not parse"),
            },
            _ => {}
        }
    }
}

impl Default for Handoff {
    fn default() -> Self {
        Self(Mutex::new(Machines {
            book: HintBook::new(HintLimits::default(), Owners::default()),
            missed: MissedList::new(MissedLimits::default(), Owners::default()),
            view: 0,
        }))
    }
}

impl Handoff {
    /// Takes over what a former life kept.
    pub fn restore(&self, restored: Restored) {
        let Restored { hints, missed } = restored;
        let machines = &mut *self.0.lock();
        machines.book = hints.finish(HintLimits::default(), Owners::default());
        machines.missed = missed.finish(MissedLimits::default(), Owners::default());
    }

    /// Keeps a hint; its log entry joins the group. False: refused, and it counts for nothing.
    pub fn take(&self, hint: Hint, stage: &mut Stage) -> bool {
        match self.0.lock().book.take(hint) {
            Taken::Stored(entry) => {
                let mut bytes = Vec::new();
                encode_entry(&entry, &mut bytes);
                stage.own(EntryKind::HINT, &bytes);
                true
            }
            Taken::Refused(_) => false,
        }
    }

    /// Notes what owners have missed; the log entries join the group.
    pub fn note(&self, view: &View, noted: &[Missed], stage: &mut Stage) {
        let machines = &mut *self.0.lock();
        let mut bytes = Vec::new();
        for one in noted {
            let Some(owner) = view.node(one.owner) else {
                continue;
            };
            let place = (one.partition, one.database, one.token);
            for entry in machines.missed.note(owner.id, place, &one.key) {
                bytes.clear();
                missed::encode_entry(&entry, &mut bytes);
                stage.own(EntryKind::MISSED, &bytes);
            }
        }
    }

    /// Lets the machines look at the time and at the view, and says what is due.
    pub fn step(&self, now: MonoMs, hlc: Hlc, view: &View, up: &[NodeIndex]) -> Due {
        let machines = &mut *self.0.lock();
        let mut due = Due::default();
        if machines.view == 0 {
            let started = hints::Input::Started { hlc };
            machines.book.step(now, started, &mut due.hints);
            let started = missed::Input::Started;
            machines.missed.step(now, started, &mut due.missed);
        }
        if machines.view != view.number {
            machines.view = view.number;
            let owners = owners(view);
            let changed = hints::Input::OwnersChanged(owners.clone());
            machines.book.step(now, changed, &mut due.hints);
            let changed = missed::Input::OwnersChanged(owners);
            machines.missed.step(now, changed, &mut due.missed);
        }
        for id in up
            .iter()
            .filter_map(|up| view.node(*up))
            .map(|node| node.id)
        {
            let input = hints::Input::BelievedUp(id);
            machines.book.step(now, input, &mut due.hints);
            let input = missed::Input::BelievedUp(id);
            machines.missed.step(now, input, &mut due.missed);
        }
        let past = |deadline: Option<MonoMs>| deadline.is_some_and(|at| at <= now);
        if past(machines.book.deadline()) {
            let ticked = hints::Input::Ticked { hlc };
            machines.book.step(now, ticked, &mut due.hints);
        }
        if past(machines.missed.deadline()) {
            let ticked = missed::Input::Ticked;
            machines.missed.step(now, ticked, &mut due.missed);
        }
        due
    }

    /// A hint's sending has ended.
    pub fn hint_ended(&self, now: MonoMs, input: hints::Input) -> Vec<hints::Effect> {
        let mut effects = Vec::new();
        self.0.lock().book.step(now, input, &mut effects);
        effects
    }

    /// A batch of missed keys has ended.
    pub fn missed_ended(&self, now: MonoMs, input: missed::Input) -> Vec<missed::Effect> {
        let mut effects = Vec::new();
        self.0.lock().missed.step(now, input, &mut effects);
        effects
    }

    /// Everything kept, as log entries: what the tree holds of it once the log's segments go.
    pub fn snapshot(&self) -> Vec<(EntryKind, Vec<u8>)> {
        let machines = self.0.lock();
        let mut all = Vec::new();
        for entry in machines.book.entries() {
            let mut bytes = Vec::new();
            encode_entry(&entry, &mut bytes);
            all.push((EntryKind::HINT, bytes));
        }
        for entry in machines.missed.entries() {
            let mut bytes = Vec::new();
            missed::encode_entry(&entry, &mut bytes);
            all.push((EntryKind::MISSED, bytes));
        }
        all
    }

    /// What is kept for each owner, for operators: walks over all of it.
    pub fn kept(&self) -> BTreeMap<NodeId, Kept> {
        let machines = self.0.lock();
        let mut all: BTreeMap<NodeId, Kept> = BTreeMap::new();
        for hint in machines.book.iter() {
            let kept = all.entry(hint.owner).or_default();
            kept.hints += 1;
            kept.hint_bytes += (hint.key.len() + hint.record.len()) as u64;
            let oldest = kept.oldest.get_or_insert(hint.taken);
            *oldest = hint.taken.min(*oldest);
        }
        for (owner, keys, partitions) in machines.missed.by_owner() {
            let kept = all.entry(owner).or_default();
            kept.missed_keys = keys;
            kept.missed_partitions = partitions;
        }
        all
    }

    /// What is kept of one key: hints with their size and age, and who is noted as having missed it.
    pub fn kept_of(
        &self,
        owners: &[NodeId],
        database: Database,
        key: &[u8],
        place: Place,
    ) -> OfKey {
        let machines = self.0.lock();
        let name = (place.partition, database, place.token);
        let bytes = Bytes::copy_from_slice(key);
        let mut of = OfKey::default();
        for owner in owners {
            if let Some(hint) = machines.book.get(*owner, name, &bytes) {
                of.hints
                    .push((*owner, hint.record.len() as u64, hint.taken));
            }
            if machines.missed.is_noted(*owner, name, key) {
                of.missed.push(*owner);
            }
        }
        of
    }

    /// For INFO and /metrics.
    pub fn metrics(&self, hlc: Hlc) -> (HintMetrics, MissedMetrics) {
        let machines = self.0.lock();
        (machines.book.metrics(hlc), machines.missed.metrics())
    }
}

fn owners(view: &View) -> Owners {
    let ids = |route: &super::view::Route| {
        let owners = route.owners.iter();
        owners
            .filter_map(|owner| view.node(*owner))
            .map(|node| node.id)
            .collect()
    };
    Owners::new(view.layout, view.routes.iter().map(ids))
}
