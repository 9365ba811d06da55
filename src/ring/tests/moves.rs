//! Moves and drops between two layouts.

use std::collections::BTreeSet;

use super::{equals, grown};
use crate::ring::{Dropped, Layout, Move, claim, drops, moves};
use crate::types::{NodeId, PartitionId};

#[test]
fn a_second_node_gets_every_partition_from_nobodys_loss() {
    let one = Layout::found(equals(1)[0].clone(), 64, 3).unwrap();
    let two = claim(&one, &equals(2), 3).unwrap();
    let expected: Vec<Move> = (0..64)
        .map(|partition| Move {
            partition: PartitionId(partition),
            from: None,
            to: NodeId(2),
        })
        .collect();
    assert_eq!(moves(&one, &two), expected);
    assert_eq!(drops(&one, &two), []);
    // And back again.
    let back = claim(&two, &equals(1), 3).unwrap();
    assert_eq!(moves(&two, &back), []);
    let dropped = drops(&two, &back);
    assert_eq!(dropped.len(), 64);
    let node = NodeId(2);
    let partition = PartitionId(0);
    assert_eq!(dropped[0], Dropped { partition, node });
}

#[test]
fn moves_and_drops_turn_the_old_layout_into_the_new() {
    let old = grown(&equals(9), 256, 3);
    let new = claim(&old, &equals(12)[2..], 4).unwrap();
    let mut owned: BTreeSet<(PartitionId, NodeId)> = BTreeSet::new();
    let all = |layout: &Layout| -> BTreeSet<(PartitionId, NodeId)> {
        let partitions = (0..256).map(PartitionId);
        partitions
            .flat_map(|p| layout.owners(p).map(move |o| (p, o)).collect::<Vec<_>>())
            .collect()
    };
    owned.extend(all(&old));
    for dropped in drops(&old, &new) {
        assert!(owned.remove(&(dropped.partition, dropped.node)));
    }
    for change in moves(&old, &new) {
        assert!(owned.insert((change.partition, change.to)));
        assert!(
            change
                .from
                .is_none_or(|from| old.owns(from, change.partition))
        );
        assert!(
            change
                .from
                .is_none_or(|from| !new.owns(from, change.partition))
        );
    }
    assert_eq!(owned, all(&new));
}
