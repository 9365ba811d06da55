//! What the machines decide, done: in their order, nothing before what it rests on is durable.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Control, gossip_bytes, links, memory};
use crate::membership::{
    Change, DetectorEffect, DetectorInput, Effect as GossipEffect, Input as GossipInput,
    JoinAnswer, Layout as GossipLayout, LifecycleEffect, LifecycleInput, MemberEntry, Message,
    Status, View as LifecycleView,
};
use crate::peer::FrameKind;
use crate::ring::{Capacity, Member, claim, decode, encode};
use crate::types::NodeId;

impl Control {
    pub(super) fn gossip(&mut self, input: GossipInput) {
        let mut effects = Vec::new();
        let (now, bits) = (self.now(), crate::env::rng::random_u64());
        self.gossip.step(now, bits, input, &mut effects);
        self.gossiped(effects);
    }

    pub(super) fn gossiped(&mut self, effects: Vec<GossipEffect>) {
        let mut members = false;
        for effect in effects {
            match effect {
                GossipEffect::Persist(_) => self.persist(),
                GossipEffect::Send { to, message } => {
                    self.send(to, FrameKind::GOSSIP, &gossip_bytes(&message));
                }
                GossipEffect::SendSeed { address, message } => {
                    links::tell_seed(&self.node, address, gossip_bytes(&message));
                }
                GossipEffect::MembersChanged(_) => members = true,
                GossipEffect::FactsChanged(_) => self.publish(),
                GossipEffect::LayoutChanged(layout) => self.take_layout(&layout),
                GossipEffect::LayoutDisputed { kept, lost } => {
                    tracing::warn!(
                        number = kept.number,
                        kept = %hex(&kept.hash),
                        lost = %hex(&lost.hash),
                        "two layouts of one number were committed: the smaller hash is kept"
                    );
                    self.take_layout(&kept);
                }
                GossipEffect::LoseName { name, keeper } => {
                    tracing::warn!(name, %keeper, "another member keeps this name; using the default");
                }
                GossipEffect::Retire(status) => {
                    tracing::error!(?status, "this node was removed from the cluster: stopping");
                    self.node.shut_down(false);
                }
                GossipEffect::Refuse { key, reason } => {
                    tracing::warn!(?key, ?reason, "not taken into the cluster's state");
                }
            }
        }
        if members {
            self.members_changed();
            self.live(LifecycleInput::MembersChanged);
            self.publish();
        }
    }

    pub(super) fn detect(&mut self, input: DetectorInput) {
        let mut effects = Vec::new();
        self.detector.step(self.now(), input, &mut effects);
        let mut changed = false;
        for effect in effects {
            match effect {
                DetectorEffect::Probe { to } => self.send(to, FrameKind::PROBE, &[]),
                DetectorEffect::BelievedDown { node } => {
                    tracing::warn!(%node, "a node does not answer: routing around it");
                    changed |= self.up.remove(&node);
                }
                DetectorEffect::BelievedUp { node } => {
                    tracing::info!(%node, "a node answers again");
                    changed |= self.up.insert(node);
                }
            }
        }
        if changed {
            self.publish();
            self.live(LifecycleInput::MembersChanged);
        }
    }

    pub(super) fn live(&mut self, input: LifecycleInput) {
        let mut effects = Vec::new();
        let members = self.gossip.state().members().clone();
        let view = LifecycleView {
            members: &members,
            reachable: &self.up,
            holds_records: self.holds_records(),
            hlc: self.node.keyspace.tick(self.node.clock.wall()),
        };
        self.lifecycle.step(self.now(), view, input, &mut effects);
        for effect in effects {
            match effect {
                LifecycleEffect::ClaimLayout { members } => self.claim(&members),
                LifecycleEffect::Say(text) => tracing::info!("{text}"),
                LifecycleEffect::Stop { reason } => {
                    tracing::error!("{reason}");
                    self.node.shut_down(false);
                }
                // These need the connection that asked: `asked` carries them out.
                LifecycleEffect::Admit { .. }
                | LifecycleEffect::Answer { .. }
                | LifecycleEffect::AnswerAdmitted { .. }
                // These belong to the way in.
                | LifecycleEffect::Found { .. }
                | LifecycleEffect::AskSeed { .. }
                | LifecycleEffect::Join { .. }
                | LifecycleEffect::Serve => {}
            }
        }
    }

