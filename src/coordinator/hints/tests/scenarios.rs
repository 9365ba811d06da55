//! One claim a test, by whole effect lists.

use super::*;
use crate::record::{decode, merge};
use crate::version::Floor;

fn kept_of(entry: &Entry) -> (u64, &Hint) {
    match entry {
        Entry::Kept { version, hint } => (*version, hint),
        Entry::Removed(_) => panic!("a taken hint is kept"),
    }
}

fn replayed(log: &[Entry]) -> HintBook {
    let mut replay = Replay::default();
    for entry in log {
        replay.apply(entry.clone());
    }
    replay.finish(limits(), owners(LAYOUT, &[A, B, C]))
}

#[test]
fn a_hint_is_delivered_to_its_owner_and_removed_by_its_acknowledgement() {
    let mut book = book();
    let kept = hint(C, "k", 5);
    let entry = stored(book.take(kept.clone()));
    assert_eq!(kept_of(&entry), (1, &kept));
    let up = step(&mut book, 0, Input::BelievedUp(C));
    assert_eq!(up, [deliver(1, C, &kept)]);
    let end = step(&mut book, 1, delivered(1, C));
    assert_eq!(end, [remove(&kept, 1)]);
    let metrics = book.metrics(at_ms(1_000));
    assert_eq!((metrics.count, metrics.bytes, metrics.delivered), (0, 0, 1));
    assert_eq!(step(&mut book, 2, delivered(1, C)), [], "late input");
}

/// F8: F sends h1, merges h2 into it (counted for W), the acknowledgement of h1 arrives.
#[test]
fn a_hint_updated_between_send_and_acknowledgement_is_sent_again() {
    let mut book = book();
    let first = hint(C, "k", 5);
    let _ = book.take(first.clone());
    step(&mut book, 0, Input::BelievedUp(C));
    let entry = stored(book.take(hint(C, "k", 9)));
    let (version, both) = kept_of(&entry);
    assert_eq!(version, 2);
    let expected = merge(
        decode(&first.record).unwrap(),
        Floor::NONE,
        decode(&record(9, "v")).unwrap(),
        Floor::NONE,
    );
    assert_eq!(decode(&both.record).unwrap(), expected);
    let after = step(&mut book, 1, delivered(1, C));
    assert_eq!(after, [deliver(2, C, both)], "kept, and sent as it is now");
    assert_eq!(step(&mut book, 2, delivered(2, C)), [remove(both, 2)]);
}

#[test]
fn a_hint_that_brings_nothing_new_keeps_its_version_and_is_logged_again() {
    let mut book = book();
    let first = stored(book.take(hint(C, "k", 5)));
    step(&mut book, 0, Input::BelievedUp(C));
    assert_eq!(stored(book.take(hint(C, "k", 5))), first);
    let end = step(&mut book, 1, delivered(1, C));
    assert_eq!(end, [remove(&hint(C, "k", 5), 1)]);
}

#[test]
fn a_full_book_refuses_and_keeps_what_it_has() {
    let one = hint(C, "k", 5);
    let bytes = one.key.len() as u64 + one.record.len() as u64 + HINT_OVERHEAD_BYTES;
    let tight = HintLimits {
        max_bytes: bytes,
        ..limits()
    };
    let mut book = HintBook::new(tight, owners(LAYOUT, &[A, B, C]));
    let _ = book.take(one.clone());
    let full = Taken::Refused(Refusal::Full);
    assert_eq!(book.take(hint(C, "other", 6)), full);
    assert_eq!(
        book.take(hint(C, "k", 9)),
        full,
        "nor may it grow by merging"
    );
    assert_eq!(book.iter().collect::<Vec<_>>(), [&one]);
    let metrics = book.metrics(at_ms(3_500));
    assert_eq!((metrics.count, metrics.bytes), (1, bytes));
    assert_eq!((metrics.refused, metrics.oldest_age_ms), (2, 2_500));
}

