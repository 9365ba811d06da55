//! The model: random faults of every kind from a seed, then calm. Whatever happened, clean writes
//! are in order; after the calm the first owners are seated and every increment is clean.

use proptest::prelude::*;

use super::Fault;
use super::sim::{Bug, Setting, Sim};

/// What a run came to: increments acknowledged under chaos, and how many of them were clean.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    acked: usize,
    clean: usize,
}

fn chaos(sim: &mut Sim) {
    let nodes = u64::from(sim.setting.nodes);
    for _ in 0..40 {
        let (a, b) = (sim.rng.below(nodes) as usize, sim.rng.below(nodes) as usize);
        match sim.rng.below(14) {
            0 => sim.crash(a),
            1..=3 => sim.restart(a),
            4 | 5 if a != b => sim.cut(a, b),
            6 if a != b => sim.cut_one_way(a, b),
            7 | 8 => sim.heal(),
            9 => sim.suspect(a, b),
            10 => {
                // Cut one node off from all.
                for other in 0..nodes as usize {
                    if other != a {
                        sim.cut(a, other);
                    }
                }
            }
            _ => {}
        }
        for _ in 0..sim.rng.below(8) {
            let origin = sim.rng.below(nodes) as usize;
            let partition = sim.rng.below(2) as u16;
            sim.increment(origin, partition);
            let pause = sim.rng.below(30);
            sim.run_until(sim.now + pause);
        }
        let pause = sim.rng.below(400);
        sim.run_until(sim.now + pause);
    }
}

fn run(setting: Setting, seed: u64) -> Result<Tally, String> {
    let mut sim = Sim::new(setting, seed);
    chaos(&mut sim);
    let acked = sim.ops.iter().filter(|op| op.acked.is_some()).count();
    let clean = sim.ops.iter().filter(|op| op.clean).count();
    sim.verdict()?;
    sim.calm_down();
    sim.run_until(sim.now + 15_000);
    sim.verdict()?;
    sim.quiescent()?;
    let before = sim.ops.len();
    for i in 0..30 {
        let origin = i % usize::from(setting.nodes);
        sim.increment(origin, (i % 2) as u16);
        let pause = sim.rng.below(6);
        sim.run_until(sim.now + pause);
    }
    sim.run_until(sim.now + 1000);
    sim.verdict()?;
    if let Some(op) = sim.ops[before..].iter().find(|op| !op.clean) {
        return Err(format!("after the calm: {op:?}"));
    }
    Ok(Tally { acked, clean })
}

fn rough(nodes: u8, n: u8, w: u8) -> Setting {
    Setting {
        partitions: 2,
        loss: 5,
        duplicates: 10,
        delay_ms: 40,
        fifo: false,
        ..Setting::calm(nodes, n, w)
    }
}

/// Runs seeds; at least some increments must have been clean, or the checker looks at nothing.
fn runs(setting: Setting, seeds: std::ops::Range<u64>) {
    let mut all = Tally::default();
    for seed in seeds {
        match run(setting, seed) {
            Ok(tally) => {
                all.acked += tally.acked;
                all.clean += tally.clean;
            }
            Err(wrong) => panic!("seed {seed}, {setting:?}: {wrong}"),
        }
    }
    assert!(all.clean * 4 > all.acked, "{all:?}");
}

#[test]
fn three_nodes_keep_the_order_of_clean_writes() {
    runs(rough(3, 3, 2), 0..60);
}

#[test]
fn five_nodes_of_which_three_own_a_partition_do_too() {
    runs(rough(5, 3, 2), 100..140);
}

#[test]
fn five_owners_do_too() {
    runs(rough(5, 5, 3), 200..230);
    runs(rough(5, 5, 4), 230..250);
}

#[test]
fn the_extreme_quorums_do_too() {
    runs(rough(3, 3, 3), 300..320);
    for seed in 320..340 {
        // With W = 1 a claimant needs everybody: few writes are clean, and those are in order.
        run(rough(3, 3, 1), seed).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn any_seed_and_network(
        seed in any::<u64>(), loss in 0..30u64, duplicates in 0..40u64, delay_ms in 1..200u64,
        (nodes, n, w) in prop_oneof![Just((3, 3, 2)), Just((5, 3, 2)), Just((5, 5, 3))],
    ) {
        let setting = Setting { loss, duplicates, delay_ms, ..rough(nodes, n, w) };
        let outcome = run(setting, seed);
        prop_assert!(outcome.is_ok(), "{:?}", outcome);
    }
}

/// The number of the first seed that finds the bug, if one of so many does.
fn found(setting: Setting, seeds: u64) -> Option<u64> {
    (0..seeds).find(|seed| run(setting, *seed).is_err())
}

#[test]
fn a_seat_that_serves_after_it_yielded_is_found() {
    let fault = Fault::ServeAfterYield;
    assert!(
        found(
            Setting {
                fault,
                ..rough(3, 3, 2)
            },
            20
        )
        .is_some()
    );
}

#[test]
fn a_start_that_trusts_what_it_hears_is_found() {
    let fault = Fault::TrustAfterRestart;
    assert!(
        found(
            Setting {
                fault,
                ..rough(3, 3, 2)
            },
            20_000
        )
        .is_some()
    );
}

#[test]
fn an_exchange_that_did_not_happen_is_found() {
    let bug = Bug::NoExchange;
    assert!(
        found(
            Setting {
                bug,
                ..rough(3, 3, 2)
            },
            100
        )
        .is_some()
    );
}

#[test]
fn replicas_that_do_not_look_are_found() {
    let bug = Bug::NoNotice;
    assert!(
        found(
            Setting {
                bug,
                ..rough(3, 3, 2)
            },
            100
        )
        .is_some()
    );
}

#[test]
fn an_unseated_claimant_that_does_not_read_is_found() {
    let bug = Bug::NoReads;
    assert!(
        found(
            Setting {
                bug,
                ..rough(3, 3, 2)
            },
            100
        )
        .is_some()
    );
}
