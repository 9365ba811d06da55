//! A cluster of seat machines under a simulated network, with one register per partition: a set of
//! increments, whose reply is its size. One thread, one seed, everything drawn from it.
//!
//! The checkers: clean increments of a partition are totally ordered by what they have seen and in
//! real time; nobody is seated under an epoch at or below one that it has yielded to; no epoch seats
//! two lives; what was acknowledged is at W owners.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, node, table};
use crate::coordinator::seat::{
    Effect, Epoch, Input, Message, Notice, Partitions, Seats, Standing, decode, encode,
};
use crate::types::{Hlc, MonoMs, NodeId, PartitionId};

/// A bug planted in the driver rather than in the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// Exchanges are reported that did not take place.
    NoExchange,
    /// Replicas do not look at who sent a write.
    NoNotice,
    /// An unseated claimant reads nothing before it writes.
    NoReads,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub(super) nodes: u8,
    pub(super) n: u8,
    pub(super) w: u8,
    pub(super) partitions: u16,
    pub(super) loss: u64,
    pub(super) duplicates: u64,
    pub(super) delay_ms: u64,
    /// Frames of one link arrive in order.
    pub(super) fifo: bool,
    pub(super) fault: Fault,
    pub(super) bug: Bug,
}

impl Setting {
    pub(super) fn calm(nodes: u8, n: u8, w: u8) -> Self {
        Self {
            nodes,
            n,
            w,
            partitions: 4,
            loss: 0,
            duplicates: 0,
            delay_ms: 3,
            fifo: true,
            fault: Fault::None,
            bug: Bug::None,
        }
    }
}

pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

type Set = BTreeSet<usize>;

#[derive(Clone, Debug)]
enum Packet {
    Seat(Vec<u8>),
    Delta {
        op: Option<usize>,
        partition: PartitionId,
        set: Set,
        stamp: Option<Epoch>,
    },
    Ack {
        op: usize,
        notice: Option<Notice>,
    },
    Read {
        op: usize,
    },
    Answer {
        op: usize,
        set: Set,
        promised: Epoch,
    },
    Ask {
        id: usize,
        sets: Vec<(PartitionId, Set)>,
    },
    Done {
        id: usize,
        sets: Vec<(PartitionId, Set)>,
    },
    Forward {
        op: usize,
        hops: u8,
    },
}

#[derive(Clone, Debug)]
enum Event {
    Deliver {
        from: usize,
        to: usize,
        lives: (u32, u32),
        hlc: u64,
        packet: Packet,
    },
    Detect {
        by: usize,
        of: usize,
    },
    Tick {
        at: usize,
        life: u32,
    },
    Start {
        op: usize,
    },
    ReadTimeout {
        op: usize,
        at: usize,
        life: u32,
    },
    AskAgain {
        id: usize,
        at: usize,
        life: u32,
    },
}

/// An increment.
#[derive(Clone, Debug, Default)]
pub(super) struct Op {
    pub(super) partition: u16,
    origin: usize,
    tries: u32,
    began: Option<u64>,
    coordinator: usize,
    epoch: Option<Epoch>,
    seen: Set,
    acks: BTreeSet<usize>,
    reads: BTreeSet<usize>,
    noticed: bool,
    pub(super) acked: Option<u64>,
    pub(super) clean: bool,
}

struct Machine {
    seats: Seats,
    life: u32,
    alive: bool,
    hlc: u64,
    sets: Vec<Set>,
    down: BTreeSet<usize>,
    /// The life that each other node was last seen in.
    lives: BTreeMap<usize, u32>,
    /// Running exchanges: claim, what is left, with whom.
    exchanges: BTreeMap<usize, (Hlc, Partitions, usize)>,
    /// The latest epoch it has yielded to, in any life.
    yielded: BTreeMap<u16, Epoch>,
    tick_at: Option<u64>,
}

pub(super) struct Sim {
    pub(super) now: u64,
    pub(super) setting: Setting,
    pub(super) rng: Rng,
    pub(super) ops: Vec<Op>,
    pub(super) layouts: Vec<Vec<Vec<NodeId>>>,
    pub(super) messages: BTreeMap<(usize, usize), usize>,
    pub(super) log: Vec<(usize, Effect)>,
    /// When the last frame of a link arrives.
    arrives: BTreeMap<(usize, usize), u64>,
    drawn: u64,
    queue: BTreeMap<(u64, u64), Event>,
    machines: Vec<Machine>,
    cut: BTreeSet<(usize, usize)>,
    seated: BTreeMap<(u16, Epoch), (usize, u32)>,
    wrong: Option<String>,
    next_exchange: usize,
}