#[test]
fn a_record_that_does_not_decode_is_refused() {
    let mut book = book();
    let mut bad = hint(C, "k", 5);
    bad.record = Bytes::from_static(b"\xffnonsense");
    assert_eq!(book.take(bad), Taken::Refused(Refusal::Malformed));
}

/// G8: B and C down, acknowledged by A and F's hint; F must not age it out.
#[test]
fn age_only_alarms_once_in_a_span() {
    let mut book = book();
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    let start = step(&mut book, 0, Input::Started { hlc: at_ms(2_000) });
    assert_eq!(start, [deliver(1, C, &kept)]);
    assert_eq!(book.deadline(), Some(MonoMs(LOOK_PERIOD_MS)));
    step(&mut book, 1, failed(1, C));
    let tick = |book: &mut HintBook, now, ms| step(book, now, Input::Ticked { hlc: at_ms(ms) });
    let old = tick(&mut book, LOOK_PERIOD_MS, 61_000);
    let oldest_age_ms = 60_000;
    assert_eq!(old, [deliver(2, C, &kept), Effect::Alarm { oldest_age_ms }]);
    step(&mut book, LOOK_PERIOD_MS + 1, failed(2, C));
    let soon = tick(&mut book, 2 * LOOK_PERIOD_MS, 71_000);
    assert_eq!(soon, [deliver(3, C, &kept)], "not again so soon");
    step(&mut book, 2 * LOOK_PERIOD_MS + 1, failed(3, C));
    let days = 400 * 86_400_000;
    let later = tick(&mut book, 3 * LOOK_PERIOD_MS, days);
    let oldest_age_ms = days - 1_000;
    assert_eq!(
        later,
        [deliver(4, C, &kept), Effect::Alarm { oldest_age_ms }]
    );
    assert_eq!(book.metrics(at_ms(days)).count, 1);
}

#[test]
fn after_a_change_of_layout_every_current_owner_must_acknowledge() {
    let mut book = book();
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    // C has departed; D is new. Nothing waits for traffic or for a belief.
    let change = Input::OwnersChanged(owners(LAYOUT + 1, &[A, B, D]));
    let all = step(&mut book, 0, change);
    let expected = [
        deliver(1, A, &kept),
        deliver(2, B, &kept),
        deliver(3, D, &kept),
    ];
    assert_eq!(all, expected);
    assert_eq!(step(&mut book, 1, delivered(3, D)), []);
    assert_eq!(step(&mut book, 1, failed(1, A)), []);
    assert_eq!(step(&mut book, 1, delivered(2, B)), []);
    let up = step(&mut book, 2, Input::BelievedUp(A));
    assert_eq!(up, [deliver(4, A, &kept)]);
    assert_eq!(step(&mut book, 3, delivered(4, A)), [remove(&kept, 1)]);
}

#[test]
fn an_owner_that_left_and_came_back_is_asked_again() {
    let mut book = HintBook::new(limits(), owners(LAYOUT + 1, &[A, B]));
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    let up = step(&mut book, 0, Input::BelievedUp(A));
    assert_eq!(up, [deliver(1, A, &kept)]);
    // On its way to A while A gives the partition up and gets it back, empty.
    let without = Input::OwnersChanged(owners(LAYOUT + 2, &[B]));
    assert_eq!(step(&mut book, 1, without), []);
    let with = Input::OwnersChanged(owners(LAYOUT + 3, &[A]));
    assert_eq!(step(&mut book, 2, with), [deliver(2, A, &kept)]);
    assert_eq!(
        step(&mut book, 3, delivered(1, A)),
        [],
        "an answer of before"
    );
    assert_eq!(step(&mut book, 4, delivered(2, A)), [remove(&kept, 1)]);
}

#[test]
fn a_change_that_drops_the_last_one_missing_settles_the_hint() {
    let mut book = HintBook::new(limits(), owners(LAYOUT + 1, &[A, B]));
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    step(&mut book, 0, Input::BelievedUp(A));
    assert_eq!(step(&mut book, 1, delivered(1, A)), []);
    let change = Input::OwnersChanged(owners(LAYOUT + 2, &[A]));
    assert_eq!(step(&mut book, 2, change), [remove(&kept, 1)]);
}

