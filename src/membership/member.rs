//! Members: an entry per node that ever belonged to the cluster, as a join-semilattice.
//!
//! An entry has three parts, each with a join of its own, so the whole has one:
//!
//! - what the node says of itself (name, zone, capacity, addresses, actor): the greater incarnation
//!   wins. Only the node raises its incarnation; should two texts carry one number (a copied data
//!   directory), the greater text wins everywhere and the node then answers with a greater number.
//! - status: the later of joining → member → leaving → left → lost. There is no way back, so an id
//!   that was removed never returns; its entry stays for ever.
//! - when it was first seen: the smaller. It decides who keeps a name that two nodes claim.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::state::Outcome;
use crate::types::{Actor, Hlc, NodeId};

/// Members that a cluster ever had: removed ones stay. The paper's full-membership gossip serves "a
/// couple of hundreds of nodes"; this leaves room for their successors.
pub const MAX_MEMBERS: usize = 4096;

/// Bytes of a name, a zone or an address: a DNS name has at most 253, a port six more.
pub const MAX_TEXT_BYTES: usize = 262;

/// Bytes of fields of a later version that are carried along unread.
pub const MAX_LATER_BYTES: usize = 1024;

/// How far a node has come in the cluster. Later states win; there is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Admitted; owns nothing yet.
    Joining,
    /// In a committed layout.
    Member,
    /// Giving its partitions away.
    Leaving,
    /// Gone, having given everything away.
    Left,
    /// Declared gone by an operator, with what only it held.
    Lost,
}

impl Status {
    /// Whether a node of this status is out of the cluster for ever.
    pub fn is_removed(self) -> bool {
        self >= Self::Left
    }
}

/// What the cluster knows of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    /// The node, for ever.
    pub id: NodeId,
    /// The time at which it was admitted, by the clock of who admitted it. The smaller wins.
    pub first_seen: Hlc,
    /// Counts what the node has said of itself: one more at every start and every change.
    pub incarnation: u64,
    /// How far it has come.
    pub status: Status,
    /// What people call it. Unique among nodes that are not removed.
    pub name: String,
    /// Where it stands: owners of a partition are spread over zones.
    pub zone: String,
    /// Its share of the load, 1,000 being the usual one.
    pub capacity_thousandths: u32,
    /// Where other nodes reach it.
    pub peer_address: String,
    /// Where Redis clients reach it.
    pub client_address: String,
    /// Where metrics and health are; empty when closed.
    pub http_address: String,
    /// Who mints its dots in the present life of its process.
    pub actor: Actor,
    /// Fields that a later version added: kept and passed on as they came.
    pub later_fields: Bytes,
}

impl MemberEntry {
    /// What the node says of itself, in the order that decides.
    fn described(&self) -> impl Ord {
        (
            self.incarnation,
            (&*self.name, &*self.zone, self.capacity_thousandths),
            (
                &*self.peer_address,
                &*self.client_address,
                &*self.http_address,
            ),
            (self.actor, &*self.later_fields),
        )
    }

    /// Whether both say the same of the node, incarnation included.
    pub fn same_description(&self, other: &Self) -> bool {
        self.described() == other.described()
    }

    /// Takes over what `other` says of the node, incarnation included.
    pub fn describe_as(&mut self, other: &Self) {
        let (id, first_seen, status) = (self.id, self.first_seen, self.status);
        *self = Self {
            id,
            first_seen,
            status,
            ..other.clone()
        };
    }

    /// The join with another entry of the same node; whether it changed anything.
    pub fn merge(&mut self, other: &Self) -> bool {
        debug_assert_eq!(self.id, other.id, "entries of two nodes do not join");
        let newer = other.described() > self.described();
        let changed = newer || other.status > self.status || other.first_seen < self.first_seen;
        if newer {
            self.describe_as(other);
        }
        self.status = self.status.max(other.status);
        self.first_seen = self.first_seen.min(other.first_seen);
        changed
    }

    /// Whether every text is within its bound and the name is not empty.
    pub fn is_bounded(&self) -> bool {
        let texts = [
            &self.name,
            &self.zone,
            &self.peer_address,
            &self.client_address,
            &self.http_address,
        ];
        !self.name.is_empty()
            && texts.iter().all(|text| text.len() <= MAX_TEXT_BYTES)
            && self.later_fields.len() <= MAX_LATER_BYTES
    }
}

/// The name of a node that was given none, or lost its own: the start of its id.
pub fn default_name(id: NodeId) -> String {
    format!("node-{:08x}", id.0 >> 96)
}

/// Every node that ever belonged to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    entries: BTreeMap<NodeId, MemberEntry>,
}

impl Members {
    /// Joins one entry in.
    pub fn merge_entry(&mut self, entry: MemberEntry) -> Outcome {
        if let Some(known) = self.entries.get_mut(&entry.id) {
            return if known.merge(&entry) {
                Outcome::Changed
            } else {
                Outcome::Unchanged
            };
        }
        if self.entries.len() >= MAX_MEMBERS {
            return Outcome::Full;
        }
        self.entries.insert(entry.id, entry);
        Outcome::Changed
    }

    /// Joins all of `other` in; whether it changed anything.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for entry in other.entries.values() {
            changed |= self.merge_entry(entry.clone()) == Outcome::Changed;
        }
        changed
    }

    /// The entry of a node.
    pub fn get(&self, id: NodeId) -> Option<&MemberEntry> {
        self.entries.get(&id)
    }

    /// All entries, by id, those of removed nodes included.
    pub fn iter(&self) -> impl Iterator<Item = &MemberEntry> {
        self.entries.values()
    }

    /// The entries of nodes that are not removed, by id.
    pub fn present(&self) -> impl Iterator<Item = &MemberEntry> {
        self.iter().filter(|entry| !entry.status.is_removed())
    }

    /// How many entries there are, those of removed nodes included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whose name this is: of the nodes that are not removed and claim it, the one with the smallest
    /// (first seen, id), the same wherever the same entries are known.
    pub fn keeper_of(&self, name: &str) -> Option<NodeId> {
        self.present()
            .filter(|entry| entry.name == name)
            .map(|entry| (entry.first_seen, entry.id))
            .min()
            .map(|(_, id)| id)
    }
}
