//! From the log back to the list. Sequences say what is forgotten and what stands, so the entries
//! may come in any order and as often as the log likes.

use std::collections::BTreeMap;

use super::notes::OwnerNotes;
use super::queue::NoteQueue;
use super::{Entry, MissedFaults, MissedLimits, MissedList, Place};
use crate::coordinator::hints::Owners;
use crate::types::{NodeId, PartitionId};

/// Collects entries until the log ends.
#[derive(Debug, Default)]
pub struct Replay {
    owners: BTreeMap<NodeId, OwnerReplay>,
}

#[derive(Debug, Default)]
struct OwnerReplay {
    queue: NoteQueue,
    /// Notes that came behind later ones, or a second time.
    late: BTreeMap<u64, (Place, Box<[u8]>)>,
    forgotten: u64,
    partitions: BTreeMap<PartitionId, u64>,
    partitions_forgotten: BTreeMap<PartitionId, u64>,
    last_sequence: u64,
}

impl Replay {
    /// The next entry of the log.
    pub fn apply(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Noted {
                owner,
                sequence,
                place,
                key,
            } => self.owner(owner, sequence).note(sequence, place, &key),
            Entry::Forgotten { owner, sequence } => {
                let replay = self.owner(owner, sequence);
                replay.forgotten = replay.forgotten.max(sequence);
                replay.queue.forget(sequence);
            }
            Entry::PartitionsNoted {
                owner,
                sequence,
                partitions,
            } => {
                let replay = self.owner(owner, sequence);
                for partition in partitions {
                    raise(&mut replay.partitions, partition, sequence);
                }
            }
            Entry::PartitionForgotten {
                owner,
                sequence,
                partition,
            } => {
                let replay = self.owner(owner, sequence);
                raise(&mut replay.partitions_forgotten, partition, sequence);
            }
        }
    }

    /// The list. It holds all that was noted, also beyond the bound, until the next note.
    pub fn finish(self, limits: MissedLimits, owners: Owners) -> MissedList {
        self.finish_with_faults(limits, owners, MissedFaults::default())
    }

    /// The same with planted bugs, for the simulator to catch.
    pub fn finish_with_faults(
        self,
        limits: MissedLimits,
        owners: Owners,
        faults: MissedFaults,
    ) -> MissedList {
        let mut list = MissedList::with_faults(limits, owners, faults);
        for (owner, replay) in self.owners {
            list.lists.insert(owner, replay.finish());
        }
        list
    }

    fn owner(&mut self, owner: NodeId, sequence: u64) -> &mut OwnerReplay {
        let replay = self.owners.entry(owner).or_default();
        replay.last_sequence = replay.last_sequence.max(sequence);
        replay
    }
}

impl OwnerReplay {
    fn note(&mut self, sequence: u64, place: Place, key: &[u8]) {
        if sequence <= self.forgotten {
            return;
        }
        if key.len() > super::NOTED_KEY_MAX {
            raise(&mut self.partitions, place.0, sequence);
        } else if sequence > self.queue.last_sequence() {
            self.queue.push(sequence, place, key);
        } else {
            self.late.insert(sequence, (place, key.into()));
        }
    }

    fn finish(mut self) -> OwnerNotes {
        self.partitions.retain(|partition, noted| {
            let forgotten = self.partitions_forgotten.get(partition);
            forgotten.is_none_or(|forgotten| forgotten < noted)
        });
        self.late.retain(|sequence, _| *sequence > self.forgotten);
        if !self.late.is_empty() {
            self.queue = in_order(&self.queue, self.late);
        }
        OwnerNotes {
            queue: self.queue,
            partitions: self.partitions,
            last_sequence: self.last_sequence,
            ..OwnerNotes::default()
        }
    }
}

/// The notes of both, each once, in the order of their sequences.
fn in_order(queue: &NoteQueue, mut late: BTreeMap<u64, (Place, Box<[u8]>)>) -> NoteQueue {
    let mut ordered = NoteQueue::default();
    for note in queue.iter() {
        let behind = late.split_off(&note.sequence);
        for (sequence, (place, key)) in std::mem::replace(&mut late, behind) {
            ordered.push(sequence, place, &key);
        }
        late.remove(&note.sequence);
        ordered.push(note.sequence, note.place, note.key);
    }
    for (sequence, (place, key)) in late {
        ordered.push(sequence, place, &key);
    }
    ordered
}

fn raise(entries: &mut BTreeMap<PartitionId, u64>, partition: PartitionId, to: u64) {
    let entry = entries.entry(partition).or_insert(to);
    *entry = (*entry).max(to);
}
