//! The merge is a join: commutative, associative, idempotent, monotone, for any records that a
//! cluster can hold. Each live dot of a record is covered by its history, as [`Record`] promises.

use bytes::Bytes;
use proptest::prelude::*;

use super::{cell, dot, history, interval, string, version};
use crate::record::{Kind, Record, merge};
use crate::types::{ActorIndex, Hlc};
use crate::version::{Dot, Floor};

const ACTORS: u32 = 3;
const TIMES: u64 = 8;

/// A dot is the name of one write, so its cell and value follow from it, on every side.
fn cell_of(dot: Dot) -> (Kind, Bytes) {
    match (dot.hlc.0 + u64::from(dot.actor.0)) % 4 {
        0 => (Kind::Hash, Bytes::from_static(b"f")),
        1 => (Kind::Hash, Bytes::from_static(b"g")),
        _ => (Kind::String, Bytes::new()),
    }
}

/// Which dots are unknown, superseded or live.
fn record() -> impl Strategy<Value = Record> {
    let states = (ACTORS as usize) * (TIMES as usize);
    prop::collection::vec(0..4u8, states).prop_map(|states| {
        let mut known = history(&[]);
        let mut cells = Vec::new();
        for (place, state) in states.into_iter().enumerate() {
            let dot = dot(place as u32 / TIMES as u32, place as u64 % TIMES);
            if state > 1 {
                known.insert_dot(dot);
            }
            if state == 3 {
                let (kind, element) = cell_of(dot);
                cells.push((kind, element, version(dot, "v")));
            }
        }
        let mut record = Record::from_parts(known, Vec::new());
        for (kind, element, version) in cells {
            let mut one = cell(kind, "", &[version]);
            one.element = element;
            let mut parts = record.cells().to_vec();
            match parts
                .iter_mut()
                .find(|c| c.kind == one.kind && c.element == one.element)
            {
                Some(cell) => cell.versions.extend(one.versions),
                None => parts.push(one),
            }
            record = Record::from_parts(record.history().clone(), parts);
        }
        record
    })
}

fn floor() -> impl Strategy<Value = Floor> {
    prop::collection::vec((0..ACTORS, 0..TIMES), 0..3).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(a, end)| (ActorIndex(a), Hlc(end)))
            .collect()
    })
}

fn join(a: &Record, b: &Record) -> Record {
    merge(a.clone(), Floor::NONE, b.clone(), Floor::NONE)
}

fn all_dots() -> impl Iterator<Item = Dot> {
    (0..ACTORS).flat_map(|actor| (0..TIMES).map(move |hlc| dot(actor, hlc)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn merge_is_commutative_associative_and_idempotent(a in record(), b in record(), c in record()) {
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a.clone());
        prop_assert_eq!(join(&join(&a, &b), &b), join(&a, &b));
    }

    #[test]
    fn merge_is_monotone(a in record(), b in record()) {
        let both = join(&a, &b);
        prop_assert!(both.history().includes(a.history()) && both.history().includes(b.history()));
        for dot in all_dots() {
            let live = |record: &Record| record.version(dot).is_some();
            let gone = |record: &Record| record.history().covers(dot) && !live(record);
            // Superseded anywhere is superseded for good; live stays live unless a side knows better.
            prop_assert_eq!(gone(&both), gone(&a) || gone(&b));
            prop_assert_eq!(live(&both), (live(&a) || live(&b)) && !gone(&a) && !gone(&b));
        }
    }

    #[test]
    fn merge_in_place_tells_whether_anything_changed(a in record(), b in record()) {
        let mut merged = a.clone();
        let changed = merged.merge_into(Floor::NONE, b, Floor::NONE);
        prop_assert_eq!(changed, merged != a);
    }

    #[test]
    fn a_floor_counts_as_history_of_its_own_side(
        a in record(), b in record(), a_floor in floor(), b_floor in floor(),
    ) {
        let merged = merge(a.clone(), &a_floor, b.clone(), &b_floor);
        prop_assert_eq!(&merged, &merge(b.clone(), &b_floor, a.clone(), &a_floor));
        for dot in all_dots() {
            let keeps = |side: &Record, other: &Record, floor: &Floor| {
                side.version(dot).is_some()
                    && (other.version(dot).is_some()
                        || !other.history().covers(dot) && !floor.covers(dot))
            };
            let kept = keeps(&a, &b, &b_floor) || keeps(&b, &a, &a_floor);
            prop_assert_eq!(merged.version(dot).is_some(), kept);
            prop_assert!(!kept || merged.history().covers(dot));
        }
    }

    #[test]
    fn a_trimmed_record_merges_as_the_whole_one(a in record(), b in record(), floor in floor()) {
        // `a` is a whole owner's: the floor says nothing that its history does not say.
        let mut whole = a.history().clone();
        for (actor, end) in floor.iter() {
            whole.insert(actor, interval(0, end.0));
        }
        let a = Record::from_parts(whole, a.cells().to_vec());
        let mut trimmed = a.clone();
        trimmed.trim(&floor);
        let mut from_whole = merge(a, &floor, b.clone(), Floor::NONE);
        let mut from_trimmed = merge(trimmed, &floor, b, Floor::NONE);
        from_whole.trim(&floor);
        from_trimmed.trim(&floor);
        prop_assert_eq!(from_whole, from_trimmed);
    }
}

#[test]
fn copies_of_a_write_of_which_one_dropped_its_expired_value_merge_alike() {
    let mut kept = string(history(&[(0, 0, 5)]), &[version(dot(0, 5), "v")]);
    kept.cells[0].versions[0].expiry = Some(crate::types::WallMs(10));
    let mut dropped = kept.clone();
    assert!(dropped.drop_expired_values(crate::types::WallMs(10)));
    assert_eq!(join(&kept, &dropped), dropped);
    assert_eq!(join(&dropped, &kept), dropped);
}
