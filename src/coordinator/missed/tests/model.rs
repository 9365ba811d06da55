//! A coordinator whose every write misses somebody: batches and exchanges that arrive and are not
//! acknowledged, overflows, layouts, restarts from exactly what was logged. The law: what an owner
//! lacks stands in the list, as a key or as its partition.
//!
//! The planted bugs of [`MissedFaults`] must break the law, or this file proves nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

const OWNERS: [NodeId; 2] = [B, C];
const KEYS: u16 = 10;

#[derive(Clone, Debug)]
enum Op {
    Miss { owner: usize, number: u16 },
    Arrive { place: usize },
    Acknowledge { place: usize },
    Fail { place: usize },
    Up { owner: usize },
    Tick { ms: u64 },
    Change { lists: u8 },
    Restart { lost: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (0..2usize, 0..KEYS).prop_map(|(owner, number)| Op::Miss { owner, number }),
        6 => (0..5usize).prop_map(|place| Op::Arrive { place }),
        6 => (0..5usize).prop_map(|place| Op::Acknowledge { place }),
        2 => (0..5usize).prop_map(|place| Op::Fail { place }),
        4 => (0..2usize).prop_map(|owner| Op::Up { owner }),
        3 => (1..40_000u64).prop_map(|ms| Op::Tick { ms }),
        1 => any::<u8>().prop_map(|lists| Op::Change { lists }),
        1 => (0..3usize).prop_map(|lost| Op::Restart { lost }),
    ]
}

/// Something on its way: each key as it was when it was read.
struct Sending {
    to: NodeId,
    batch: Option<Batch>,
    partition: PartitionId,
    read: Vec<(u16, u64)>,
    has_arrived: bool,
}

struct World {
    list: MissedList,
    faults: MissedFaults,
    owners: Owners,
    log: Vec<Vec<u8>>,
    /// The coordinator's state of each key: the number of its last write.
    current: BTreeMap<u16, u64>,
    /// The last write of a key that an owner has missed, and that it has.
    lacks: BTreeMap<(NodeId, u16), u64>,
    has: BTreeMap<(NodeId, u16), u64>,
    sendings: Vec<Sending>,
    now: u64,
}

fn bounds() -> MissedLimits {
    MissedLimits {
        owner_bytes: 5 * (NOTE_HEAD_BYTES + 2 + INDEX_BYTES),
    }
}

/// Each bit says of one partition whether B, or C, owns it.
fn owned_by(bits: u8) -> Owners {
    let list = |partition: u8| {
        let mut nodes = vec![A];
        for (place, node) in OWNERS.iter().enumerate() {
            if bits >> (partition * 2 + place as u8) & 1 == 1 {
                nodes.push(*node);
            }
        }
        nodes
    };
    Owners::new(1, (0..4).map(list))
}

