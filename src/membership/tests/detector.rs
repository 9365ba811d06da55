//! The failure detector by its whole effect lists, over time.

use super::values::id;
use crate::membership::{
    Belief, DOWN_AFTER_MS, Detector, DetectorEffect as Effect, DetectorInput as Input,
};
use crate::types::MonoMs;

/// A detector with one peer, a clock, and a record of what was decided when.
struct World {
    detector: Detector,
    now: u64,
    trace: Vec<(u64, Effect)>,
    /// When the answer to a probe comes.
    pending: Option<u64>,
}

const PROBE: Effect = Effect::Probe {
    to: crate::types::NodeId(2 << 120 | 2),
};
const DOWN: Effect = Effect::BelievedDown {
    node: crate::types::NodeId(2 << 120 | 2),
};
const UP: Effect = Effect::BelievedUp {
    node: crate::types::NodeId(2 << 120 | 2),
};

impl World {
    fn new() -> Self {
        let mut world = Self {
            detector: Detector::default(),
            now: 0,
            trace: Vec::new(),
            pending: None,
        };
        world.input(Input::PeersSet(vec![id(2)]));
        world
    }

    fn input(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.detector.step(MonoMs(self.now), input, &mut effects);
        self.trace
            .extend(effects.into_iter().map(|effect| (self.now, effect)));
    }

    /// Lets time pass; `answers` says of each probe whether it is answered (5 ms later).
    fn run(&mut self, until: u64, answers: impl Fn(u64) -> bool) {
        loop {
            let pending = self.pending;
            let timer = self.detector.deadline().map(|at| at.0.max(self.now));
            let next = timer.into_iter().chain(pending).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = next;
            let before = self.trace.len();
            if pending == Some(next) {
                self.pending = None;
                self.input(Input::ProbeAnswered(id(2)));
            } else {
                self.input(Input::ProbeDue);
            }
            if self.trace[before..]
                .iter()
                .any(|(_, effect)| *effect == PROBE)
                && answers(self.now)
            {
                self.pending.get_or_insert(self.now + 5);
            }
        }
    }

    fn take(&mut self) -> Vec<(u64, Effect)> {
        std::mem::take(&mut self.trace)
    }

    /// Up, idle and answered at time 0.
    fn settled() -> Self {
        let mut world = Self::new();
        world.input(Input::ProbeDue);
        world.input(Input::ProbeAnswered(id(2)));
        world.take();
        world
    }

    fn belief(&self) -> Belief {
        self.detector.belief(id(2))
    }

    /// When the node comes up again after it fell at the present time and answers at once.
    fn recover(&mut self) -> u64 {
        let fell = self.now;
        self.take();
        self.run(self.now + 100_000, |_| true);
        let up = self.take().into_iter().find(|(_, effect)| *effect == UP);
        up.expect("it comes up").0 - fell
    }

    fn fall(&mut self) {
        self.input(Input::ConnectRefused(id(2)));
        assert_eq!(self.belief(), Belief::Down);
    }
}

#[test]
fn an_idle_node_is_probed_once_a_second() {
    let mut world = World::new();
    world.run(3500, |_| true);
    let expected = [(0, PROBE), (1005, PROBE), (2010, PROBE), (3015, PROBE)];
    assert_eq!(world.take(), expected);
    assert_eq!(world.belief(), Belief::Up);
}

#[test]
fn traffic_that_is_answered_makes_probes_needless() {
    let mut world = World::settled();
    for _ in 0..1000 {
        world.input(Input::Asked(id(2)));
        world.run(world.now + 3, |_| true);
        world.input(Input::Heard(id(2)));
    }
    assert_eq!(world.take(), []);
}

#[test]
fn a_node_under_traffic_that_stops_answering_is_down_within_400_ms() {
    let mut world = World::settled();
    world.now = 50;
    for _ in 0..1000 {
        world.input(Input::Asked(id(2)));
        world.run(world.now + 1, |_| false);
    }
    let expected = [(250, PROBE), (350, PROBE), (450, DOWN)];
    assert_eq!(world.take()[..3], expected);
    assert_eq!(450 - 50, DOWN_AFTER_MS);
}

#[test]
fn an_idle_node_that_dies_is_down_within_a_second_and_a_half() {
    let mut world = World::settled();
    world.run(1450, |_| false);
    let expected = [(1000, PROBE), (1200, PROBE), (1300, PROBE), (1400, DOWN)];
    assert_eq!(world.take(), expected);
}

#[test]
fn slow_is_not_down() {
    // A request is never answered, but probes are: it is slow, for ever.
    let mut world = World::settled();
    for _ in 0..100 {
        world.input(Input::Asked(id(2)));
        world.run(world.now + 100, |_| true);
    }
    let trace = world.take();
    assert!(
        trace.iter().all(|(_, effect)| *effect == PROBE),
        "{trace:?}"
    );
    assert_eq!(trace[0], (200, PROBE));
}

