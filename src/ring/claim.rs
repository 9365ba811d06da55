//! The claim: from a layout and the members to be, the next layout. A pure function.
//!
//! ```text
//!            replicas              0 if it holds one, else 1         quota
//!  source ──────────▶ partition ──▶ zone of it ──────────▶ member ─────────▶ sink
//!                        └───────────▲ at most `most`, at least `least` a zone
//! ```
//!
//! 1. Quotas: how many replicas each member is to hold (`quota.rs`).
//! 2. Placement: the cheapest flow through the network above, a unit of flow being a replica and its
//!    cost 1 if it has to be moved there (`flow.rs`). The shares `quota / Q` are a flow if parts of
//!    replicas were allowed, so a whole one exists: a claim never gets stuck. Cheapest means that no
//!    layout with these quotas moves fewer.
//! 3. Order: who stays keeps its place on the list, who comes takes the place of who goes, and first
//!    places are balanced (`order.rs`).
//!
//! The least that any claim must move is `sum over nodes of max(0, quota - held)`, and, where zones
//! changed, at least the replicas that are in no legal place any more.

use thiserror::Error;

use super::flow::Network;
use super::quota::quotas;
use super::spread::{draw, of_partition};
use super::zones::Zones;
use super::{Layout, MEMBERS_MAX, Member, Violation, ZONE_BYTES_MAX, order};
use crate::types::{NodeId, PartitionId};

/// Why there is no next layout. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// Nobody would own anything.
    #[error("a layout needs a member")]
    NoMembers,
    /// More than [`MEMBERS_MAX`].
    #[error("{members} members are more than {MEMBERS_MAX}")]
    TooManyMembers {
        /// How many there are.
        members: usize,
    },
    /// One node is named twice.
    #[error("node {node} is named twice")]
    Repeated {
        /// Which.
        node: NodeId,
    },
    /// A zone's name is longer than [`ZONE_BYTES_MAX`].
    #[error("the zone of node {node} has more than {ZONE_BYTES_MAX} bytes")]
    ZoneTooLong {
        /// Whose zone.
        node: NodeId,
    },
    /// n is 0.
    #[error("n must be at least 1")]
    NoReplicas,
    /// Not a power of two in the bounds of a ring.
    #[error("{partitions} partitions: it must be a power of two from 64 to 4096")]
    Partitions {
        /// How many were asked for.
        partitions: u16,
    },
    /// The layout came out wrong: a defect of the claim, found before it could be committed.
    #[error("the claim made a layout that breaks the rules: {0:?}")]
    Broken(Vec<Violation>),
}

/// The layout after `previous` for these members, in any order, and `n` wanted replicas.
pub fn claim(previous: &Layout, members: &[Member], n: u8) -> Result<Layout, ClaimError> {
    let members = checked(members, n)?;
    let replicas = members.len().min(n.into()) as u16;
    let kept = kept_places(previous, &members);
    let mut held = vec![0u32; members.len()];
    for place in kept.iter().flatten().flatten() {
        if let Some(count) = held.get_mut(usize::from(*place)) {
            *count += 1;
        }
    }
    let zones = Zones::new(&members, replicas);
    let partitions = previous.partitions;
    let quotas = quotas(&members, &zones, partitions, replicas, &held);
    let placed = place(&Ring {
        members: &members,
        zones: &zones,
        quotas: &quotas,
        kept: &kept,
        replicas,
    });
    let mut lists: Vec<Vec<u16>> = kept
        .iter()
        .zip(placed)
        .map(|(kept, placed)| in_order(kept, placed))
        .collect();
    // A list of another length is caught by the validation below.
    if lists.iter().all(|list| list.len() == usize::from(replicas)) {
        order::balance(&mut lists, members.len());
    }
    let layout = Layout {
        number: previous.number + 1,
        parent: previous.hash,
        n,
        partitions,
        members: members.into(),
        replicas,
        owners: lists.concat().into(),
        hash: [0; 16],
    };
    let layout = layout.hashed();
    layout.validate().map_err(ClaimError::Broken)?;
    Ok(layout)
}

/// The members, sorted by id, if they can be members of a layout.
fn checked(members: &[Member], n: u8) -> Result<Vec<Member>, ClaimError> {
    if n == 0 {
        return Err(ClaimError::NoReplicas);
    }
    if members.is_empty() {
        return Err(ClaimError::NoMembers);
    }
    if members.len() > MEMBERS_MAX {
        return Err(ClaimError::TooManyMembers {
            members: members.len(),
        });
    }
    let mut sorted = members.to_vec();
    sorted.sort_by_key(|member| member.id);
    let mut before = None;
    for member in &sorted {
        if before.replace(member.id) == Some(member.id) {
            return Err(ClaimError::Repeated { node: member.id });
        }
        if member.zone.len() > ZONE_BYTES_MAX {
            return Err(ClaimError::ZoneTooLong { node: member.id });
        }
    }
    Ok(sorted)
}

