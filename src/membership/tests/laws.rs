//! The join-semilattice laws, for entries, facts, layouts and the whole state; and a merge that breaks
//! them, which the same check must catch.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::values::{any_entry, any_item, any_items, entry, fact, id, layout};
use crate::membership::{Item, Key, LAYOUTS_KEPT, MemberEntry, Members, Outcome, State, Status};
use crate::types::Hlc;

fn state_of(items: &[Item]) -> State {
    let mut state = State::default();
    for item in items {
        state.merge_item(item.clone());
    }
    state
}

fn joined(left: &State, right: &State) -> State {
    let mut joined = left.clone();
    joined.merge(right);
    joined
}

/// Commutative, associative, idempotent: what any `join` of three values must be.
fn check_laws<T: Clone + PartialEq + std::fmt::Debug>(
    join: impl Fn(&T, &T) -> T,
    a: &T,
    b: &T,
    c: &T,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(join(a, b), join(b, a), "not commutative");
    prop_assert_eq!(
        join(&join(a, b), c),
        join(a, &join(b, c)),
        "not associative"
    );
    prop_assert_eq!(join(a, a), a.clone(), "not idempotent");
    prop_assert_eq!(
        join(&join(a, b), b),
        join(a, b),
        "a repeat changes something"
    );
    Ok(())
}

fn join_entries(left: &MemberEntry, right: &MemberEntry) -> MemberEntry {
    let mut joined = left.clone();
    joined.merge(right);
    joined
}

fn same_node(mut entry: MemberEntry) -> MemberEntry {
    entry.id = id(1);
    entry
}

proptest! {
    #[test]
    fn entries_join(a in any_entry(), b in any_entry(), c in any_entry()) {
        check_laws(join_entries, &same_node(a), &same_node(b), &same_node(c))?;
    }

    #[test]
    fn states_join(a in any_items(), b in any_items(), c in any_items()) {
        check_laws(joined, &state_of(&a), &state_of(&b), &state_of(&c))?;
    }

    #[test]
    fn every_order_of_items_ends_alike(items in any_items(), seed in any::<u64>()) {
        let mut other = items.clone();
        let length = other.len();
        for at in (1..length).rev() {
            other.swap(at, (seed as usize).wrapping_mul(31) % (at + 1));
        }
        other.extend(items.iter().take(length / 2).cloned());
        prop_assert_eq!(state_of(&items), state_of(&other));
    }

    #[test]
    fn a_join_says_whether_it_changed_anything(items in any_items(), item in any_item()) {
        let mut state = state_of(&items);
        let before = state.clone();
        let changed = match state.merge_item(item) {
            Outcome::Changed => true,
            Outcome::Disputed { changed, .. } => changed,
            Outcome::Unchanged | Outcome::Full => false,
        };
        prop_assert_eq!(changed, state != before);
        prop_assert_eq!(changed, state.summary() != before.summary());
    }

    #[test]
    fn fingerprints_are_those_of_the_items(items in any_items()) {
        let state = state_of(&items);
        let mut summary = 0;
        for item in state.items() {
            let noted = state.fingerprints().get(&item.key()).copied();
            prop_assert_eq!(noted, Some(item.fingerprint()));
            summary ^= item.fingerprint();
        }
        prop_assert_eq!(summary, state.summary());
    }

    #[test]
    fn a_removed_node_never_returns(items in any_items(), entry in any_entry()) {
        let mut state = state_of(&items);
        let removed = |state: &State| -> Vec<_> {
            let gone = state.members().iter().filter(|entry| entry.status.is_removed());
            gone.map(|entry| entry.id).collect()
        };
        let before = removed(&state);
        state.merge_item(Item::Member(entry));
        let after = removed(&state);
        prop_assert!(before.iter().all(|id| after.contains(id)));
    }

    #[test]
    fn a_name_has_one_keeper_whatever_the_order(a in any_items(), b in any_items()) {
        let (one, other) = (joined(&state_of(&a), &state_of(&b)), joined(&state_of(&b), &state_of(&a)));
        for name in ["n0", "n1", "n2"] {
            prop_assert_eq!(one.members().keeper_of(name), other.members().keeper_of(name));
        }
    }
}

