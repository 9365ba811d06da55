//! A small network for gossip machines: one clock, one source of chance, messages as bytes that take
//! time, get lost and meet partitions. A seed replays a run.
//!
//! It carries effects out as a driver would, and checks their order: nothing may leave a node that is
//! not on its disk.

use std::collections::BTreeMap;

use crate::membership::{
    Effect, Gossip, Input, Item, Layout, MemberEntry, Message, ROUND_MS, Start, State,
};
use crate::types::{Actor, Hlc, MonoMs, NodeId};

use super::values::entry;

/// How a network treats messages.
#[derive(Clone, Copy)]
pub(super) struct Options {
    /// So many of a hundred are lost.
    pub(super) loss_percent: u64,
    /// Whether news is passed on at once; if not, only rounds carry it.
    pub(super) push: bool,
    /// The planted fault: what comes replaces what is there, instead of being joined.
    pub(super) last_writer: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            loss_percent: 0,
            push: true,
            last_writer: false,
        }
    }
}

struct Packet {
    from: usize,
    to: usize,
    bytes: Vec<u8>,
}

/// Nodes and the messages between them.
pub(super) struct Network {
    pub(super) nodes: Vec<Gossip>,
    /// What each node has made durable.
    pub(super) disks: Vec<State>,
    pub(super) disputes: Vec<Vec<(Layout, Layout)>>,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
    pub(super) largest: usize,
    now: MonoMs,
    options: Options,
    /// Nodes hear each other when their numbers here are equal.
    sides: Vec<u8>,
    queue: BTreeMap<(u64, u64), Packet>,
    chance: u64,
}

/// The id of a node by its place; places up to 65,535.
pub(super) fn node_id(place: usize) -> NodeId {
    // Spread, so that the order of ids is not the order of places.
    NodeId(u128::from(mix(place as u64 + 1)) << 64 | place as u128)
}

