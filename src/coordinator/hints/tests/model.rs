//! A holder of hints in a small world: owners that come, go and forget, links that lose either half
//! of a delivery, layouts, restarts from exactly what was logged. The law: no acknowledged hint
//! disappears before every node that it is owed to has a state that contains it.
//!
//! The planted bugs of [`HintFaults`] must break the law, or this file proves nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::record::decode;
use crate::version::Floor;

const NODES: [NodeId; 4] = [A, B, C, D];
const KEYS: [&str; 3] = ["k0", "k1", "k2"];
const RINGS: [[&[NodeId]; 2]; 5] = [
    [&[A, B, C], &[B, C, D]],
    [&[A, B, D], &[B, C, D]],
    [&[A, B], &[C, D]],
    [&[A, B, C, D], &[A]],
    [&[D], &[A, B, C]],
];

#[derive(Clone, Debug)]
enum Op {
    Take {
        owner: usize,
        key: usize,
        stale: bool,
    },
    Arrive {
        place: usize,
    },
    Acknowledge {
        place: usize,
    },
    Fail {
        place: usize,
    },
    Up {
        node: usize,
    },
    Tick {
        ms: u64,
    },
    Change {
        ring: usize,
    },
    Restart {
        lost: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..4usize, 0..3usize, any::<bool>())
            .prop_map(|(owner, key, stale)| Op::Take { owner, key, stale }),
        6 => (0..8usize).prop_map(|place| Op::Arrive { place }),
        6 => (0..8usize).prop_map(|place| Op::Acknowledge { place }),
        2 => (0..8usize).prop_map(|place| Op::Fail { place }),
        4 => (0..4usize).prop_map(|node| Op::Up { node }),
        3 => (1..40_000u64).prop_map(|ms| Op::Tick { ms }),
        1 => (0..RINGS.len()).prop_map(|ring| Op::Change { ring }),
        1 => (0..3usize).prop_map(|lost| Op::Restart { lost }),
    ]
}

/// A hint that was stored and logged, hence acknowledged.
struct Promise {
    owner: NodeId,
    key: usize,
    dot: Dot,
    layout: u64,
    is_kept: bool,
}

struct Sending {
    delivery: Delivery,
    to: NodeId,
    hint: Hint,
    has_arrived: bool,
}

struct World {
    book: HintBook,
    faults: HintFaults,
    owners: Owners,
    log: Vec<Entry>,
    replicas: BTreeMap<(NodeId, usize), Record>,
    sendings: Vec<Sending>,
    promises: Vec<Promise>,
    now: u64,
    minted: u64,
}

fn bounds() -> HintLimits {
    HintLimits {
        max_bytes: 6 * 500,
        window_bytes: 2 * 500,
        alarm_age_ms: 100_000,
    }
}

fn ring(layout: u64, number: usize) -> Owners {
    Owners::new(layout, RINGS[number].map(<[NodeId]>::to_vec))
}

fn partition(key: usize) -> PartitionId {
    PartitionId(key as u16 % 2)
}

fn key_number(key: &Bytes) -> usize {
    KEYS.iter().position(|name| name.as_bytes() == key).unwrap()
}

