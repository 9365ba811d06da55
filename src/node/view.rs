//! The cluster as this node sees it at one moment: who there is, whom it believes reachable, and for
//! each partition who owns it, who coordinates its writes and where a write goes. An immutable
//! snapshot; whoever learns something swaps in a new one, and each pass of a worker works with one.

use smallvec::SmallVec;

use crate::types::{NodeId, PartitionId};

/// A node's place in [`View::nodes`]: the same for as long as this process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u16);

impl NodeIndex {
    /// This node itself.
    pub const ME: Self = Self(0);
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// For ever.
    pub id: NodeId,
    /// Unique in the cluster.
    pub name: String,
    /// Failure domain.
    pub zone: String,
    /// Where peers reach it.
    pub peer_address: String,
    /// Where clients reach it.
    pub client_address: String,
    /// Belongs to the layout that is read.
    pub member: bool,
    /// Believed to answer. Routing only; never membership.
    pub reachable: bool,
}

/// Where one copy of a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// To whom.
    pub to: NodeIndex,
    /// The owner that it keeps the write for; `None`: it is an owner itself.
    pub stands_for: Option<NodeIndex>,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Its owners, first owner first.
    pub owners: SmallVec<[NodeIndex; 3]>,
    /// Who coordinates its writes; `None`: nobody that can be reached.
    pub seat: Option<NodeIndex>,
    /// Where a write coordinated here goes, this node itself left out.
    pub targets: SmallVec<[Target; 3]>,
    /// Owners that nobody stands in for: they are noted as having missed the write.
    pub missed: SmallVec<[NodeIndex; 2]>,
    /// This node owns it.
    pub mine: bool,
}

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Grows with each change that this process has seen.
    pub number: u64,
    /// The layout that reads use.
    pub layout: u64,
    /// All nodes ever met in this life; this node first.
    pub nodes: Vec<Known>,
    /// By partition.
    pub routes: Box<[Route]>,
    /// Replicas, clipped to the members.
    pub n: u8,
    /// Read quorum, clipped.
    pub r: u8,
    /// Write quorum, clipped.
    pub w: u8,
    /// Of these, after an fsync.
    pub dw: u8,
    /// Milliseconds until a request is given up.
    pub request_timeout_ms: u64,
    /// No other member: nothing is routed, replicated or asked.
    pub alone: bool,
}

impl View {
    /// A cluster of one.
    pub fn alone(me: NodeId, partitions: u16) -> Self {
        let route = Route {
            owners: SmallVec::from_slice(&[NodeIndex::ME]),
            seat: Some(NodeIndex::ME),
            mine: true,
            ..Route::default()
        };
        Self {
            number: 0,
            layout: 1,
            nodes: vec![Known {
                id: me,
                name: String::new(),
                zone: String::new(),
                peer_address: String::new(),
                client_address: String::new(),
                member: true,
                reachable: true,
            }],
            routes: vec![route; usize::from(partitions)].into(),
            n: 1,
            r: 1,
            w: 1,
            dw: 0,
            request_timeout_ms: 1_000,
            alone: true,
        }
    }

    /// The route of a partition.
    ///
    /// # Panics
    /// If the partition is not one of the ring's.
    #[inline]
    pub fn route(&self, partition: PartitionId) -> &Route {
        self.routes
            .get(usize::from(partition.0))
            .expect("a view has a route for every partition of the ring")
    }

    /// A node.
    pub fn node(&self, index: NodeIndex) -> Option<&Known> {
        self.nodes.get(usize::from(index.0))
    }

    /// A node's index.
    pub fn index_of(&self, id: NodeId) -> Option<NodeIndex> {
        let place = self.nodes.iter().position(|node| node.id == id)?;
        Some(NodeIndex(place as u16))
    }

    /// Is this node believed to answer?
    #[inline]
    pub fn is_reachable(&self, index: NodeIndex) -> bool {
        self.nodes
            .get(usize::from(index.0))
            .is_some_and(|node| node.reachable)
    }
}