impl World {
    fn new(faults: MissedFaults) -> Self {
        let owners = owned_by(0xff);
        Self {
            list: MissedList::with_faults(bounds(), owners.clone(), faults),
            faults,
            owners,
            log: Vec::new(),
            current: BTreeMap::new(),
            lacks: BTreeMap::new(),
            has: BTreeMap::new(),
            sendings: Vec::new(),
            now: 0,
        }
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Miss { owner, number } => self.miss(OWNERS[owner], number),
            Op::Arrive { place } => self.arrive(place),
            Op::Acknowledge { place } => {
                if self
                    .sendings
                    .get(place)
                    .is_some_and(|sent| sent.has_arrived)
                {
                    let Sending {
                        to,
                        batch,
                        partition,
                        ..
                    } = self.sendings.remove(place);
                    self.step(match batch {
                        Some(batch) => Input::Delivered { batch, to },
                        None => Input::Exchanged { partition, to },
                    });
                }
            }
            Op::Fail { place } => {
                if place < self.sendings.len() {
                    let Sending {
                        to,
                        batch,
                        partition,
                        ..
                    } = self.sendings.remove(place);
                    self.step(match batch {
                        Some(batch) => Input::Failed { batch, to },
                        None => Input::ExchangeFailed { partition, to },
                    });
                }
            }
            Op::Up { owner } => self.step(Input::BelievedUp(OWNERS[owner])),
            Op::Tick { ms } => {
                self.now += ms;
                self.step(Input::Ticked);
            }
            Op::Change { lists } => {
                self.owners = owned_by(lists);
                let owners = &self.owners;
                // A node that gets a partition back is brought up to date by its transfer.
                self.lacks
                    .retain(|(node, number), _| owners.owns(*node, place(*number).0));
                self.step(Input::OwnersChanged(self.owners.clone()));
            }
            Op::Restart { lost } => self.restart(lost),
        }
    }

    fn miss(&mut self, owner: NodeId, number: u16) {
        if !self.owners.owns(owner, place(number).0) {
            return;
        }
        let write = self.current.entry(number).or_default();
        *write += 1;
        self.lacks.insert((owner, number), *write);
        for entry in note(&mut self.list, owner, number) {
            self.append(&entry);
        }
    }

    fn append(&mut self, entry: &Entry<'_>) {
        let mut bytes = Vec::new();
        encode_entry(entry, &mut bytes);
        self.log.push(bytes);
    }

    fn arrive(&mut self, place: usize) {
        if let Some(sent) = self.sendings.get_mut(place) {
            for (number, write) in &sent.read {
                let has = self.has.entry((sent.to, *number)).or_default();
                *has = (*has).max(*write);
            }
            sent.has_arrived = true;
        }
    }

    fn restart(&mut self, lost: usize) {
        for _ in 0..lost {
            let last = self.log.last().map(|bytes| decode_entry(bytes).unwrap());
            if matches!(last, Some(Entry::PartitionForgotten { .. })) {
                self.log.pop();
            }
        }
        self.sendings.clear();
        let mut replay = Replay::default();
        for bytes in &self.log {
            replay.apply(decode_entry(bytes).unwrap());
        }
        self.list = replay.finish_with_faults(bounds(), self.owners.clone(), self.faults);
        self.step(Input::Started);
    }

    fn step(&mut self, input: Input) {
        for effect in step(&mut self.list, self.now, input) {
            match effect {
                Effect::SendCurrent { batch, to, keys } => {
                    let number = |key: &MissedKey| key.token.0 as u16;
                    let numbers = keys.iter().map(number).collect();
                    self.send(to, Some(batch), PartitionId(0), numbers);
                }
                Effect::ExchangePartition { to, partition } => {
                    let is_inside = |number: &u16| place(*number).0 == partition;
                    let numbers = (0..KEYS).filter(is_inside).collect();
                    self.send(to, None, partition, numbers);
                }
                Effect::Forget(entry) => self.append(&entry),
            }
        }
    }

    fn send(
        &mut self,
        to: NodeId,
        batch: Option<Batch>,
        partition: PartitionId,
        numbers: Vec<u16>,
    ) {
        let current = |number| (number, self.current.get(&number).copied().unwrap_or(0));
        let read = numbers.into_iter().map(current).collect();
        self.sendings.push(Sending {
            to,
            batch,
            partition,
            read,
            has_arrived: false,
        });
    }

    fn check(&self) -> Result<(), String> {
        for ((owner, number), write) in &self.lacks {
            let has = self.has.get(&(*owner, *number)).copied().unwrap_or(0);
            let is_noted = self.list.is_noted(*owner, place(*number), &name(*number));
            if has < *write && !is_noted {
                return Err(format!("{owner:?} lacks key {number}, and nothing stands"));
            }
        }
        let metrics = self.list.metrics();
        if metrics.bytes > 2 * bounds().owner_bytes {
            return Err(format!("beyond the bound: {metrics:?}"));
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), String> {
        for _ in 0..60 {
            while !self.sendings.is_empty() {
                self.act(&Op::Arrive { place: 0 });
                self.act(&Op::Acknowledge { place: 0 });
                self.check()?;
            }
            self.act(&Op::Tick { ms: LOOK_PERIOD_MS });
        }
        let metrics = self.list.metrics();
        if (metrics.owners, metrics.bytes) == (0, 0) {
            Ok(())
        } else {
            Err(format!("does not drain: {metrics:?}"))
        }
    }
}

fn run(ops: &[Op], faults: MissedFaults) -> Result<(), String> {
    let mut world = World::new(faults);
    world.step(Input::Started);
    for op in ops {
        world.act(op);
        world.check()?;
    }
    world.drain()
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]
    #[test]
    fn what_an_owner_lacks_stands(ops in prop::collection::vec(op(), 1..150)) {
        prop_assert_eq!(run(&ops, MissedFaults::default()), Ok(()));
    }
}

fn is_caught(faults: MissedFaults) -> bool {
    let config = Config {
        cases: 1_000,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
        .run(&prop::collection::vec(op(), 1..150), |ops| {
            let found = run(&ops, faults).err().unwrap_or_default();
            prop_assert!(!found.contains("nothing stands"));
            Ok(())
        })
        .is_err()
}

#[test]
fn the_planted_bugs_are_caught() {
    let none = MissedFaults::default();
    assert!(!is_caught(none));
    let ignore_while_sent = MissedFaults {
        ignore_while_sent: true,
        ..none
    };
    assert!(is_caught(ignore_while_sent));
    let drop_on_overflow = MissedFaults {
        drop_on_overflow: true,
        ..none
    };
    assert!(is_caught(drop_on_overflow));
}
