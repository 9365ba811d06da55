//! Founding, waiting, joining, admitting, claiming: by whole effect lists.

use std::collections::BTreeSet;

use super::values::{entry, id};
use crate::membership::{
    JoinAnswer, Lifecycle, LifecycleEffect as Effect, LifecycleInput as Input, MemberEntry,
    Members, Phase, Refusal, Saved, Setup, Status, View,
};
use crate::types::{ClusterId, Hlc, MonoMs, NodeId};

/// A machine with the world it looks at.
struct World {
    machine: Option<Lifecycle>,
    members: Members,
    reachable: BTreeSet<NodeId>,
    holds_records: bool,
    now: u64,
}

fn setup(number: u8, seeds: &[&str]) -> Setup {
    Setup {
        me: MemberEntry {
            status: Status::Joining,
            ..entry(number)
        },
        seeds: seeds.iter().map(|&seed| seed.to_owned()).collect(),
        found: false,
        auto_join: true,
        saved: None,
        holds_records: false,
    }
}

const SAVED: Option<Saved> = Some(Saved {
    cluster: ClusterId(77),
    status: Status::Member,
});

impl World {
    fn start(setup: Setup, members: &[MemberEntry]) -> (Self, Vec<Effect>) {
        let mut world = Self {
            machine: None,
            members: Members::default(),
            reachable: BTreeSet::new(),
            holds_records: false,
            now: 0,
        };
        for member in members {
            world.members.merge_entry(member.clone());
            world.reachable.insert(member.id);
        }
        let mut effects = Vec::new();
        world.machine = Some(Lifecycle::start(
            MonoMs(0),
            setup,
            world.view(),
            &mut effects,
        ));
        (world, effects)
    }

    /// Node `number` as a member among members.
    fn member(number: u8, members: &[MemberEntry]) -> Self {
        let setup = Setup {
            saved: SAVED,
            ..setup(number, &[])
        };
        let (world, effects) = Self::start(setup, members);
        assert_eq!(effects, [Effect::Serve]);
        world
    }

    fn view(&self) -> View<'_> {
        View {
            members: &self.members,
            reachable: &self.reachable,
            holds_records: self.holds_records,
            hlc: Hlc(500),
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let mut machine = self.machine.take().unwrap();
        let mut effects = Vec::new();
        machine.step(MonoMs(self.now), self.view(), input, &mut effects);
        self.machine = Some(machine);
        effects
    }

    /// Lets time pass, ticking at each deadline.
    fn run(&mut self, until: u64) -> Vec<(u64, Effect)> {
        let mut trace = Vec::new();
        while let Some(at) = self.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            let effects = self.step(Input::Ticked);
            trace.extend(effects.into_iter().map(|effect| (self.now, effect)));
        }
        self.now = until;
        trace
    }

    fn deadline(&self) -> Option<u64> {
        self.machine.as_ref().unwrap().deadline().map(|at| at.0)
    }

    fn phase(&self) -> Phase {
        self.machine.as_ref().unwrap().phase()
    }

    fn arrive(&mut self, number: u8) -> Vec<Effect> {
        self.members.merge_entry(MemberEntry {
            status: Status::Joining,
            ..entry(number)
        });
        self.reachable.insert(id(number));
        self.step(Input::MembersChanged)
    }

    fn asked(&mut self, entry: MemberEntry) -> Vec<Effect> {
        self.step(Input::JoinAsked {
            entry: Box::new(entry),
        })
    }

    fn answered(&mut self, from: u8, answer: JoinAnswer) -> Vec<Effect> {
        self.step(Input::SeedAnswered {
            from: id(from),
            answer,
        })
    }
}

fn ask(number: u8, address: &str) -> Effect {
    let entry = MemberEntry {
        status: Status::Joining,
        ..entry(number)
    };
    Effect::AskSeed {
        address: address.to_owned(),
        entry: Box::new(entry),
    }
}

fn said(trace: &[(u64, Effect)]) -> Vec<(u64, &str)> {
    let mut said = Vec::new();
    for (at, effect) in trace {
        if let Effect::Say(text) = effect {
            said.push((*at, text.as_str()));
        }
    }
    said
}

fn claim(numbers: &[u8]) -> Effect {
    Effect::ClaimLayout {
        members: numbers.iter().map(|number| id(*number)).collect(),
    }
}

