//! Gossip by its whole effect lists.

use bytes::Bytes;

use super::values::{entry, fact, id, layout};
use crate::membership::{
    Change, Delta, Digest, Effect, Gossip, Input, Item, Key, MAX_VALUE_BYTES, MemberEntry, Message,
    Reason, Start, State, Status, default_name,
};
use crate::types::{Hlc, MonoMs};

fn state_of(entries: &[MemberEntry]) -> State {
    let mut state = State::default();
    for entry in entries {
        state.merge_item(Item::Member(entry.clone()));
    }
    state
}

/// Node 1 among others, started and quiet.
fn node(others: &[u8]) -> Gossip {
    let mut entries = vec![entry(1)];
    entries.extend(others.iter().map(|other| entry(*other)));
    let start = Start {
        me: entry(1),
        state: state_of(&entries),
        seeds: Vec::new(),
    };
    Gossip::start(MonoMs(0), 0, start, &mut Vec::new())
}

fn step(node: &mut Gossip, at: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    node.step(MonoMs(at), 7, input, &mut effects);
    effects
}

fn received(from: u8, message: Message) -> Input {
    Input::Received {
        from: id(from),
        message,
    }
}

fn fact_set(value: &'static [u8], hlc: u64) -> Input {
    let (name, value) = (Bytes::from_static(b"cluster.n"), Bytes::from_static(value));
    Input::Changed(Change::FactSet {
        name,
        value,
        hlc: Hlc(hlc),
    })
}

fn send(to: u8, message: Message) -> Effect {
    Effect::Send {
        to: id(to),
        message,
    }
}

#[test]
fn a_start_says_what_the_node_is_now_under_a_new_incarnation() {
    let start = Start {
        me: MemberEntry {
            zone: "b".to_owned(),
            status: Status::Joining,
            ..entry(1)
        },
        state: state_of(&[entry(1), entry(2)]),
        seeds: Vec::new(),
    };
    let mut effects = Vec::new();
    let node = Gossip::start(MonoMs(0), 0, start, &mut effects);
    let me = MemberEntry {
        zone: "b".to_owned(),
        incarnation: 2,
        ..entry(1)
    };
    let item = Item::Member(me.clone());
    assert_eq!(
        effects,
        [
            Effect::Persist(vec![item.clone()]),
            Effect::MembersChanged(vec![id(1)]),
            send(2, Message::Items(vec![item])),
        ]
    );
    assert_eq!(node.me(), &me);
}

#[test]
fn an_own_change_is_durable_before_it_is_told_and_goes_to_three_at_once() {
    let mut node = node(&[2, 3, 4, 5, 6]);
    let effects = step(&mut node, 1000, fact_set(b"3", 50));
    let item = Item::Fact(Bytes::from_static(b"cluster.n"), fact(50, 1, b"3"));
    assert_eq!(
        effects[..2],
        [
            Effect::Persist(vec![item.clone()]),
            Effect::FactsChanged(vec![Bytes::from_static(b"cluster.n")]),
        ]
    );
    let mut told = Vec::new();
    for effect in &effects[2..] {
        let Effect::Send { to, message } = effect else {
            panic!("{effect:?}")
        };
        assert_eq!(message, &Message::Items(vec![item.clone()]));
        told.push(*to);
    }
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 3);
    assert!(!told.contains(&id(1)));
}

#[test]
fn news_that_comes_quickly_goes_along_later() {
    let mut node = node(&[2]);
    step(&mut node, 1000, fact_set(b"3", 50));
    let second = step(&mut node, 1010, fact_set(b"4", 51));
    let item = Item::Fact(Bytes::from_static(b"cluster.n"), fact(51, 1, b"4"));
    assert_eq!(
        second,
        [
            Effect::Persist(vec![item.clone()]),
            Effect::FactsChanged(vec![Bytes::from_static(b"cluster.n")]),
        ]
    );
    // The round of that second is due too.
    step(&mut node, 1020, Input::Ticked);
    assert_eq!(node.deadline(), Some(MonoMs(1050)));
    let pushed = step(&mut node, 1050, Input::Ticked);
    assert_eq!(pushed, [send(2, Message::Items(vec![item]))]);
    assert_eq!(node.deadline(), Some(MonoMs(2020)));
}

#[test]
fn a_change_is_not_lost_to_a_clock_behind_the_fact() {
    let mut node = node(&[]);
    step(&mut node, 0, fact_set(b"3", 50));
    step(&mut node, 0, fact_set(b"4", 20));
    let facts = node.state().facts();
    assert_eq!(facts.get(b"cluster.n"), Some(&Bytes::from_static(b"4")));
    assert_eq!(facts.register(b"cluster.n"), Some(&fact(51, 1, b"4")));
}

