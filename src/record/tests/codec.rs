//! The record encoding: frozen bytes, one spelling per record, no panic on any bytes.

use bytes::Bytes;
use proptest::prelude::*;

use super::{cell, dot, history, string, version};
use crate::record::codec::*;
use crate::record::{Kind, Record, Version};
use crate::types::{ActorIndex, Hlc, WallMs};
use crate::version::{Floor, History, mint_above};

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

fn fixture(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

/// The bytes of a version 1 record open as this value, and the value has these bytes, for ever.
fn assert_frozen(hex: &str, record: &Record) {
    let bytes = fixture(hex);
    assert_eq!(encoded(record), bytes, "this record's encoding has changed");
    assert_eq!(decode(&bytes).as_ref(), Ok(record));
}

const HLC: u64 = 1_790_000_000_000 << 16 | 3;

#[test]
fn fixture_a_plain_string_opens() {
    let record = string(history(&[(7, 0, HLC)]), &[version(dot(7, HLC), "hello")]);
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_string.hex"),
        &record,
    );
}

#[test]
fn fixture_an_expiring_string_with_a_stamp_opens() {
    let shown = Version {
        stamp: Hlc(HLC - 70_000),
        expiry: Some(WallMs(1_790_000_060_000)),
        ..version(dot(7, HLC), "hello")
    };
    let record = string(history(&[(7, 0, HLC)]), &[shown]);
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_expiring.hex"),
        &record,
    );
}

#[test]
fn fixture_a_tombstone_opens() {
    let tombstone = Version {
        value: None,
        ..version(dot(7, HLC), "")
    };
    let record = string(history(&[(7, 0, HLC)]), &[tombstone]);
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_tombstone.hex"),
        &record,
    );
}

#[test]
fn fixture_a_string_with_two_siblings_opens() {
    let deleted = Version {
        value: None,
        expiry: Some(WallMs(1_790_000_060_000)),
        stamp: Hlc(HLC - 70_000),
        ..version(dot(1, HLC + 9), "")
    };
    let record = string(
        history(&[(1, 0, HLC - 2), (1, HLC, HLC + 9), (300, 0, HLC)]),
        &[version(dot(300, HLC), "theirs"), deleted],
    );
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_siblings.hex"),
        &record,
    );
}

#[test]
fn fixture_a_hash_of_two_fields_opens() {
    let record = Record::from_parts(
        history(&[(0, 5, HLC), (2, 0, HLC + 1)]),
        vec![
            cell(Kind::Hash, "name", &[version(dot(0, HLC), "Ada")]),
            cell(Kind::Hash, "born", &[version(dot(2, HLC + 1), "1815")]),
        ],
    );
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_hash.hex"),
        &record,
    );
}

#[test]
fn fixture_a_deleted_collection_is_its_clock() {
    let record = Record::from_parts(history(&[(0, 0, HLC)]), Vec::new());
    assert_frozen(
        include_str!("../../../tests/fixtures/record_v1_clock.hex"),
        &record,
    );
}

#[test]
fn a_simple_record_is_read_and_written_in_place() {
    for (expiry, stamp, value) in [
        (None, HLC, Some(b"abc".as_slice())),
        (Some(WallMs(9)), HLC, Some(b"".as_slice())),
        (Some(WallMs(9)), HLC - 1, None),
        (None, HLC - 1, Some(b"abc".as_slice())),
    ] {
        let simple = Simple {
            dot: dot(7, HLC),
            stamp: Hlc(stamp),
            expiry,
            value,
        };
        let mut bytes = Vec::new();
        encode_simple(&simple, &mut bytes);
        assert_eq!(bytes.len(), simple_len(&simple));
        assert_eq!(peek(&bytes), Ok(Peek::Simple(simple)));
        let record = Record::from(simple);
        assert_eq!(as_simple(&record), Some(simple));
        assert_eq!(encoded(&record), bytes);
        let mut slice = vec![0; bytes.len()];
        assert!(write_simple(&simple, &mut slice));
        assert_eq!(slice, bytes);
        assert!(!write_simple(&simple, &mut vec![0; bytes.len() + 1]));
    }
}