fn refused(to: u8, refusal: Refusal) -> Effect {
    Effect::Answer {
        to: id(to),
        answer: JoinAnswer::Refused(refusal),
    }
}

#[test]
fn an_empty_node_without_seeds_founds() {
    let (world, effects) = World::start(setup(1, &[]), &[]);
    let founder = MemberEntry {
        first_seen: Hlc(500),
        ..entry(1)
    };
    assert_eq!(
        effects,
        [
            Effect::Found {
                entry: Box::new(founder)
            },
            claim(&[1]),
            Effect::Serve
        ]
    );
    assert_eq!(world.phase(), Phase::Alone);
}

#[test]
fn a_node_with_seeds_never_founds_by_itself_and_says_what_it_waits_for() {
    let (mut world, effects) = World::start(setup(1, &["a:1", "b:1"]), &[]);
    assert_eq!(effects, [ask(1, "a:1"), ask(1, "b:1")]);
    let trace = world.run(60_000);
    assert_eq!(world.phase(), Phase::Waiting);
    let text = "waiting: no seed answers (a:1, b:1)";
    let expected: Vec<(u64, &str)> = (1..=6).map(|time| (time * 10_000, text)).collect();
    assert_eq!(said(&trace), expected);
    let asked = trace
        .iter()
        .filter(|(_, effect)| *effect == ask(1, "a:1"))
        .count();
    assert_eq!(asked, 60);
    assert_eq!(trace.len(), 6 + 2 * 60, "nothing but asking and saying");
}

#[test]
fn a_node_that_is_its_own_seed_waits() {
    let (mut world, _) = World::start(setup(1, &["a:1"]), &[]);
    assert_eq!(world.answered(1, JoinAnswer::Waiting), []);
    let trace = world.run(10_000);
    assert_eq!(
        said(&trace),
        [(
            10_000,
            "waiting: of the seeds (a:1) only this node itself answers; name another node, \
                   or start this one with --found"
        )]
    );
}

#[test]
fn two_nodes_that_seed_each_other_wait_and_neither_founds() {
    let (mut a, _) = World::start(setup(1, &["b:1"]), &[]);
    let (mut b, _) = World::start(setup(2, &["a:1"]), &[]);
    let mut said_by = [0, 0];
    for second in 1..=30 {
        let both = [a.run(second * 1000), b.run(second * 1000)];
        for (trace, count) in both.iter().zip(&mut said_by) {
            for (_, text) in said(trace) {
                assert!(text.contains("belong to no cluster either"), "{text}");
                *count += 1;
            }
            assert!(
                !trace
                    .iter()
                    .any(|(_, effect)| matches!(effect, Effect::Found { .. }))
            );
        }
        // Each is asked by the other, and says that it waits, too.
        let ask_of = |number| MemberEntry {
            status: Status::Joining,
            ..entry(number)
        };
        let waiting = |to| Effect::Answer {
            to: id(to),
            answer: JoinAnswer::Waiting,
        };
        assert_eq!(a.asked(ask_of(2)), [waiting(2)]);
        assert_eq!(b.asked(ask_of(1)), [waiting(1)]);
        assert_eq!(a.answered(2, JoinAnswer::Waiting), []);
        assert_eq!(b.answered(1, JoinAnswer::Waiting), []);
    }
    assert_eq!((a.phase(), b.phase()), (Phase::Waiting, Phase::Waiting));
    assert_eq!(said_by, [3, 3]);
}

#[test]
fn found_with_seeds_asks_them_first() {
    let (mut world, _) = World::start(
        Setup {
            found: true,
            ..setup(1, &["a:1"])
        },
        &[],
    );
    let trace = world.run(3000);
    let founder = MemberEntry {
        first_seen: Hlc(500),
        ..entry(1)
    };
    assert_eq!(
        trace,
        [
            (1000, ask(1, "a:1")),
            (2000, ask(1, "a:1")),
            (
                3000,
                Effect::Found {
                    entry: Box::new(founder)
                }
            ),
            (3000, claim(&[1])),
            (3000, Effect::Serve),
        ]
    );
    // A cluster that answers, even with a refusal, is not founded again.
    let (mut world, _) = World::start(
        Setup {
            found: true,
            ..setup(1, &["a:1"])
        },
        &[],
    );
    let effects = world.answered(2, JoinAnswer::Refused(Refusal::HoldsRecords));
    let reason = format!("a seed refused this node: {}", Refusal::HoldsRecords.text());
    assert_eq!(effects, [Effect::Stop { reason }]);
    assert_eq!((world.phase(), world.deadline()), (Phase::Stopped, None));
}