    /// A node asks to be admitted.
    pub(super) fn asked(&mut self, body: &[u8], back: &mpsc::Sender<Vec<u8>>) {
        let Ok(Message::Ask(entry)) = Message::decode(body) else {
            tracing::warn!("a request to join that does not parse");
            return;
        };
        let mut effects = Vec::new();
        let members = self.gossip.state().members().clone();
        let view = LifecycleView {
            members: &members,
            reachable: &self.up,
            holds_records: self.holds_records(),
            hlc: self.node.keyspace.tick(self.node.clock.wall()),
        };
        let asking = entry.id;
        let input = LifecycleInput::JoinAsked {
            entry: Box::new(entry),
        };
        self.lifecycle.step(self.now(), view, input, &mut effects);
        for effect in effects {
            let answer = match effect {
                LifecycleEffect::Admit { entry } => {
                    tracing::info!(node = %asking, name = entry.name, "admitting a node");
                    self.gossip(GossipInput::Changed(Change::Admitted(entry)));
                    self.admitted(asking)
                }
                LifecycleEffect::AnswerAdmitted { to } => self.admitted(to),
                LifecycleEffect::Answer { answer, .. } => Some(answer),
                LifecycleEffect::Say(text) => {
                    tracing::info!("{text}");
                    None
                }
                _ => None,
            };
            if let Some(answer) = answer {
                let body = memory::join_answer(&self.node, answer);
                // A full queue means that the node is gone; it asks again.
                let _ = back.try_send(links::framed(&self.node, FrameKind::JOIN_ANSWER, &body));
            }
        }
    }

    fn admitted(&self, id: NodeId) -> Option<JoinAnswer> {
        let entry = self.gossip.state().members().get(id)?.clone();
        Some(JoinAnswer::Admitted {
            cluster: self.node.cluster,
            entry: Box::new(entry),
        })
    }

    /// Does this node hold a record? Members join an empty cluster only.
    fn holds_records(&self) -> bool {
        let databases = self.node.config.load().client.databases;
        (0..databases).any(|db| self.node.keyspace.count(crate::types::Database(db)) > 0)
    }

    /// Commits a layout for these members.
    pub(super) fn claim(&mut self, members: &[NodeId]) {
        let known = self.gossip.state().members();
        let chosen: Vec<Member> = members
            .iter()
            .filter_map(|id| known.get(*id))
            .map(ring_member)
            .collect();
        if chosen.len() != members.len() || (members.len() > 1 && self.holds_records()) {
            tracing::warn!("the layout is not changed: this cluster holds records");
            return;
        }
        let n = self.node.config.load().cluster.n;
        let same = self
            .layout
            .members()
            .iter()
            .map(|m| m.id)
            .eq(members.iter().copied());
        let next = if same {
            Ok((*self.layout).clone())
        } else {
            claim(&self.layout, &chosen, n)
        };
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "no layout for these members");
                return;
            }
        };
        if let Err(violations) = next.validate() {
            tracing::error!(?violations, "a layout was not committed: it is not valid");
            return;
        }
        let mut bytes = Vec::new();
        encode(&next, &mut bytes);
        let layout = GossipLayout {
            number: next.number(),
            hash: next.hash(),
            bytes: Bytes::from(bytes),
        };
        tracing::info!(
            number = next.number(),
            members = members.len(),
            "committing a layout"
        );
        self.gossip(GossipInput::Changed(Change::LayoutCommitted(layout)));
        for node in members {
            let change = Change::Advanced {
                node: *node,
                status: Status::Member,
            };
            self.gossip(GossipInput::Changed(change));
        }
    }

    fn take_layout(&mut self, layout: &GossipLayout) {
        match decode(&layout.bytes) {
            Ok(decoded) if decoded.partitions() == self.node.keyspace.partition_count() => {
                if decoded.number() >= self.layout.number() {
                    tracing::info!(
                        number = decoded.number(),
                        members = decoded.members().len(),
                        "a layout takes effect"
                    );
                    self.layout = Arc::new(decoded);
                    self.publish();
                }
            }
            Ok(_) => tracing::error!("a layout of another number of partitions is not taken"),
            Err(error) => tracing::error!(%error, "a layout does not decode"),
        }
    }

    fn persist(&mut self) {
        let state = self.gossip.state().clone();
        if let Err(error) = self.memory.keep(state) {
            tracing::error!(%error, "the cluster's state cannot be kept: stopping");
            self.node.shut_down(false);
        }
    }
}

/// A member as the ring sees it.
pub(super) fn ring_member(entry: &MemberEntry) -> Member {
    Member {
        id: entry.id,
        zone: entry.zone.as_str().into(),
        capacity: Capacity::new(entry.capacity_thousandths).unwrap_or(Capacity::ONE),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
