//! The entries of missed lists: frozen bytes, one spelling for each, no panic on any bytes.

use proptest::prelude::*;

use super::*;

fn fixture(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn encoded(entry: &Entry<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_entry(entry, &mut bytes);
    bytes
}

fn assert_frozen(hex: &str, entry: &Entry<'_>) {
    let bytes = fixture(hex);
    assert_eq!(encoded(entry), bytes, "this entry's encoding has changed");
    assert_eq!(decode_entry(&bytes).as_ref(), Ok(entry));
}

const OWNER: NodeId = NodeId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

fn entries() -> [Entry<'static>; 4] {
    [
        Entry::Noted {
            owner: OWNER,
            sequence: 300,
            place: (PartitionId(258), Database(3), Token(0x0123_4567_89ab_cdef)),
            key: Cow::Borrowed(b"cart:17"),
        },
        Entry::Forgotten {
            owner: OWNER,
            sequence: u64::MAX,
        },
        Entry::PartitionsNoted {
            owner: OWNER,
            sequence: 1,
            partitions: [0, 1, 5, 300, 4095].map(PartitionId).to_vec(),
        },
        Entry::PartitionForgotten {
            owner: OWNER,
            sequence: 2,
            partition: PartitionId(4095),
        },
    ]
}

#[test]
fn fixtures_open() {
    let [noted, forgotten, partitions, partition] = entries();
    assert_frozen(
        include_str!("../../../../tests/fixtures/missed_v1_noted.hex"),
        &noted,
    );
    assert_frozen(
        include_str!("../../../../tests/fixtures/missed_v1_forgotten.hex"),
        &forgotten,
    );
    assert_frozen(
        include_str!("../../../../tests/fixtures/missed_v1_partitions_noted.hex"),
        &partitions,
    );
    assert_frozen(
        include_str!("../../../../tests/fixtures/missed_v1_partition_forgotten.hex"),
        &partition,
    );
}

#[test]
fn what_is_not_an_entry_is_told_apart() {
    for entry in entries() {
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
    // A partition that no ring has.
    let mut beyond = encoded(&entries()[3]);
    *beyond.last_mut().unwrap() = 0x10;
    assert_eq!(decode_entry(&beyond), Err(EntryError::NotCanonical));
}

proptest! {
    #[test]
    fn any_bytes_decode_to_one_spelling_or_not_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        which in 0..4usize,
    ) {
        let _ = decode_entry(&bytes);
        let mut damaged = encoded(&entries()[which]);
        let place = at.index(damaged.len());
        damaged[place] = to;
        if let Ok(entry) = decode_entry(&damaged) {
            prop_assert_eq!(encoded(&entry), damaged);
        }
    }
}
