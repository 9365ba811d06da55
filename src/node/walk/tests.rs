//! Walks over a table that changes meanwhile, and the counts beside it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::node::fixture::{Fixture, START};
use crate::node::write::Deadline;
use crate::record::encode_simple;
use crate::types::Hlc;
use crate::version::{Dot, Floor};

fn scan(fixture: &mut Fixture, cursor: u64, count: usize) -> Scanned {
    let mut locked = Locked::new(
        &fixture.keyspace,
        Database(0),
        fixture.now,
        &mut fixture.stage,
    );
    locked.scan(cursor, count, None)
}

fn walk(fixture: &mut Fixture, count: usize) -> (Vec<Vec<u8>>, usize) {
    let (mut cursor, mut keys, mut steps) = (0, Vec::new(), 0);
    loop {
        let step = scan(fixture, cursor, count);
        assert!(step.cursor == 0 || step.cursor > cursor);
        (cursor, steps) = (step.cursor, steps + 1);
        keys.extend(step.keys);
        if cursor == 0 {
            return (keys, steps);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Cursors only grow, so a walk ends however much is written meanwhile.
    #[test]
    fn a_walk_meets_every_key_that_stays(
        partitions in prop::sample::select(vec![1_u16, 2, 64]),
        stable in 0_usize..900,
        count in prop::sample::select(vec![1_usize, 10, 100, 5_000]),
        writes_per_step in 0_usize..200,
        seed in any::<u64>(),
    ) {
        let mut fixture = Fixture::new(partitions, false);
        let mut chance = Sampler::seeded(seed);
        let stable: BTreeSet<String> = (0..stable).map(|i| format!("stable{i}")).collect();
        for key in &stable {
            fixture.set(key, "v", None);
        }
        let (mut seen, mut cursor, mut passing) = (BTreeSet::new(), 0, 0_u64);
        loop {
            let step = scan(&mut fixture, cursor, count);
            seen.extend(step.keys.into_iter().map(|key| String::from_utf8(key).expect("text")));
            prop_assert!(step.cursor < 1 << 53);
            if step.cursor == 0 {
                break;
            }
            prop_assert!(step.cursor > cursor);
            cursor = step.cursor;
            if passing < 3_000 {
                for _ in 0..writes_per_step {
                    passing += 1;
                    fixture.set(&format!("passing{passing}"), "v", None);
                    if chance.below(3) == 0 {
                        let gone = chance.below(passing as usize);
                        fixture.delete(&format!("passing{gone}"));
                    }
                }
            }
        }
        prop_assert!(stable.is_subset(&seen));
    }
}

#[test]
fn a_walk_over_a_table_at_rest_gives_each_key_once() {
    let mut fixture = Fixture::new(16, false);
    for i in 0..5_000 {
        fixture.set(&format!("k{i}"), "v", None);
    }
    for count in [1, 10, 1_000, usize::MAX] {
        let (mut keys, _) = walk(&mut fixture, count);
        assert_eq!(keys.len(), 5_000, "count {count}");
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5_000, "count {count}");
    }
}

#[test]
fn a_step_looks_at_some_pages_only_however_many_are_dead() {
    let mut fixture = Fixture::new(1, false);
    for i in 0..20_000 {
        fixture.set(&format!("k{i}"), "v", None);
        assert!(fixture.delete(&format!("k{i}")));
    }
    fixture.set("alive", "v", None);
    let (keys, steps) = walk(&mut fixture, 10);
    assert_eq!(keys, [b"alive"]);
    assert!(steps >= 10, "{steps} steps over twenty thousand entries");
    let found = fixture.run(|l| l.random_key(None, &|_| true));
    assert_eq!(found.as_deref(), Some(b"alive".as_slice()));
}

#[test]
fn keys_that_share_a_cursor_come_in_one_reply() {
    let mut fixture = Fixture::new(1, false);
    let actor = fixture.keyspace.actor;
    {
        let mut partition = fixture.keyspace.lock(PartitionId(0));
        let space = partition.space_mut(Database(0));
        for i in 0..40_u64 {
            let mut bytes = Vec::new();
            let dot = Dot::new(actor, Hlc(i + 1));
            let (stamp, value) = (dot.hlc, Some(b"v".as_slice()));
            encode_simple(
                &Simple {
                    dot,
                    stamp,
                    expiry: None,
                    value,
                },
                &mut bytes,
            );
            // Ten alone, then thirty that differ below the cursor's bits only.
            let token = if i < 10 { i << 60 } else { 0xB << 60 | i };
            let key = format!("k{i}");
            let entry = Entry::new(key.as_bytes(), entry::COUNTED, bytes.len(), |record| {
                record.copy_from_slice(&bytes);
            });
            space.table.insert(Token(token), entry);
            space.keys += 1;
        }
    }
    let first = scan(&mut fixture, 0, 9);
    assert_eq!(first.keys.len(), 9);
    let second = scan(&mut fixture, first.cursor, 2);
    assert_eq!((second.keys.len(), second.cursor), (31, 0));
}

#[test]
fn any_number_is_a_cursor() {
    let mut fixture = Fixture::new(4, false);
    fixture.set("k", "v", None);
    for cursor in [1, 2, 1 << 40, (1 << 53) - 1, 1 << 56, u64::MAX] {
        let step = scan(&mut fixture, cursor, 10);
        assert!(step.keys.len() <= 1 && step.cursor == 0);
    }
}

#[test]
fn expired_keys_are_counted_but_neither_walked_over_nor_drawn() {
    let mut fixture = Fixture::new(4, false);
    for i in 0..50 {
        fixture.set(&format!("old{i}"), "v", Some(1_000));
    }
    fixture.set("new", "v", Some(9_000));
    fixture.now = WallMs(START.0 + 1_000);
    assert_eq!(fixture.count(), 51);
    assert_eq!(walk(&mut fixture, 10).0, [b"new"]);
    for _ in 0..20 {
        let found = fixture.run(|l| l.random_key(None, &|_| true));
        assert_eq!(found.as_deref(), Some(b"new".as_slice()));
    }
    fixture.now = WallMs(START.0 + 9_000);
    assert_eq!(fixture.run(|l| l.random_key(None, &|_| true)), None);
}

#[test]
fn every_key_may_be_drawn() {
    let mut fixture = Fixture::new(4, false);
    for i in 0..20 {
        fixture.set(&format!("k{i}"), "v", None);
    }
    let drawn: BTreeSet<_> = (0..2_000)
        .filter_map(|_| fixture.run(|l| l.random_key(None, &|_| true)))
        .collect();
    assert_eq!(drawn.len(), 20);
}

#[test]
fn summaries_count_keys_deadlines_and_what_is_left() {
    let mut fixture = Fixture::new(4, false);
    fixture.set("for ever", "v", None);
    fixture.set("soon", "v", Some(1_000));
    fixture.set("later", "v", Some(3_000));
    fixture.run(|l| {
        l.database = Database(3);
        l.set(b"elsewhere", b"v", Deadline::Never).expect("sets");
    });
    let of = |keys, expires, average_ttl_ms| DatabaseSummary {
        keys,
        expires,
        average_ttl_ms,
    };
    let summaries = fixture.summaries();
    let expected = [(Database(0), of(3, 2, 2_000)), (Database(3), of(1, 0, 0))];
    assert_eq!(summaries, expected);
    fixture.set("soon", "v", None);
    let summaries = fixture.summaries();
    assert_eq!(summaries[0], (Database(0), of(3, 1, 3_000)));
}

#[test]
fn a_flush_empties_what_it_names_and_nothing_else() {
    let mut fixture = Fixture::new(4, true);
    for i in 0..100 {
        fixture.set(&format!("k{i}"), "v", Some(1_000));
    }
    fixture.run(|l| {
        l.database = Database(1);
        l.set(b"other", b"v", Deadline::Never).expect("sets");
    });
    let before = fixture.keyspace.clock.last();
    fixture.run(|l| l.flush(&[Database(0)], true));
    assert_eq!(fixture.count(), 0);
    assert_eq!(fixture.keyspace.count(Database(1)), 1);
    assert!(walk(&mut fixture, 10).0.is_empty());
    assert!(fixture.bytes() > 0, "what is left is counted");
    let actor = fixture.keyspace.actor;
    let flushed = fixture.keyspace.flushed.load();
    assert!(flushed[0].covers(Dot::new(actor, before)));
    assert!(flushed.get(1).is_none_or(Floor::is_empty));
    drop(flushed);
    fixture.set("k1", "new", None);
    let minted = fixture.run(|l| l.record(b"k1")).expect("decodes");
    assert!(!fixture.keyspace.is_flushed(Database(0), &minted));
    fixture.run(|l| l.flush(&[Database(0), Database(1)], false));
    assert_eq!(fixture.bytes(), 0);
}
