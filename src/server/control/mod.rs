//! The node's part in the cluster, apart from data: membership, failure detection, layouts, seats. One
//! task drives the machines; whatever they decide reaches the workers as a new [`View`].
//!
//! ```text
//!   accepted and dialled control connections ─► events ─► machines ─► effects ─► frames, files, view
//!   workers: connection lost, refused, pulses ───┘
//! ```

mod effects;
mod join;
mod links;
mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

pub(crate) use join::{JoinError, Joined, enter};
pub(crate) use links::{accepted, local_of};
pub(crate) use memory::Memory;

use self::links::Outgoing;
use crate::cluster::view::{Indexes, Quorums, Sources, view};
use crate::env::clock::sleep;
use crate::env::rng;
use crate::membership::{
    Belief, Detector, DetectorInput, Gossip, Input as GossipInput, Lifecycle, LifecycleInput,
    MemberEntry, Message, Start,
};
use crate::node::Node;
use crate::peer::FrameKind;
use crate::ring::{Layout, decode};
use crate::types::{MonoMs, NodeId, PartitionId};

/// Events on their way to the task; whoever finds it full tries again or lets it be.
const EVENTS: usize = 1024;

/// How often pulses are looked at.
const PULSE: Duration = Duration::from_millis(20);

/// What the task hears.
#[derive(Debug)]
pub(crate) enum Event {
    /// A frame on a control connection.
    Frame {
        /// Who sent it; proved by the handshake.
        from: NodeId,
        kind: FrameKind,
        body: Vec<u8>,
        /// Frames for the same connection, for whoever has no other.
        back: mpsc::Sender<Vec<u8>>,
    },
    /// A connection of ours stands.
    Connected(NodeId),
    /// It broke.
    Lost(NodeId),
    /// Nobody listens there.
    Refused(NodeId),
}

/// What the task drives.
pub(crate) struct Control {
    node: Arc<Node>,
    began: Instant,
    gossip: Gossip,
    lifecycle: Lifecycle,
    detector: Detector,
    layout: Arc<Layout>,
    indexes: Indexes,
    number: u64,
    up: BTreeSet<NodeId>,
    links: BTreeMap<NodeId, Outgoing>,
    /// Where peers hear us that are no members here yet.
    strangers: BTreeMap<NodeId, mpsc::Sender<Vec<u8>>>,
    memory: Memory,
    events: mpsc::Sender<Event>,
    /// When a peer was last reported to the detector as asked, by milliseconds of its pulse.
    told: BTreeMap<NodeId, (u64, u64)>,
}

/// What is wanted of the task beside its machines.
pub(crate) struct Started {
    pub(crate) control: Control,
    pub(crate) events: mpsc::Receiver<Event>,
}

impl Control {
    /// Goes on with what the node remembers, and what entering the cluster has brought.
    pub(crate) fn start(node: Arc<Node>, joined: Joined) -> Started {
        let (sender, receiver) = mpsc::channel(EVENTS);
        let Joined {
            memory,
            mut me,
            lifecycle,
            claim,
        } = joined;
        let actor = {
            let actors = node.keyspace.actors.lock();
            actors.actor(node.keyspace.actor)
        };
        me.actor = actor.expect("this life's actor was interned when the keyspace was made");
        let config = node.config.load_full();
        let mut effects = Vec::new();
        let start = Start {
            me: me.clone(),
            state: memory.state().clone(),
            seeds: config.peer.seeds.clone(),
        };
        let gossip = Gossip::start(MonoMs(0), rng::random_u64(), start, &mut effects);
        let newest = gossip.state().layouts().newest();
        let layout = newest.and_then(|layout| decode(&layout.bytes).ok());
        let layout = layout.unwrap_or_else(|| founding(&node, &me));
        let mut control = Self {
            began: node.clock.now(),
            gossip,
            lifecycle,
            detector: Detector::default(),
            layout: Arc::new(layout),
            indexes: Indexes::new(node.id),
            number: 0,
            up: BTreeSet::new(),
            links: BTreeMap::new(),
            strangers: BTreeMap::new(),
            memory,
            events: sender,
            told: BTreeMap::new(),
            node,
        };
        control.gossiped(effects);
        if let Some(members) = claim {
            control.claim(&members);
        }
        control.members_changed();
        control.publish();
        Started {
            control,
            events: receiver,
        }
    }

    /// Where others send events.
    pub(crate) fn events(&self) -> mpsc::Sender<Event> {
        self.events.clone()
    }

    fn now(&self) -> MonoMs {
        MonoMs(self.began.elapsed().as_millis() as u64)
    }

