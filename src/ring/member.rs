//! Who can own partitions: a node with its zone and capacity, and the limits of a ring.

use crate::types::NodeId;

/// Members of one layout. A cluster of this size at the most partitions has three replicas a node;
/// more nodes want more partitions than there may be.
pub const MEMBERS_MAX: usize = 4096;

/// Bytes of a zone's name: its length is one byte of an encoded layout.
pub const ZONE_BYTES_MAX: usize = 255;

/// The fewest partitions: fewer than this cannot be spread evenly over a dozen nodes.
pub const PARTITIONS_MIN: u16 = 64;

/// The most partitions: four slots each; more would make hash trees and layouts large for nothing.
pub const PARTITIONS_MAX: u16 = 4096;

/// The greatest capacity, 1000.0: the configuration's bound for `node.capacity`.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// How much of the load a node takes, relative to others, in thousandths: 1000 is a capacity of 1.0.
/// Never 0, at most [`CAPACITY_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capacity(u32);

impl Capacity {
    /// 1.0, what a node has unless it says otherwise.
    pub const ONE: Self = Self(1000);

    /// A capacity in thousandths; none for 0 and for more than [`CAPACITY_MAX`].
    pub const fn new(thousandths: u32) -> Option<Self> {
        if thousandths == 0 || thousandths > CAPACITY_MAX {
            None
        } else {
            Some(Self(thousandths))
        }
    }

    /// The capacity in thousandths.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

/// A node that can own partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub id: NodeId,
    /// What fails together: replicas of a partition are in distinct zones where that can be.
    pub zone: Box<str>,
    /// Its share of the load, relative to the others.
    pub capacity: Capacity,
}
