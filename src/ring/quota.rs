//! How many replicas each member is to hold: in proportion to capacity, as far as zones and the rule
//! of one replica a node and partition allow. Whole numbers, the same everywhere.
//!
//! Replicas are dealt one by one to the member with the greatest `capacity / (dealt + 1/2)`, whoever
//! is full stands aside (the method of Webster and Sainte-Laguë). Among equal members that is the
//! same as largest remainders; among unequal ones it has what largest remainders lack: a joining
//! member never raises the quota of another, a leaving one never lowers it. So nothing need move
//! between two members that stay.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::Member;
use super::zones::Zones;

/// A member in the queue for its next replica.
#[derive(PartialEq, Eq)]
struct Hand {
    capacity: u32,
    dealt: u32,
    /// Holds more than it was dealt so far: wins ties, so that ties move nothing.
    holds_more: bool,
    member: u16,
}

impl Ord for Hand {
    /// Greater is served first.
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = u64::from(self.capacity) * u64::from(2 * other.dealt + 1);
        let theirs = u64::from(other.capacity) * u64::from(2 * self.dealt + 1);
        ours.cmp(&theirs)
            .then(self.holds_more.cmp(&other.holds_more))
            .then(other.member.cmp(&self.member))
    }
}

impl PartialOrd for Hand {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The quota of each member: they add up to `partitions * replicas`, and none is above `partitions`.
///
/// `held` is what each member holds now. It settles ties only, and in such a way that loads which are
/// in proportion already are their own quotas.
pub(super) fn quotas(
    members: &[Member],
    zones: &Zones,
    partitions: u16,
    replicas: u16,
    held: &[u32],
) -> Vec<u32> {
    let mut deal = Deal {
        members,
        zones,
        partitions: partitions.into(),
        held,
        dealt: vec![0; members.len()],
        room: vec![0; zones.all.len()],
    };
    let all = u32::from(partitions) * u32::from(replicas);
    let mut left = all;
    // What a zone must hold is dealt among its own members first.
    for (place, zone) in zones.all.iter().enumerate() {
        let least = u32::from(zone.least) * u32::from(partitions);
        if let Some(room) = deal.room.get_mut(place) {
            *room = least;
        }
        left -= deal.run(&zone.members, least);
    }
    for (room, zone) in deal.room.iter_mut().zip(&zones.all) {
        *room = u32::from(zone.most - zone.least) * u32::from(partitions);
    }
    let everyone: Vec<u16> = (0..members.len() as u16).collect();
    deal.run(&everyone, left);
    deal.dealt
}

struct Deal<'a> {
    members: &'a [Member],
    zones: &'a Zones,
    partitions: u32,
    held: &'a [u32],
    dealt: Vec<u32>,
    /// How much each zone may still be dealt.
    room: Vec<u32>,
}

impl Deal<'_> {
    fn hand(&self, member: u16) -> Option<Hand> {
        let place = usize::from(member);
        let dealt = *self.dealt.get(place)?;
        (dealt < self.partitions).then_some(Hand {
            capacity: self.members.get(place)?.capacity.thousandths(),
            dealt,
            holds_more: self.held.get(place).is_some_and(|held| *held > dealt),
            member,
        })
    }

    /// Deals so many replicas among these members and says how many found a place.
    fn run(&mut self, among: &[u16], count: u32) -> u32 {
        let mut queue: BinaryHeap<Hand> = among.iter().filter_map(|m| self.hand(*m)).collect();
        let mut done = 0;
        while done < count {
            let Some(Hand { member, .. }) = queue.pop() else {
                break;
            };
            let Some(room) = self.room.get_mut(usize::from(self.zones.of(member))) else {
                continue;
            };
            // A full zone takes no more: its members leave the queue.
            if *room == 0 {
                continue;
            }
            *room -= 1;
            done += 1;
            if let Some(dealt) = self.dealt.get_mut(usize::from(member)) {
                *dealt += 1;
            }
            queue.extend(self.hand(member));
        }
        done
    }
}
