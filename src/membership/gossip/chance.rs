//! Chance for one step of gossip: a few draws from the 64 random bits that the step is given.

/// A little chance from the bits of one step (splitmix64).
pub(in crate::membership) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`; `None` if that is 0.
    pub(super) fn pick(&mut self, count: usize) -> Option<usize> {
        let bits = self.next();
        // Counts are members: far too few for the remainder to favour anybody.
        (count > 0).then(|| (bits % count as u64) as usize)
    }
}
