//! The validator: walks every partition of a layout before it can be committed, whoever made it, and
//! says what is wrong with it; and the warnings that a plan prints beside a layout which is right.

use std::fmt;

use super::order::bounds;
use super::quota::quotas;
use super::zones::Zones;
use super::{Layout, MEMBERS_MAX, PARTITIONS_MAX, PARTITIONS_MIN};
use crate::types::{NodeId, PartitionId};

/// A rule that a layout breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The number of partitions is no power of two from 64 to 4096, or n is 0.
    Shape,
    /// Nobody, too many, or not each once and by id.
    Members,
    /// The lists of owners do not hold as many as there are partitions times replicas.
    Length {
        /// Owners in all lists.
        found: usize,
        /// What there should be.
        wanted: usize,
    },
    /// A partition has too many or too few owners.
    Replicas {
        /// Which partition.
        partition: PartitionId,
        /// How many it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// An owner is no member.
    Unknown {
        /// Of which partition.
        partition: PartitionId,
        /// The place in the list of members that does not exist.
        place: u16,
    },
    /// One node owns a partition twice.
    Repeated {
        /// Which partition.
        partition: PartitionId,
        /// Which node.
        node: NodeId,
    },
    /// A zone holds more or fewer replicas of a partition than it must.
    Zone {
        /// Which partition.
        partition: PartitionId,
        /// Which zone.
        zone: Box<str>,
        /// What it holds.
        found: u16,
        /// The least.
        least: u16,
        /// The most.
        most: u16,
    },
    /// A node's load is not what its capacity says.
    Load {
        /// Which node.
        node: NodeId,
        /// Replicas that it holds.
        found: u32,
        /// Its quota.
        quota: u32,
    },
    /// A node is first owner too often or too rarely.
    First {
        /// Which node.
        node: NodeId,
        /// How often it is.
        found: u32,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
}

/// What an operator should know about a layout that keeps all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// There are fewer replicas than wanted.
    FewNodes {
        /// Members.
        members: usize,
        /// Wanted replicas.
        n: u8,
    },
    /// Some replicas share a zone.
    FewZones {
        /// Zones.
        zones: usize,
        /// Wanted replicas.
        n: u8,
    },
    /// Zones, or too few nodes, keep a node's load from what its capacity asks for.
    Capacity {
        /// Which node.
        node: NodeId,
        /// Replicas that it holds.
        holds: u32,
        /// Replicas in proportion to its capacity, rounded.
        fair: u32,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewNodes { members, n } => write!(
                f,
                "n = {n}, but there are {members} members: partitions have {members} replicas"
            ),
            Self::FewZones { zones, n } => write!(
                f,
                "n = {n}, but there are {zones} zones: replicas of a partition share a zone"
            ),
            Self::Capacity { node, holds, fair } => write!(
                f,
                "node {node} holds {holds} replicas where its capacity asks for {fair}"
            ),
        }
    }
}

impl Layout {
    /// Walks every partition and every member. Everything that is wrong, or nothing.
    pub fn validate(&self) -> Result<(), Vec<Violation>> {
        let mut found = Vec::new();
        let in_range = (PARTITIONS_MIN..=PARTITIONS_MAX).contains(&self.partitions);
        if !in_range || !self.partitions.is_power_of_two() || self.n == 0 {
            found.push(Violation::Shape);
        }
        if self.members.is_empty()
            || self.members.len() > MEMBERS_MAX
            || !self.members.is_sorted_by(|a, b| a.id < b.id)
        {
            found.push(Violation::Members);
        }
        let wanted = usize::from(self.partitions) * usize::from(self.replicas);
        if self.owners.len() != wanted {
            found.push(Violation::Length {
                found: self.owners.len(),
                wanted,
            });
        }
        let zones = Zones::new(&self.members, self.replicas() as u16);
        for partition in self.every_partition() {
            self.walk(partition, &zones, &mut found);
        }
        // Loads mean something only in lists that are right.
        if found.is_empty() {
            self.weigh(&zones, &mut found);
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    fn walk(&self, partition: PartitionId, zones: &Zones, found: &mut Vec<Violation>) {
        let places = self.places(partition);
        if places.len() != self.replicas() {
            found.push(Violation::Replicas {
                partition,
                found: places.len(),
                wanted: self.replicas(),
            });
        }
        let mut held = vec![0u16; zones.all.len()];
        for (at, place) in places.iter().enumerate() {
            let Some(member) = self.members.get(usize::from(*place)) else {
                found.push(Violation::Unknown {
                    partition,
                    place: *place,
                });
                continue;
            };
            if places.iter().take(at).any(|before| before == place) {
                found.push(Violation::Repeated {
                    partition,
                    node: member.id,
                });
            }
            if let Some(count) = held.get_mut(usize::from(zones.of(*place))) {
                *count += 1;
            }
        }
        for (zone, count) in zones.all.iter().zip(held) {
            if count < zone.least || count > zone.most {
                let first = zone.members.first().copied().unwrap_or_default();
                let name = self.members.get(usize::from(first));
                found.push(Violation::Zone {
                    partition,
                    zone: name.map(|member| member.zone.clone()).unwrap_or_default(),
                    found: count,
                    least: zone.least,
                    most: zone.most,
                });
            }
        }
    }

    /// Replicas of each member, and of how many of them it is first owner.
    fn loads(&self) -> (Vec<u32>, Vec<u32>) {
        let mut held = vec![0u32; self.members.len()];
        let mut first = held.clone();
        for partition in self.every_partition() {
            let places = self.places(partition);
            for place in places {
                if let Some(count) = held.get_mut(usize::from(*place)) {
                    *count += 1;
                }
            }
            if let Some(place) = places.first()
                && let Some(count) = first.get_mut(usize::from(*place))
            {
                *count += 1;
            }
        }
        (held, first)
    }

    fn weigh(&self, zones: &Zones, found: &mut Vec<Violation>) {
        let (held, first) = self.loads();
        // Quotas prefer what is held: loads that are in proportion are their own quotas.
        let quotas = quotas(&self.members, zones, self.partitions, self.replicas, &held);
        let loads = held.iter().zip(quotas).zip(first);
        for (member, ((held, quota), first)) in self.members.iter().zip(loads) {
            if *held != quota {
                found.push(Violation::Load {
                    node: member.id,
                    found: *held,
                    quota,
                });
            }
            let (least, most) = bounds(*held, self.replicas.into());
            if first < least || first > most {
                found.push(Violation::First {
                    node: member.id,
                    found: first,
                    least,
                    most,
                });
            }
        }
    }

    /// What a plan should print beside this layout.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut found = Vec::new();
        let (members, n) = (self.members.len(), self.n);
        if members < usize::from(n) {
            found.push(Warning::FewNodes { members, n });
        }
        let zones = Zones::new(&self.members, self.replicas).all.len();
        // One zone for all is how a cluster without zones looks.
        if zones > 1 && zones < usize::from(n).min(members) {
            found.push(Warning::FewZones { zones, n });
        }
        let capacities = self.members.iter().map(|m| m.capacity.thousandths());
        let all: u64 = capacities.map(u64::from).sum();
        let replicas = self.owners.len() as u64;
        for (member, holds) in self.members.iter().zip(self.loads().0) {
            let share = replicas * u64::from(member.capacity.thousandths());
            let fair = (share + all / 2) / all.max(1);
            // One replica is rounding, one in twenty the balance that equal nodes are promised.
            if u64::from(holds).abs_diff(fair) > (fair / 20).max(1) {
                found.push(Warning::Capacity {
                    node: member.id,
                    holds,
                    fair: fair as u32,
                });
            }
        }
        found
    }
}
