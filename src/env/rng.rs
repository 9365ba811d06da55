//! Chance: seeded generators, handed out by whoever needs one.

use rand::rngs::{SmallRng, SysRng};
use rand::{Rng as _, SeedableRng, TryRng as _};

/// A small, fast generator for sampling: never for keys or ids.
#[derive(Debug)]
pub struct Sampler(SmallRng);

impl Sampler {
    /// A generator with a known seed.
    pub fn seeded(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// A generator seeded by the system.
    pub fn from_system() -> Self {
        Self::seeded(random_u64())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            0
        } else {
            ((u128::from(self.bits()) * bound as u128) >> 64) as usize
        }
    }
}

/// 64 bits from the system's generator: actors.
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// 128 bits from the system's generator: node ids, cluster ids and keys.
pub fn random_u128() -> u128 {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

fn fill(bytes: &mut [u8]) {
    SysRng
        .try_fill_bytes(bytes)
        .expect("the system has a source of randomness");
}
