//! From what membership, the layout and the failure detector say to the [`View`] that workers route by.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::membership::{MemberEntry, Members};
use crate::node::view::{Known, NodeIndex, Route, Target, View};
use crate::ring::{Layout, reachable};
use crate::types::{NodeId, PartitionId};

/// Quorums and times as the cluster has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorums {
    /// Read quorum.
    pub r: u8,
    /// Write quorum.
    pub w: u8,
    /// Of these, after an fsync.
    pub dw: u8,
    /// Others stand in for owners.
    pub sloppy: bool,
    /// Milliseconds until a request is given up.
    pub request_timeout_ms: u64,
}

/// Indexes of nodes, given in the order of first sight and never again: this node's is 0.
#[derive(Clone, Debug)]
pub struct Indexes {
    nodes: Vec<NodeId>,
    by_id: BTreeMap<NodeId, NodeIndex>,
}

impl Indexes {
    /// Knows this node.
    pub fn new(me: NodeId) -> Self {
        Self {
            nodes: vec![me],
            by_id: BTreeMap::from([(me, NodeIndex::ME)]),
        }
    }

    /// The index of a node, new if it has none.
    pub fn of(&mut self, id: NodeId) -> NodeIndex {
        let next = NodeIndex(self.nodes.len() as u16);
        let index = *self.by_id.entry(id).or_insert(next);
        if index == next {
            self.nodes.push(id);
        }
        index
    }
}

/// What a view is made from.
pub struct Sources<'a> {
    /// All members ever.
    pub members: &'a Members,
    /// The layout that is read and written.
    pub layout: &'a Layout,
    /// Quorums of the cluster.
    pub quorums: Quorums,
    /// Whom this node believes up.
    pub up: &'a dyn Fn(NodeId) -> bool,
    /// Who coordinates a partition, as far as this node knows.
    pub seat: &'a dyn Fn(PartitionId) -> Option<NodeId>,
}

/// The view of this moment; `number` counts them.
pub fn view(number: u64, indexes: &mut Indexes, sources: &Sources<'_>) -> View {
    let layout = sources.layout;
    for entry in sources.members.iter() {
        indexes.of(entry.id);
    }
    for member in layout.members() {
        indexes.of(member.id);
    }
    let me = indexes.nodes.first().copied();
    let is_up = |id: NodeId| Some(id) == me || (sources.up)(id);
    let nodes = indexes.nodes.iter().map(|id| {
        let entry = sources.members.get(*id);
        known(*id, entry, layout.member(*id).is_some(), is_up(*id))
    });
    let nodes: Vec<Known> = nodes.collect();
    let n = layout.replicas() as u8;
    let partitions = (0..layout.partitions()).map(PartitionId);
    let routes = partitions.map(|partition| route(partition, indexes, sources, &is_up));
    let Quorums {
        r,
        w,
        dw,
        request_timeout_ms,
        ..
    } = sources.quorums;
    View {
        number,
        layout: layout.number(),
        routes: routes.collect(),
        n,
        r: r.clamp(1, n),
        w: w.clamp(1, n),
        dw: dw.min(n),
        request_timeout_ms,
        alone: layout.members().len() == 1 && layout.members().first().map(|one| one.id) == me,
        nodes,
    }
}

fn known(id: NodeId, entry: Option<&MemberEntry>, member: bool, reachable: bool) -> Known {
    let text = |field: fn(&MemberEntry) -> &String| entry.map(field).cloned().unwrap_or_default();
    Known {
        id,
        name: text(|entry| &entry.name),
        zone: text(|entry| &entry.zone),
        peer_address: text(|entry| &entry.peer_address),
        client_address: text(|entry| &entry.client_address),
        member,
        reachable,
    }
}

fn route(
    partition: PartitionId,
    indexes: &mut Indexes,
    sources: &Sources<'_>,
    is_up: &dyn Fn(NodeId) -> bool,
) -> Route {
    let layout = sources.layout;
    let owners: SmallVec<[NodeId; 3]> = layout.owners(partition).collect();
    let all_up = owners.iter().all(|owner| is_up(*owner));
    // The whole preference list is made only when an owner is down.
    let preference = if all_up || !sources.quorums.sloppy {
        owners.to_vec()
    } else {
        layout.preference(partition)
    };
    let chosen = reachable(&preference, owners.len(), is_up);
    let mut route = Route {
        owners: owners.iter().map(|owner| indexes.of(*owner)).collect(),
        ..Route::default()
    };
    route.mine = route.owners.contains(&NodeIndex::ME);
    let named = (sources.seat)(partition).filter(|seat| is_up(*seat));
    let first_up = chosen.first().map(|target| target.node);
    route.seat = named.or(first_up).map(|seat| indexes.of(seat));
    let mut stood_in = SmallVec::<[NodeId; 3]>::new();
    for target in &chosen {
        stood_in.extend(target.stands_in_for);
        let to = indexes.of(target.node);
        let stands_for = target.stands_in_for.map(|owner| indexes.of(owner));
        if to != NodeIndex::ME {
            route.targets.push(Target { to, stands_for });
        } else if let Some(owner) = stands_for {
            // This node stands in with its own table: what it writes there it owes to the owner.
            route.missed.push(owner);
        }
    }
    let missing = owners
        .iter()
        .filter(|owner| !is_up(**owner) && !stood_in.contains(owner));
    let missing: SmallVec<[NodeId; 3]> = missing.copied().collect();
    let missing: Vec<NodeIndex> = missing.into_iter().map(|owner| indexes.of(owner)).collect();
    route.missed.extend(missing);
    route
}
