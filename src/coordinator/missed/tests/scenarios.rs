//! One claim a test, by whole effect lists.

use super::*;

fn replayed(log: &[Entry<'static>]) -> MissedList {
    let mut replay = Replay::default();
    for entry in log {
        replay.apply(entry.clone());
    }
    replay.finish(MissedLimits::default(), owners())
}

/// G7: three nodes at N = 3 have no fallback, hence no hints.
#[test]
fn a_missed_key_is_sent_on_the_owners_return_and_forgotten_by_its_acknowledgement() {
    let mut list = list();
    assert_eq!(note(&mut list, C, 5), [noted(C, 1, 5)]);
    assert_eq!(note(&mut list, C, 5), [], "stands once");
    assert_eq!(note(&mut list, C, 6), [noted(C, 2, 6)]);
    assert_eq!(note(&mut list, B, 5), [noted(B, 1, 5)]);
    let up = step(&mut list, 0, Input::BelievedUp(C));
    assert_eq!(up, [send(1, C, [5, 6])]);
    let end = step(&mut list, 1, delivered(1, C));
    assert_eq!(end, [forget(C, 2)]);
    let metrics = list.metrics();
    assert_eq!((metrics.owners, metrics.keys, metrics.delivered), (1, 1, 2));
    assert_eq!(step(&mut list, 2, delivered(1, C)), [], "late input");
}

#[test]
fn a_key_noted_again_while_it_is_on_its_way_stands_once_more() {
    let mut list = list();
    note(&mut list, C, 5);
    note(&mut list, C, 6);
    step(&mut list, 0, Input::BelievedUp(C));
    assert_eq!(note(&mut list, C, 5), [noted(C, 3, 5)]);
    assert_eq!(note(&mut list, C, 5), []);
    let after = step(&mut list, 1, delivered(1, C));
    assert_eq!(after, [forget(C, 2), send(2, C, [5])]);
    assert_eq!(step(&mut list, 2, delivered(2, C)), [forget(C, 3)]);
    assert_eq!(list.metrics().keys, 0);
}

#[test]
fn a_key_that_stands_twice_after_a_failure_is_sent_once() {
    let mut list = list();
    note(&mut list, C, 5);
    note(&mut list, C, 6);
    step(&mut list, 0, Input::BelievedUp(C));
    note(&mut list, C, 5);
    assert_eq!(step(&mut list, 1, failed(1, C)), []);
    let up = step(&mut list, 2, Input::BelievedUp(C));
    assert_eq!(up, [send(2, C, [6, 5])]);
    assert_eq!(step(&mut list, 3, delivered(2, C)), [forget(C, 3)]);
}

#[test]
fn batches_are_bounded_and_forgotten_in_order() {
    let mut list = list();
    let keys = BATCH_KEYS as u16;
    for number in 0..keys * 6 {
        note(&mut list, C, number);
    }
    let batch = |number: u16| send(u64::from(number) + 1, C, number * keys..(number + 1) * keys);
    let up = step(&mut list, 0, Input::BelievedUp(C));
    assert_eq!(up, [batch(0), batch(1), batch(2), batch(3)]);
    // The second is acknowledged first: nothing is forgotten before the first is there.
    assert_eq!(step(&mut list, 1, delivered(2, C)), []);
    let both = step(&mut list, 2, delivered(1, C));
    assert_eq!(both, [forget(C, 512), batch(4), batch(5)]);
    // A failure gives up what is on its way; it all goes once more, from the first missing.
    assert_eq!(step(&mut list, 3, failed(3, C)), []);
    assert_eq!(step(&mut list, 4, delivered(4, C)), []);
    assert_eq!(list.metrics().keys, 4 * u64::from(keys));
    let look = step(&mut list, 5, Input::Started);
    assert_eq!(look, [send(7, C, [2 * keys])], "one key, until it answers");
    let flowing = step(&mut list, 6, delivered(7, C));
    assert_eq!(flowing.len(), 1 + BATCHES_MAX);
    assert_eq!(flowing[0], forget(C, u64::from(2 * keys + 1)));
}

#[test]
fn long_keys_end_a_batch_early() {
    let mut list = list();
    let key = [7; NOTED_KEY_MAX];
    let in_a_batch = BATCH_BYTES / NOTED_KEY_MAX;
    for token in 0..=in_a_batch as u64 {
        let place = (PartitionId(0), Database(0), Token(token));
        assert_eq!(list.note(C, place, &key).len(), 1);
    }
    let lengths: Vec<usize> = step(&mut list, 0, Input::BelievedUp(C))
        .iter()
        .map(|effect| match effect {
            Effect::SendCurrent { keys, .. } => keys.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [in_a_batch, 1]);
}

#[test]
fn beyond_the_bound_keys_become_partitions() {
    let mut list = list_for(3);
    let mut log = Vec::new();
    for number in [1, 2, 5] {
        log.extend(note(&mut list, C, number));
    }
    step(&mut list, 0, Input::BelievedUp(C));
    let collapsed = note(&mut list, C, 7);
    let expected = [
        Entry::PartitionsNoted {
            owner: C,
            sequence: 4,
            partitions: vec![PartitionId(1), PartitionId(2), PartitionId(3)],
        },
        Entry::Forgotten {
            owner: C,
            sequence: 3,
        },
    ];
    assert_eq!(collapsed, expected);
    log.extend(collapsed);
    assert_eq!(
        note(&mut list, C, 1),
        [],
        "its partition is to be exchanged"
    );
    log.extend(note(&mut list, C, 4));
    let metrics = list.metrics();
    assert_eq!(
        (metrics.keys, metrics.partitions, metrics.collapsed),
        (1, 3, 1)
    );

    assert_eq!(step(&mut list, 1, delivered(1, C)), [], "given up");
    let up = step(&mut list, 2, Input::BelievedUp(C));
    assert_eq!(up, [send(2, C, [4]), exchange(C, 1)]);
    // The exchange may have passed this key already.
    log.extend(note(&mut list, C, 9));
    let next = step(&mut list, 3, exchanged(1, C));
    let expected = [forget_partition(C, 4, 1), send(3, C, [9]), exchange(C, 2)];
    assert_eq!(next, expected);

    let mut again = replayed(&log);
    let up = step(&mut again, 0, Input::BelievedUp(C));
    assert_eq!(up, [send(1, C, [4, 9]), exchange(C, 1)]);
}

#[test]
fn a_broken_exchange_is_begun_again() {
    let mut list = list_for(0);
    note(&mut list, C, 1);
    let up = step(&mut list, 0, Input::BelievedUp(C));
    assert_eq!(up, [exchange(C, 1)]);
    let broken = Input::ExchangeFailed {
        partition: PartitionId(1),
        to: C,
    };
    assert_eq!(step(&mut list, 1, broken), []);
    assert_eq!(step(&mut list, 2, exchanged(1, C)), [], "late input");
    let look = step(&mut list, 3, Input::Started);
    assert_eq!(look, [exchange(C, 1)]);
    let end = step(&mut list, 4, exchanged(1, C));
    assert_eq!(end, [forget_partition(C, 1, 1)]);
}

#[test]
fn a_partition_noted_while_it_is_exchanged_is_exchanged_again() {
    let mut list = list_for(0);
    note(&mut list, C, 1);
    step(&mut list, 0, Input::BelievedUp(C));
    assert_eq!(note(&mut list, C, 5).len(), 2);
    let next = step(&mut list, 1, exchanged(1, C));
    assert_eq!(next, [forget_partition(C, 1, 1), exchange(C, 1)]);
    assert_eq!(
        step(&mut list, 2, exchanged(1, C)),
        [forget_partition(C, 2, 1)]
    );
}

#[test]
fn a_key_too_long_to_note_is_its_partition() {
    let mut list = list();
    let key = vec![7; NOTED_KEY_MAX + 1];
    let entries = list.note(C, place(6), &key);
    let expected = Entry::PartitionsNoted {
        owner: C,
        sequence: 1,
        partitions: vec![PartitionId(2)],
    };
    assert_eq!(entries.as_slice(), [expected]);
    assert!(list.is_noted(C, place(6), &key));
}

#[test]
fn a_look_tries_whoever_was_held_and_a_lost_batch_is_repeated() {
    let mut list = list();
    note(&mut list, C, 5);
    note(&mut list, C, 6);
    assert_eq!(list.deadline(), None);
    assert_eq!(step(&mut list, 0, Input::Started), [send(1, C, [5])]);
    assert_eq!(list.deadline(), Some(MonoMs(LOOK_PERIOD_MS)));
    assert_eq!(step(&mut list, 1, Input::Ticked), [], "before its deadline");
    assert_eq!(step(&mut list, LOOK_PERIOD_MS, Input::Ticked), []);
    let again = step(&mut list, BATCH_TIMEOUT_MS, Input::Ticked);
    assert_eq!(again, [send(2, C, [5])]);
    let wrong = step(&mut list, BATCH_TIMEOUT_MS, delivered(2, B));
    assert_eq!(wrong, [], "an answer by somebody else");
    let flowing = step(&mut list, BATCH_TIMEOUT_MS + 1, delivered(2, C));
    assert_eq!(flowing, [forget(C, 1), send(3, C, [6])]);
}

#[test]
fn what_is_owned_no_more_is_forgotten() {
    let mut list = list();
    for number in [1, 2] {
        note(&mut list, B, number);
        note(&mut list, C, number);
    }
    // B owns partition 2 alone, C nothing.
    let lists = [vec![A], vec![A], vec![A, B], vec![A]];
    let gone = step(&mut list, 0, Input::OwnersChanged(Owners::new(2, lists)));
    assert_eq!(gone, [forget(C, 2)]);
    let up = step(&mut list, 1, Input::BelievedUp(B));
    assert_eq!(up, [send(1, B, [2])]);
    assert_eq!(step(&mut list, 2, delivered(1, B)), [forget(B, 2)]);
    assert_eq!(note(&mut list, C, 1), [noted(C, 3, 1)], "sequences go on");
    let unsent = step(&mut list, 3, Input::BelievedUp(C));
    assert_eq!(unsent, [forget(C, 3)], "nothing to send");
}

#[test]
fn the_log_gives_the_list_back_in_any_order() {
    let mut list = list();
    let mut log = Vec::new();
    for number in [5, 6, 7] {
        log.extend(note(&mut list, C, number));
    }
    step(&mut list, 0, Input::BelievedUp(C));
    log.extend(note(&mut list, C, 5));
    let mut backwards: Vec<_> = log.iter().rev().cloned().collect();
    backwards.extend(log.clone());
    for log in [&log, &backwards] {
        let mut again = replayed(log);
        let up = step(&mut again, 0, Input::BelievedUp(C));
        assert_eq!(up, [send(1, C, [6, 7, 5])]);
    }
    log.push(Entry::Forgotten {
        owner: C,
        sequence: 3,
    });
    let mut backwards: Vec<_> = log.iter().rev().cloned().collect();
    backwards.extend(log.clone());
    for log in [&log, &backwards] {
        let mut again = replayed(log);
        assert_eq!(
            note(&mut again, C, 8),
            [noted(C, 5, 8)],
            "no sequence twice"
        );
        let up = step(&mut again, 0, Input::BelievedUp(C));
        assert_eq!(up, [send(1, C, [5, 8])]);
    }
}