#[test]
fn a_node_with_records_and_no_cluster_cannot_join_one() {
    let (world, effects) = World::start(
        Setup {
            holds_records: true,
            ..setup(1, &["a:1"])
        },
        &[],
    );
    assert!(matches!(&effects[..], [Effect::Stop { reason }] if reason.contains("holds records")));
    assert_eq!(world.phase(), Phase::Stopped);
    // Without seeds it founds its cluster around them.
    let (world, effects) = World::start(
        Setup {
            holds_records: true,
            ..setup(1, &[])
        },
        &[],
    );
    assert!(matches!(effects[0], Effect::Found { .. }));
    assert_eq!(world.phase(), Phase::Alone);
}

#[test]
fn an_admitted_node_joins_and_serves_once_it_is_a_member() {
    let (mut world, _) = World::start(setup(2, &["a:1"]), &[]);
    let entry = MemberEntry {
        status: Status::Joining,
        first_seen: Hlc(9),
        ..entry(2)
    };
    let cluster = ClusterId(77);
    let admitted = || JoinAnswer::Admitted {
        cluster,
        entry: Box::new(entry.clone()),
    };
    assert_eq!(
        world.answered(1, admitted()),
        [Effect::Join {
            cluster,
            entry: Box::new(entry.clone())
        }]
    );
    assert_eq!(world.phase(), Phase::Joining);
    // A second seed's answer changes nothing.
    assert_eq!(world.answered(3, admitted()), []);
    world.members.merge_entry(super::values::entry(1));
    world.members.merge_entry(entry.clone());
    assert_eq!(world.step(Input::MembersChanged), []);
    let waiting = "admitted; waiting for a member to commit a layout with this node";
    assert_eq!(said(&world.run(10_000)), [(10_000, waiting)]);
    world.members.merge_entry(MemberEntry {
        status: Status::Member,
        ..entry
    });
    assert_eq!(world.step(Input::MembersChanged), [Effect::Serve]);
    assert_eq!(world.phase(), Phase::Serving);
}

#[test]
fn a_refused_node_says_why_and_asks_again_seldom() {
    let (mut world, _) = World::start(setup(2, &["a:1"]), &[]);
    let refusal = Refusal::NameTaken {
        name: "n2".to_owned(),
    };
    let text = format!("a seed refused this node: {}", refusal.text());
    let effects = world.answered(1, JoinAnswer::Refused(refusal.clone()));
    assert_eq!(effects, [Effect::Say(text.clone())]);
    assert_eq!(world.answered(1, JoinAnswer::Refused(refusal)), []);
    let trace = world.run(10_000);
    assert_eq!(
        trace,
        [(10_000, Effect::Say(text)), (10_000, ask(2, "a:1"))]
    );
    let removed = world.answered(1, JoinAnswer::Refused(Refusal::Removed));
    assert!(matches!(&removed[..], [Effect::Stop { .. }]));
}

#[test]
fn a_member_admits_who_asks() {
    let mut world = World::member(1, &[entry(1)]);
    assert_eq!(world.phase(), Phase::Alone);
    let admitted = MemberEntry {
        status: Status::Joining,
        first_seen: Hlc(500),
        ..entry(2)
    };
    assert_eq!(
        world.asked(entry(2)),
        [Effect::Admit {
            entry: Box::new(admitted)
        }]
    );
    assert_eq!(world.arrive(2), []);
    assert_eq!(world.phase(), Phase::Serving);
    // Its answer was lost and it asks again.
    assert_eq!(
        world.asked(entry(2)),
        [Effect::AnswerAdmitted { to: id(2) }]
    );
    // A seed that is the node itself is the link's business.
    assert_eq!(world.asked(entry(1)), []);
}

