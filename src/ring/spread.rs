//! Chance without chance: a fixed mix of partition and node, so that every node draws the same order
//! of nodes for a partition, and another order for each partition.
//!
//! Frozen: nodes of different versions must agree on fallbacks. The golden tests hold it.

use crate::types::{NodeId, PartitionId};

/// The finisher of `SplitMix64`: each bit of the input changes half of the output.
const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The place of a partition in an order that has nothing to do with its number.
pub(super) const fn of_partition(partition: PartitionId) -> u64 {
    mix(partition.0 as u64)
}

/// The draw of a node for a partition: the nodes of a partition, by draw, are a shuffle of its own.
pub(super) const fn draw(partition: PartitionId, node: NodeId) -> u64 {
    let node = mix(node.0 as u64 ^ mix((node.0 >> 64) as u64));
    mix(node ^ of_partition(partition))
}

/// `64 - log2(draw)` in 2^-32ths, the logarithm drawn as straight lines between powers of two, which
/// is at most 0.09 too small. Never 0.
///
/// Of draws that are uniform, this divided by a weight is least for each node as often as its weight
/// says (weighted rendezvous). Whole numbers only: floating-point logarithms differ by machine.
pub(super) const fn rarity(draw: u64) -> u64 {
    let draw = draw | 1;
    let whole = draw.ilog2();
    let fraction = (draw << (63 - whole)) << 1 >> 32;
    (64 << 32) - ((whole as u64) << 32 | fraction)
}
