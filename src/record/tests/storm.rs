//! Writers that are always one write behind each other: siblings and contexts stay bounded.

use super::cluster::{RIGHT, all_hold, exchange, replicas};
use crate::version::{Floor, History};

/// Two writers, each one write behind the other. Returns the longest context of the first ten
/// rounds and that of the last.
fn storm(coordinator: impl Fn(u64, usize) -> usize) -> (usize, usize) {
    let mut all = replicas(RIGHT);
    let mut contexts = [History::default(), History::default()];
    let (mut early, mut last) = (0, 0);
    for round in 0..1_000u64 {
        for (writer, context) in contexts.iter_mut().enumerate() {
            let node = coordinator(round, writer);
            let hlc = 10 * round + writer as u64 + 1;
            let value = format!("{writer}:{round}");
            let (_, returned) = all[node].put(hlc, context, &value);
            let unseen = all[node].record.sibling_count() - 1;
            assert!(returned.len() <= 3 + 2 * unseen, "{returned:?}");
            last = returned.len();
            *context = returned;
            exchange(&mut all);
        }
        if round < 10 {
            early = early.max(last);
        }
    }
    all_hold(&all, &["0:999", "1:999"]).unwrap();
    (early, last)
}

#[test]
fn a_storm_of_a_thousand_rounds_ends_with_two_siblings_and_a_short_context() {
    let (early, last) = storm(|_, _| 0);
    assert!(last <= early, "{last} intervals, {early} after ten rounds");
}

#[test]
fn a_storm_over_alternating_coordinators_does_too() {
    let (early, last) = storm(|round, writer| (round as usize + writer) % 2);
    assert!(last <= early, "{last} intervals, {early} after ten rounds");
    let (early, last) = storm(|round, _| round as usize % 3);
    assert!(last <= early, "{last} intervals, {early} after ten rounds");
}

#[test]
fn a_client_write_is_counted_before_it_is_refused() {
    let [mut a, ..] = replicas(RIGHT);
    for hlc in 1..=100 {
        a.put(hlc, &History::default(), "v");
    }
    assert_eq!(a.record.sibling_count(), crate::record::SIBLINGS_MAX);
    assert_eq!(a.record.sibling_count_after(&History::default()), 101);
    assert_eq!(
        a.record.sibling_count_after(&a.record.context(Floor::NONE)),
        1
    );
}