#[test]
fn a_partition_without_owners_keeps_its_hints() {
    let mut book = book();
    let _ = book.take(hint(C, "k", 5));
    let nobody = Input::OwnersChanged(owners(LAYOUT + 1, &[]));
    assert_eq!(step(&mut book, 0, nobody), []);
    assert_eq!(book.metrics(at_ms(1_000)).count, 1);
}

#[test]
fn a_hint_of_a_layout_not_heard_of_waits_for_it() {
    let mut book = HintBook::new(limits(), owners(LAYOUT - 1, &[A, B, D]));
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    let start = step(&mut book, 0, Input::Started { hlc: at_ms(1_000) });
    assert_eq!(start, []);
    let change = Input::OwnersChanged(owners(LAYOUT, &[A, B, C]));
    assert_eq!(step(&mut book, 1, change), [deliver(1, C, &kept)]);
}

#[test]
fn a_holder_that_became_an_owner_delivers_to_itself() {
    let mut book = book();
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    let change = Input::OwnersChanged(owners(LAYOUT + 1, &[D]));
    assert_eq!(step(&mut book, 0, change), [deliver(1, D, &kept)]);
    assert_eq!(step(&mut book, 1, delivered(1, D)), [remove(&kept, 1)]);
}

#[test]
fn a_window_bounds_what_is_on_its_way_and_acknowledgements_open_it() {
    let hints: Vec<Hint> = (0..4).map(|n| hint(C, &format!("k{n}"), 5)).collect();
    let one = hints[0].key.len() as u64 + hints[0].record.len() as u64 + HINT_OVERHEAD_BYTES;
    let narrow = HintLimits {
        window_bytes: 2 * one,
        ..limits()
    };
    let mut book = HintBook::new(narrow, owners(LAYOUT, &[A, B, C]));
    for hint in &hints {
        let _ = book.take(hint.clone());
    }
    let up = step(&mut book, 0, Input::BelievedUp(C));
    assert_eq!(up, [deliver(1, C, &hints[0]), deliver(2, C, &hints[1])]);
    let next = step(&mut book, 1, delivered(1, C));
    assert_eq!(next, [remove(&hints[0], 1), deliver(3, C, &hints[2])]);
    // A failure holds the rest back, whatever is still acknowledged.
    assert_eq!(step(&mut book, 2, failed(2, C)), []);
    assert_eq!(step(&mut book, 3, delivered(3, C)), [remove(&hints[2], 3)]);
    let up = step(&mut book, 4, Input::BelievedUp(C));
    assert_eq!(up, [deliver(4, C, &hints[3]), deliver(5, C, &hints[1])]);
}

#[test]
fn a_hint_longer_than_the_window_goes_alone() {
    let narrow = HintLimits {
        window_bytes: 1,
        ..limits()
    };
    let mut book = HintBook::new(narrow, owners(LAYOUT, &[A, B, C]));
    let hints: Vec<Hint> = (0..2).map(|n| hint(C, &format!("k{n}"), 5)).collect();
    for hint in &hints {
        let _ = book.take(hint.clone());
    }
    let up = step(&mut book, 0, Input::BelievedUp(C));
    assert_eq!(up, [deliver(1, C, &hints[0])]);
    let next = step(&mut book, 1, delivered(1, C));
    assert_eq!(next, [remove(&hints[0], 1), deliver(2, C, &hints[1])]);
}

