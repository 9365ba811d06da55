//! The list itself: noting, and becoming partitions when there is too much. Sending is `resend`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use smallvec::{SmallVec, smallvec};

use super::notes::OwnerNotes;
use super::queue::{NoteQueue, Standing};
use super::{Entry, MissedFaults, MissedLimits, MissedMetrics, Place};
use crate::coordinator::hints::Owners;
use crate::types::{MonoMs, NodeId, PartitionId};

/// A longer key is not noted; its partition is. Notes then fit their blocks, and nobody fills a
/// list with a few keys of 512 MB.
pub const NOTED_KEY_MAX: usize = 4096;

/// Positions in a queue have 32 bits, which a quarter of this keeps far from their end.
const OWNER_BYTES_MAX: u64 = 1 << 30;

/// What a coordinator could not deliver, by owner.
#[derive(Debug)]
pub struct MissedList {
    limits: MissedLimits,
    faults: MissedFaults,
    pub(super) owners: Owners,
    pub(super) lists: BTreeMap<NodeId, OwnerNotes>,
    pub(super) next_batch: u64,
    pub(super) look_at: Option<MonoMs>,
    pub(super) delivered: u64,
    collapsed: u64,
}

impl MissedList {
    /// An empty list of a node that knows who owns what. A node with a log uses
    /// [`Replay`](super::Replay).
    pub fn new(limits: MissedLimits, owners: Owners) -> Self {
        Self::with_faults(limits, owners, MissedFaults::default())
    }

    /// The same with planted bugs, for the simulator to catch.
    pub fn with_faults(limits: MissedLimits, owners: Owners, faults: MissedFaults) -> Self {
        let owner_bytes = limits.owner_bytes.min(OWNER_BYTES_MAX);
        Self {
            limits: MissedLimits { owner_bytes },
            faults,
            owners,
            lists: BTreeMap::new(),
            next_batch: 1,
            look_at: None,
            delivered: 0,
            collapsed: 0,
        }
    }

    /// Notes that the owner lacks the record of this key, as it now stands in this node's table.
    /// The entries, in this order, are to be logged with the group that holds the record; none, if
    /// the key stands already: its note is in an earlier group, or in one that another thread
    /// commits at this moment.
    pub fn note<'a>(
        &mut self,
        owner: NodeId,
        place: Place,
        key: &'a [u8],
    ) -> SmallVec<[Entry<'a>; 2]> {
        let notes = self.lists.entry(owner).or_default();
        if notes.partitions.contains_key(&place.0) {
            return SmallVec::new();
        }
        if key.len() > NOTED_KEY_MAX {
            return smallvec![note_partitions(notes, owner, vec![place.0])];
        }
        match notes.queue.find(place, key) {
            Some(Standing::Waiting) => return SmallVec::new(),
            Some(Standing::Sent) if self.faults.ignore_while_sent => return SmallVec::new(),
            _ => {}
        }
        if notes.queue.bytes() + NoteQueue::cost(key) > self.limits.owner_bytes {
            self.collapsed += 1;
            return collapse(notes, owner, place.0, self.faults);
        }
        let sequence = notes.rise();
        notes.queue.push(sequence, place, key);
        smallvec![Entry::Noted {
            owner,
            sequence,
            place,
            key: Cow::Borrowed(key),
        }]
    }

    /// Whether the owner is known to lack this key's record, or to lack an exchange of its
    /// partition.
    pub fn is_noted(&self, owner: NodeId, place: Place, key: &[u8]) -> bool {
        self.lists.get(&owner).is_some_and(|notes| {
            let exchanging = notes.exchanging.map(|(partition, _)| partition);
            notes.queue.find(place, key).is_some()
                || notes.partitions.contains_key(&place.0)
                || exchanging == Some(place.0)
        })
    }

    /// The log entries that this list could be rebuilt from.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> + '_ {
        self.lists.iter().flat_map(|(owner, notes)| {
            let owner = *owner;
            let keys = notes.queue.iter().map(move |note| Entry::Noted {
                owner,
                sequence: note.sequence,
                place: note.place,
                key: Cow::Borrowed(note.key),
            });
            let partitions = notes
                .partitions
                .iter()
                .map(|(id, sequence)| (*id, *sequence));
            let partitions = partitions.chain(notes.exchanging);
            let partitions = partitions.map(move |(partition, sequence)| Entry::PartitionsNoted {
                owner,
                sequence,
                partitions: vec![partition],
            });
            keys.chain(partitions)
        })
    }

    /// Owners that lack something, with how many keys and partitions.
    pub fn by_owner(&self) -> impl Iterator<Item = (NodeId, u64, u64)> + '_ {
        let lacking = self.lists.iter().filter(|(_, notes)| !notes.is_empty());
        lacking.map(|(owner, notes)| {
            let partitions = notes.partition_count() as u64;
            (*owner, notes.queue.len() as u64, partitions)
        })
    }

    /// Figures for operators.
    pub fn metrics(&self) -> MissedMetrics {
        let mut metrics = MissedMetrics {
            delivered: self.delivered,
            collapsed: self.collapsed,
            ..MissedMetrics::default()
        };
        for notes in self.lists.values() {
            metrics.owners += u64::from(!notes.is_empty());
            metrics.keys += notes.queue.len() as u64;
            metrics.partitions += notes.partition_count() as u64;
            metrics.bytes += notes.queue.bytes();
        }
        metrics
    }
}

/// The keys become their partitions, and one more. What is on its way is given up: its answers are
/// not waited for, since the exchanges cover it.
fn collapse<'a>(
    notes: &mut OwnerNotes,
    owner: NodeId,
    partition: PartitionId,
    faults: MissedFaults,
) -> SmallVec<[Entry<'a>; 2]> {
    let up_to = notes.queue.last_sequence();
    let noted: BTreeSet<PartitionId> = notes.queue.iter().map(|note| note.place.0).collect();
    notes.queue.clear();
    notes.sent.clear();
    let forgotten = Entry::Forgotten {
        owner,
        sequence: up_to,
    };
    if faults.drop_on_overflow {
        return smallvec![forgotten];
    }
    let mut partitions = noted;
    partitions.insert(partition);
    let partitions = note_partitions(notes, owner, partitions.into_iter().collect());
    smallvec![partitions, forgotten]
}

fn note_partitions<'a>(
    notes: &mut OwnerNotes,
    owner: NodeId,
    partitions: Vec<PartitionId>,
) -> Entry<'a> {
    let sequence = notes.rise();
    for partition in &partitions {
        notes.partitions.insert(*partition, sequence);
    }
    Entry::PartitionsNoted {
        owner,
        sequence,
        partitions,
    }
}
