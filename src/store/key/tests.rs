//! Names round-trip, sort as the ring does, and never run into each other.

use proptest::prelude::*;

use super::*;

const HASH_KEY: [u8; 16] = *b"0123456789abcdef";

type Place = (PartitionId, Database, Token);

fn name(place: Place, key: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append_record_key(&mut out, place, key, &HASH_KEY);
    out
}

fn place() -> impl Strategy<Value = Place> {
    (0u16..4096, 0u8..16, any::<u64>()).prop_map(|(partition, database, token)| {
        (PartitionId(partition), Database(database), Token(token))
    })
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (4090usize..4105, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

proptest! {
    #[test]
    fn a_name_and_value_give_back_what_went_in(place in place(), key in key(), tail in key()) {
        let mut bytes = name(place, &key);
        bytes.extend_from_slice(&tail);
        let parsed = parse_record_key(&bytes).unwrap();
        prop_assert_eq!((parsed.partition, parsed.database, parsed.token), place);
        prop_assert_eq!(parsed.rest, &tail[..]);
        let mut value = Vec::new();
        append_record_value(&mut value, &key, b"record");
        let (found, record) = parse_record_value(parsed.name, &value).unwrap();
        prop_assert_eq!((found, record), (&key[..], &b"record"[..]));
    }

    #[test]
    fn names_sort_by_partition_database_token(a in place(), b in place(), x in key(), y in key()) {
        if a != b {
            prop_assert_eq!(a.cmp(&b), name(a, &x).cmp(&name(b, &y)));
        }
        if x != y {
            prop_assert!(!name(a, &x).starts_with(&name(a, &y)), "names are prefix-free");
        }
    }

    #[test]
    fn ranges_hold_exactly_their_names(at in place(), key in key(), first in any::<u64>(), last in any::<u64>()) {
        let bytes = name(at, &key);
        let (from, to) = partition_range(at.0);
        prop_assert!(from <= bytes && bytes < to);
        let (from, to) = token_range(at.0, at.1, Token(first), Token(last));
        let inside = first <= at.2.0 && at.2.0 <= last;
        prop_assert_eq!(from <= bytes && bytes < to, inside);
    }

    #[test]
    fn any_bytes_parse_or_do_not(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Some(parsed) = parse_record_key(&bytes) {
            prop_assert!(parsed.rest.len() < bytes.len());
            if let Some((key, record)) = parse_record_value(parsed.name, &bytes) {
                prop_assert!(key.len() <= bytes.len() && record.len() <= bytes.len());
            }
        }
    }
}

#[test]
fn the_last_token_of_the_last_database_ends_its_range() {
    let at = (PartitionId(7), Database(255), Token(u64::MAX));
    let (from, to) = token_range(at.0, at.1, at.2, at.2);
    let bytes = name(at, b"k");
    assert!(from <= bytes && bytes < to);
    assert_eq!(to, partition_range(PartitionId(7)).1);
}

#[test]
fn a_name_is_frozen() {
    let at = (
        PartitionId(0x0102),
        Database(3),
        Token(0x0405_0607_0809_0A0B),
    );
    assert_eq!(
        name(at, b"k"),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, b'k']
    );
    let long = name(at, &[b'k'; 4097]);
    assert_eq!(long[11..13], [0xFF, 0xFF]);
    let hash = u128::from_be_bytes(long[13..].try_into().unwrap());
    assert_eq!(format!("{hash:032x}"), "9b45bb6c03e69122d337139e74c69aaf");
}
