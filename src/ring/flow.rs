//! Cheapest largest flow through a small network: what a claim that must not get stuck stands on.
//!
//! The primal-dual method: prices (potentials) of the vertices by Dijkstra; then as much flow as the
//! edges of no reduced cost let through, by Dinic's layered search; then new prices. Costs are small
//! whole numbers, so that there are few rounds. An edge that carries flow can give it back: a search
//! that ends in a full member shifts replicas of others to make room, however long the chain.
//!
//! Always true: no edge with room left has a negative reduced cost. That is the proof that no other
//! flow of this size costs less, and [`Network::is_cheapest`] checks it.

#![allow(
    clippy::indexing_slicing,
    reason = "vertices are below the count given to `new` (`edge` asserts it), edges are places in \
              the lists filled here, and all lists have these lengths"
)]

const UNREACHED: u32 = u32::MAX;

/// A directed network under construction or at work.
pub(super) struct Network {
    vertices: usize,
    /// Head of each half-edge; edge 2k goes forward, edge 2k + 1 is its way back.
    to: Vec<u32>,
    /// What each half-edge can still carry.
    room: Vec<u16>,
    /// Cost of one unit on edge 2k; on its way back it is refunded.
    costs: Vec<i8>,
    /// Half-edges by tail, in the order in which they were added; `starts[v]..starts[v + 1]` are v's.
    starts: Vec<u32>,
    edges: Vec<u32>,
    prices: Vec<i64>,
    /// Distance from the source in the current search.
    levels: Vec<u32>,
    /// The next half-edge to try, per vertex.
    next: Vec<u32>,
}

impl Network {
    /// A network of so many vertices and no edge.
    pub(super) fn new(vertices: usize) -> Self {
        Self {
            vertices,
            to: Vec::new(),
            room: Vec::new(),
            costs: Vec::new(),
            starts: Vec::new(),
            edges: Vec::new(),
            prices: vec![0; vertices],
            levels: vec![UNREACHED; vertices],
            next: vec![0; vertices],
        }
    }

    /// Adds an edge that can carry `room` at a cost of `cost` (0 or more) a unit. Returns its name.
    pub(super) fn edge(&mut self, from: u32, to: u32, room: u16, cost: i8) -> u32 {
        assert!((from.max(to) as usize) < self.vertices && cost >= 0);
        let edge = self.to.len() as u32;
        self.to.extend([to, from]);
        self.room.extend([room, 0]);
        self.costs.push(cost);
        edge
    }

    /// What flows through an edge.
    pub(super) fn carried(&self, edge: u32) -> u16 {
        self.room[(edge ^ 1) as usize]
    }

    /// Sends as much as can be sent, as cheaply as that can be, and returns how much.
    pub(super) fn run(&mut self, source: u32, sink: u32) -> u64 {
        self.index();
        let mut sent = 0;
        while self.price(source, sink) {
            while self.layer(source, sink) {
                sent += self.push(source, sink);
            }
        }
        sent
    }

    /// Has each edge with room left a reduced cost of 0 or more?
    pub(super) fn is_cheapest(&self) -> bool {
        (0..self.to.len() as u32).all(|edge| {
            let tail = self.to[(edge ^ 1) as usize];
            self.room[edge as usize] == 0 || self.reduced(tail, edge) >= 0
        })
    }

    /// Sorts the half-edges by tail.
    fn index(&mut self) {
        let mut ends = vec![0u32; self.vertices + 1];
        for head in &self.to {
            ends[*head as usize + 1] += 1;
        }
        for vertex in 0..self.vertices {
            ends[vertex + 1] += ends[vertex];
        }
        self.starts.clone_from(&ends);
        self.edges = vec![0; self.to.len()];
        for edge in 0..self.to.len() {
            let slot = &mut ends[self.to[edge ^ 1] as usize];
            self.edges[*slot as usize] = edge as u32;
            *slot += 1;
        }
    }

