//! What others say and do about seats: claims, yields, promises, foreign writes, exchanges.

use std::cmp::Ordering;

use super::batch::Batch;
use super::machine::{At, HOLD_MS, Seats};
use super::{Epoch, Message, Partitions};
use crate::types::{Hlc, MonoMs, NodeId, PartitionId};

impl Seats {
    pub(super) fn received(&mut self, at: At, from: NodeId, message: Message, batch: &mut Batch) {
        match message {
            Message::Claim { hlc, partitions } => {
                let epoch = Epoch { hlc, node: from };
                for partition in partitions.iter() {
                    self.claimed(at, partition, epoch, batch);
                }
            }
            Message::Yield {
                hlc,
                partitions,
                served,
            } => {
                for partition in partitions.iter() {
                    let served = served.contains(partition);
                    self.yielded(at, partition, hlc, from, served, batch);
                }
            }
            Message::Promised { promises } => {
                for (epoch, partitions) in &promises {
                    for partition in partitions.iter() {
                        self.told(at, partition, *epoch, batch);
                    }
                }
            }
            Message::Foreign { partitions } => {
                for partition in partitions.iter() {
                    self.written_elsewhere(at, partition, from, batch);
                }
            }
        }
    }

    /// `epoch.node` claims: this node yields, unless it has promised a later epoch.
    fn claimed(&mut self, at: At, partition: PartitionId, epoch: Epoch, batch: &mut Batch) {
        let Some(place) = self.places.get(usize::from(partition.0)) else {
            return;
        };
        // Who owns nothing here by our layouts will ask again when we know better.
        if epoch.node == self.me || place.bit(epoch.node) == 0 {
            return;
        }
        match epoch.cmp(&place.promise) {
            Ordering::Greater => self.give_way(at, partition, epoch, true, batch),
            // Our yield was lost, or the claim came twice.
            Ordering::Equal => batch.grant(epoch, partition, false),
            Ordering::Less => batch.refuse(epoch.node, place.promise, partition),
        }
    }

    /// Promises a later epoch of another node, ending whatever this node was here. One that was
    /// not `asked` and is nobody here only remembers whom to pass commands to.
    fn give_way(
        &mut self,
        at: At,
        partition: PartitionId,
        epoch: Epoch,
        asked: bool,
        batch: &mut Batch,
    ) {
        let owned = self.places.get(usize::from(partition.0));
        let serves = self.serves(partition) && owned.is_some_and(|p| p.bit(self.me) != 0);
        let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
            return;
        };
        let claimed = place.claim.is_some();
        place.promise = epoch;
        place.certain = true;
        place.hold_until = Some(MonoMs(at.now.0.saturating_add(HOLD_MS)));
        #[cfg(test)]
        if self.fault == super::tests::Fault::ServeAfterYield {
            batch.grant(epoch, partition, serves);
            return;
        }
        place.claim = None;
        if asked || claimed || place.bit(self.me) != 0 {
            batch.grant(epoch, partition, serves);
        }
    }

    fn yielded(
        &mut self,
        at: At,
        partition: PartitionId,
        hlc: Hlc,
        from: NodeId,
        served: bool,
        batch: &mut Batch,
    ) {
        let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
            return;
        };
        let bit = place.bit(from);
        let Some(claim) = place.claim.as_mut().filter(|claim| claim.hlc == hlc) else {
            return;
        };
        claim.yielded |= bit;
        claim.free |= served;
        claim.witness = claim.witness.filter(|witness| *witness != from);
        self.evaluate(at, partition, None, batch);
    }

    /// Somebody has promised `epoch`, which may be news.
    fn told(&mut self, at: At, partition: PartitionId, epoch: Epoch, batch: &mut Batch) {
        let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
            return;
        };
        if epoch <= place.promise {
            return;
        }
        if epoch.seat().is_some_and(|seat| seat != self.me) {
            self.give_way(at, partition, epoch, false, batch);
        } else if let Some(claim) = place.claim.take() {
            // Somebody has forgotten: what it says is worth nothing until it has promised us anew.
            self.evaluate(at, partition, Some(claim), batch);
        }
    }

    /// An owner took a write of our partition from somebody else.
    fn written_elsewhere(
        &mut self,
        at: At,
        partition: PartitionId,
        from: NodeId,
        batch: &mut Batch,
    ) {
        let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
            return;
        };
        let bit = place.bit(from) & place.up(&self.down);
        if let Some(claim) = &mut place.claim {
            claim.stale |= bit;
            // An exchange under way may have passed the key: another one is asked for.
            claim.exchanging &= !bit;
        }
        self.evaluate(at, partition, None, batch);
    }

    /// Both sides hold what either held when the exchange began.
    pub(super) fn exchanged(
        &mut self,
        at: At,
        claim_hlc: Hlc,
        partitions: &Partitions,
        with: NodeId,
        batch: &mut Batch,
    ) {
        for partition in partitions.iter() {
            let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
                continue;
            };
            let bit = place.bit(with);
            let Some(claim) = place.claim.as_mut().filter(|c| c.hlc == claim_hlc) else {
                continue;
            };
            if claim.exchanging & bit == 0 {
                // Not asked for, or asked for before its link broke.
                continue;
            }
            claim.exchanging &= !bit;
            claim.exchanged |= bit;
            claim.stale &= !bit;
            self.evaluate(at, partition, None, batch);
        }
    }

    /// A write that was not the seat's, as far as we know, was taken here.
    pub(super) fn wrote_foreign(
        &mut self,
        at: At,
        partition: PartitionId,
        epoch: Option<Epoch>,
        from: NodeId,
        batch: &mut Batch,
    ) {
        let Some(place) = self.places.get(usize::from(partition.0)) else {
            return;
        };
        let promise = place.promise;
        if promise.node == from && epoch.is_none_or(|epoch| epoch == promise) {
            return;
        }
        if let Some(epoch) = epoch.filter(|epoch| *epoch > promise && epoch.node == from) {
            // Its claim was lost: the write is as good as one.
            self.claimed(at, partition, epoch, batch);
        } else if let Some(seat) = promise.seat().filter(|seat| *seat != self.me) {
            batch.tell_foreign(seat, partition);
        }
    }
}