#[test]
fn a_look_tries_one_and_goes_on_behind_a_hint_that_is_refused() {
    let mut book = book();
    let hints: Vec<Hint> = (0..3).map(|n| hint(C, &format!("k{n}"), 5)).collect();
    for hint in &hints {
        let _ = book.take(hint.clone());
    }
    let hlc = at_ms(1_000);
    let first = step(&mut book, 0, Input::Started { hlc });
    assert_eq!(first, [deliver(1, C, &hints[0])], "one, not a window");
    assert_eq!(step(&mut book, 1, failed(1, C)), []);
    let early = step(&mut book, 2, Input::Ticked { hlc });
    assert_eq!(early, [], "before its deadline");
    let second = step(&mut book, LOOK_PERIOD_MS, Input::Ticked { hlc });
    assert_eq!(second, [deliver(2, C, &hints[1])]);
    let flowing = step(&mut book, LOOK_PERIOD_MS + 1, delivered(2, C));
    let expected = [
        remove(&hints[1], 2),
        deliver(3, C, &hints[2]),
        deliver(4, C, &hints[0]),
    ];
    assert_eq!(flowing, expected);
}

#[test]
fn a_delivery_without_an_answer_is_repeated() {
    let mut book = book();
    let kept = hint(C, "k", 5);
    let _ = book.take(kept.clone());
    let hlc = at_ms(1_000);
    let start = step(&mut book, 0, Input::Started { hlc });
    assert_eq!(start, [deliver(1, C, &kept)]);
    let waiting = step(&mut book, LOOK_PERIOD_MS, Input::Ticked { hlc });
    assert_eq!(waiting, []);
    let again = step(&mut book, DELIVERY_TIMEOUT_MS, Input::Ticked { hlc });
    assert_eq!(again, [deliver(2, C, &kept)]);
    let wrong = step(&mut book, DELIVERY_TIMEOUT_MS, delivered(2, B));
    assert_eq!(wrong, [], "an answer by somebody else");
}

#[test]
fn hints_are_found_after_a_restart_without_any_traffic() {
    let mut book = book();
    let log = [
        stored(book.take(hint(C, "k", 5))),
        stored(book.take(hint(C, "k", 9))),
        stored(book.take(hint(B, "k", 9))),
    ];
    let (_, merged) = kept_of(&log[1]);
    let expected = [deliver(1, B, &hint(B, "k", 9)), deliver(2, C, merged)];
    // In any order, twice, and with an earlier version behind a later one.
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let mut shuffled: Vec<Entry> = order.iter().map(|place| log[*place].clone()).collect();
        shuffled.extend(shuffled.clone());
        let mut again = replayed(&shuffled);
        let start = step(&mut again, 0, Input::Started { hlc: at_ms(1_000) });
        assert_eq!(start, expected);
    }
}

#[test]
fn a_removal_takes_no_later_version_with_it_and_versions_go_on() {
    let mut book = book();
    let first = stored(book.take(hint(C, "k", 5)));
    step(&mut book, 0, Input::BelievedUp(C));
    let second = stored(book.take(hint(C, "k", 9)));
    let gone = |version| {
        let Effect::Remove(removed) = remove(&hint(C, "k", 5), version) else {
            unreachable!()
        };
        Entry::Removed(removed)
    };
    let log = [first, second, gone(1)];
    assert_eq!(replayed(&log).metrics(at_ms(0)).count, 1);
    let mut log = log.to_vec();
    log.push(gone(2));
    let mut empty = replayed(&log);
    assert_eq!(empty.metrics(at_ms(0)).count, 0);
    let entry = stored(empty.take(hint(C, "k", 11)));
    assert_eq!(kept_of(&entry).0, 3, "no version twice");
}

#[test]
fn replay_keeps_what_was_acknowledged_beyond_the_bound() {
    let mut book = book();
    let entry = stored(book.take(hint(C, "k", 5)));
    let mut replay = Replay::default();
    replay.apply(entry);
    let none = HintLimits {
        max_bytes: 0,
        ..limits()
    };
    let mut book = replay.finish(none, owners(LAYOUT, &[A, B, C]));
    assert_eq!(book.metrics(at_ms(0)).count, 1);
    assert_eq!(book.take(hint(C, "l", 5)), Taken::Refused(Refusal::Full));
}