    fn reduced(&self, tail: u32, edge: u32) -> i64 {
        let cost = i64::from(self.costs[edge as usize >> 1]);
        let cost = if edge & 1 == 0 { cost } else { -cost };
        cost + self.prices[tail as usize] - self.prices[self.to[edge as usize] as usize]
    }

    fn around(&self, vertex: u32) -> std::ops::Range<u32> {
        self.starts[vertex as usize]..self.starts[vertex as usize + 1]
    }

    /// New prices, after which the cheapest way to the sink has no reduced cost. False: there is no
    /// way left. Dijkstra with a list for each distance.
    fn price(&mut self, source: u32, sink: u32) -> bool {
        let mut distances = vec![UNREACHED; self.vertices];
        let mut queues: Vec<Vec<u32>> = vec![vec![source]];
        distances[source as usize] = 0;
        let mut distance = 0;
        while distance < queues.len() && distances[sink as usize] > distance as u32 {
            while let Some(vertex) = queues[distance].pop() {
                if distances[vertex as usize] != distance as u32 {
                    continue;
                }
                for place in self.around(vertex) {
                    let edge = self.edges[place as usize];
                    let head = self.to[edge as usize];
                    if self.room[edge as usize] == 0 {
                        continue;
                    }
                    let reached = distance + self.reduced(vertex, edge) as usize;
                    if (reached as u32) < distances[head as usize] {
                        distances[head as usize] = reached as u32;
                        if queues.len() <= reached {
                            queues.resize(reached + 1, Vec::new());
                        }
                        queues[reached].push(head);
                    }
                }
            }
            distance += 1;
        }
        let farthest = distances[sink as usize];
        if farthest == UNREACHED {
            return false;
        }
        for (price, distance) in self.prices.iter_mut().zip(distances) {
            *price += i64::from(distance.min(farthest));
        }
        true
    }

    fn is_open(&self, tail: u32, edge: u32) -> bool {
        self.room[edge as usize] > 0 && self.reduced(tail, edge) == 0
    }

    /// Levels of the vertices by open edges. False: the sink cannot be reached by them.
    fn layer(&mut self, source: u32, sink: u32) -> bool {
        self.levels.fill(UNREACHED);
        self.levels[source as usize] = 0;
        let mut queue = vec![source];
        let mut at = 0;
        while at < queue.len() && self.levels[sink as usize] == UNREACHED {
            let vertex = queue[at];
            at += 1;
            for place in self.around(vertex) {
                let edge = self.edges[place as usize];
                let head = self.to[edge as usize];
                if self.levels[head as usize] == UNREACHED && self.is_open(vertex, edge) {
                    self.levels[head as usize] = self.levels[vertex as usize] + 1;
                    queue.push(head);
                }
            }
        }
        self.next.copy_from_slice(&self.starts[..self.vertices]);
        self.levels[sink as usize] != UNREACHED
    }

    /// Fills the layered network: every shortest way by open edges, until each has a full edge.
    fn push(&mut self, source: u32, sink: u32) -> u64 {
        let mut sent = 0;
        let mut path: Vec<u32> = Vec::new();
        let mut vertex = source;
        loop {
            if vertex == sink {
                sent += u64::from(self.fill(&path));
                // Go on from where the first edge is full now.
                let full = path.iter().position(|edge| self.room[*edge as usize] == 0);
                let full = full.unwrap_or_default();
                vertex = self.to[(path[full] ^ 1) as usize];
                path.truncate(full);
            } else if let Some(edge) = self.onward(vertex) {
                path.push(edge);
                vertex = self.to[edge as usize];
            } else if let Some(edge) = path.pop() {
                // A dead end: never again in this layering.
                self.levels[vertex as usize] = UNREACHED;
                vertex = self.to[(edge ^ 1) as usize];
                self.next[vertex as usize] += 1;
            } else {
                return sent;
            }
        }
    }

    /// The first untried open edge to the next level.
    fn onward(&mut self, vertex: u32) -> Option<u32> {
        let deeper = self.levels[vertex as usize].checked_add(1)?;
        while self.next[vertex as usize] < self.starts[vertex as usize + 1] {
            let edge = self.edges[self.next[vertex as usize] as usize];
            let head = self.to[edge as usize];
            if self.levels[head as usize] == deeper && self.is_open(vertex, edge) {
                return Some(edge);
            }
            self.next[vertex as usize] += 1;
        }
        None
    }