#[test]
fn a_lost_connection_is_probed_at_once_and_a_refused_one_counts_at_once() {
    let mut world = World::settled();
    world.now = 10;
    world.input(Input::ConnectionLost(id(2)));
    assert_eq!(world.belief(), Belief::Suspect);
    world.now = 12;
    world.input(Input::ConnectRefused(id(2)));
    assert_eq!(world.take(), [(10, PROBE), (12, DOWN)]);
    // A connection that was only dropped is a matter of one answer.
    let mut world = World::settled();
    world.input(Input::ConnectionLost(id(2)));
    world.pending = Some(5);
    world.run(500, |_| true);
    assert_eq!(world.take(), [(0, PROBE)]);
    assert_eq!(world.belief(), Belief::Up);
}

#[test]
fn probes_of_a_node_that_is_down_come_ever_more_seldom() {
    let mut world = World::settled();
    world.fall();
    world.run(30_000, |_| false);
    let probes: Vec<u64> = world.take().iter().skip(1).map(|(at, _)| *at).collect();
    assert_eq!(
        probes,
        [250, 1150, 2550, 4950, 9350, 13_750, 18_150, 22_550, 26_950]
    );
}

#[test]
fn a_node_that_answers_again_is_up_after_two_answers() {
    let mut world = World::settled();
    world.fall();
    world.run(1000, |_| true);
    assert_eq!(
        world.take(),
        [(0, DOWN), (250, PROBE), (355, PROBE), (360, UP)]
    );
}

#[test]
fn a_row_of_answers_that_breaks_begins_anew() {
    let mut world = World::settled();
    world.fall();
    world.run(2000, |at| at == 250 || at > 500);
    assert_eq!(
        world.take(),
        [
            (0, DOWN),
            (250, PROBE),
            // Not answered: given up at 755, and the next one 250 ms later.
            (355, PROBE),
            (1005, PROBE),
            (1110, PROBE),
            (1115, UP),
        ]
    );
}

#[test]
fn a_flapping_node_is_believed_ever_more_slowly() {
    let mut world = World::settled();
    let mut waits = Vec::new();
    for _ in 0..12 {
        // It falls the moment it is up.
        world.fall();
        let fell = world.now;
        while world.belief() == Belief::Down {
            world.run(world.now + 1, |_| true);
        }
        waits.push(world.now - fell);
    }
    assert!(waits[0] < 500, "{waits:?}");
    assert!(
        waits[..8].windows(2).all(|pair| pair[0] < pair[1]),
        "{waits:?}"
    );
    assert!(waits[11] > 25_000 && waits[11] < 40_000, "{waits:?}");
}

#[test]
fn relapses_are_forgiven_with_time() {
    let mut world = World::settled();
    for _ in 0..4 {
        world.fall();
        world.recover();
    }
    // Each `recover` above ran for 100 s, so none of the four counted against the next.
    world.fall();
    assert!(world.recover() < 600);
}

#[test]
fn a_link_cut_in_one_direction_is_down() {
    // It asks things of us all the time, but nothing that we ask is answered.
    let mut world = World::settled();
    for _ in 0..500 {
        world.input(Input::Asked(id(2)));
        world.input(Input::Contacted(id(2)));
        world.run(world.now + 1, |_| false);
    }
    let expected = [(200, PROBE), (300, PROBE), (400, DOWN)];
    assert_eq!(world.take(), expected);
}

#[test]
fn a_node_that_is_down_and_sends_something_is_probed_soon() {
    let mut world = World::settled();
    world.fall();
    world.run(10_000, |_| false);
    world.take();
    world.input(Input::Contacted(id(2)));
    world.run(10_700, |_| true);
    assert_eq!(
        world.take(),
        [(10_250, PROBE), (10_355, PROBE), (10_360, UP)]
    );
}

#[test]
fn an_own_pause_makes_nobody_down() {
    let mut world = World::settled();
    world.input(Input::Asked(id(2)));
    // The process stands still for ten seconds; its timer is handled before its sockets.
    world.now = 10_000;
    world.input(Input::ProbeDue);
    assert_eq!(world.take(), []);
    world.now = 10_001;
    world.input(Input::Heard(id(2)));
    assert_eq!(world.belief(), Belief::Up);
    // And a node that died meanwhile is found out as always.
    world.input(Input::Asked(id(2)));
    world.run(10_500, |_| false);
    assert_eq!(world.take().last(), Some(&(10_401, DOWN)));
}

#[test]
fn strangers_are_down_and_change_nothing() {
    let mut world = World::settled();
    assert_eq!(world.detector.belief(id(9)), Belief::Down);
    for input in [
        Input::Heard(id(9)),
        Input::Asked(id(9)),
        Input::ConnectRefused(id(9)),
    ] {
        world.input(input);
    }
    assert_eq!(world.take(), []);
    world.input(Input::PeersSet(Vec::new()));
    assert_eq!(world.detector.deadline(), None);
    assert_eq!(world.belief(), Belief::Down);
}
