//! The layout encoding: frozen bytes, one spelling per layout, no panic on any bytes.

use proptest::prelude::*;

use super::{grown, member};
use crate::ring::{BadLayout, Layout, claim, decode, encode};

fn encoded(layout: &Layout) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(layout, &mut bytes);
    bytes
}

fn fixture(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn founder() -> Layout {
    Layout::found(member(0x0102_0304 << 96 | 7, "default", 1000), 64, 3).unwrap()
}

fn five() -> Layout {
    let members: Vec<_> = [("eu-1", 1000), ("eu-2", 500), ("", 2000), ("zürich", 1000)]
        .into_iter()
        .zip(8..)
        .map(|((zone, capacity), id)| member(id << 100 | id, zone, capacity))
        .chain([founder().members()[0].clone()])
        .collect();
    claim(&founder(), &members, 3).unwrap()
}

/// The bytes of a version 1 layout open as this layout, and it has these bytes, for ever.
fn assert_frozen(hex: &str, layout: &Layout) {
    let bytes = fixture(hex);
    let opened = decode(&bytes).expect("a fixture opens for ever");
    assert_eq!(encoded(&opened), bytes);
    assert_eq!(&opened, layout, "this layout's encoding has changed");
    assert_eq!(opened.hash(), layout.hash());
}

#[test]
fn fixture_a_founders_layout_opens() {
    assert_frozen(
        include_str!("../../../tests/fixtures/layout_v1_founder.hex"),
        &founder(),
    );
}

#[test]
fn fixture_a_layout_of_five_opens() {
    assert_frozen(
        include_str!("../../../tests/fixtures/layout_v1_five.hex"),
        &five(),
    );
}

#[test]
fn what_is_no_layout_is_refused() {
    let good = encoded(&five());
    let members_from = 1 + 8 + 16 + 1 + 2 + 2;
    let plant = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        decode(&bad).unwrap_err()
    };
    assert_eq!(plant(0, &[2]), BadLayout::Version(2));
    assert_eq!(plant(1, &[0; 8]), BadLayout::Field("number"));
    assert_eq!(plant(25, &[0]), BadLayout::Field("n"));
    for partitions in [0u16, 32, 65, 8192] {
        let bytes = partitions.to_le_bytes();
        assert_eq!(plant(26, &bytes), BadLayout::Field("partitions"));
    }
    for members in [0u16, 4097] {
        let bytes = members.to_le_bytes();
        assert_eq!(plant(28, &bytes), BadLayout::Field("number of members"));
    }
    let id_after_all = [255; 16];
    let order = BadLayout::Field("order of members");
    assert_eq!(plant(members_from, &id_after_all), order);
    let capacity = BadLayout::Field("capacity");
    assert_eq!(plant(members_from + 16, &[0; 4]), capacity);
    assert_eq!(plant(members_from + 16, &[255; 4]), capacity);
    assert_eq!(plant(members_from + 21, &[255]), BadLayout::Field("zone"));
    assert_eq!(plant(good.len() - 2, &[5, 0]), BadLayout::Field("owner"));
    for length in 0..good.len() {
        assert_eq!(decode(&good[..length]), Err(BadLayout::Truncated));
    }
    assert_eq!(
        decode(&[&good[..], &[0]].concat()),
        Err(BadLayout::Trailing)
    );
}

#[test]
fn the_hash_covers_the_past() {
    let layout = five();
    let members = layout.members().to_vec();
    let here = claim(&layout, &members, 3).unwrap();
    let there = claim(&claim(&founder(), &members[..3], 3).unwrap(), &members, 3).unwrap();
    assert_eq!(here.number(), there.number());
    assert_ne!(here.hash(), there.hash());
    assert_ne!(here.wins_over(&there), there.wins_over(&here));
    assert!(here.wins_over(&layout) && !layout.wins_over(&here) && !here.wins_over(&here));
}

proptest! {
    #[test]
    fn any_layout_survives_the_way_there_and_back(count in 1u128..40, n in 1u8..6) {
        let members: Vec<_> = (0..count)
            .map(|id| member(id * id, &"z".repeat(id as usize % 9), 1 + id as u32))
            .collect();
        let layout = grown(&members, 64, n);
        prop_assert_eq!(decode(&encoded(&layout)), Ok(layout));
    }

    #[test]
    fn bytes_that_open_are_written_again(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&five());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if byte.is_multiple_of(4) {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(layout) = decode(&bytes) {
            prop_assert_eq!(encoded(&layout), bytes);
            // Whatever opened, asking it does not panic.
            let _ = layout.validate();
            let _ = layout.warnings();
        }
    }

    #[test]
    fn noise_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(&bytes);
        let _ = decode(&[&[1], &bytes[..]].concat());
    }
}