#[test]
fn a_round_sends_a_summary_to_one_peer_and_every_tenth_to_a_seed() {
    let start = Start {
        me: entry(1),
        state: state_of(&[entry(1), entry(2)]),
        seeds: vec![entry(1).peer_address, "seed:16379".to_owned()],
    };
    let mut node = Gossip::start(MonoMs(0), 0, start, &mut Vec::new());
    let summary = Message::Summary(node.state().summary());
    let to_peer = send(2, summary.clone());
    let to_seed = Effect::SendSeed {
        address: "seed:16379".to_owned(),
        message: summary,
    };
    for round in 0..21 {
        let effects = step(&mut node, round * 1000, Input::Ticked);
        let mut expected = vec![to_peer.clone()];
        if round % 10 == 0 {
            expected.push(to_seed.clone());
        }
        assert_eq!(effects, expected, "round {round}");
    }
}

#[test]
fn a_node_without_peers_goes_to_a_seed_each_round() {
    let seeds = vec!["seed:16379".to_owned()];
    let start = Start {
        me: entry(1),
        state: State::default(),
        seeds,
    };
    let mut node = Gossip::start(MonoMs(0), 0, start, &mut Vec::new());
    for round in 0..3 {
        let summary = Message::Summary(node.state().summary());
        let address = "seed:16379".to_owned();
        let effects = step(&mut node, round * 1000, Input::Ticked);
        assert_eq!(
            effects,
            [Effect::SendSeed {
                address,
                message: summary
            }]
        );
    }
}

#[test]
fn rounds_missed_in_a_pause_are_not_made_up_for() {
    let mut node = node(&[2]);
    assert_eq!(step(&mut node, 60_000, Input::Ticked).len(), 1);
    assert_eq!(node.deadline(), Some(MonoMs(61_000)));
}

#[test]
fn summary_digest_delta_items() {
    let mut node = node(&[2]);
    let summary = node.state().summary();
    assert_eq!(
        step(&mut node, 0, received(2, Message::Summary(summary))),
        []
    );
    let digest = node.state().digest(None);
    let differs = step(&mut node, 0, received(2, Message::Summary(summary ^ 1)));
    assert_eq!(differs, [send(2, Message::Digest(digest.clone()))]);

    // A digest with nothing new is not answered.
    assert_eq!(
        step(&mut node, 0, received(2, Message::Digest(digest.clone()))),
        []
    );
    // One that lacks an item of ours, has another of its own and differs in a third is.
    let mut other = digest;
    other.versions.remove(&Key::Member(id(2)));
    other.versions.insert(Key::Member(id(1)), 1);
    other.versions.insert(Key::Member(id(3)), 2);
    let delta = Delta {
        items: vec![Item::Member(node.me().clone()), Item::Member(entry(2))],
        wanted: vec![Key::Member(id(1)), Key::Member(id(3))],
        resume: None,
    };
    let answer = step(&mut node, 0, received(2, Message::Digest(other)));
    assert_eq!(answer, [send(2, Message::Delta(delta))]);

    // A delta is joined first, durably; then come what it wants and lacks, and the next digest.
    let delta = Delta {
        items: vec![Item::Member(entry(3))],
        wanted: vec![Key::Member(id(2)), Key::Member(id(3))],
        resume: Some(Key::Member(id(3))),
    };
    let effects = step(&mut node, 10, received(2, Message::Delta(delta)));
    let next = Digest {
        from: Some(Key::Member(id(3))),
        until: None,
        versions: [(Key::Member(id(3)), Item::Member(entry(3)).fingerprint())].into(),
    };
    assert_eq!(
        effects,
        [
            Effect::Persist(vec![Item::Member(entry(3))]),
            Effect::MembersChanged(vec![id(3)]),
            send(2, Message::Items(vec![Item::Member(entry(2))])),
            send(2, Message::Digest(next)),
        ]
    );
}

#[test]
fn what_another_says_of_this_node_is_answered_with_a_greater_incarnation() {
    let mut node = node(&[2]);
    let mine = node.me().clone();
    let said = MemberEntry {
        incarnation: 9,
        zone: "elsewhere".to_owned(),
        ..mine.clone()
    };
    let effects = step(
        &mut node,
        1000,
        received(2, Message::Items(vec![Item::Member(said)])),
    );
    let answer = Item::Member(MemberEntry {
        incarnation: 10,
        ..mine
    });
    assert_eq!(
        effects,
        [
            Effect::Persist(vec![answer.clone()]),
            Effect::MembersChanged(vec![id(1)]),
            send(2, Message::Items(vec![answer])),
        ]
    );
}

