//! A layout: one numbered version of "which nodes own which partition", immutable.
//!
//! Members are sorted by id, owners are places in that list, so that a layout of 256 partitions and
//! three replicas is 1.5 KiB of owners. Its hash is that of its encoded bytes, parent included:
//! equal hashes mean equal layouts with equal pasts.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use super::claim::ClaimError;
use super::{Member, PARTITIONS_MAX, PARTITIONS_MIN, ZONE_BYTES_MAX, encode};
use crate::types::{NodeId, PartitionId};

/// The key of layout hashes. Fixed and public: the hash settles ties and names plans; whoever may
/// commit layouts needs no collisions to do harm.
const HASH_KEY: &[u8; 16] = b"dynamo layout v1";

/// One version of the ring.
#[derive(Clone, PartialEq, Eq)]
pub struct Layout {
    pub(super) number: u64,
    pub(super) parent: [u8; 16],
    pub(super) n: u8,
    pub(super) partitions: u16,
    pub(super) members: Box<[Member]>,
    /// Replicas of each partition: how many owners stand side by side.
    pub(super) replicas: u16,
    /// The owners of partition 0, first owner first, then those of partition 1, and so on.
    pub(super) owners: Box<[u16]>,
    pub(super) hash: [u8; 16],
}

impl Layout {
    /// Layout 1, of a cluster of one member: it owns every partition.
    ///
    /// `partitions` is a power of two from [`PARTITIONS_MIN`] to [`PARTITIONS_MAX`]; `n` is the
    /// wanted number of replicas, at least 1.
    pub fn found(member: Member, partitions: u16, n: u8) -> Result<Self, ClaimError> {
        if !(PARTITIONS_MIN..=PARTITIONS_MAX).contains(&partitions) || !partitions.is_power_of_two()
        {
            return Err(ClaimError::Partitions { partitions });
        }
        if n == 0 {
            return Err(ClaimError::NoReplicas);
        }
        if member.zone.len() > ZONE_BYTES_MAX {
            return Err(ClaimError::ZoneTooLong { node: member.id });
        }
        let founder = Self {
            number: 1,
            parent: [0; 16],
            n,
            partitions,
            members: Box::new([member]),
            replicas: 1,
            owners: vec![0; partitions.into()].into(),
            hash: [0; 16],
        };
        Ok(founder.hashed())
    }

    /// The same with its hash set.
    pub(super) fn hashed(mut self) -> Self {
        let mut bytes = Vec::new();
        encode(&self, &mut bytes);
        let mut hasher = SipHasher24::new_with_key(HASH_KEY);
        hasher.write(&bytes);
        self.hash = hasher.finish128().as_bytes();
        self
    }

    /// Which version this is: 1 for the founder's, then one more with each change.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Content hash, of the encoded bytes. Of two layouts with one number the smaller hash wins.
    pub fn hash(&self) -> [u8; 16] {
        self.hash
    }

    /// Hash of the layout that this one was claimed from; zeros for layout 1.
    pub fn parent(&self) -> [u8; 16] {
        self.parent
    }

    /// Does this one win against `other`: a later number, or the smaller hash of the same number?
    pub fn wins_over(&self, other: &Self) -> bool {
        self.number > other.number || self.number == other.number && self.hash < other.hash
    }

    /// Wanted replicas of a partition.
    pub fn n(&self) -> u8 {
        self.n
    }

    /// Replicas that a partition has: `n`, or the number of members when that is less.
    pub fn replicas(&self) -> usize {
        usize::from(self.n).min(self.members.len())
    }

    /// The members, by id.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member with this id.
    pub fn member(&self, id: NodeId) -> Option<&Member> {
        self.members.get(usize::from(self.place(id)?))
    }

    /// Number of partitions, Q.
    pub fn partitions(&self) -> u16 {
        self.partitions
    }

    /// The owners of a partition, first owner first. None if there is no such partition.
    pub fn owners(&self, partition: PartitionId) -> impl Iterator<Item = NodeId> + '_ {
        let places = self.places(partition).iter();
        places.filter_map(|place| self.members.get(usize::from(*place)).map(|m| m.id))
    }

    /// Does this node own the partition?
    pub fn owns(&self, node: NodeId, partition: PartitionId) -> bool {
        self.place(node)
            .is_some_and(|place| self.places(partition).contains(&place))
    }

    /// The partitions that a node owns, ascending.
    pub fn partitions_of(&self, node: NodeId) -> impl Iterator<Item = PartitionId> + '_ {
        let place = self.place(node);
        self.every_partition()
            .filter(move |p| place.is_some_and(|place| self.places(*p).contains(&place)))
    }

    /// Partitions 0 to Q - 1.
    pub(super) fn every_partition(&self) -> impl Iterator<Item = PartitionId> + use<> {
        (0..self.partitions).map(PartitionId)
    }

    /// The owners of a partition as places in the list of members.
    pub(super) fn places(&self, partition: PartitionId) -> &[u16] {
        let width = usize::from(self.replicas);
        let from = usize::from(partition.0) * width;
        self.owners.get(from..from + width).unwrap_or_default()
    }

    /// The place of a node in the list of members.
    pub(super) fn place(&self, id: NodeId) -> Option<u16> {
        let place = self.members.binary_search_by_key(&id, |member| member.id);
        place.ok().map(|place| place as u16)
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "layout {} {:032x}: {} partitions, n = {}, {} members",
            self.number,
            u128::from_be_bytes(self.hash),
            self.partitions,
            self.n,
            self.members.len()
        )
    }
}
