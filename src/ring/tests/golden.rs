//! Frozen claims: nodes of different versions compute layouts and fallbacks each for itself, so what
//! comes of given inputs never changes silently. A failure here means a new format version.

use super::{equals, grown, member};
use crate::ring::{Layout, claim};
use crate::types::PartitionId;

fn hex(layout: &Layout) -> String {
    format!("{:032x}", u128::from_be_bytes(layout.hash()))
}

#[test]
fn the_chain_of_claims_is_frozen() {
    let mut hashes = Vec::new();
    let mut layout = Layout::found(member(1, "z", 1000), 256, 3).unwrap();
    hashes.push(hex(&layout));
    for size in [2, 3, 4, 7, 12, 11, 5] {
        layout = claim(&layout, &equals(size), 3).unwrap();
        hashes.push(hex(&layout));
    }
    let zoned: Vec<_> = (1..=9)
        .map(|id| member(id, ["a", "b", "c", "d"][id as usize % 4], 500 * id as u32))
        .collect();
    layout = claim(&layout, &zoned, 4).unwrap();
    hashes.push(hex(&layout));
    assert_eq!(
        hashes,
        [
            "0a5ed7c304f317ee31a683c71f382f80",
            "4a6449fa6ee9e81b1ac466ead6458b1c",
            "9c46ba2df82bfc2b6d3e169330bd5299",
            "a597b07475b394ccd1cf3b3517f5f4ce",
            "3a9c9117a35161ca9623838317f63ee4",
            "165e07b8e943fa4994213dc1fbe1d6c6",
            "00d1e2142cbad61def96f59cd9ce3de9",
            "64a319ffa72ff84cdfc61a64fa88ab7a",
            "4e57624dd457cf6a1a9bbc3b10bc7290"
        ]
    );
}

#[test]
fn preference_lists_are_frozen() {
    let members: Vec<_> = (1..=7)
        .map(|id| member(id, ["a", "b", "c"][id as usize % 3], 250 * id as u32))
        .collect();
    let layout = grown(&members, 64, 3);
    let list = |partition| -> Vec<u128> {
        let list = layout.preference(PartitionId(partition));
        list.iter().map(|node| node.0).collect()
    };
    assert_eq!(list(0), [5, 6, 7, 1, 2, 3, 4]);
    assert_eq!(list(1), [6, 5, 4, 7, 2, 3, 1]);
    assert_eq!(list(63), [2, 3, 7, 6, 4, 5, 1]);
}
