//! Whole clusters: how many rounds until all know all, at 5, 50 and 200 nodes; partitions whose sides
//! both change things; clusters that are split from the start; nodes that die. And a negative
//! control: with a merge that takes the last writer the same check fails.

use bytes::Bytes;

use super::network::{Network, Options, node_entry, node_id};
use super::values::layout;
use crate::membership::{Change, Input, Item, MESSAGE_BYTES, State, Status};
use crate::types::Hlc;

const N: Bytes = Bytes::from_static(b"cluster.n");

fn set(value: &'static [u8], hlc: u64) -> Input {
    Input::Changed(Change::FactSet {
        name: N,
        value: Bytes::from_static(value),
        hlc: Hlc(hlc),
    })
}

fn commit(number: u64, hash: u8) -> Input {
    Input::Changed(Change::LayoutCommitted(layout(number, hash)))
}

/// What one scenario took, at worst over some seeds.
#[derive(Default)]
struct Measured {
    rounds: f64,
    messages: f64,
    bytes: f64,
}

/// A change on one node of a quiet cluster.
fn a_change(nodes: usize, options: Options, seeds: u64) -> Measured {
    let mut worst = Measured::default();
    for seed in 0..seeds {
        let mut network = Network::settled(nodes, seed, options);
        network.run_rounds(1);
        let (messages, bytes) = (network.sent, network.sent_bytes);
        network.input(nodes / 2, set(b"3", 99));
        let rounds = network.rounds_to_converge(60).expect("it converges");
        worst.note(&network, nodes, rounds, messages, bytes);
    }
    worst
}

/// Every node knows itself and the address of the first.
fn a_cold_start(nodes: usize, options: Options, seeds: u64) -> Measured {
    let mut worst = Measured::default();
    for seed in 0..seeds {
        let mut network = Network::new(nodes, seed, options, |_| {
            (State::default(), vec![node_entry(0).peer_address])
        });
        let rounds = network.rounds_to_converge(60).expect("it converges");
        assert_eq!(network.nodes[nodes - 1].state().members().len(), nodes);
        worst.note(&network, nodes, rounds, 0, 0);
    }
    worst
}

impl Measured {
    fn note(&mut self, network: &Network, nodes: usize, rounds: f64, messages: u64, bytes: u64) {
        let nodes = nodes as f64;
        self.rounds = self.rounds.max(rounds);
        self.messages = self.messages.max((network.sent - messages) as f64 / nodes);
        self.bytes = self
            .bytes
            .max((network.sent_bytes - bytes) as f64 / nodes / 1024.0);
    }
}

/// Prints the table of docs/membership.md:
/// `cargo test --lib membership::tests::convergence::rounds -- --nocapture`
#[test]
fn rounds_to_converge_are_few_at_5_50_and_200_nodes() {
    let rounds_only = Options {
        push: false,
        ..Options::default()
    };
    let lossy = Options {
        loss_percent: 20,
        ..Options::default()
    };
    // Each bound: rounds at worst over the seeds.
    let table: [(&str, Options, bool, [f64; 3]); 5] = [
        ("a change", Options::default(), true, [1.0, 3.0, 4.0]),
        (
            "a change, 20 % of messages lost",
            lossy,
            true,
            [4.0, 5.0, 6.0],
        ),
        (
            "a change, by rounds alone",
            rounds_only,
            true,
            [5.0, 9.0, 12.0],
        ),
        (
            "a cold start from one seed",
            Options::default(),
            false,
            [4.0, 6.0, 8.0],
        ),
        ("a cold start, 20 % lost", lossy, false, [14.0, 20.0, 20.0]),
    ];
    println!("| what | nodes | rounds | messages per node | KiB per node |");
    println!("|---|---|---|---|---|");
    for (what, options, change, bounds) in table {
        for (nodes, bound) in [5, 50, 200].into_iter().zip(bounds) {
            let seeds = if nodes == 200 { 3 } else { 10 };
            let measured = if change {
                a_change(nodes, options, seeds)
            } else {
                a_cold_start(nodes, options, seeds)
            };
            let Measured {
                rounds,
                messages,
                bytes,
            } = measured;
            println!("| {what} | {nodes} | {rounds:.2} | {messages:.0} | {bytes:.1} |");
            assert!(
                rounds <= bound,
                "{what}, {nodes} nodes: {rounds} rounds, bound {bound}"
            );
        }
    }
}

#[test]
fn a_quiet_cluster_says_ten_bytes_a_round() {
    let mut network = Network::settled(50, 1, Options::default());
    network.run_rounds(2);
    let (messages, bytes) = (network.sent, network.sent_bytes);
    network.run_rounds(20);
    let per_node = (network.sent - messages) as f64 / 50.0 / 20.0;
    assert!(
        per_node <= 1.15,
        "one peer a second, a seed now and then: {per_node}"
    );
    assert_eq!(network.sent_bytes - bytes, 10 * (network.sent - messages));
}

