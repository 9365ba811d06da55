//! Preference lists, fallbacks and sloppy quorums.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{equals, grown, member};
use crate::ring::{Target, reachable};
use crate::types::{NodeId, PartitionId};

fn target(node: u128, stands_in_for: Option<u128>) -> Target {
    Target {
        node: NodeId(node),
        stands_in_for: stands_in_for.map(NodeId),
    }
}

#[test]
fn the_list_has_all_members_owners_first() {
    let layout = grown(&equals(20), 64, 3);
    for partition in (0..64).map(PartitionId) {
        let list = layout.preference(partition);
        assert!(layout.owners(partition).eq(list[..3].iter().copied()));
        assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), 20);
    }
    assert_eq!(layout.owners(PartitionId(64)).count(), 0);
}

#[test]
fn a_dead_nodes_load_falls_on_all_others() {
    let layout = grown(&equals(10), 1024, 3);
    let mut takes: BTreeMap<NodeId, usize> = BTreeMap::new();
    for partition in layout.partitions_of(NodeId(4)) {
        *takes.entry(layout.preference(partition)[3]).or_default() += 1;
    }
    // 307 partitions over nine nodes: 34 each.
    assert_eq!(takes.len(), 9);
    assert!(
        takes.values().all(|count| (17..=51).contains(count)),
        "{takes:?}"
    );
}

#[test]
fn a_larger_node_stands_in_more_often() {
    let mut members = equals(10);
    members[9] = member(10, "z", 3000);
    let layout = grown(&members, 1024, 3);
    let mut takes = [0u32; 11];
    let mut could = [0u32; 11];
    for partition in (0..1024).map(PartitionId) {
        let list = layout.preference(partition);
        takes[list[3].0 as usize] += 1;
        list[3..]
            .iter()
            .for_each(|node| could[node.0 as usize] += 1);
    }
    // Of the lists on which it is a fallback, it is the first one about three times as often.
    let rate = |node: usize| f64::from(takes[node]) / f64::from(could[node]);
    let others = (1..10).map(rate).sum::<f64>() / 9.0;
    assert!(
        (2.0..4.0).contains(&(rate(10) / others)),
        "{takes:?} of {could:?}"
    );
}

#[test]
fn fallbacks_cover_zones_that_owners_do_not() {
    let members: Vec<_> = (1..=15)
        .map(|id| member(id, ["a", "b", "c", "d", "e"][id as usize % 5], 1000))
        .collect();
    let layout = grown(&members, 256, 3);
    for partition in (0..256).map(PartitionId) {
        let zones: Vec<_> = layout
            .preference(partition)
            .into_iter()
            .map(|node| layout.member(node).unwrap().zone.clone())
            .collect();
        for round in zones.chunks(5) {
            assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), 5, "{zones:?}");
        }
    }
}

#[test]
fn everybody_up_means_the_owners() {
    let list: Vec<NodeId> = (1..=5).map(NodeId).collect();
    let owners = [target(1, None), target(2, None), target(3, None)];
    assert_eq!(reachable(&list, 3, |_| true).as_slice(), owners);
}

#[test]
fn a_fallback_stands_in_for_one_owner() {
    let list: Vec<NodeId> = (1..=6).map(NodeId).collect();
    let up = |down: &'static [u128]| move |node: NodeId| !down.contains(&node.0);
    assert_eq!(
        reachable(&list, 3, up(&[2])).as_slice(),
        [target(1, None), target(3, None), target(4, Some(2))]
    );
    assert_eq!(
        reachable(&list, 3, up(&[1, 3, 4])).as_slice(),
        [target(2, None), target(5, Some(1)), target(6, Some(3))]
    );
    assert_eq!(
        reachable(&list, 3, up(&[1, 2, 3, 4, 6])).as_slice(),
        [target(5, Some(1))]
    );
    assert!(reachable(&list, 3, |_| false).is_empty());
    let short = [NodeId(1), NodeId(2)];
    assert_eq!(reachable(&short, 3, up(&[1])).as_slice(), [target(2, None)]);
}

proptest! {
    #[test]
    fn targets_are_the_first_reachable(down in 0u16..1024, n in 1usize..6) {
        let list: Vec<NodeId> = (0..10).map(NodeId).collect();
        let is_up = |node: NodeId| down >> node.0 & 1 == 0;
        let targets = reachable(&list, n, is_up);
        let expected = list.iter().copied().filter(|node| is_up(*node)).take(n);
        prop_assert!(expected.eq(targets.iter().map(|target| target.node)));
        let stood_for: Vec<NodeId> = targets.iter().filter_map(|t| t.stands_in_for).collect();
        let distinct: BTreeSet<NodeId> = stood_for.iter().copied().collect();
        prop_assert_eq!(distinct.len(), stood_for.len());
        for target in &targets {
            let is_owner = list[..n].contains(&target.node);
            prop_assert_eq!(target.stands_in_for.is_none(), is_owner);
            prop_assert!(target.stands_in_for.is_none_or(|owner| !is_up(owner)));
        }
    }
}