    /// Drives the machines for as long as the node lives.
    pub(crate) async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        loop {
            let now = self.now();
            let due = [
                self.gossip.deadline(),
                self.lifecycle.deadline(),
                self.detector.deadline(),
            ];
            let next = due.into_iter().flatten().min();
            let wait = next.map_or(PULSE, |at| {
                Duration::from_millis(at.0.saturating_sub(now.0)).min(PULSE)
            });
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.hear(event),
                    None => return,
                },
                () = sleep(wait) => {}
            }
            self.tick();
        }
    }

    fn tick(&mut self) {
        let now = self.now();
        let past = |deadline: Option<MonoMs>| deadline.is_some_and(|at| at <= now);
        self.feel_pulses();
        if past(self.detector.deadline()) {
            self.detect(DetectorInput::ProbeDue);
        }
        if past(self.gossip.deadline()) {
            self.gossip(GossipInput::Ticked);
        }
        if past(self.lifecycle.deadline()) {
            self.live(LifecycleInput::Ticked);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Frame {
                from,
                kind,
                body,
                back,
            } => self.frame(from, kind, &body, &back),
            Event::Connected(peer) => self.detect(DetectorInput::Heard(peer)),
            Event::Lost(peer) => self.detect(DetectorInput::ConnectionLost(peer)),
            Event::Refused(peer) => self.detect(DetectorInput::ConnectRefused(peer)),
        }
    }

    fn frame(&mut self, from: NodeId, kind: FrameKind, body: &[u8], back: &mpsc::Sender<Vec<u8>>) {
        if !self.links.contains_key(&from) {
            self.strangers.insert(from, back.clone());
        }
        match kind {
            FrameKind::GOSSIP => match Message::decode(body) {
                Ok(message) => {
                    self.detect(DetectorInput::Contacted(from));
                    self.gossip(GossipInput::Received { from, message });
                }
                Err(error) => tracing::warn!(%from, %error, "gossip that does not parse"),
            },
            FrameKind::JOIN => self.asked(body, back),
            FrameKind::PROBE => {
                self.detect(DetectorInput::Contacted(from));
                self.send(from, FrameKind::PROBE_ANSWER, &[]);
            }
            FrameKind::PROBE_ANSWER => self.detect(DetectorInput::ProbeAnswered(from)),
            _ => {}
        }
    }

    /// Workers note when they asked and when they heard; the detector is told here.
    fn feel_pulses(&mut self) {
        let view = self.node.view.load_full();
        for known in view.nodes.iter().skip(1) {
            let Some(index) = view.index_of(known.id) else {
                continue;
            };
            let pulse = self.node.pulses.of(index);
            let told = self.told.get(&known.id).copied().unwrap_or_default();
            if pulse == told {
                continue;
            }
            self.told.insert(known.id, pulse);
            let (asked, heard) = pulse;
            if heard != told.1 {
                self.detect(DetectorInput::Heard(known.id));
            }
            if asked != told.0 && asked > heard {
                self.detect(DetectorInput::Asked(known.id));
            }
        }
    }

    /// Takes on members as gossip has them: whom to connect to, whom to watch.
    fn members_changed(&mut self) {
        let me = self.node.id;
        let others: Vec<MemberEntry> = self
            .gossip
            .state()
            .members()
            .present()
            .filter(|entry| entry.id != me)
            .cloned()
            .collect();
        let ids: Vec<NodeId> = others.iter().map(|entry| entry.id).collect();
        self.links.retain(|id, _| ids.contains(id));
        for entry in &others {
            let same = self
                .links
                .get(&entry.id)
                .is_some_and(|link| link.address == entry.peer_address);
            if !same {
                let link = Outgoing::start(&self.node, entry, self.events.clone());
                self.links.insert(entry.id, link);
                self.strangers.remove(&entry.id);
            }
        }
        // Until told otherwise a new member is believed up.
        let known: BTreeSet<NodeId> = ids.iter().copied().collect();
        for id in &known {
            if self.detector.belief(*id) != Belief::Down || !self.told.contains_key(id) {
                self.up.insert(*id);
            }
        }
        self.up.retain(|id| known.contains(id));
        self.detect(DetectorInput::PeersSet(ids));
    }

    /// Gives workers what they route by.
    fn publish(&mut self) {
        self.number += 1;
        let config = self.node.config.load();
        let cluster = &config.cluster;
        let quorums = Quorums {
            r: cluster.r,
            w: cluster.w,
            dw: cluster.dw,
            sloppy: cluster.sloppy,
            request_timeout_ms: cluster.request_timeout_ms,
        };
        let up = &self.up;
        let seat = |_: PartitionId| None;
        let sources = Sources {
            members: self.gossip.state().members(),
            layout: &self.layout,
            quorums,
            up: &|id| up.contains(&id),
            seat: &seat,
        };
        let next = view(self.number, &mut self.indexes, &sources);
        self.node.view.store(Arc::new(next));
    }

    fn send(&self, to: NodeId, kind: FrameKind, body: &[u8]) {
        let frame = links::framed(&self.node, kind, body);
        if let Some(link) = self.links.get(&to) {
            link.send(frame);
        } else if let Some(back) = self.strangers.get(&to) {
            // Lost if it does not fit, as gossip may be.
            let _ = back.try_send(frame);
        }
    }
}

/// The layout of a cluster of one.
fn founding(node: &Node, me: &MemberEntry) -> Layout {
    let n = node.config.load().cluster.n;
    let member = effects::ring_member(me);
    Layout::found(member, node.keyspace.partition_count(), n)
        .expect("one member owns any number of partitions that the settings allow")
}

/// A body as gossip wants it.
fn gossip_bytes(message: &Message) -> Bytes {
    Bytes::from(message.encode())
}
