//! The entries of hints: frozen bytes, one spelling for each, no panic on any bytes.

use proptest::prelude::*;

use super::*;

fn fixture(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_entry(entry, &mut bytes);
    bytes
}

fn assert_frozen(hex: &str, entry: &Entry) {
    let bytes = fixture(hex);
    assert_eq!(encoded(entry), bytes, "this entry's encoding has changed");
    assert_eq!(decode_entry(&bytes).as_ref(), Ok(entry));
}

fn kept() -> Entry {
    let hint = Hint {
        owner: NodeId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        partition: PartitionId(258),
        database: Database(3),
        token: Token(0x0123_4567_89ab_cdef),
        key: Bytes::from_static(b"cart:17"),
        record: record(1_790_000_000_000 << 16 | 3, "hello"),
        layout: 300,
        taken: Hlc(1_790_000_000_500 << 16),
    };
    Entry::Kept { version: 129, hint }
}

fn removed() -> Entry {
    Entry::Removed(Removed {
        owner: NodeId(7),
        partition: PartitionId(4095),
        database: Database(15),
        token: Token(u64::MAX),
        key: Bytes::new(),
        version: u64::MAX,
    })
}

#[test]
fn fixture_a_kept_hint_opens() {
    assert_frozen(
        include_str!("../../../../tests/fixtures/hint_v1_kept.hex"),
        &kept(),
    );
}

#[test]
fn fixture_a_removed_hint_opens() {
    assert_frozen(
        include_str!("../../../../tests/fixtures/hint_v1_removed.hex"),
        &removed(),
    );
}

#[test]
fn what_is_not_an_entry_is_told_apart() {
    for entry in [kept(), removed()] {
        let bytes = encoded(&entry);
        for end in 0..bytes.len() {
            assert!(decode_entry(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode_entry(&longer), Err(EntryError::NotCanonical));
    }
    assert_eq!(decode_entry(&[2, 1]), Err(EntryError::UnknownFormat(2)));
    assert_eq!(decode_entry(&[1, 9]), Err(EntryError::UnknownSort(9)));
}

proptest! {
    #[test]
    fn any_bytes_decode_to_one_spelling_or_not_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        is_kept in any::<bool>(),
    ) {
        let _ = decode_entry(&bytes);
        let mut damaged = encoded(&if is_kept { kept() } else { removed() });
        let place = at.index(damaged.len());
        damaged[place] = to;
        if let Ok(entry) = decode_entry(&damaged) {
            prop_assert_eq!(encoded(&entry), damaged);
        }
    }
}
