//! Natural numbers of any size: the few operations that exact decimal conversion needs.

use std::cmp::Ordering;

/// Ten to the ninth: the greatest power of ten in a digit.
const BILLION: u32 = 1_000_000_000;

/// A natural number: digits to the base 2^32, the lowest first, the highest not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Natural {
    limbs: Vec<u32>,
}

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        Natural {
            limbs: vec![number as u32, (number >> 32) as u32],
        }
        .trimmed()
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

impl Natural {
    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// How many bits it has, from the highest that is set.
    pub(super) fn bits(&self) -> u64 {
        let highest = self
            .limbs
            .last()
            .map_or(0, |limb| 32 - u64::from(limb.leading_zeros()));
        (self.limbs.len() as u64).saturating_sub(1) * 32 + highest
    }

    /// Multiplies by `factor` and adds `term`.
    pub(super) fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for limb in &mut self.limbs {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.limbs.push(carry as u32);
        }
    }

    /// Divides by `divisor`; the remainder.
    pub(super) fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0_u64;
        for limb in self.limbs.iter_mut().rev() {
            let dividend = remainder << 32 | u64::from(*limb);
            *limb = (dividend / u64::from(divisor)) as u32;
            remainder = dividend % u64::from(divisor);
        }
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        remainder as u32
    }

    pub(super) fn shifted_left(&self, bits: u64) -> Natural {
        let mut shifted = Natural {
            limbs: vec![0; (bits / 32) as usize],
        };
        let mut carry = 0_u64;
        for limb in &self.limbs {
            carry |= u64::from(*limb) << (bits % 32);
            shifted.limbs.push(carry as u32);
            carry >>= 32;
        }
        shifted.limbs.push(carry as u32);
        shifted.trimmed()
    }

    pub(super) fn plus(&self, other: &Natural) -> Natural {
        let length = self.limbs.len().max(other.limbs.len());
        let mut sum = Natural::default();
        let mut carry = 0_u64;
        for index in 0..=length {
            carry += u64::from(self.limb(index)) + u64::from(other.limb(index));
            sum.limbs.push(carry as u32);
            carry >>= 32;
        }
        sum.trimmed()
    }

    /// The difference; `other` is not greater.
    pub(super) fn minus(&self, other: &Natural) -> Natural {
        debug_assert!(self >= other, "a natural number has no negative");
        let mut difference = Natural::default();
        let mut borrow = false;
        for (index, limb) in self.limbs.iter().enumerate() {
            let (once, first) = limb.overflowing_sub(other.limb(index));
            let (twice, second) = once.overflowing_sub(u32::from(borrow));
            borrow = first || second;
            difference.limbs.push(twice);
        }
        difference.trimmed()
    }

    /// The lowest 128 bits of what is left without the lowest `drop` bits; with the highest bit
    /// dropped, and whether any below that was set.
    pub(super) fn split_bits(&self, drop: u64) -> (u128, bool, bool) {
        let kept = (0..128).filter(|bit| self.bit(drop + bit));
        let kept = kept.fold(0_u128, |kept, bit| kept | 1 << bit);
        let Some(half) = drop.checked_sub(1) else {
            return (kept, false, false);
        };
        let mut limbs = self.limbs.iter().zip(0_u64..);
        let lowest = limbs.find(|(limb, _)| **limb != 0);
        let lowest = lowest.map(|(limb, index)| index * 32 + u64::from(limb.trailing_zeros()));
        (
            kept,
            self.bit(half),
            lowest.is_some_and(|lowest| lowest < half),
        )
    }

    /// Itself times 10^`power`.
    pub(super) fn times_power_of_ten(&self, power: u64) -> Natural {
        let mut product = self.clone();
        (0..power / 9).for_each(|_| product.multiply_add(BILLION, 0));
        (0..power % 9).for_each(|_| product.multiply_add(10, 0));
        product
    }

    /// Itself over 10^`power`, rounded down, and whether that lost anything.
    pub(super) fn over_power_of_ten(&self, power: u64) -> (Natural, bool) {
        let mut quotient = self.clone();
        let mut inexact = false;
        (0..power / 9).for_each(|_| inexact |= quotient.divide(BILLION) != 0);
        (0..power % 9).for_each(|_| inexact |= quotient.divide(10) != 0);
        (quotient, inexact)
    }

    pub(super) fn to_decimal(&self) -> Vec<u8> {
        let mut rest = self.clone();
        let mut digits = Vec::new();
        while !rest.is_zero() {
            let mut group = rest.divide(BILLION);
            for _ in 0..9 {
                digits.push(b'0' + (group % 10) as u8);
                group /= 10;
            }
        }
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        digits.reverse();
        digits
    }

    fn limb(&self, index: usize) -> u32 {
        self.limbs.get(index).copied().unwrap_or(0)
    }

    fn bit(&self, bit: u64) -> bool {
        self.limb((bit / 32) as usize) >> (bit % 32) & 1 == 1
    }

    fn trimmed(mut self) -> Natural {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        self
    }
}
