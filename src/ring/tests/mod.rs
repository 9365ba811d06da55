//! Tests of the ring: laws over random histories of members, the validator against planted faults,
//! fallbacks, frozen bytes and frozen claims, and the table of `docs/ring.md`.

mod check;
mod codec;
mod golden;
mod laws;
mod moves;
mod preference;
mod quota;
mod table;

use super::{Capacity, Layout, Member, claim};
use crate::types::{NodeId, PartitionId};

fn member(id: u128, zone: &str, thousandths: u32) -> Member {
    Member {
        id: NodeId(id),
        zone: zone.into(),
        capacity: Capacity::new(thousandths).expect("a capacity of a test is legal"),
    }
}

/// Nodes 1 to `count`, all alike, in one zone.
fn equals(count: u128) -> Vec<Member> {
    (1..=count).map(|id| member(id, "z", 1000)).collect()
}

/// The layout of a cluster founded by the first member, which all the others joined at once.
fn grown(members: &[Member], partitions: u16, n: u8) -> Layout {
    let founder = Layout::found(members[0].clone(), partitions, n).unwrap();
    claim(&founder, members, n).unwrap()
}

/// Replicas of each member, in the order of members.
fn loads(layout: &Layout) -> Vec<usize> {
    let members = layout.members().iter();
    members
        .map(|m| layout.partitions_of(m.id).count())
        .collect()
}

/// How often each member is first owner, in the order of members.
fn firsts(layout: &Layout) -> Vec<usize> {
    let mut counts = vec![0; layout.members().len()];
    for partition in 0..layout.partitions() {
        let first = layout.owners(PartitionId(partition)).next().unwrap();
        let place = layout.members().iter().position(|m| m.id == first);
        counts[place.unwrap()] += 1;
    }
    counts
}

/// The least that any change from `old` to loads such as those of `new` can move: what each member
/// must hold beyond what it holds.
fn least(old: &Layout, new: &Layout) -> usize {
    let gains = new.members().iter().zip(loads(new));
    gains
        .map(|(member, load)| load.saturating_sub(old.partitions_of(member.id).count()))
        .sum()
}