#[test]
fn joins_are_refused_with_their_reason() {
    let lost = MemberEntry {
        status: Status::Lost,
        ..entry(3)
    };
    let mut world = World::member(1, &[entry(1), lost]);
    let namesake = MemberEntry {
        name: "n1".to_owned(),
        ..entry(2)
    };
    assert_eq!(
        world.asked(namesake),
        [refused(
            2,
            Refusal::NameTaken {
                name: "n1".to_owned()
            }
        )]
    );
    assert_eq!(world.asked(entry(3)), [refused(3, Refusal::Removed)]);
    let nameless = MemberEntry {
        name: String::new(),
        ..entry(2)
    };
    assert_eq!(world.asked(nameless), [refused(2, Refusal::Malformed)]);
    // The name of a removed node is free.
    let heir = MemberEntry {
        name: "n3".to_owned(),
        ..entry(4)
    };
    assert!(matches!(&world.asked(heir)[..], [Effect::Admit { .. }]));
    world.holds_records = true;
    assert_eq!(world.asked(entry(2)), [refused(2, Refusal::HoldsRecords)]);
    assert!(Refusal::HoldsRecords.text().contains("holds records"));
}

#[test]
fn joins_are_committed_together_one_second_after_the_last() {
    let mut world = World::member(1, &[entry(1)]);
    world.arrive(2);
    assert_eq!(world.run(600), []);
    world.arrive(3);
    assert_eq!(world.run(1599), []);
    assert_eq!(world.run(1600), [(1600, claim(&[1, 2, 3]))]);
    for number in [2, 3] {
        world.members.merge_entry(entry(number));
    }
    assert_eq!(world.step(Input::MembersChanged), []);
    assert_eq!(world.deadline(), None);
}

#[test]
fn the_smallest_reachable_member_commits() {
    let mut world = World::member(2, &[entry(1), entry(2)]);
    world.arrive(3);
    assert_eq!(world.run(5000), [], "node 1 does it");
    // Node 1 dies, as this node believes, before it has.
    world.reachable.remove(&id(1));
    world.step(Input::MembersChanged);
    assert_eq!(world.run(6000), [(6000, claim(&[1, 2, 3]))]);
}

#[test]
fn a_joining_node_with_a_smaller_id_commits_nothing() {
    let mut world = World::member(2, &[entry(2)]);
    world.arrive(1);
    assert_eq!(world.run(1000), [(1000, claim(&[1, 2]))]);
}

#[test]
fn who_died_while_joining_holds_up_nobody() {
    let mut world = World::member(1, &[entry(1)]);
    world.arrive(2);
    world.arrive(3);
    world.reachable.remove(&id(3));
    world.step(Input::MembersChanged);
    assert_eq!(world.run(1000), [(1000, claim(&[1, 2]))]);
}

#[test]
fn records_that_came_after_the_admission_stop_the_claim() {
    let mut world = World::member(1, &[entry(1)]);
    world.arrive(2);
    world.holds_records = true;
    let trace = world.run(25_000);
    let texts = said(&trace);
    assert_eq!(texts.len(), 2);
    assert!(texts[0].1.contains("holds records by now"));
    assert_eq!(trace.len(), 2, "nothing was claimed");
    world.holds_records = false;
    assert_eq!(world.run(26_000), [(26_000, claim(&[1, 2]))]);
}

#[test]
fn without_auto_join_nothing_is_committed() {
    let mut world = World::member(1, &[entry(1)]);
    assert_eq!(world.step(Input::AutoJoinSet(false)), []);
    world.arrive(2);
    assert_eq!(world.deadline(), None);
    assert_eq!(world.step(Input::AutoJoinSet(true)), []);
    assert_eq!(world.run(1000), [(1000, claim(&[1, 2]))]);
}

#[test]
fn a_removed_node_does_not_start() {
    let lost = Some(Saved {
        cluster: ClusterId(77),
        status: Status::Lost,
    });
    let (world, effects) = World::start(
        Setup {
            saved: lost,
            ..setup(1, &[])
        },
        &[],
    );
    assert_eq!(
        effects,
        [Effect::Stop {
            reason: Refusal::Removed.text()
        }]
    );
    assert_eq!(world.deadline(), None);
    // And stops when it learns of it while it serves.
    let mut world = World::member(1, &[entry(1), entry(2)]);
    world.members.merge_entry(MemberEntry {
        status: Status::Left,
        ..entry(1)
    });
    let effects = world.step(Input::MembersChanged);
    assert_eq!(
        effects,
        [Effect::Stop {
            reason: Refusal::Removed.text()
        }]
    );
}