/// The owners in the previous layout, as places among the new members; none for who leaves.
fn kept_places(previous: &Layout, members: &[Member]) -> Vec<Vec<Option<u16>>> {
    let place = |id: NodeId| {
        let place = members.binary_search_by_key(&id, |member| member.id);
        place.ok().map(|place| place as u16)
    };
    let now: Vec<Option<u16>> = previous.members.iter().map(|m| place(m.id)).collect();
    previous
        .every_partition()
        .map(|partition| {
            let before = previous.places(partition).iter();
            before
                .map(|old| now.get(usize::from(*old)).copied().flatten())
                .collect()
        })
        .collect()
}

/// What a placement is found from.
struct Ring<'a> {
    members: &'a [Member],
    zones: &'a Zones,
    quotas: &'a [u32],
    kept: &'a [Vec<Option<u16>>],
    replicas: u16,
}

const SOURCE: u32 = 0;
const SINK: u32 = 1;
const MEMBERS_FROM: u32 = 2;

/// An edge of the network that means "this member holds a replica of that partition".
struct Choice {
    edge: u32,
    partition: u16,
    member: u16,
}

/// The members of each partition, in the order of its draw.
fn place(ring: &Ring<'_>) -> Vec<Vec<u16>> {
    let crowded = ring.zones.all.iter().filter(|zone| zone.members.len() > 1);
    let per_partition = 1 + crowded.count();
    let partitions = ring.kept.len();
    let members = ring.members.len();
    let mut network = Network::new(MEMBERS_FROM as usize + members + partitions * per_partition);
    for (member, quota) in (MEMBERS_FROM..).zip(ring.quotas) {
        // At most the number of partitions, 4096.
        network.edge(member, SINK, *quota as u16, 0);
    }
    // Partitions in an order of their own: who joins takes them from all over the ring.
    let mut order: Vec<u16> = (0..partitions as u16).collect();
    order.sort_by_key(|partition| of_partition(PartitionId(*partition)));
    let mut choices = Vec::with_capacity(partitions * members);
    let mut vertex = MEMBERS_FROM + members as u32;
    for partition in order {
        vertex = connect(ring, &mut network, partition, vertex, &mut choices);
    }
    network.run(SOURCE, SINK);
    debug_assert!(network.is_cheapest());
    let mut placed = vec![Vec::with_capacity(ring.replicas.into()); partitions];
    for choice in choices {
        if network.carried(choice.edge) == 1
            && let Some(list) = placed.get_mut(usize::from(choice.partition))
        {
            list.push(choice.member);
        }
    }
    placed
}

/// The part of the network that is one partition's, its vertices numbered from `vertex`. Returns the
/// number after them.
fn connect(
    ring: &Ring<'_>,
    network: &mut Network,
    partition: u16,
    mut vertex: u32,
    choices: &mut Vec<Choice>,
) -> u32 {
    let kept = ring.kept.get(usize::from(partition));
    let drawn = |member: u16| {
        let node = ring
            .members
            .get(usize::from(member))
            .map(|member| member.id);
        draw(PartitionId(partition), node.unwrap_or(NodeId(0)))
    };
    let mut choose = |network: &mut Network, from: u32, member: u16| {
        let moved = kept.is_none_or(|kept| !kept.contains(&Some(member)));
        choices.push(Choice {
            edge: network.edge(from, MEMBERS_FROM + u32::from(member), 1, moved.into()),
            partition,
            member,
        });
    };
    let bound: u16 = ring.zones.all.iter().map(|zone| zone.least).sum();
    let free = vertex;
    vertex += 1;
    network.edge(SOURCE, free, ring.replicas - bound, 0);
    let mut zones: Vec<_> = ring.zones.all.iter().collect();
    zones.sort_by_cached_key(|zone| zone.members.first().map(|first| drawn(*first)));
    for zone in zones {
        let from = if let [_] = *zone.members {
            // One member: no vertex between.
            if zone.least == 1 { SOURCE } else { free }
        } else {
            let from = vertex;
            vertex += 1;
            network.edge(SOURCE, from, zone.least, 0);
            network.edge(free, from, zone.most - zone.least, 0);
            from
        };
        let mut members = zone.members.clone();
        members.sort_by_cached_key(|member| drawn(*member));
        for member in members {
            choose(network, from, member);
        }
    }
    vertex
}

/// The list of a partition: who stays keeps its place, who comes takes one that is free.
fn in_order(kept: &[Option<u16>], placed: Vec<u16>) -> Vec<u16> {
    let replicas = placed.len();
    let mut coming = Vec::new();
    let mut staying = Vec::new();
    for member in placed {
        if kept.contains(&Some(member)) {
            staying.push(member);
        } else {
            coming.push(member);
        }
    }
    let mut coming = coming.into_iter();
    let mut list = Vec::with_capacity(replicas);
    for before in kept {
        match before {
            Some(member) if staying.contains(member) => list.push(*member),
            _ => list.extend(coming.next()),
        }
    }
    list.extend(coming);
    list
}