impl Sim {
    pub(super) fn new(setting: Setting, seed: u64) -> Self {
        let live = vec![table(setting.partitions, setting.nodes, setting.n)];
        let mut sim = Self {
            now: 0,
            setting,
            rng: Rng(seed),
            ops: Vec::new(),
            layouts: live,
            messages: BTreeMap::new(),
            log: Vec::new(),
            arrives: BTreeMap::new(),
            drawn: 0,
            queue: BTreeMap::new(),
            machines: Vec::new(),
            cut: BTreeSet::new(),
            seated: BTreeMap::new(),
            wrong: None,
            next_exchange: 0,
        };
        for at in 0..usize::from(setting.nodes) {
            let seats = sim.fresh(at);
            sim.machines.push(Machine {
                seats,
                life: 0,
                alive: true,
                hlc: 1 + at as u64,
                sets: vec![Set::new(); usize::from(setting.partitions)],
                down: BTreeSet::new(),
                lives: BTreeMap::new(),
                exchanges: BTreeMap::new(),
                yielded: BTreeMap::new(),
                tick_at: None,
            });
        }
        for at in 0..sim.machines.len() {
            sim.give_layouts(at);
        }
        sim
    }

    fn fresh(&self, at: usize) -> Seats {
        let mut seats = Seats::new(id(at));
        seats.fault = self.setting.fault;
        seats
    }

    pub(super) fn give_layouts(&mut self, at: usize) {
        let input = Input::LayoutsChanged {
            live: self.layouts.clone(),
            n: self.setting.n,
            w: self.setting.w,
        };
        self.step(at, input);
    }

    pub(super) fn standing(&self, at: usize, partition: u16) -> Standing {
        self.machines[at].seats.standing(PartitionId(partition))
    }

    // The world.

    pub(super) fn crash(&mut self, at: usize) {
        self.machines[at].alive = false;
        self.detect_all();
    }

