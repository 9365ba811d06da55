//! Whom to ask for a partition, and in which order: the preference list (paper, section 4.3), and the
//! first N of it that can be reached (sloppy quorum, section 4.6).
//!
//! After the owners come all other members as fallbacks. A fallback from a zone with fewer nodes
//! before it on the list comes first; within that, by a draw of its own for each partition, weighted
//! by capacity. So the load of a dead node falls on all others, not on one neighbour as on a ring
//! that is walked clockwise.

use smallvec::SmallVec;

use super::Layout;
use super::spread::{draw, rarity};
use super::zones::Zones;
use crate::types::{NodeId, PartitionId};

/// A node to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node.
    pub node: NodeId,
    /// The unreachable owner that it keeps a hint for; none for an owner itself.
    pub stands_in_for: Option<NodeId>,
}

/// Targets of one operation: N is 3 nearly always.
pub type Targets = SmallVec<[Target; 4]>;

impl Layout {
    /// All members: the owners of the partition, first owner first, then the fallbacks.
    ///
    /// A sort of all members, for when an owner is down or a table of fallbacks is made; a healthy
    /// operation needs [`Layout::owners`] alone.
    pub fn preference(&self, partition: PartitionId) -> Vec<NodeId> {
        let owners = self.places(partition);
        let zones = Zones::new(&self.members, self.replicas);
        let mut before: Vec<u16> = vec![0; zones.all.len()];
        for owner in owners {
            if let Some(count) = before.get_mut(usize::from(zones.of(*owner))) {
                *count += 1;
            }
        }
        let mut fallbacks: Vec<Fallback> = Vec::new();
        for (place, member) in (0u16..).zip(&self.members) {
            if !owners.contains(&place) {
                fallbacks.push(Fallback {
                    round: 0,
                    zone: zones.of(place),
                    rarity: rarity(draw(partition, member.id)),
                    capacity: member.capacity.thousandths(),
                    id: member.id,
                });
            }
        }
        fallbacks.sort_unstable_by(Fallback::by_draw);
        for fallback in &mut fallbacks {
            if let Some(count) = before.get_mut(usize::from(fallback.zone)) {
                fallback.round = *count;
                *count += 1;
            }
        }
        fallbacks.sort_by_key(|fallback| fallback.round);
        let fallbacks = fallbacks.iter().map(|fallback| fallback.id);
        self.owners(partition).chain(fallbacks).collect()
    }
}

struct Fallback {
    /// How many nodes of its zone stand before it on the list.
    round: u16,
    zone: u16,
    rarity: u64,
    capacity: u32,
    id: NodeId,
}

impl Fallback {
    fn by_draw(&self, other: &Self) -> std::cmp::Ordering {
        // rarity / capacity, without the division.
        let ours = u128::from(self.rarity) * u128::from(other.capacity);
        let theirs = u128::from(other.rarity) * u128::from(self.capacity);
        ours.cmp(&theirs).then(self.id.cmp(&other.id))
    }
}

/// The first `n` nodes of a preference list that can be reached, in its order. Each one that is not
/// among the first `n` of the list stands in for one unreachable owner, the first for the first.
///
/// `n` is the layout's [`Layout::replicas`]. Fewer targets than that come back when fewer nodes are
/// reachable; no node is named twice.
pub fn reachable(preference: &[NodeId], n: usize, is_up: impl Fn(NodeId) -> bool) -> Targets {
    let (owners, fallbacks) = preference.split_at_checked(n).unwrap_or((preference, &[]));
    let mut targets = Targets::new();
    let mut absent: SmallVec<[NodeId; 4]> = SmallVec::new();
    for owner in owners {
        if is_up(*owner) {
            targets.push(Target {
                node: *owner,
                stands_in_for: None,
            });
        } else {
            absent.push(*owner);
        }
    }
    let standing_in = fallbacks.iter().filter(|fallback| is_up(**fallback));
    targets.extend(standing_in.zip(absent).map(|(node, owner)| Target {
        node: *node,
        stands_in_for: Some(owner),
    }));
    targets
}