/// Both sides of a partition change things, heal, and must end equal, with the greater of all.
fn check_partition(nodes: usize, seed: u64, options: Options) -> Result<(), String> {
    let mut network = Network::settled(nodes, seed, options);
    network.partition(|place| u8::from(place >= nodes / 2));
    network.input(0, set(b"3", 100));
    network.input(nodes - 1, set(b"5", 200));
    network.input(1, commit(2, 9));
    network.input(nodes - 2, commit(2, 4));
    let leave = Change::Advanced {
        node: node_id(0),
        status: Status::Leaving,
    };
    network.input(1, Input::Changed(leave));
    network.restart(0);
    let lost = Change::Advanced {
        node: node_id(1),
        status: Status::Lost,
    };
    network.input(nodes - 1, Input::Changed(lost));
    network.run_rounds(15);
    if network.converged() {
        return Err("the sides were not apart".to_owned());
    }
    network.heal();
    network
        .rounds_to_converge(30)
        .ok_or("the sides stay apart")?;
    for (place, node) in network.nodes.iter().enumerate() {
        if place == 1 {
            // It was declared lost by the other side: it has learned that, and no more.
            if node.deadline().is_some() {
                return Err("a node that was declared lost goes on".to_owned());
            }
            continue;
        }
        let state = node.state();
        let status = |place| {
            state
                .members()
                .get(node_id(place))
                .map(|entry| entry.status)
        };
        if state.facts().get(&N) != Some(&Bytes::from_static(b"5")) {
            return Err(format!("node {place} has another fact than the last"));
        }
        if state.layouts().newest() != Some(&layout(2, 4)) {
            return Err(format!("node {place} has the layout with the greater hash"));
        }
        if status(0) != Some(Status::Leaving) || status(1) != Some(Status::Lost) {
            return Err(format!("node {place} has lost a status"));
        }
        // Whoever held the loser is told, once.
        let told = &network.disputes[place];
        if place < nodes / 2 && told.len() != 1 {
            return Err(format!("node {place} was told {} disputes", told.len()));
        }
    }
    Ok(())
}

#[test]
fn both_sides_of_a_partition_change_things_and_end_equal() {
    for nodes in [5, 50] {
        for seed in 0..5 {
            let lossy = Options {
                loss_percent: 10,
                ..Options::default()
            };
            assert_eq!(check_partition(nodes, seed, lossy), Ok(()), "seed {seed}");
        }
    }
}

#[test]
fn a_merge_that_takes_the_last_writer_is_caught() {
    let planted = Options {
        last_writer: true,
        ..Options::default()
    };
    let caught = (0..5)
        .filter(|seed| check_partition(5, *seed, planted).is_err())
        .count();
    assert_eq!(caught, 5, "the check passes a planted fault");
}

#[test]
fn halves_that_never_heard_of_each_other_meet_through_a_seed() {
    // Two sides of three, of which only the second names a node of the first as its seed.
    let mut network = Network::new(6, 3, Options::default(), |place| {
        let mut state = State::default();
        for other in 0..6 {
            if (other < 3) == (place < 3) {
                state.merge_item(Item::Member(node_entry(other)));
            }
        }
        let seed = if place < 3 { 0 } else { 2 };
        (state, vec![node_entry(seed).peer_address])
    });
    let rounds = network.rounds_to_converge(30).expect("they meet");
    assert_eq!(network.nodes[0].state().members().len(), 6);
    assert!(rounds <= 12.0, "a seed is asked every ten rounds: {rounds}");
}

#[test]
fn a_node_restarts_with_a_greater_incarnation_and_all_it_knew() {
    let mut network = Network::settled(5, 4, Options::default());
    let before = network.nodes[2].me().incarnation;
    network.restart(2);
    assert_eq!(network.nodes[2].me().incarnation, before + 1);
    network.rounds_to_converge(10).expect("it converges");
    let known = network.nodes[4].state().members().get(node_id(2)).cloned();
    assert_eq!(known.as_ref(), Some(network.nodes[2].me()));
}

#[test]
fn a_node_with_an_old_copy_of_its_disk_speaks_above_what_it_forgot() {
    let mut network = Network::settled(5, 5, Options::default());
    let old = network.disks[2].clone();
    network.restart(2);
    network.restart(2);
    network.rounds_to_converge(10).expect("it converges");
    let forgotten = network.nodes[2].me().incarnation;
    network.disks[2] = old;
    network.restart(2);
    assert!(network.nodes[2].me().incarnation <= forgotten);
    network.run_rounds(3);
    network.rounds_to_converge(10).expect("it converges");
    assert!(network.nodes[2].me().incarnation > forgotten);
    let known = network.nodes[0].state().members().get(node_id(2)).cloned();
    assert_eq!(known.as_ref(), Some(network.nodes[2].me()));
}

#[test]
fn a_large_state_travels_in_bounded_messages_and_resumes() {
    // 2,000 facts of 200 bytes: 30 times what a message holds, with one message in five lost.
    let lossy = Options {
        loss_percent: 20,
        ..Options::default()
    };
    let mut network = Network::new(2, 6, lossy, |place| {
        let mut state = State::default();
        for other in 0..2 {
            state.merge_item(Item::Member(node_entry(other)));
        }
        for number in 0..2000u64 {
            if number % 2 == place as u64 {
                let name = Bytes::from(format!("policy/{number:05}:"));
                let value = Bytes::from(vec![b'x'; 200]);
                let stamp = (Hlc(number), node_id(place));
                state.merge_item(Item::Fact(name, crate::membership::Fact { stamp, value }));
            }
        }
        (state, Vec::new())
    });
    network.rounds_to_converge(120).expect("it converges");
    assert_eq!(network.nodes[0].state().facts().iter().count(), 2000);
    assert!(
        network.largest <= MESSAGE_BYTES + 4096,
        "{} bytes",
        network.largest
    );
}
