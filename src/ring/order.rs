//! Who comes first: the first owner coordinates a partition's writes, so first places are shared out
//! as the replicas are. Places after it too: the second owner takes over when the first is down.
//!
//! A swap of two owners moves no data, but it moves the seat. So the order that is there stays, and
//! only as many swaps are made as balance needs, along the shortest chains: a gives its first place
//! of a partition to b, b one of another partition to c, until it ends with somebody who has too few.
//!
//! Always reached: of the lists that a member is on, it is first on `1 / length` of them, rounded up
//! or down. If everybody that a chain can reach had enough, then together they would be first more
//! often than they are on lists.

#![allow(
    clippy::indexing_slicing,
    reason = "members are below `members`, partitions are places in `lists`, and all lists made \
              here have these lengths"
)]

/// Balances every place of the lists, the first ones first. All lists have one length, and hold
/// members from 0 to `members - 1`, none twice.
pub(super) fn balance(lists: &mut [Vec<u16>], members: usize) {
    let width = lists.first().map_or(0, Vec::len);
    for place in 0..width.saturating_sub(1) {
        Balance::new(lists, members, place).run();
    }
}

/// How often a member may be first of lists with `width` members, of which it is on `on`.
pub(super) fn bounds(on: u32, width: usize) -> (u32, u32) {
    let width = width.max(1) as u32;
    (on / width, on.div_ceil(width))
}

struct Balance<'a> {
    lists: &'a mut [Vec<u16>],
    /// The place at hand; those before it are settled.
    place: usize,
    /// The lists on which each member has that place.
    first_on: Vec<Vec<u16>>,
    /// The least and the most of those.
    bounds: Vec<(u32, u32)>,
}

impl<'a> Balance<'a> {
    fn new(lists: &'a mut [Vec<u16>], members: usize, place: usize) -> Self {
        let mut first_on = vec![Vec::new(); members];
        let mut on = vec![0u32; members];
        let mut width = 1;
        for (partition, list) in lists.iter().enumerate() {
            let open = &list[place..];
            width = open.len();
            first_on[usize::from(open[0])].push(partition as u16);
            for member in open {
                on[usize::from(*member)] += 1;
            }
        }
        let bounds = on.iter().map(|on| bounds(*on, width)).collect();
        Self {
            lists,
            place,
            first_on,
            bounds,
        }
    }

    fn count(&self, member: usize) -> u32 {
        self.first_on[member].len() as u32
    }

    fn run(&mut self) {
        let members = 0..self.bounds.len();
        // Those with too many give to whoever can take one more, then those with too few take from
        // whoever can spare one.
        for member in members.clone() {
            while self.count(member) > self.bounds[member].1
                && self.shift(&[member], |this, b| this.count(b) < this.bounds[b].1)
            {}
        }
        for member in members.clone() {
            while self.count(member) < self.bounds[member].0 {
                let spare: Vec<usize> = members
                    .clone()
                    .filter(|b| self.count(*b) > self.bounds[*b].0)
                    .collect();
                if !self.shift(&spare, |_, b| b == member) {
                    break;
                }
            }
        }
    }

    /// Shifts one first place along the shortest chain from one of `from` to a member that `takes`.
    fn shift(&mut self, from: &[usize], takes: impl Fn(&Self, usize) -> bool) -> bool {
        // For each member reached: from whom, and by which list of his.
        let mut came: Vec<Option<(usize, u16)>> = vec![None; self.bounds.len()];
        let mut seen = vec![false; self.bounds.len()];
        let mut queue = from.to_vec();
        for member in from {
            seen[*member] = true;
        }
        let mut at = 0;
        while at < queue.len() {
            let giver = queue[at];
            at += 1;
            for partition in &self.first_on[giver] {
                for taker in &self.lists[usize::from(*partition)][self.place + 1..] {
                    let taker = usize::from(*taker);
                    if seen[taker] {
                        continue;
                    }
                    seen[taker] = true;
                    came[taker] = Some((giver, *partition));
                    if takes(self, taker) {
                        self.swap(taker, &came);
                        return true;
                    }
                    queue.push(taker);
                }
            }
        }
        false
    }

    fn swap(&mut self, last: usize, came: &[Option<(usize, u16)>]) {
        let mut taker = last;
        while let Some((giver, partition)) = came[taker] {
            let open = &mut self.lists[usize::from(partition)][self.place..];
            let place = open.iter().position(|member| usize::from(*member) == taker);
            open.swap(0, place.unwrap_or_default());
            self.first_on[giver].retain(|p| *p != partition);
            self.first_on[taker].push(partition);
            taker = giver;
        }
    }
}
