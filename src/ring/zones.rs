//! Zones of a layout's members, and how many replicas of one partition each zone must and may hold.
//!
//! Replicas are poured into the zones like water into jars of different heights: no zone holds a
//! second replica while another one that could take its first has none, and so on. With at least as
//! many zones as replicas that is at most one each.

use super::Member;

/// One zone of the members at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Places of its members, ascending.
    pub(super) members: Vec<u16>,
    /// The fewest replicas of a partition that it holds.
    pub(super) least: u16,
    /// The most: `least` or one more.
    pub(super) most: u16,
}

/// All zones of the members, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zones {
    /// The zones, sorted by name.
    pub(super) all: Vec<Zone>,
    /// The zone of each member.
    pub(super) of: Vec<u16>,
}

impl Zones {
    /// The zones of `members`, when every partition has so many replicas, at most one a member.
    pub(super) fn new(members: &[Member], replicas: u16) -> Self {
        let mut names: Vec<&str> = members.iter().map(|member| &*member.zone).collect();
        names.sort_unstable();
        names.dedup();
        let place = |zone: &str| names.binary_search(&zone).unwrap_or_default() as u16;
        let of: Vec<u16> = members.iter().map(|member| place(&member.zone)).collect();
        let mut all: Vec<Zone> = (0..names.len() as u16)
            .map(|zone| Zone {
                members: (0..members.len() as u16)
                    .zip(&of)
                    .filter(|(_, its)| **its == zone)
                    .map(|(member, _)| member)
                    .collect(),
                least: 0,
                most: 0,
            })
            .collect();
        let held_at = |level: u16| -> u64 {
            let held = all.iter().map(|zone| zone.members.len().min(level.into()));
            held.map(|count| count as u64).sum()
        };
        let level = (0..=replicas)
            .find(|level| held_at(*level) >= replicas.into())
            .unwrap_or(replicas);
        for zone in &mut all {
            let size = zone.members.len() as u16;
            zone.least = size.min(level.saturating_sub(1));
            zone.most = size.min(level);
        }
        Self { all, of }
    }

    /// The zone of a member.
    pub(super) fn of(&self, member: u16) -> u16 {
        self.of
            .get(usize::from(member))
            .copied()
            .unwrap_or_default()
    }
}
