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
    assert_eq!(hashes, [""; 0]);
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
    assert_eq!([list(0), list(1), list(63)], [vec![], vec![], vec![]]);
}