    fn fill(&mut self, path: &[u32]) -> u16 {
        let rooms = path.iter().map(|edge| self.room[*edge as usize]);
        let amount = rooms.min().unwrap_or_default();
        for edge in path {
            self.room[*edge as usize] -= amount;
            self.room[(edge ^ 1) as usize] += amount;
        }
        amount
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cost of each amount of flow, by the cheapest single ways one after the other (Bellman-Ford):
    /// slow and plain.
    fn oracle(
        vertices: usize,
        edges: &[(u32, u32, u16, i8)],
        source: u32,
        sink: u32,
    ) -> (u64, i64) {
        let mut half: Vec<(usize, usize, i64, i64)> = Vec::new();
        for (from, to, room, cost) in edges {
            half.push((*from as usize, *to as usize, (*room).into(), (*cost).into()));
            half.push((*to as usize, *from as usize, 0, -i64::from(*cost)));
        }
        let (mut sent, mut paid) = (0, 0);
        loop {
            let mut best = vec![i64::MAX; vertices];
            let mut came = vec![usize::MAX; vertices];
            best[source as usize] = 0;
            for _ in 0..vertices {
                for (edge, (from, to, room, cost)) in half.iter().enumerate() {
                    if *room > 0 && best[*from] != i64::MAX && best[*from] + cost < best[*to] {
                        best[*to] = best[*from] + cost;
                        came[*to] = edge;
                    }
                }
            }
            if best[sink as usize] == i64::MAX {
                return (sent, paid);
            }
            let mut vertex = sink as usize;
            while vertex != source as usize {
                let edge = came[vertex];
                half[edge].2 -= 1;
                half[edge ^ 1].2 += 1;
                vertex = half[edge].0;
            }
            sent += 1;
            paid += best[sink as usize];
        }
    }

    #[test]
    fn a_full_vertex_makes_room() {
        // The cheap way 0-2-4-1 must be given back in part for both units to pass.
        let mut network = Network::new(6);
        for (from, to, cost) in [
            (0, 2, 0),
            (0, 3, 0),
            (2, 4, 0),
            (2, 5, 3),
            (3, 4, 1),
            (4, 1, 0),
            (5, 1, 0),
        ] {
            network.edge(from, to, 1, cost);
        }
        assert_eq!(network.run(0, 1), 2);
        assert!(network.is_cheapest());
        assert_eq!(network.carried(6), 1);
    }

    #[test]
    fn a_dear_flow_is_told_from_a_cheap_one() {
        // Negative control: a unit sent by the dear one of two ways, by hand.
        let mut network = Network::new(3);
        network.edge(0, 2, 1, 0);
        let cheap = network.edge(2, 1, 1, 0);
        let dear = network.edge(2, 1, 1, 2);
        network.run(0, 1);
        assert!(network.is_cheapest());
        network.room.swap(cheap as usize, dear as usize);
        network.room.swap(cheap as usize ^ 1, dear as usize ^ 1);
        assert!(!network.is_cheapest());
    }

    proptest! {
        #[test]
        fn flows_are_largest_and_cheapest(
            edges in prop::collection::vec((0u32..8, 0u32..8, 0u16..4, 0i8..4), 0..40),
        ) {
            let mut network = Network::new(8);
            let names: Vec<u32> = edges
                .iter()
                .map(|(from, to, room, cost)| network.edge(*from, *to, *room, *cost))
                .collect();
            let sent = network.run(0, 1);
            let paid: i64 = names
                .iter()
                .zip(&edges)
                .map(|(name, edge)| i64::from(network.carried(*name)) * i64::from(edge.3))
                .sum();
            prop_assert!(network.is_cheapest());
            prop_assert_eq!((sent, paid), oracle(8, &edges, 0, 1));
        }
    }
}
