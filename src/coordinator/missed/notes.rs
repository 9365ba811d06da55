//! All that is noted for one owner: its keys, its partitions, and what of them is on its way.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::queue::NoteQueue;
use super::{Batch, Effect, Entry, MissedKey};
use crate::coordinator::hints::{Owners, Pace};
use crate::types::{MonoMs, NodeId, PartitionId};

/// Keys in one batch: enough to amortise its round trip and its entry in the log.
pub const BATCH_KEYS: usize = 256;

/// Bytes of keys in one batch, beyond which it ends; the records are the caller's to bound.
pub const BATCH_BYTES: usize = 64 << 10;

/// Batches on the way to one owner at a time: the next is being read while one is on the wire.
pub const BATCHES_MAX: usize = 4;

/// Keys on their way. Batches are retired in order, so that one sequence tells what is gone.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) batch: Batch,
    up_to: u64,
    pub(super) at: MonoMs,
    is_acknowledged: bool,
}

/// Everything noted for one owner.
#[derive(Debug, Default)]
pub(super) struct OwnerNotes {
    pub(super) pace: Pace,
    pub(super) queue: NoteQueue,
    pub(super) sent: VecDeque<Sent>,
    /// Partitions to exchange, each with the sequence of its note.
    pub(super) partitions: BTreeMap<PartitionId, u64>,
    /// The one that is being exchanged.
    pub(super) exchanging: Option<(PartitionId, u64)>,
    pub(super) last_sequence: u64,
}

impl OwnerNotes {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.partition_count() == 0
    }

    pub(super) fn partition_count(&self) -> usize {
        self.partitions.len() + usize::from(self.exchanging.is_some())
    }

    pub(super) fn rise(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    /// Marks a batch as acknowledged. `false` if it is not on its way (any more).
    pub(super) fn acknowledge(&mut self, batch: Batch) -> bool {
        let sent = self.sent.iter_mut().find(|sent| sent.batch == batch);
        let Some(sent) = sent else {
            return false;
        };
        sent.is_acknowledged = true;
        self.pace.acknowledged();
        true
    }

    /// Gives up what is on its way: it is all sent once more, when its time comes.
    pub(super) fn hold(&mut self) {
        self.pace = Pace::Held;
        self.sent.clear();
        self.queue.rewind();
    }

    /// Forgets the batches that are acknowledged, as far as none before them is missing. Says how
    /// many keys that was.
    pub(super) fn retire(&mut self, owner: NodeId, effects: &mut Vec<Effect>) -> u64 {
        let mut up_to = None;
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.is_acknowledged) {
            up_to = Some(sent.up_to);
        }
        let Some(sequence) = up_to else {
            return 0;
        };
        effects.push(Effect::Forget(Entry::Forgotten { owner, sequence }));
        self.queue.forget(sequence)
    }

    /// Sends what the pace allows. Keys of partitions that the owner owns no more go unsent.
    pub(super) fn fill(
        &mut self,
        now: MonoMs,
        owner: NodeId,
        owners: &Owners,
        next_batch: &mut u64,
        effects: &mut Vec<Effect>,
    ) {
        while self.may_send() && self.queue.has_unsent() {
            let batch = Batch(*next_batch);
            *next_batch += 1;
            let keys_max = if self.pace == Pace::Probing {
                1 // it may well be lost, and each loss may leave its keys standing twice
            } else {
                BATCH_KEYS
            };
            let (keys, up_to) = self.next_batch(owner, owners, keys_max);
            self.sent.push_back(Sent {
                batch,
                up_to,
                at: now,
                is_acknowledged: keys.is_empty(),
            });
            if keys.is_empty() {
                self.retire(owner, effects);
            } else {
                effects.push(Effect::SendCurrent {
                    batch,
                    to: owner,
                    keys,
                });
            }
        }
        self.begin_exchange(owner, owners, effects);
    }

    fn may_send(&self) -> bool {
        match self.pace {
            Pace::Held => false,
            Pace::Probing => self.sent.is_empty() && self.exchanging.is_none(),
            Pace::Flowing => self.sent.len() < BATCHES_MAX,
        }
    }

    /// The next keys, and the sequence of the last note looked at.
    fn next_batch(
        &mut self,
        owner: NodeId,
        owners: &Owners,
        keys_max: usize,
    ) -> (Vec<MissedKey>, u64) {
        let (mut keys, mut bytes, mut up_to) = (Vec::new(), 0, 0);
        while keys.len() < keys_max
            && bytes < BATCH_BYTES
            && let Some(note) = self.queue.send()
        {
            up_to = note.sequence;
            let (partition, database, token) = note.place;
            if note.is_superseded || !owners.owns(owner, partition) {
                continue;
            }
            bytes += note.key.len();
            keys.push(MissedKey {
                partition,
                database,
                token,
                key: Bytes::copy_from_slice(note.key),
            });
        }
        (keys, up_to)
    }

    fn begin_exchange(&mut self, owner: NodeId, owners: &Owners, effects: &mut Vec<Effect>) {
        let is_free = self.exchanging.is_none()
            && match self.pace {
                Pace::Held => false,
                Pace::Probing => self.sent.is_empty(),
                Pace::Flowing => true,
            };
        while is_free && let Some((partition, sequence)) = self.partitions.pop_first() {
            if owners.owns(owner, partition) {
                self.exchanging = Some((partition, sequence));
                effects.push(Effect::ExchangePartition {
                    to: owner,
                    partition,
                });
                return;
            }
            effects.push(forget_partition(owner, partition, sequence));
        }
    }

    /// The exchange has ended. What was noted since it began stands on its own.
    pub(super) fn exchanged(
        &mut self,
        owner: NodeId,
        partition: PartitionId,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let ended = self.exchanging.take_if(|(other, _)| *other == partition);
        let Some((_, sequence)) = ended else {
            return false;
        };
        self.pace.acknowledged();
        effects.push(forget_partition(owner, partition, sequence));
        true
    }

    /// The exchange broke off: it is begun once more, when its time comes.
    pub(super) fn exchange_failed(&mut self, partition: PartitionId) -> bool {
        let ended = self.exchanging.take_if(|(other, _)| *other == partition);
        let Some((_, sequence)) = ended else {
            return false;
        };
        self.partitions.entry(partition).or_insert(sequence);
        true
    }

    /// Forgets everything: the owner owns nothing any more.
    pub(super) fn abandon(&mut self, owner: NodeId, effects: &mut Vec<Effect>) {
        if !self.queue.is_empty() {
            let sequence = self.queue.last_sequence();
            self.queue.clear();
            effects.push(Effect::Forget(Entry::Forgotten { owner, sequence }));
        }
        self.sent.clear();
        let noted = std::mem::take(&mut self.partitions);
        let exchanging = self.exchanging.take();
        for (partition, sequence) in noted.into_iter().chain(exchanging) {
            effects.push(forget_partition(owner, partition, sequence));
        }
    }
}

fn forget_partition(owner: NodeId, partition: PartitionId, sequence: u64) -> Effect {
    Effect::Forget(Entry::PartitionForgotten {
        owner,
        sequence,
        partition,
    })
}
