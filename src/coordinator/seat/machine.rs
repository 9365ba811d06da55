//! The machine of all seats of one node: inputs in, effects out. See the module's page for the
//! protocol and for what it promises.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::batch::Batch;
use super::map::Entry;
use super::partitions::MAX_PARTITIONS;
use super::place::{Claim, Place, numbered};
use super::{Effect, Epoch, Input, SeatMap, Standing};
use crate::types::{Hlc, MonoMs, NodeId, PartitionId};

/// A claim that an owner believed up has not answered is sent again after this: longer than a slow
/// round trip between continents, shorter than a person notices.
pub const RESEND_MS: u64 = 500;

/// A node that has lost a seat to one that lives does not ask for it again before this, so that two
/// that see each other differently (one down, one up) swap the seat at most once a second.
pub const HOLD_MS: u64 = 1000;

/// The seats of all partitions, as one node sees them.
#[derive(Debug)]
pub struct Seats {
    pub(super) me: NodeId,
    /// The first time it was told: nothing below it may pass, since the node has forgotten.
    boot: Option<Epoch>,
    /// Nodes believed down: members of the cluster, so there are not many.
    pub(super) down: BTreeSet<NodeId>,
    pub(super) places: Vec<Place>,
    pub(super) map: Arc<SeatMap>,
    resend_at: Option<MonoMs>,
    #[cfg(test)]
    pub(super) fault: super::tests::Fault,
}

impl Seats {
    /// A node that has just started: it has promised all that it promised before, and forgotten it.
    pub fn new(me: NodeId) -> Self {
        Self {
            me,
            boot: None,
            down: BTreeSet::new(),
            places: Vec::new(),
            map: Arc::new(SeatMap::new(me)),
            resend_at: None,
            #[cfg(test)]
            fault: super::tests::Fault::None,
        }
    }

    /// The present snapshot: what workers are given at [`Effect::Publish`].
    pub fn map(&self) -> Arc<SeatMap> {
        Arc::clone(&self.map)
    }

    /// See [`SeatMap::standing`].
    pub fn standing(&self, partition: PartitionId) -> Standing {
        self.map.standing(partition)
    }

    /// When [`Input::Ticked`] is due.
    pub fn deadline(&self) -> Option<MonoMs> {
        let holds = self.places.iter().filter_map(|place| place.hold_until);
        holds.chain(self.resend_at).min()
    }

    /// Decides. `hlc` is a fresh time of this node's hybrid clock: above all that it has given out
    /// or heard, also in former lives.
    pub fn step(&mut self, now: MonoMs, hlc: Hlc, input: Input, effects: &mut Vec<Effect>) {
        let at = At { now, hlc };
        let boot = *self.boot.get_or_insert(Epoch::forgotten(hlc));
        #[cfg(test)]
        let boot = if self.fault == super::tests::Fault::TrustAfterRestart {
            Epoch::NONE
        } else {
            boot
        };
        let mut batch = Batch::default();
        match input {
            Input::LayoutsChanged { live, n, w } => self.layouts(at, boot, &live, n, w, &mut batch),
            Input::BelievedDown(node) => self.believed_down(at, node, &mut batch),
            Input::BelievedUp(node) => self.believed_up(at, node, &mut batch),
            Input::Received { from, message } => self.received(at, from, message, &mut batch),
            Input::Exchanged {
                claim,
                partitions,
                with,
            } => self.exchanged(at, claim, &partitions, with, &mut batch),
            Input::WroteForeign {
                partition,
                epoch,
                from,
            } => self.wrote_foreign(at, partition, epoch, from, &mut batch),
            Input::Ticked => self.ticked(at, &mut batch),
        }
        self.refresh(now, &mut batch);
        batch.finish(effects);
    }

    fn layouts(
        &mut self,
        at: At,
        boot: Epoch,
        live: &[Vec<Vec<NodeId>>],
        n: u8,
        w: u8,
        batch: &mut Batch,
    ) {
        let count = live.iter().map(Vec::len).max().unwrap_or(0);
        // A promise is never forgotten: a table that shrinks leaves partitions without owners.
        let count = count.min(usize::from(MAX_PARTITIONS));
        let count = count.max(self.places.len());
        self.places.resize_with(count, || Place::new(boot));
        for partition in numbered(count) {
            let id = usize::from(partition.0);
            let owners: Vec<&[NodeId]> = live
                .iter()
                .filter_map(|table| table.get(id))
                .map(Vec::as_slice)
                .collect();
            let Some(place) = self.places.get_mut(id) else {
                continue;
            };
            // A claim stands on the owners that it asked: with others it begins anew.
            let before = if place.set_owners(&owners, n, w) {
                place.claim.take()
            } else {
                None
            };
            self.evaluate(at, partition, before, batch);
        }
        let orders = self.places.iter().map(|place| place.order.clone());
        let mut map = SeatMap::clone(&self.map);
        map.orders = Arc::new(orders.collect());
        batch.publish |= *self.map != map;
        self.map = Arc::new(map);
    }

