//! A history is a set of dots: every operation against a `BTreeSet` that holds each one.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{dot, interval};
use crate::types::{ActorIndex, Hlc};
use crate::version::{Dot, Floor, History};

const ACTORS: u32 = 3;
const TIMES: u64 = 24;

type Model = BTreeSet<Dot>;

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, u64, u64),
    Subtract(Vec<(u32, u64)>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..ACTORS, 0..TIMES, 0..TIMES).prop_map(|(a, from, to)| Step::Insert(a, from, to)),
        1 => prop::collection::vec((0..ACTORS, 0..TIMES), 1..4).prop_map(Step::Subtract),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..12)
}

fn build(steps: &[Step]) -> (History, Model) {
    let (mut history, mut model) = (History::default(), Model::new());
    for step in steps {
        match step {
            Step::Insert(actor, from, to) => {
                history.insert(ActorIndex(*actor), interval(*from, *to));
                model.extend((*from..=*to).map(|hlc| dot(*actor, hlc)));
            }
            Step::Subtract(dots) => {
                history.subtract(dots.iter().map(|&(actor, hlc)| dot(actor, hlc)));
                for &(actor, hlc) in dots {
                    model.remove(&dot(actor, hlc));
                }
            }
        }
    }
    (history, model)
}

fn covered(history: &History) -> Model {
    all_dots().filter(|&dot| history.covers(dot)).collect()
}

fn all_dots() -> impl Iterator<Item = Dot> {
    (0..ACTORS).flat_map(|actor| (0..TIMES + 2).map(move |hlc| dot(actor, hlc)))
}

fn assert_in_form(history: &History) {
    let intervals: Vec<_> = history.iter().collect();
    assert!(intervals.iter().all(|(_, span)| span.from <= span.to));
    for pair in intervals.windows(2) {
        let ((a, left), (b, right)) = (pair[0], pair[1]);
        assert!(
            a < b || a == b && left.to.0 + 1 < right.from.0,
            "{history:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_history_is_the_set_of_dots_that_went_in(steps in steps()) {
        let (history, model) = build(&steps);
        assert_in_form(&history);
        prop_assert_eq!(covered(&history), model.clone());
        prop_assert_eq!(history.is_empty(), model.is_empty());
        for actor in 0..ACTORS {
            let top = model.iter().filter(|dot| dot.actor.0 == actor).map(|dot| dot.hlc).max();
            prop_assert_eq!(history.top(ActorIndex(actor)), top);
        }
    }

    #[test]
    fn joining_is_union(a in steps(), b in steps()) {
        let ((left, left_model), (right, right_model)) = (build(&a), build(&b));
        let mut joined = left.clone();
        joined.join(&right);
        assert_in_form(&joined);
        prop_assert_eq!(covered(&joined), &left_model | &right_model);
        let mut other_way = right.clone();
        other_way.join(&left);
        prop_assert_eq!(&joined, &other_way);
        prop_assert_eq!(left.includes(&right), left_model.is_superset(&right_model));
        prop_assert!(joined.includes(&left) && joined.includes(&right));
    }

    #[test]
    fn equal_sets_are_equal_values(steps in steps()) {
        let (history, model) = build(&steps);
        let mut rebuilt = History::default();
        for &dot in model.iter().rev() {
            rebuilt.insert_dot(dot);
        }
        prop_assert_eq!(history, rebuilt);
    }

    #[test]
    fn trimming_by_a_floor_changes_nothing_beside_that_floor(
        steps in steps(),
        floor in prop::collection::vec((0..ACTORS, 0..TIMES), 0..3),
    ) {
        let (history, _) = build(&steps);
        let floor: Floor = floor.into_iter().map(|(a, end)| (ActorIndex(a), Hlc(end))).collect();
        let trimmed = history.without_floor(&floor);
        assert_in_form(&trimmed);
        prop_assert!(trimmed.len() <= history.len());
        for dot in all_dots() {
            prop_assert_eq!(
                trimmed.covers(dot) || floor.covers(dot),
                history.covers(dot) || floor.covers(dot)
            );
        }
        prop_assert_eq!(trimmed.is_empty(), history.is_below(&floor));
    }
}

#[test]
fn a_gap_is_never_filled_by_inference() {
    let mut history = History::default();
    history.insert_dot(dot(0, 5));
    history.insert_dot(dot(0, 7));
    assert!(!history.covers(dot(0, 6)));
    assert_eq!(history.len(), 2);
    history.insert_dot(dot(0, 6));
    assert_eq!(
        history.iter().collect::<Vec<_>>(),
        [(ActorIndex(0), interval(5, 7))]
    );
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let mut history = History::default();
    history.insert(ActorIndex(0), interval(u64::MAX - 1, u64::MAX));
    history.insert_dot(dot(0, u64::MAX));
    history.insert(ActorIndex(1), interval(0, u64::MAX));
    history.insert_dot(dot(0, 0));
    assert_eq!(history.len(), 3);
    history.subtract([dot(1, 0), dot(1, u64::MAX), dot(0, 0)]);
    assert_eq!(
        history.iter().collect::<Vec<_>>(),
        [
            (ActorIndex(0), interval(u64::MAX - 1, u64::MAX)),
            (ActorIndex(1), interval(1, u64::MAX - 1)),
        ]
    );
    assert_eq!(
        history
            .without_floor(&[(ActorIndex(0), Hlc(u64::MAX))].into_iter().collect())
            .len(),
        1
    );
}

#[test]
fn a_floor_never_falls_and_joins_pointwise() {
    let mut floor: Floor = [(ActorIndex(1), Hlc(5))].into_iter().collect();
    floor.raise(ActorIndex(1), Hlc(3));
    assert!(floor.covers(dot(1, 5)) && !floor.covers(dot(1, 6)) && !floor.covers(dot(0, 0)));
    floor.join(
        &[(ActorIndex(0), Hlc(2)), (ActorIndex(1), Hlc(9))]
            .into_iter()
            .collect(),
    );
    assert_eq!(
        floor.iter().collect::<Vec<_>>(),
        [(ActorIndex(0), Hlc(2)), (ActorIndex(1), Hlc(9))]
    );
}