    pub(super) fn restart(&mut self, at: usize) {
        if self.machines[at].alive {
            return;
        }
        let seats = self.fresh(at);
        let machine = &mut self.machines[at];
        machine.seats = seats;
        machine.life += 1;
        machine.alive = true;
        machine.down.clear();
        machine.lives.clear();
        machine.exchanges.clear();
        machine.tick_at = None;
        // The hybrid clock is leased: it starts above all that it has given out or heard.
        machine.hlc += 1000;
        self.give_layouts(at);
        self.detect_all();
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a, b));
        self.cut.insert((b, a));
        self.detect_all();
    }

    pub(super) fn cut_one_way(&mut self, from: usize, to: usize) {
        self.cut.insert((from, to));
        self.detect_all();
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.detect_all();
    }

    pub(super) fn calm_down(&mut self) {
        self.setting.loss = 0;
        self.setting.duplicates = 0;
        self.setting.delay_ms = 3;
        self.heal();
        for at in 0..self.machines.len() {
            self.restart(at);
        }
    }

    fn detect_all(&mut self) {
        for by in 0..self.machines.len() {
            for of in 0..self.machines.len() {
                if by != of {
                    let after = 20 + self.rng.below(100);
                    self.schedule(after, Event::Detect { by, of });
                }
            }
        }
    }

    /// A detector errs: the truth comes a little later.
    pub(super) fn suspect(&mut self, by: usize, of: usize) {
        if by != of && self.machines[by].alive && self.machines[by].down.insert(of) {
            self.believe(by, of, false);
        }
        let after = 20 + self.rng.below(2000);
        self.schedule(after, Event::Detect { by, of });
    }

    fn believe(&mut self, by: usize, of: usize, up: bool) {
        if up {
            self.step(by, Input::BelievedUp(id(of)));
        } else {
            let machine = &mut self.machines[by];
            machine.exchanges.retain(|_, (_, _, with)| *with != of);
            self.step(by, Input::BelievedDown(id(of)));
        }
    }

    fn schedule(&mut self, after: u64, event: Event) {
        self.drawn += 1;
        self.queue.insert((self.now + after, self.drawn), event);
    }

    fn send(&mut self, from: usize, to: usize, packet: &Packet) {
        let copies = 1 + u64::from(self.rng.percent(self.setting.duplicates));
        for _ in 0..copies {
            if self.rng.percent(self.setting.loss) {
                continue;
            }
            let event = Event::Deliver {
                from,
                to,
                lives: (self.machines[from].life, self.machines[to].life),
                hlc: self.machines[from].hlc,
                packet: packet.clone(),
            };
            let mut after = 1 + self.rng.below(self.setting.delay_ms);
            if self.setting.fifo {
                let last = self.arrives.entry((from, to)).or_default();
                *last = (self.now + after).max(*last);
                after = *last - self.now;
            }
            self.schedule(after, event);
        }
    }

    /// Runs until `until`, or until nothing is left to happen.
    pub(super) fn run_until(&mut self, until: u64) {
        while let Some((&(when, order), _)) = self.queue.first_key_value() {
            if when > until {
                break;
            }
            self.now = when;
            if let Some(event) = self.queue.remove(&(when, order)) {
                self.happen(event);
            }
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver {
                from,
                to,
                lives,
                hlc,
                packet,
            } => {
                let same = self.machines[to].life == lives.1 && self.machines[to].alive;
                if same && !self.cut.contains(&(from, to)) && self.machines[from].life == lives.0 {
                    self.machines[to].hlc = self.machines[to].hlc.max(hlc);
                    self.deliver(from, to, packet);
                }
            }
            Event::Detect { by, of } => {
                let reaches = self.machines[of].alive
                    && !self.cut.contains(&(by, of))
                    && !self.cut.contains(&(of, by));
                let life = self.machines[of].life;
                let machine = &mut self.machines[by];
                if !machine.alive {
                    return;
                }
                let seen = machine.lives.insert(of, life).unwrap_or(0);
                if reaches && seen != life && machine.down.insert(of) {
                    self.believe(by, of, false);
                }
                let machine = &mut self.machines[by];
                let changed = if reaches {
                    machine.down.remove(&of)
                } else {
                    machine.down.insert(of)
                };
                if changed {
                    self.believe(by, of, reaches);
                }
            }
            Event::Tick { at, life } => {
                let machine = &mut self.machines[at];
                if machine.life == life && machine.alive && machine.tick_at == Some(self.now) {
                    machine.tick_at = None;
                    self.step(at, Input::Ticked);
                }
            }
            Event::Start { op } => {
                let origin = self.ops[op].origin;
                if self.machines[origin].alive {
                    self.handle(op, origin, 0);
                }
            }
            Event::ReadTimeout { op, at, life } => {
                let machine = &self.machines[at];
                if machine.life == life && machine.alive && self.ops[op].coordinator == at {
                    self.begin(op, at, None);
                }
            }
            Event::AskAgain { id, at, life } => {
                if self.machines[at].life == life && self.machines[at].alive {
                    self.ask(id, at);
                }
            }
        }
    }

    // A node.

    fn step(&mut self, at: usize, input: Input) {
        let machine = &mut self.machines[at];
        machine.hlc += 1;
        let mut effects = Vec::new();
        let hlc = Hlc(machine.hlc);
        machine
            .seats
            .step(MonoMs(self.now), hlc, input, &mut effects);
        for effect in effects {
            self.log.push((at, effect.clone()));
            self.execute(at, effect);
        }
        self.check(at);
        let machine = &mut self.machines[at];
        let due = machine.seats.deadline().map(|due| due.0.max(self.now + 1));
        if due.is_some() && machine.tick_at.is_none_or(|tick| Some(tick) != due) {
            machine.tick_at = due;
            let life = machine.life;
            let after = due.map_or(0, |due| due - self.now);
            self.schedule(after, Event::Tick { at, life });
        }
    }

    fn execute(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Send { to, message } => {
                if let Message::Yield {
                    hlc, partitions, ..
                } = &message
                {
                    let epoch = Epoch {
                        hlc: *hlc,
                        node: to,
                    };
                    for partition in partitions.iter() {
                        let yielded = &mut self.machines[at].yielded;
                        let latest = yielded.entry(partition.0).or_insert(epoch);
                        *latest = (*latest).max(epoch);
                    }
                }
                *self.messages.entry((at, place(to))).or_default() += 1;
                let mut bytes = Vec::new();
                encode(&message, &mut bytes);
                self.send(at, place(to), &Packet::Seat(bytes));
            }
            Effect::HandOver { partitions, to } => {
                for partition in partitions.iter() {
                    let set = self.machines[at].sets[usize::from(partition.0)].clone();
                    let packet = Packet::Delta {
                        op: None,
                        partition,
                        set,
                        stamp: None,
                    };
                    self.send(at, place(to), &packet);
                }
            }
            Effect::Exchange {
                claim,
                partitions,
                with,
            } => {
                for with in with {
                    self.exchange(at, claim, &partitions, place(with));
                }
            }
            Effect::Seated { .. } | Effect::Unseated { .. } | Effect::Publish => {}
        }
    }

    fn exchange(&mut self, at: usize, claim: Hlc, partitions: &Partitions, with: usize) {
        if self.setting.bug == Bug::NoExchange {
            let input = Input::Exchanged {
                claim,
                partitions: partitions.clone(),
                with: id(with),
            };
            self.step(at, input);
            return;
        }
        // A later exchange takes the place of an earlier one that still runs.
        for (_, left, other) in self.machines[at].exchanges.values_mut() {
            if *other == with {
                *left = left.iter().filter(|p| !partitions.contains(*p)).collect();
            }
        }
        let id = self.next_exchange;
        self.next_exchange += 1;
        let running = &mut self.machines[at].exchanges;
        running.retain(|_, (_, left, _)| !left.is_empty());
        running.insert(id, (claim, partitions.clone(), with));
        self.ask(id, at);
    }

    fn ask(&mut self, id: usize, at: usize) {
        let Some((_, partitions, with)) = self.machines[at].exchanges.get(&id) else {
            return;
        };
        let sets = self.sets(at, partitions.iter());
        let with = *with;
        self.send(at, with, &Packet::Ask { id, sets });
        let life = self.machines[at].life;
        self.schedule(60, Event::AskAgain { id, at, life });
    }

    fn sets(
        &self,
        at: usize,
        partitions: impl Iterator<Item = PartitionId>,
    ) -> Vec<(PartitionId, Set)> {
        let sets = &self.machines[at].sets;
        partitions
            .map(|partition| (partition, sets[usize::from(partition.0)].clone()))
            .collect()
    }

    fn take(&mut self, at: usize, sets: Vec<(PartitionId, Set)>) {
        for (partition, set) in sets {
            self.machines[at].sets[usize::from(partition.0)].extend(set);
        }
    }

    fn deliver(&mut self, from: usize, to: usize, packet: Packet) {
        match packet {
            Packet::Seat(bytes) => {
                let message = decode(&bytes).expect("we encoded it");
                let from = id(from);
                self.step(to, Input::Received { from, message });
            }
            Packet::Delta {
                op,
                partition,
                set,
                stamp,
            } => {
                self.take(to, vec![(partition, set)]);
                if let Some(op) = op {
                    self.acknowledge(op, from, to, partition, stamp);
                }
            }
            Packet::Ack { op, notice } => {
                self.acks(op, from, to, notice);
            }
            Packet::Read { op } => {
                let partition = PartitionId(self.ops[op].partition);
                let map = self.machines[to].seats.map();
                let answer = Packet::Answer {
                    op,
                    set: self.machines[to].sets[usize::from(partition.0)].clone(),
                    promised: map.promised(partition),
                };
                self.send(to, from, &answer);
            }
            Packet::Answer { op, set, promised } => {
                let partition = PartitionId(self.ops[op].partition);
                self.take(to, vec![(partition, set)]);
                let epoch = self.ops[op].epoch;
                if self.ops[op].coordinator == to && epoch == Some(promised) {
                    self.ops[op].reads.insert(from);
                    self.try_unseated(op, to);
                }
            }
            Packet::Ask { id, sets } => {
                let partitions: Vec<_> = sets.iter().map(|(partition, _)| *partition).collect();
                self.take(to, sets);
                let sets = self.sets(to, partitions.into_iter());
                self.send(to, from, &Packet::Done { id, sets });
            }
            Packet::Done { id: done, sets } => {
                self.take(to, sets);
                let running = self.machines[to].exchanges.remove(&done);
                if let Some((claim, partitions, with)) = running {
                    let with = id(with);
                    let input = Input::Exchanged {
                        claim,
                        partitions,
                        with,
                    };
                    self.step(to, input);
                }
            }
            Packet::Forward { op, hops } => self.handle(op, to, hops),
        }
    }

    // Increments.

    pub(super) fn increment(&mut self, origin: usize, partition: u16) -> usize {
        let op = self.ops.len();
        self.ops.push(Op {
            partition,
            origin,
            ..Op::default()
        });
        self.schedule(0, Event::Start { op });
        op
    }

    fn handle(&mut self, op: usize, at: usize, hops: u8) {
        if self.ops[op].began.is_some() || !self.ops[op].reads.is_empty() {
            return;
        }
        let partition = PartitionId(self.ops[op].partition);
        let map = self.machines[at].seats.map();
        match map.standing(partition) {
            Standing::Seated { epoch } => self.begin(op, at, Some(epoch)),
            Standing::Unseated { .. } if map.promised(partition).node == id(at) => {
                self.ops[op].coordinator = at;
                self.ops[op].epoch = Some(map.promised(partition));
                self.ops[op].reads = BTreeSet::from([at]);
                for to in self.owners(partition.0) {
                    if to != at {
                        self.send(at, to, &Packet::Read { op });
                    }
                }
                let life = self.machines[at].life;
                self.schedule(100, Event::ReadTimeout { op, at, life });
                self.try_unseated(op, at);
            }
            Standing::Unseated { .. } => self.begin(op, at, None),
            Standing::Elsewhere { .. } => {
                let down = &self.machines[at].down;
                let to = place(map.route(partition, |other| !down.contains(&place(other))));
                if to == at {
                    self.begin(op, at, None);
                } else if hops < 2 {
                    let hops = hops + 1;
                    self.send(at, to, &Packet::Forward { op, hops });
                } else if self.ops[op].tries < 300 {
                    // Refused unexecuted: it may be tried again.
                    self.ops[op].tries += 1;
                    self.schedule(10, Event::Start { op });
                }
            }
        }
    }

    fn owners(&self, partition: u16) -> BTreeSet<usize> {
        let tables = self.layouts.iter();
        let owners = tables.flat_map(|table| &table[usize::from(partition)]);
        owners.map(|owner| place(*owner)).collect()
    }

    /// Whether `nodes` has `wanted(n, w)` owners of each layout.
    fn enough(
        &self,
        partition: u16,
        nodes: &BTreeSet<usize>,
        wanted: impl Fn(usize, usize) -> usize,
    ) -> bool {
        self.layouts.iter().all(|table| {
            let owners = &table[usize::from(partition)];
            let there = owners
                .iter()
                .filter(|owner| nodes.contains(&place(**owner)));
            let w = usize::from(self.setting.w).min(owners.len());
            there.count() >= wanted(owners.len(), w)
        })
    }

    fn try_unseated(&mut self, op: usize, at: usize) {
        let partition = self.ops[op].partition;
        let read = self.enough(partition, &self.ops[op].reads, |n, w| n - w + 1);
        if read || self.setting.bug == Bug::NoReads {
            let epoch = self.ops[op].epoch;
            let map = self.machines[at].seats.map();
            let mine = Some(map.promised(PartitionId(partition))) == epoch;
            self.begin(op, at, epoch.filter(|_| mine));
        }
    }

    fn begin(&mut self, op: usize, at: usize, epoch: Option<Epoch>) {
        if self.ops[op].began.is_some() {
            return;
        }
        let partition = PartitionId(self.ops[op].partition);
        let set = &mut self.machines[at].sets[usize::from(partition.0)];
        set.insert(op);
        let seen = set.clone();
        let record = &mut self.ops[op];
        record.began = Some(self.now);
        record.coordinator = at;
        record.epoch = epoch;
        record.seen = seen.clone();
        record.acks = BTreeSet::from([at]);
        let map = self.machines[at].seats.map();
        for to in self.owners(partition.0) {
            if to != at {
                let packet = Packet::Delta {
                    op: Some(op),
                    partition,
                    set: seen.clone(),
                    stamp: map.stamp(partition, id(to)),
                };
                self.send(at, to, &packet);
            }
        }
        self.settle(op, at);
    }

    fn acknowledge(
        &mut self,
        op: usize,
        from: usize,
        at: usize,
        partition: PartitionId,
        stamp: Option<Epoch>,
    ) {
        let map = self.machines[at].seats.map();
        let notice = map.observe_write(partition, stamp, id(from));
        let notice = notice.filter(|_| self.setting.bug != Bug::NoNotice);
        if notice.is_some() {
            let input = Input::WroteForeign {
                partition,
                epoch: stamp,
                from: id(from),
            };
            self.step(at, input);
        }
        self.send(at, from, &Packet::Ack { op, notice });
    }

    fn acks(&mut self, op: usize, from: usize, at: usize, notice: Option<Notice>) {
        if let Some(notice) = notice {
            let message = notice.into();
            let from = id(from);
            self.step(at, Input::Received { from, message });
            self.ops[op].noticed |= notice.promised > self.ops[op].epoch.unwrap_or(Epoch::NONE);
        }
        self.ops[op].acks.insert(from);
        self.settle(op, at);
    }

    fn settle(&mut self, op: usize, at: usize) {
        let record = &self.ops[op];
        let partition = record.partition;
        if record.acked.is_some() || !self.enough(partition, &record.acks, |_, w| w) {
            return;
        }
        let map = self.machines[at].seats.map();
        let still = record.epoch == Some(map.promised(PartitionId(partition)));
        let record = &mut self.ops[op];
        record.clean = still && !record.noticed;
        record.acked = Some(self.now);
    }

    // Checkers.

    fn check(&mut self, at: usize) {
        let machine = &self.machines[at];
        let map = machine.seats.map();
        for partition in 0..self.setting.partitions {
            let Standing::Seated { epoch } = map.standing(PartitionId(partition)) else {
                continue;
            };
            let yielded = machine.yielded.get(&partition);
            if yielded.is_some_and(|yielded| *yielded >= epoch) || epoch.node != id(at) {
                self.wrong = Some(format!(
                    "{at} is seated in {partition} under {epoch:?} but yielded to {yielded:?}"
                ));
            }
            let life = (at, machine.life);
            let first = *self.seated.entry((partition, epoch)).or_insert(life);
            if first != life {
                self.wrong = Some(format!("{epoch:?} seated {first:?} and {life:?}"));
            }
        }
    }

    /// All that must hold whatever happened.
    pub(super) fn verdict(&self) -> Result<(), String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        for (a, first) in self.ops.iter().enumerate() {
            if first.acked.is_some() && !self.is_stored(a) {
                return Err(format!(
                    "{a} was acknowledged and is at fewer than W owners"
                ));
            }
            for (b, second) in self.ops.iter().enumerate().skip(a + 1) {
                if first.partition == second.partition && first.clean && second.clean {
                    self.ordered(a, b)?;
                }
            }
        }
        Ok(())
    }

    fn ordered(&self, a: usize, b: usize) -> Result<(), String> {
        let (first, second) = (&self.ops[a], &self.ops[b]);
        let forth = second.seen.contains(&a);
        let back = first.seen.contains(&b);
        if forth == back {
            return Err(format!(
                "{a} and {b} of {} did not see each other: {first:?} {second:?}",
                first.partition
            ));
        }
        if first.acked < second.began && !forth || second.acked < first.began && !back {
            return Err(format!("{a} and {b} saw each other against the clock"));
        }
        Ok(())
    }

    /// Every one of `ops` was acknowledged, and all are in order, clean or handed over.
    pub(super) fn exact(&self, ops: &[usize]) -> Result<(), String> {
        self.verdict()?;
        if let Some(a) = ops.iter().find(|a| self.ops[**a].acked.is_none()) {
            return Err(format!("{a} was not acknowledged: {:?}", self.ops[*a]));
        }
        for (i, a) in ops.iter().enumerate() {
            for b in &ops[i + 1..] {
                self.ordered(*a, *b)?;
            }
        }
        Ok(())
    }

    fn is_stored(&self, op: usize) -> bool {
        let partition = self.ops[op].partition;
        let holders = self.machines.iter().enumerate();
        let holders = holders
            .filter(|(_, machine)| machine.sets[usize::from(partition)].contains(&op))
            .map(|(at, _)| at)
            .collect();
        self.enough(partition, &holders, |_, w| w)
    }

    pub(super) fn is_alive(&self, at: usize) -> bool {
        self.machines[at].alive
    }

    /// Who is seated in `partition`.
    pub(super) fn seats_of(&self, partition: u16) -> Vec<usize> {
        (0..self.machines.len())
            .filter(|at| self.machines[*at].alive)
            .filter(|at| matches!(self.standing(*at, partition), Standing::Seated { .. }))
            .collect()
    }

    /// When everything reaches everything and time has passed, the first owner is seated, alone.
    pub(super) fn quiescent(&self) -> Result<(), String> {
        for partition in 0..self.setting.partitions {
            let first = place(self.layouts[0][usize::from(partition)][0]);
            let seats = self.seats_of(partition);
            if seats != [first] {
                return Err(format!("{partition}: {seats:?} are seated, not {first}"));
            }
        }
        Ok(())
    }
}

fn id(at: usize) -> NodeId {
    node(at as u8 + 1)
}

fn place(id: NodeId) -> usize {
    id.0 as usize - 1
}