    fn believed_down(&mut self, at: At, node: NodeId, batch: &mut Batch) {
        self.down.insert(node);
        for partition in numbered(self.places.len()) {
            let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
                continue;
            };
            let bit = place.bit(node);
            if place.promise.node == node {
                // The seat that we held back for is gone.
                place.hold_until = None;
            }
            if let Some(claim) = &mut place.claim {
                claim.exchanging &= !bit;
                claim.stale &= !bit;
                claim.witness = claim.witness.filter(|witness| *witness != node);
            }
            if bit != 0 || place.promise.node == node {
                self.evaluate(at, partition, None, batch);
            }
        }
    }

    fn believed_up(&mut self, at: At, node: NodeId, batch: &mut Batch) {
        if !self.down.remove(&node) {
            return;
        }
        for partition in numbered(self.places.len()) {
            let Some(place) = self.places.get(usize::from(partition.0)) else {
                continue;
            };
            let bit = place.bit(node);
            if bit == 0 {
                continue;
            }
            // Also if it has yielded: it may have started anew, and then says that it has forgotten.
            if let Some(claim) = &place.claim {
                batch.claim(node, claim.hlc, partition);
            }
            self.evaluate(at, partition, None, batch);
        }
    }

    fn ticked(&mut self, at: At, batch: &mut Batch) {
        let resend = self.resend_at.is_some_and(|due| due <= at.now);
        if resend {
            self.resend_at = None;
        }
        for partition in numbered(self.places.len()) {
            let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
                continue;
            };
            if place.hold_until.is_some_and(|until| until <= at.now) {
                place.hold_until = None;
            }
            if let Some(hlc) = place.claim.as_ref().map(|c| c.hlc).filter(|_| resend) {
                for to in place.waits_for(self.me, place.up(&self.down)) {
                    batch.claim(to, hlc, partition);
                }
            }
            self.evaluate(at, partition, None, batch);
        }
    }

    /// Opens or drops this node's claim and begins its exchanges, as what it knows demands.
    /// `before`: the claim that it has just given up and needs again under a new epoch.
    pub(super) fn evaluate(
        &mut self,
        at: At,
        partition: PartitionId,
        before: Option<Claim>,
        batch: &mut Batch,
    ) {
        let me = self.me;
        let served = self.serves(partition);
        let Some(place) = self.places.get_mut(usize::from(partition.0)) else {
            return;
        };
        let up = place.up(&self.down);
        if place.bit(me) == 0 {
            place.claim = None;
            return;
        }
        if !place.can_write(up) {
            // Others may claim where we cannot hear it: later we ask again.
            place.claim = None;
            place.certain = false;
            return;
        }
        let wanted = place.claim.is_none() && place.is_first(me, up) && !place.holds(at.now);
        if wanted || before.is_some() {
            if place.open(me, at.hlc, &self.down, before.map(|claim| (claim, served))) {
                for to in place.waits_for(me, up) {
                    batch.claim(to, at.hlc, partition);
                }
            } else {
                place.hold_until = Some(MonoMs(at.now.0.saturating_add(RESEND_MS)));
            }
        }
        place.free_if_alone(me, up);
        let with = place.exchange_with(me, up);
        if let (true, Some(claim)) = (with != 0, &place.claim) {
            batch.exchange(claim.hlc, place.nodes(with).collect(), partition);
        }
    }

    /// Whether this node has coordinated the partition since the last snapshot.
    pub(super) fn serves(&self, partition: PartitionId) -> bool {
        !matches!(self.map.standing(partition), Standing::Elsewhere { .. })
    }

    /// Makes the snapshot anew, and says what changed in it.
    fn refresh(&mut self, now: MonoMs, batch: &mut Batch) {
        let mut waiting = false;
        let mut entries = Vec::with_capacity(self.places.len());
        for (partition, place) in numbered(self.places.len()).zip(&self.places) {
            let up = place.up(&self.down);
            let standing = place.standing(self.me, up, now);
            waiting |= place.waits_for(self.me, up).next().is_some();
            let seated = matches!(standing, Standing::Seated { .. });
            let before = matches!(self.map.standing(partition), Standing::Seated { .. });
            if seated && !before {
                batch.seated.insert(partition);
            }
            if before && !seated {
                let seat = match standing {
                    Standing::Elsewhere { seat } => seat,
                    _ => self.me,
                };
                batch.unseated.entry(seat).or_default().insert(partition);
            }
            let claim = place.claim.as_ref();
            entries.push(Entry {
                standing,
                promise: place.promise,
                yielded: claim.map_or(0, |claim| claim.yielded),
            });
        }
        if self.map.entries != entries {
            let orders = Arc::clone(&self.map.orders);
            let me = self.me;
            self.map = Arc::new(SeatMap {
                me,
                orders,
                entries,
            });
            batch.publish = true;
        }
        if waiting {
            self.resend_at
                .get_or_insert(MonoMs(now.0.saturating_add(RESEND_MS)));
        } else {
            self.resend_at = None;
        }
    }
}

/// The two times of a step.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) now: MonoMs,
    pub(super) hlc: Hlc,
}