impl World {
    fn new(faults: HintFaults) -> Self {
        let owners = ring(LAYOUT, 0);
        Self {
            book: HintBook::with_faults(bounds(), owners.clone(), faults),
            faults,
            owners,
            log: Vec::new(),
            replicas: BTreeMap::new(),
            sendings: Vec::new(),
            promises: Vec::new(),
            now: 1_000,
            minted: 0,
        }
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Take { owner, key, stale } => self.take(NODES[owner], key, stale),
            Op::Arrive { place } => self.arrive(place),
            Op::Acknowledge { place } => {
                if self
                    .sendings
                    .get(place)
                    .is_some_and(|sent| sent.has_arrived)
                {
                    let Sending { delivery, to, .. } = self.sendings.remove(place);
                    self.step(Input::Delivered { delivery, to });
                }
            }
            Op::Fail { place } => {
                if place < self.sendings.len() {
                    let Sending { delivery, to, .. } = self.sendings.remove(place);
                    self.step(Input::Failed { delivery, to });
                }
            }
            Op::Up { node } => self.step(Input::BelievedUp(NODES[node])),
            Op::Tick { ms } => {
                self.now += ms;
                let hlc = at_ms(self.now);
                self.step(Input::Ticked { hlc });
            }
            Op::Change { ring: number } => {
                self.owners = ring(self.owners.layout() + 1, number);
                let owners = &self.owners;
                self.replicas
                    .retain(|(node, key), _| owners.owns(*node, partition(*key)));
                self.step(Input::OwnersChanged(self.owners.clone()));
            }
            Op::Restart { lost } => self.restart(lost),
        }
    }

    fn take(&mut self, owner: NodeId, key: usize, stale: bool) {
        self.minted += 1;
        let layout = self.owners.layout() - u64::from(stale);
        let mut hint = hint(owner, KEYS[key], self.minted);
        hint.partition = partition(key);
        hint.layout = layout;
        hint.taken = at_ms(self.now);
        if let Taken::Stored(entry) = self.book.take(hint) {
            self.log.push(entry);
            self.promises.push(Promise {
                owner,
                key,
                dot: dot(self.minted),
                layout,
                is_kept: true,
            });
        }
    }

    /// The hint reaches its node, which merges it if it owns the partition.
    fn arrive(&mut self, place: usize) {
        let Some(sent) = self.sendings.get_mut(place) else {
            return;
        };
        if !self.owners.owns(sent.to, sent.hint.partition) {
            return;
        }
        let here = self.replicas.entry((sent.to, key_number(&sent.hint.key)));
        let record = decode(&sent.hint.record).unwrap();
        here.or_default()
            .merge_into(Floor::NONE, record, Floor::NONE);
        sent.has_arrived = true;
    }

    /// The process dies: what was logged is there, but for the last removals, which nothing waited
    /// for. Links begin anew.
    fn restart(&mut self, lost: usize) {
        for _ in 0..lost {
            if matches!(self.log.last(), Some(Entry::Removed(_))) {
                self.log.pop();
            }
        }
        self.sendings.clear();
        let mut replay = Replay::default();
        for entry in &self.log {
            let mut bytes = Vec::new();
            encode_entry(entry, &mut bytes);
            replay.apply(decode_entry(&bytes).unwrap());
        }
        self.book = replay.finish_with_faults(bounds(), self.owners.clone(), self.faults);
        let hlc = at_ms(self.now);
        self.step(Input::Started { hlc });
    }

    fn step(&mut self, input: Input) {
        for effect in step(&mut self.book, self.now, input) {
            match effect {
                Effect::Deliver { delivery, to, hint } => self.sendings.push(Sending {
                    delivery,
                    to,
                    hint,
                    has_arrived: false,
                }),
                Effect::Remove(removed) => self.log.push(Entry::Removed(removed)),
                Effect::Alarm { .. } => {}
            }
        }
    }

    fn check(&mut self) -> Result<(), String> {
        for promise in self.promises.iter_mut().filter(|promise| promise.is_kept) {
            let place = (partition(promise.key), Database(0), Token(77));
            let key = Bytes::from_static(KEYS[promise.key].as_bytes());
            let held = self.book.get(promise.owner, place, &key);
            if held.is_some_and(|hint| contains(&decode(&hint.record).unwrap(), promise.dot)) {
                continue;
            }
            let is_same = promise.layout == self.owners.layout();
            let owed_to = if is_same && self.owners.owns(promise.owner, place.0) {
                &[promise.owner][..]
            } else {
                self.owners.of(place.0)
            };
            for node in owed_to {
                let replica = self.replicas.get(&(*node, promise.key));
                if !replica.is_some_and(|record| contains(record, promise.dot)) {
                    return Err(format!(
                        "hint {:?} of {} for {:?} is gone, and {node:?} lacks it",
                        promise.dot, KEYS[promise.key], promise.owner
                    ));
                }
            }
            promise.is_kept = false;
        }
        Ok(())
    }

    /// All links heal: whatever is held drains.
    fn drain(&mut self) -> Result<(), String> {
        for _ in 0..60 {
            while !self.sendings.is_empty() {
                self.act(&Op::Arrive { place: 0 });
                let is_refused = !self.sendings[0].has_arrived;
                self.act(&if is_refused {
                    Op::Fail { place: 0 }
                } else {
                    Op::Acknowledge { place: 0 }
                });
                self.check()?;
            }
            self.act(&Op::Tick { ms: LOOK_PERIOD_MS });
        }
        let metrics = self.book.metrics(at_ms(self.now));
        if (metrics.count, metrics.bytes) == (0, 0) {
            Ok(())
        } else {
            Err(format!("does not drain: {metrics:?}"))
        }
    }
}

fn contains(record: &Record, dot: Dot) -> bool {
    record.history().covers(dot)
}

fn run(ops: &[Op], faults: HintFaults) -> Result<(), String> {
    let mut world = World::new(faults);
    let hlc = at_ms(world.now);
    world.step(Input::Started { hlc });
    for op in ops {
        world.act(op);
        world.check()?;
        let bytes = world.book.metrics(at_ms(world.now)).bytes;
        if bytes > bounds().max_bytes {
            return Err(format!("{bytes} bytes are beyond the bound"));
        }
    }
    world.drain()
}

proptest! {
    #![proptest_config(Config { cases: 1_000, failure_persistence: None, ..Config::default() })]
    #[test]
    fn no_acknowledged_hint_disappears(ops in prop::collection::vec(op(), 1..120)) {
        prop_assert_eq!(run(&ops, HintFaults::default()), Ok(()));
    }
}

fn is_caught(faults: HintFaults) -> bool {
    let config = Config {
        cases: 2_000,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
    .run(&prop::collection::vec(op(), 1..120), |ops| {
        let found = run(&ops, faults).err().unwrap_or_default();
        prop_assert!(!found.contains("is gone"));
        Ok(())
    })
    .is_err()
}

#[test]
fn the_planted_bugs_are_caught() {
    let none = HintFaults::default();
    assert!(!is_caught(none));
    let delete_unconditionally = HintFaults {
        delete_unconditionally: true,
        ..none
    };
    assert!(is_caught(delete_unconditionally));
    let drop_by_age = HintFaults {
        drop_by_age: true,
        ..none
    };
    assert!(is_caught(drop_by_age));
    let intended_only = HintFaults {
        intended_only: true,
        ..none
    };
    assert!(is_caught(intended_only));
}
