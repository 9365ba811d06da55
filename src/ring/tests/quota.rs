//! Quotas: in proportion to capacity, bounded by zones and by one replica a node and partition.

use super::{equals, grown, loads, member};
use crate::ring::claim;

#[test]
fn quotas_follow_capacity() {
    let members: Vec<_> = [1000, 2000, 3000, 4000, 500, 1500]
        .into_iter()
        .zip(1..)
        .map(|(capacity, id)| member(id, "z", capacity))
        .collect();
    // 768 replicas over 12.0: 64 for each 1.0.
    assert_eq!(loads(&grown(&members, 256, 3)), [64, 128, 192, 256, 32, 96]);
}

#[test]
fn no_node_holds_a_partition_twice_however_large_it_is() {
    let mut members = equals(4);
    members[0] = member(1, "z", 1_000_000);
    let layout = grown(&members, 256, 3);
    assert_eq!(loads(&layout), [256, 171, 171, 170]);
}

#[test]
fn zones_go_before_capacity() {
    // Zone b has one node: it holds one replica of each partition.
    let members: Vec<_> = [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "c"), (6, "c")]
        .map(|(id, zone)| member(id, zone, 1000))
        .into();
    assert_eq!(loads(&grown(&members, 64, 3)), [22, 21, 21, 64, 32, 32]);
    // Two zones and three replicas: two and one, each way, as capacity asks.
    let members = &members[..4];
    let layout = grown(members, 64, 3);
    assert_eq!(loads(&layout), [43, 43, 42, 64]);
}

#[test]
fn a_join_raises_no_quota_and_a_leave_lowers_none() {
    let all: Vec<_> = (1..40u32)
        .map(|id| member(id.into(), "z", 100 + id * id % 1700))
        .collect();
    let mut before = grown(&all[..4], 256, 3);
    for size in 5..all.len() {
        let after = claim(&before, &all[..size], 3).unwrap();
        let pairs = loads(&before).into_iter().zip(loads(&after));
        assert!(pairs.into_iter().all(|(before, after)| after <= before));
        before = after;
    }
}