#[test]
fn the_younger_claimant_of_a_name_goes_by_its_default_name() {
    let mut node = node(&[2]);
    let mine = node.me().clone();
    let older = MemberEntry {
        name: "n1".to_owned(),
        first_seen: Hlc(1),
        ..entry(3)
    };
    let items = vec![Item::Member(older.clone())];
    let effects = step(&mut node, 1000, received(2, Message::Items(items)));
    let renamed = MemberEntry {
        name: default_name(id(1)),
        incarnation: 3,
        ..mine
    };
    let items = vec![Item::Member(renamed), Item::Member(older)];
    assert_eq!(
        effects[..3],
        [
            Effect::Persist(items.clone()),
            Effect::MembersChanged(vec![id(1), id(3)]),
            Effect::LoseName {
                name: "n1".to_owned(),
                keeper: id(3)
            },
        ]
    );
    assert_eq!(effects[3..].len(), 2);
    // The older one keeps it without a word.
    let younger = MemberEntry {
        name: default_name(id(1)),
        first_seen: Hlc(1 << 40),
        ..entry(4)
    };
    let items = vec![Item::Member(younger.clone())];
    let effects = step(&mut node, 2000, received(2, Message::Items(items)));
    assert_eq!(effects[0], Effect::Persist(vec![Item::Member(younger)]));
}

#[test]
fn a_removed_node_retires_for_good() {
    let mut node = node(&[2]);
    let lost = Item::Member(MemberEntry {
        status: Status::Lost,
        ..node.me().clone()
    });
    let effects = step(
        &mut node,
        1000,
        received(2, Message::Items(vec![lost.clone()])),
    );
    assert_eq!(
        effects,
        [
            Effect::Persist(vec![lost.clone()]),
            Effect::MembersChanged(vec![id(1)]),
            Effect::Retire(Status::Lost),
            send(2, Message::Items(vec![lost])),
        ]
    );
    assert_eq!(node.deadline(), None);
    assert_eq!(step(&mut node, 9000, Input::Ticked), []);
    // Also when it starts again.
    let start = Start {
        me: entry(1),
        state: node.state().clone(),
        seeds: Vec::new(),
    };
    let mut effects = Vec::new();
    Gossip::start(MonoMs(0), 0, start, &mut effects);
    assert_eq!(effects, [Effect::Retire(Status::Lost)]);
}

#[test]
fn what_a_removed_node_says_does_not_count_and_it_is_told_so() {
    let mut node = node(&[2]);
    let lost = Change::Advanced {
        node: id(2),
        status: Status::Lost,
    };
    step(&mut node, 0, Input::Changed(lost));
    let gone = Item::Member(MemberEntry {
        status: Status::Lost,
        ..entry(2)
    });
    let told = step(&mut node, 1000, received(2, Message::Summary(1)));
    assert_eq!(told, [send(2, Message::Items(vec![gone]))]);
    let commit = Message::Items(vec![Item::Layout(layout(9, 1))]);
    assert_eq!(step(&mut node, 1000, received(2, commit)), []);
    assert_eq!(node.state().layouts().newest(), None);
}

#[test]
fn a_dispute_is_reported_once_with_the_layout_that_stays() {
    let mut node = node(&[]);
    let committed = Input::Changed(Change::LayoutCommitted(layout(2, 9)));
    let effects = step(&mut node, 0, committed);
    assert_eq!(
        effects,
        [
            Effect::Persist(vec![Item::Layout(layout(2, 9))]),
            Effect::LayoutChanged(layout(2, 9))
        ]
    );
    let rival = || received(2, Message::Items(vec![Item::Layout(layout(2, 4))]));
    assert_eq!(
        step(&mut node, 0, rival()),
        [
            Effect::Persist(vec![Item::Layout(layout(2, 4))]),
            Effect::LayoutChanged(layout(2, 4)),
            Effect::LayoutDisputed {
                kept: layout(2, 4),
                lost: layout(2, 9)
            },
        ]
    );
    assert_eq!(step(&mut node, 0, rival()), []);
    let loser = received(2, Message::Items(vec![Item::Layout(layout(2, 9))]));
    assert_eq!(step(&mut node, 0, loser), []);
}

#[test]
fn changes_that_cannot_be_made_are_refused() {
    let mut node = node(&[]);
    let unknown = Change::Advanced {
        node: id(8),
        status: Status::Left,
    };
    assert_eq!(
        step(&mut node, 0, Input::Changed(unknown)),
        [Effect::Refuse {
            key: Key::Member(id(8)),
            reason: Reason::Unknown
        }]
    );
    let name = Bytes::from_static(b"x");
    let value = Bytes::from(vec![0; MAX_VALUE_BYTES + 1]);
    let large = Change::FactSet {
        name: name.clone(),
        value,
        hlc: Hlc(1),
    };
    assert_eq!(
        step(&mut node, 0, Input::Changed(large)),
        [Effect::Refuse {
            key: Key::Fact(name),
            reason: Reason::TooLarge
        }]
    );
}