pub(super) fn node_entry(place: usize) -> MemberEntry {
    MemberEntry {
        id: node_id(place),
        first_seen: Hlc(place as u64 + 1),
        name: format!("n{place}"),
        peer_address: format!("host-{place}:16379"),
        actor: Actor(place as u64),
        ..entry(0)
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Network {
    /// Nodes that know what `knows` says of each, with the addresses of their seeds.
    pub(super) fn new(
        count: usize,
        seed: u64,
        options: Options,
        knows: impl Fn(usize) -> (State, Vec<String>),
    ) -> Self {
        let mut network = Self {
            nodes: Vec::new(),
            disks: Vec::new(),
            disputes: vec![Vec::new(); count],
            sent: 0,
            sent_bytes: 0,
            largest: 0,
            now: MonoMs(0),
            options,
            sides: vec![0; count],
            queue: BTreeMap::new(),
            chance: seed,
        };
        for place in 0..count {
            let (state, seeds) = knows(place);
            let start = Start {
                me: node_entry(place),
                state: state.clone(),
                seeds,
            };
            network.disks.push(state);
            let mut effects = Vec::new();
            let bits = network.draw();
            let node = Gossip::start(network.now, bits, start, &mut effects);
            network.nodes.push(node);
            network.carry_out(place, None, effects);
        }
        network
    }

    /// A cluster in which all know all, after it has become quiet.
    pub(super) fn settled(count: usize, seed: u64, options: Options) -> Self {
        let mut all = State::default();
        for place in 0..count {
            all.merge_item(Item::Member(node_entry(place)));
        }
        let mut network = Self::new(count, seed, options, |_| {
            (all.clone(), vec![node_entry(0).peer_address])
        });
        network.rounds_to_converge(60).expect("the start settles");
        network
    }

    fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.chance)
    }

    /// One number per node: those with equal numbers hear each other.
    pub(super) fn partition(&mut self, side_of: impl Fn(usize) -> u8) {
        for (place, side) in self.sides.iter_mut().enumerate() {
            *side = side_of(place);
        }
    }

    pub(super) fn heal(&mut self) {
        self.partition(|_| 0);
    }

    /// The process of a node dies and starts again from its disk.
    pub(super) fn restart(&mut self, place: usize) {
        let state = self.disks[place].clone();
        let start = Start {
            me: node_entry(place),
            state,
            seeds: vec![node_entry(0).peer_address],
        };
        let mut effects = Vec::new();
        let bits = self.draw();
        self.nodes[place] = Gossip::start(self.now, bits, start, &mut effects);
        self.carry_out(place, None, effects);
    }

    pub(super) fn input(&mut self, place: usize, input: Input) {
        let answered = match &input {
            Input::Received {
                from,
                message: Message::Delta(_),
            } => Some(*from),
            _ => None,
        };
        let bits = self.draw();
        let mut effects = Vec::new();
        self.nodes[place].step(self.now, bits, input, &mut effects);
        self.carry_out(place, answered, effects);
    }

    /// `answered`: whose delta was taken in, so that items to it are an answer and no news.
    fn carry_out(&mut self, place: usize, answered: Option<NodeId>, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist(items) => {
                    for item in items {
                        self.disks[place].merge_item(item);
                    }
                }
                Effect::Send { to, message } => {
                    self.check_durable(place, &message);
                    let news = matches!(message, Message::Items(_)) && answered != Some(to);
                    let to = (0..self.nodes.len().max(self.sides.len()))
                        .find(|other| node_id(*other) == to)
                        .expect("a node of this network");
                    if self.options.push || !news {
                        self.send(place, to, &message);
                    }
                }
                Effect::SendSeed { address, message } => {
                    let to = (0..self.sides.len())
                        .find(|other| node_entry(*other).peer_address == address)
                        .expect("a node of this network");
                    self.send(place, to, &message);
                }
                Effect::LayoutDisputed { kept, lost } => self.disputes[place].push((kept, lost)),
                Effect::MembersChanged(_)
                | Effect::FactsChanged(_)
                | Effect::LayoutChanged(_)
                | Effect::LoseName { .. }
                | Effect::Retire(_)
                | Effect::Refuse { .. } => {}
            }
        }
        if let Some(node) = self.nodes.get(place)
            && !self.options.last_writer
        {
            assert_eq!(
                node.state().summary(),
                self.disks[place].summary(),
                "what a node knows is on its disk"
            );
        }
    }

    fn check_durable(&self, place: usize, message: &Message) {
        let items = match message {
            Message::Items(items) => items,
            Message::Delta(delta) => &delta.items,
            _ => return,
        };
        if self.options.last_writer {
            return;
        }
        for item in items {
            let durable = self.disks[place].item(&item.key());
            assert_eq!(durable.as_ref(), Some(item), "sent before it was durable");
        }
    }

    fn send(&mut self, from: usize, to: usize, message: &Message) {
        let bytes = message.encode();
        self.sent += 1;
        self.sent_bytes += bytes.len() as u64;
        self.largest = self.largest.max(bytes.len());
        if self.draw() % 100 < self.options.loss_percent {
            return;
        }
        // 1 to 20 ms: a data centre, or two near each other.
        let at = self.now.0 + 1 + self.draw() % 20;
        let order = self.sent;
        self.queue.insert((at, order), Packet { from, to, bytes });
    }

    /// Lets time pass.
    pub(super) fn run_until(&mut self, end: MonoMs) {
        loop {
            let timer = self
                .nodes
                .iter()
                .enumerate()
                .filter_map(|(place, node)| Some((node.deadline()?.0, place)))
                .min();
            let packet = self.queue.keys().next().map(|(at, _)| *at);
            let next = timer.map(|(at, _)| at).into_iter().chain(packet).min();
            let Some(next) = next.filter(|next| *next <= end.0) else {
                self.now = end;
                return;
            };
            self.now = MonoMs(self.now.0.max(next));
            if packet == Some(next) {
                let (_, packet) = self.queue.pop_first().expect("it was seen");
                self.deliver(&packet);
            } else if let Some((_, place)) = timer {
                self.input(place, Input::Ticked);
            }
        }
    }

    pub(super) fn run_rounds(&mut self, rounds: u64) {
        self.run_until(MonoMs(self.now.0 + rounds * ROUND_MS));
    }

    fn deliver(&mut self, packet: &Packet) {
        if self.sides[packet.from] != self.sides[packet.to] {
            return;
        }
        let message = Message::decode(&packet.bytes).expect("an own message");
        if self.options.last_writer {
            self.overwrite(packet.to, &message);
        }
        let from = node_id(packet.from);
        self.input(packet.to, Input::Received { from, message });
    }

    /// The planted merge: what comes last stays.
    fn overwrite(&mut self, place: usize, message: &Message) {
        let items = match message {
            Message::Items(items) => items,
            Message::Delta(delta) => &delta.items,
            _ => return,
        };
        let mut state = State::default();
        let old: Vec<Item> = self.nodes[place].state.items().collect();
        let kept = old
            .iter()
            .filter(|old| items.iter().all(|new| new.key() != old.key()));
        for item in items.iter().chain(kept) {
            state.merge_item(item.clone());
        }
        self.nodes[place].state = state;
    }

    /// Whether all nodes that take part have the same state.
    pub(super) fn converged(&self) -> bool {
        let mut active = self.nodes.iter().filter(|node| node.deadline().is_some());
        let first = active.next().expect("some node takes part").state();
        // The summary is a hash: when it says equal, the states are compared themselves.
        let alike = |node: &Gossip| node.state().summary() == first.summary();
        active.clone().all(alike) && active.all(|node| node.state() == first)
    }

    /// Rounds until all states are equal; `None` when that takes longer than `most`.
    pub(super) fn rounds_to_converge(&mut self, most: u64) -> Option<f64> {
        let begin = self.now;
        let end = MonoMs(begin.0 + most * ROUND_MS);
        loop {
            if self.converged() {
                return Some((self.now.0 - begin.0) as f64 / ROUND_MS as f64);
            }
            if self.now >= end {
                return None;
            }
            self.run_until(MonoMs(self.now.0 + 20));
        }
    }
}
