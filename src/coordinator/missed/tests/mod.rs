//! Tests of missed lists: whole effect lists, the codec and its fixtures, what a note costs, and a
//! model with random failures, overflows and restarts.

mod codec;
mod model;
mod notes;
mod scenarios;

use std::borrow::Cow;

use smallvec::SmallVec;

use super::*;
use crate::types::MonoMs;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);

fn owners() -> Owners {
    Owners::new(1, (0..4).map(|_| vec![A, B, C]))
}

fn list() -> MissedList {
    MissedList::new(MissedLimits::default(), owners())
}

/// A list with room for this many keys of two bytes.
fn list_for(keys: u64) -> MissedList {
    let owner_bytes = keys * (NOTE_HEAD_BYTES + 2 + INDEX_BYTES);
    MissedList::new(MissedLimits { owner_bytes }, owners())
}

/// A key's place: its partition is its number modulo four, its token the number.
fn place(number: u16) -> Place {
    (
        PartitionId(number % 4),
        Database(0),
        Token(u64::from(number)),
    )
}

fn name(number: u16) -> [u8; 2] {
    number.to_be_bytes()
}

fn missed(number: u16) -> MissedKey {
    let (partition, database, token) = place(number);
    MissedKey {
        partition,
        database,
        token,
        key: Bytes::copy_from_slice(&name(number)),
    }
}

fn note(list: &mut MissedList, owner: NodeId, number: u16) -> Vec<Entry<'static>> {
    let key = name(number);
    let entries: SmallVec<[Entry<'_>; 2]> = list.note(owner, place(number), &key);
    entries.into_iter().map(owned).collect()
}

fn owned(entry: Entry<'_>) -> Entry<'static> {
    match entry {
        Entry::Noted {
            owner,
            sequence,
            place,
            key,
        } => Entry::Noted {
            owner,
            sequence,
            place,
            key: Cow::Owned(key.into_owned()),
        },
        Entry::Forgotten { owner, sequence } => Entry::Forgotten { owner, sequence },
        Entry::PartitionsNoted {
            owner,
            sequence,
            partitions,
        } => Entry::PartitionsNoted {
            owner,
            sequence,
            partitions,
        },
        Entry::PartitionForgotten {
            owner,
            sequence,
            partition,
        } => Entry::PartitionForgotten {
            owner,
            sequence,
            partition,
        },
    }
}

fn noted(owner: NodeId, sequence: u64, number: u16) -> Entry<'static> {
    Entry::Noted {
        owner,
        sequence,
        place: place(number),
        key: Cow::Owned(name(number).to_vec()),
    }
}

fn step(list: &mut MissedList, now: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    list.step(MonoMs(now), input, &mut effects);
    effects
}

fn send(batch: u64, to: NodeId, numbers: impl IntoIterator<Item = u16>) -> Effect {
    Effect::SendCurrent {
        batch: Batch(batch),
        to,
        keys: numbers.into_iter().map(missed).collect(),
    }
}

fn exchange(to: NodeId, partition: u16) -> Effect {
    Effect::ExchangePartition {
        to,
        partition: PartitionId(partition),
    }
}

fn forget(owner: NodeId, sequence: u64) -> Effect {
    Effect::Forget(Entry::Forgotten { owner, sequence })
}

fn forget_partition(owner: NodeId, sequence: u64, partition: u16) -> Effect {
    Effect::Forget(Entry::PartitionForgotten {
        owner,
        sequence,
        partition: PartitionId(partition),
    })
}

fn delivered(batch: u64, to: NodeId) -> Input {
    Input::Delivered {
        batch: Batch(batch),
        to,
    }
}

fn failed(batch: u64, to: NodeId) -> Input {
    Input::Failed {
        batch: Batch(batch),
        to,
    }
}

fn exchanged(partition: u16, to: NodeId) -> Input {
    Input::Exchanged {
        partition: PartitionId(partition),
        to,
    }
}
