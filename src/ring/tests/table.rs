//! The table of `docs/ring.md`. Print it with
//! `cargo test --lib ring::tests::table -- --nocapture`.

use super::{equals, firsts, least, loads};
use crate::ring::{Layout, claim, moves};

/// The greatest count over the mean.
fn peak(counts: &[usize]) -> f64 {
    let sum: usize = counts.iter().sum();
    let most = counts.iter().copied().max().unwrap_or_default();
    most as f64 * counts.len() as f64 / sum as f64
}

/// What whole numbers allow at best: the mean rounded up, over the mean.
fn best(sum: usize, nodes: usize) -> f64 {
    (sum.div_ceil(nodes) * nodes) as f64 / sum as f64
}

#[test]
fn equal_nodes_from_3_to_64() {
    println!(
        "| nodes | max/mean | best | first, max/mean | best | join: moved/least | leave: moved/least |"
    );
    println!("|---|---|---|---|---|---|---|");
    let all = equals(65);
    let mut layout = Layout::found(all[0].clone(), 256, 3).unwrap();
    layout = claim(&layout, &all[..2], 3).unwrap();
    for nodes in 3..=64 {
        let next = claim(&layout, &all[..nodes], 3).unwrap();
        let joined = (moves(&layout, &next).len(), least(&layout, &next));
        // The oldest leaves.
        let left = claim(&next, &all[1..nodes], 3).unwrap();
        let left = (moves(&next, &left).len(), least(&next, &left));
        let (load, first) = (peak(&loads(&next)), peak(&firsts(&next)));
        println!(
            "| {nodes} | {load:.3} | {:.3} | {first:.3} | {:.3} | {}/{} | {}/{} |",
            best(768, nodes),
            best(256, nodes),
            joined.0,
            joined.1,
            left.0,
            left.1,
        );
        assert_eq!((joined.0, left.0), (joined.1, left.1));
        assert!(load <= best(768, nodes) && first <= best(256, nodes));
        // Beyond 1.05 only where 768 replicas in whole numbers cannot do better.
        assert!(
            load <= 1.05 || [45, 51, 54, 58, 59, 63].contains(&nodes),
            "{nodes}"
        );
        layout = next;
    }
}
