//! What one step decided about many partitions, gathered so that it leaves as one message per peer
//! and kind, in an order that the safety of the protocol needs: first the snapshot, by which workers
//! stop; then what they had begun; then the yield; then everything else.

use std::collections::BTreeMap;

use super::{Effect, Epoch, Message, Partitions};
use crate::types::{Hlc, NodeId, PartitionId};

/// The gathered decisions of one step.
#[derive(Default)]
pub(super) struct Batch {
    claims: BTreeMap<(NodeId, Hlc), Partitions>,
    yields: BTreeMap<(NodeId, Hlc), (Partitions, Partitions)>,
    promises: BTreeMap<NodeId, BTreeMap<Epoch, Partitions>>,
    foreign: BTreeMap<NodeId, Partitions>,
    exchanges: BTreeMap<(Hlc, Vec<NodeId>), Partitions>,
    handed_over: BTreeMap<NodeId, Partitions>,
    pub(super) seated: Partitions,
    pub(super) unseated: BTreeMap<NodeId, Partitions>,
    pub(super) publish: bool,
}

impl Batch {
    pub(super) fn claim(&mut self, to: NodeId, hlc: Hlc, partition: PartitionId) {
        let claimed = self.claims.entry((to, hlc)).or_default();
        claimed.insert(partition);
    }

    /// Answers `epoch` with a yield; `served` if this node was coordinating until now.
    pub(super) fn grant(&mut self, epoch: Epoch, partition: PartitionId, served: bool) {
        let key = (epoch.node, epoch.hlc);
        let (yielded, by_server) = self.yields.entry(key).or_default();
        yielded.insert(partition);
        if served {
            by_server.insert(partition);
            let handed_over = self.handed_over.entry(epoch.node).or_default();
            handed_over.insert(partition);
        }
    }

    pub(super) fn refuse(&mut self, to: NodeId, promise: Epoch, partition: PartitionId) {
        let promises = self.promises.entry(to).or_default();
        promises.entry(promise).or_default().insert(partition);
    }

    pub(super) fn tell_foreign(&mut self, seat: NodeId, partition: PartitionId) {
        self.foreign.entry(seat).or_default().insert(partition);
    }

    pub(super) fn exchange(&mut self, hlc: Hlc, with: Vec<NodeId>, partition: PartitionId) {
        let exchanged = self.exchanges.entry((hlc, with)).or_default();
        exchanged.insert(partition);
    }

    /// The effects, in the order that they are to be executed in.
    pub(super) fn finish(self, effects: &mut Vec<Effect>) {
        for (seat, partitions) in self.unseated {
            effects.push(Effect::Unseated { partitions, seat });
        }
        if self.publish {
            effects.push(Effect::Publish);
        }
        for (to, partitions) in self.handed_over {
            effects.push(Effect::HandOver { partitions, to });
        }
        for ((to, hlc), (partitions, served)) in self.yields {
            let message = Message::Yield {
                hlc,
                partitions,
                served,
            };
            effects.push(Effect::Send { to, message });
        }
        for (to, promises) in self.promises {
            let promises = promises.into_iter().collect();
            let message = Message::Promised { promises };
            effects.push(Effect::Send { to, message });
        }
        for (to, partitions) in self.foreign {
            let message = Message::Foreign { partitions };
            effects.push(Effect::Send { to, message });
        }
        for ((to, hlc), partitions) in self.claims {
            let message = Message::Claim { hlc, partitions };
            effects.push(Effect::Send { to, message });
        }
        for ((claim, with), partitions) in self.exchanges {
            effects.push(Effect::Exchange {
                claim,
                partitions,
                with,
            });
        }
        if !self.seated.is_empty() {
            effects.push(Effect::Seated {
                partitions: self.seated,
            });
        }
    }
}
