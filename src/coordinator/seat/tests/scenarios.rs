//! The executions that made the seat necessary, by name: F9 and G4 of the counterexamples, a return
//! without a fault, a change of layout without a fault (F11), and nodes that see each other
//! differently.

use std::collections::BTreeSet;

use super::sim::{Setting, Sim};
use super::table;

/// Three nodes, all seats taken.
fn three() -> Sim {
    let mut sim = Sim::new(Setting::calm(3, 3, 2), 7);
    sim.run_until(1000);
    sim.quiescent().unwrap();
    sim
}

/// Increments at every live node in turn, one each `every` milliseconds.
fn traffic(sim: &mut Sim, count: usize, every: u64) -> Vec<usize> {
    let nodes = usize::from(sim.setting.nodes);
    let alive: Vec<usize> = (0..nodes).filter(|at| sim.is_alive(*at)).collect();
    (0..count)
        .map(|i| {
            let op = sim.increment(alive[i % alive.len()], 0);
            sim.run_until(sim.now + every);
            op
        })
        .collect()
}

#[test]
fn f9_a_first_owner_that_returns_does_not_answer_from_its_old_copy() {
    let mut sim = three();
    sim.crash(0);
    sim.run_until(2000);
    let away = traffic(&mut sim, 9, 5);
    sim.restart(0);
    // Its hints are pending: nobody has sent it what it missed. It is asked at once.
    let back = traffic(&mut sim, 600, 5);
    sim.run_until(sim.now + 500);
    sim.exact(&back).unwrap();
    assert!(away.iter().any(|op| sim.ops[*op].clean));
    sim.quiescent().unwrap();
}

#[test]
fn g4_a_killed_seat_whose_last_write_the_next_owner_has_not_seen() {
    let mut sim = three();
    // Node 1's frames to node 2 do not arrive; node 3 acknowledges.
    sim.cut_one_way(0, 1);
    let last = sim.increment(0, 0);
    sim.run_until(sim.now + 15);
    assert!(sim.ops[last].clean);
    sim.crash(0);
    sim.heal();
    sim.run_until(sim.now + 200);
    let after = traffic(&mut sim, 20, 1);
    sim.run_until(sim.now + 200);
    sim.exact(&after).unwrap();
}

#[test]
fn a_seat_that_is_cut_off_comes_back_by_handover() {
    let mut sim = three();
    sim.cut(0, 1);
    sim.cut(0, 2);
    sim.run_until(sim.now + 500);
    traffic(&mut sim, 30, 5);
    assert_eq!(sim.seats_of(0), [1]);
    sim.heal();
    sim.run_until(sim.now + 300);
    let back = traffic(&mut sim, 600, 5);
    sim.run_until(sim.now + 200);
    sim.exact(&back).unwrap();
    sim.quiescent().unwrap();
}

#[test]
fn f11_a_join_without_a_fault_coordinates_nothing_twice() {
    let setting = Setting::calm(5, 3, 2);
    let mut sim = Sim::new(setting, 3);
    sim.run_until(1000);
    let older = sim.layouts[0].clone();
    let mut newer = table(setting.partitions, 5, 3);
    newer.rotate_left(2);
    let mut ops = traffic(&mut sim, 40, 5);
    for live in [vec![older, newer.clone()], vec![newer]] {
        sim.run_until(sim.now + 50);
        sim.layouts = live;
        for at in 0..5 {
            // Nodes learn of it one after the other.
            sim.give_layouts(at);
            ops.extend(traffic(&mut sim, 10, 3));
        }
        ops.extend(traffic(&mut sim, 100, 5));
        sim.run_until(sim.now + 3000);
    }
    sim.run_until(sim.now + 1000);
    sim.exact(&ops).unwrap();
    sim.quiescent().unwrap();
}

#[test]
fn nodes_that_see_each_other_differently_swap_the_seat_once_a_second_at_most() {
    let mut sim = three();
    // Only node 3 sees both: nodes 1 and 2 take each other for dead.
    sim.cut(0, 1);
    sim.run_until(sim.now + 500);
    let before: usize = sim.messages.values().sum();
    let ops = traffic(&mut sim, 2000, 5);
    let spent = sim.messages.values().sum::<usize>() - before;
    // Ten seconds: a claim and a yield per swap and link, what is told, and claims sent again.
    assert!(spent < 200, "{spent} messages");
    let acked: BTreeSet<_> = ops
        .iter()
        .filter(|op| sim.ops[**op].acked.is_some())
        .collect();
    assert!(
        acked.len() * 10 > ops.len() * 9,
        "{} acknowledged",
        acked.len()
    );
    sim.verdict().unwrap();
}