#[test]
fn every_other_spelling_is_refused() {
    let simple = encoded(&string(history(&[(7, 0, 9)]), &[version(dot(7, 9), "v")]));
    let with = |place: usize, byte: u8| {
        let mut bytes = simple.clone();
        bytes[place] = byte;
        decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(CodecError::UnknownFormat(2)));
    assert_eq!(with(1, 0x11), Err(CodecError::Unknown));
    assert_eq!(
        with(1, 0x02),
        Err(CodecError::Unknown),
        "flags without SIMPLE"
    );
    assert_eq!(
        with(1, 0x05),
        Err(CodecError::NotCanonical),
        "a tombstone with a value"
    );
    assert_eq!(with(1, 0x03), Err(CodecError::Truncated), "no expiry");
    assert_eq!(decode(&[]), Err(CodecError::Truncated));
    assert_eq!(decode(&simple[..13]), Err(CodecError::Truncated));

    let canonical = |bytes: &[u8]| decode(bytes).map(drop);
    let bad = Err(CodecError::NotCanonical);
    // A record that has a simple form, in the general one.
    assert_eq!(
        canonical(&[1, 0, 1, 7, 3, 9, 1, 0, 0, 1, 0, 7, 9, 1, b'v']),
        bad
    );
    // The same with history {7: [1, 9]} has only this form; then one byte too many.
    assert_eq!(
        canonical(&[1, 0, 1, 7, 2, 1, 8, 1, 0, 0, 1, 0, 7, 9, 1, b'v']),
        Ok(())
    );
    assert_eq!(
        canonical(&[1, 0, 1, 7, 2, 1, 8, 1, 0, 0, 1, 0, 7, 9, 1, b'v', 0]),
        bad
    );
    assert_eq!(
        canonical(&[1, 0, 1, 7, 2, 0, 9, 0]),
        bad,
        "a start at 0 has a flag of its own"
    );
    assert_eq!(
        canonical(&[1, 0, 1, 7, 0, 0]),
        bad,
        "an actor without an interval"
    );
    assert_eq!(
        canonical(&[1, 0, 0x81, 0, 7, 3, 9, 0]),
        bad,
        "a longer spelling of a count"
    );
    assert_eq!(
        canonical(&[1, 0, 2, 7, 3, 9, 7, 3, 9, 0]),
        bad,
        "an actor twice"
    );
    assert_eq!(
        canonical(&[1, 0, 0, 1, 2, 1, b'f', 0]),
        bad,
        "a cell without a version"
    );
    let twice = [
        1, 0, 0, 2, 3, 1, b'm', 1, 0, 7, 9, 0, 3, 1, b'm', 1, 0, 7, 9, 0,
    ];
    assert_eq!(canonical(&twice), bad, "a cell twice");
    assert_eq!(
        canonical(&[1, 0, 0, 1, 3, 1, b'm', 2, 0, 7, 9, 0, 0, 7, 9, 0]),
        bad,
        "a dot twice"
    );
    assert_eq!(
        canonical(&[1, 0, 0, 1, 6, 0, 1, 0, 7, 9, 0]),
        Err(CodecError::Unknown),
        "a kind"
    );
    let claims = [
        1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
    ];
    assert_eq!(
        canonical(&claims),
        Err(CodecError::Truncated),
        "a count of 2^64 - 1"
    );
}

#[test]
fn a_simple_overwrite_is_told_without_building_the_record() {
    let dots = [None, Some(dot(0, 4)), Some(dot(1, 4))];
    for (current, extend, entry) in itertools(dots) {
        let floor: Floor = entry
            .into_iter()
            .map(|(a, e)| (ActorIndex(a), Hlc(e)))
            .collect();
        let mut record = current.map_or_else(Record::default, |dot| {
            string(History::up_to(dot), &[version(dot, "old")])
        });
        let top = current.filter(|dot| dot.actor.0 == 0).map(|dot| dot.hlc);
        let mint = mint_above(top, ActorIndex(0), Hlc(9), extend);
        let told = stays_simple(current, mint, &floor);
        let payload = crate::record::Payload::value("new");
        record.overwrite(mint, Kind::String, Bytes::new(), payload);
        record.trim(&floor);
        assert_eq!(
            told,
            as_simple(&record).is_some(),
            "{current:?} {mint:?} {floor:?}"
        );
    }
}

type Case = (Option<crate::version::Dot>, bool, Option<(u32, u64)>);

fn itertools(dots: [Option<crate::version::Dot>; 3]) -> Vec<Case> {
    let floors = [None, Some((0, 3)), Some((0, 8)), Some((1, 3)), Some((1, 4))];
    let mut cases = Vec::new();
    for current in dots {
        for extend in [true, false] {
            cases.extend(floors.map(|floor| (current, extend, floor)));
        }
    }
    cases
}

fn any_version() -> impl Strategy<Value = Version> {
    (
        (0..4u32, any::<u64>()),
        proptest::option::of(any::<u64>()),
        proptest::option::of(any::<u64>()),
        proptest::option::of(prop::collection::vec(any::<u8>(), 0..5)),
    )
        .prop_map(|((actor, hlc), stamp, expiry, value)| Version {
            dot: dot(actor, hlc),
            stamp: Hlc(stamp.unwrap_or(hlc)),
            expiry: expiry.map(WallMs),
            value: value.map(Bytes::from),
        })
}

fn any_record() -> impl Strategy<Value = Record> {
    let kinds = prop::sample::select(vec![Kind::String, Kind::Hash, Kind::Set, Kind::SortedSet]);
    let element = prop::sample::select(vec!["", "f", "fg"]);
    let versions = prop::collection::vec(any_version(), 1..3);
    let cells = prop::collection::vec((kinds, element, versions), 0..4);
    let spans = prop::collection::vec((0..4u32, any::<u64>(), any::<u64>()), 0..8);
    (spans, cells).prop_map(|(spans, cells)| {
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(actor, a, b)| (actor, a.min(b), a.max(b)))
            .collect();
        let mut cells: Vec<_> = cells
            .into_iter()
            .map(|(kind, element, versions)| cell(kind, element, &versions))
            .collect();
        cells.sort_by(|a, b| (a.kind, &a.element).cmp(&(b.kind, &b.element)));
        cells.dedup_by(|a, b| (a.kind, &a.element) == (b.kind, &b.element));
        Record::from_parts(history(&spans), cells)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_record_survives_its_bytes(record in any_record()) {
        prop_assert_eq!(decode(&encoded(&record)), Ok(record));
    }

    #[test]
    fn whatever_decodes_has_those_bytes_and_no_others(
        record in any_record(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encoded(&record);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(record) = decode(&bytes) {
            prop_assert_eq!(encoded(&record), bytes);
        }
    }

    #[test]
    fn a_cut_general_record_is_refused(record in any_record(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&record);
        prop_assume!(as_simple(&record).is_none());
        prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = decode(&bytes);
        let mut framed = vec![1, 0];
        framed.extend(bytes);
        if let Ok(record) = decode(&framed) {
            prop_assert_eq!(encoded(&record), framed);
        }
    }
}