/// A planted fault is looked for without keeping what was found.
fn planted() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    }
}

#[test]
fn the_law_check_catches_a_merge_that_takes_the_last_writer() {
    let last_writer = |left: &State, right: &State| {
        let mut items: Vec<Item> = left.items().collect();
        items.retain(|item| !right.fingerprints().contains_key(&item.key()));
        items.extend(right.items());
        state_of(&items)
    };
    let mut runner = TestRunner::new(planted());
    let caught = runner.run(&(any_items(), any_items(), any_items()), |(a, b, c)| {
        check_laws(last_writer, &state_of(&a), &state_of(&b), &state_of(&c))
    });
    assert!(caught.is_err(), "the planted merge passed the laws");
}

#[test]
fn the_law_check_catches_a_status_that_goes_back() {
    // As an incarnation might be taken to allow: a restarted node is a member again.
    let revive = |left: &MemberEntry, right: &MemberEntry| {
        let newer = if left.incarnation >= right.incarnation {
            left
        } else {
            right
        };
        newer.clone()
    };
    let mut runner = TestRunner::new(planted());
    let caught = runner.run(&(any_entry(), any_entry(), any_entry()), |(a, b, c)| {
        check_laws(revive, &same_node(a), &same_node(b), &same_node(c))
    });
    assert!(caught.is_err(), "the planted merge passed the laws");
}

#[test]
fn the_smaller_hash_wins_and_the_loser_is_named() {
    let (small, great) = (layout(7, 1), layout(7, 2));
    let mut state = state_of(&[Item::Layout(great.clone())]);
    assert_eq!(
        state.merge_item(Item::Layout(small.clone())),
        Outcome::Disputed {
            kept: small.clone(),
            lost: great.clone(),
            changed: true
        }
    );
    assert_eq!(
        state.merge_item(Item::Layout(great.clone())),
        Outcome::Disputed {
            kept: small.clone(),
            lost: great,
            changed: false
        }
    );
    assert_eq!(
        state.merge_item(Item::Layout(small.clone())),
        Outcome::Unchanged
    );
    assert_eq!(state.layouts().newest(), Some(&small));
}

#[test]
fn only_the_newest_layouts_are_kept() {
    let all: Vec<Item> = (1..=9)
        .map(|number| Item::Layout(layout(number, 1)))
        .collect();
    let state = state_of(&all);
    let numbers: Vec<u64> = state.layouts().iter().map(|layout| layout.number).collect();
    assert_eq!(numbers, [7, 8, 9]);
    assert_eq!(state.fingerprints().len(), LAYOUTS_KEPT);
    assert_eq!(state.fingerprints().keys().next(), Some(&Key::Layout(7)));
}

#[test]
fn a_deleted_fact_is_silent_and_stays_deleted() {
    let name = bytes::Bytes::from_static(b"policy/cart:");
    let mut state = state_of(&[Item::Fact(name.clone(), fact(5, 1, b"siblings"))]);
    assert_eq!(state.facts().with_prefix(b"policy/").count(), 1);
    state.merge_item(Item::Fact(name.clone(), fact(6, 1, b"")));
    assert_eq!(state.facts().get(&name), None);
    assert_eq!(state.facts().with_prefix(b"policy/").count(), 0);
    state.merge_item(Item::Fact(name.clone(), fact(5, 2, b"siblings")));
    assert_eq!(state.facts().get(&name), None);
}

#[test]
fn the_older_claimant_keeps_a_name() {
    let mut members = Members::default();
    let older = MemberEntry {
        name: "a".to_owned(),
        first_seen: Hlc(1),
        ..entry(9)
    };
    let younger = MemberEntry {
        name: "a".to_owned(),
        first_seen: Hlc(2),
        ..entry(1)
    };
    members.merge_entry(younger.clone());
    members.merge_entry(older.clone());
    assert_eq!(members.keeper_of("a"), Some(older.id));
    members.merge_entry(MemberEntry {
        status: Status::Lost,
        ..older
    });
    assert_eq!(members.keeper_of("a"), Some(younger.id));
}
