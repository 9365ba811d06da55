//! The arithmetic of `INCRBYFLOAT`, in exact decimals.
//!
//! Redis computes in C's `long double`, whose width differs between machines, and prints 17 digits
//! behind the point without trailing zeros. Here a number is a whole multiple of 10^-17, so sums
//! are exact: 10.50 + 0.1 is 10.6, and 10^15 + 0.3 is 1000000000000000.3 where Redis on x86 says
//! 1000000000000000.29998779296875. Wherever `long double` shows its user what he meant, the two
//! agree. An operand of more than 17 decimals is rounded, half to even.

use super::number::{Real, parse_exponent, split_exponent};

/// Digits behind the point.
const SCALE: usize = 17;
/// Digits before the point: as far as an x86 `long double` goes, 10^4932.
const MAX_WHOLE_DIGITS: i64 = 4932;
/// The least power of ten that is not refused as an underflow: that of the same `long double`.
const LEAST_EXPONENT: i64 = -4951;
/// Longest text of a number: Redis's `MAX_LONG_DOUBLE_CHARS`.
const MAX_TEXT_BYTES: usize = 5 * 1024;

/// A decimal number with 17 digits behind the point, or an infinity, which Redis reads but refuses
/// to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// Multiples of 10^-17 in decimal digits, the least first, without zeros at the top: zero has
    /// no digits. None: infinite.
    units: Option<Vec<u8>>,
}

impl Decimal {
    /// The sum; None when it is no finite number: the caller says `ERR increment would produce NaN
    /// or Infinity`.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let (ours, theirs) = (self.units.as_ref()?, other.units.as_ref()?);
        let (negative, units) = if self.negative == other.negative {
            (self.negative, sum(ours, theirs))
        } else if is_less(ours, theirs) {
            (other.negative, difference(theirs, ours))
        } else {
            (self.negative, difference(ours, theirs))
        };
        (units.len() <= SCALE + MAX_WHOLE_DIGITS as usize).then(|| Self::finite(negative, units))
    }

    fn finite(negative: bool, mut units: Vec<u8>) -> Self {
        while units.last() == Some(&0) {
            units.pop();
        }
        Self {
            negative: negative && !units.is_empty(),
            units: Some(units),
        }
    }
}

/// A number as `INCRBYFLOAT` and `HINCRBYFLOAT` take it: what C's `strtold` reads to the end of
/// the text, with infinities and hexadecimal (which has the precision of a double here); no blank,
/// no NaN, nothing out of the range of a `long double`.
pub fn parse_long_double(text: &[u8]) -> Option<Decimal> {
    if text.len() >= MAX_TEXT_BYTES {
        return None;
    }
    match Real::parse(text)? {
        Real::Infinite { negative } => Some(Decimal {
            negative,
            units: None,
        }),
        // A double is a sum of powers of two, so its decimals end and Rust prints them exactly.
        Real::Hexadecimal { value } => parse_decimal(format!("{value:.SCALE$}").as_bytes()),
        Real::Decimal { digits_are_zero } if digits_are_zero => {
            Some(Decimal::finite(false, Vec::new()))
        }
        Real::Decimal { .. } => parse_decimal(text),
    }
}

/// A text whose grammar has been checked.
fn parse_decimal(text: &[u8]) -> Option<Decimal> {
    let (mantissa, exponent) = split_exponent(text, b'e');
    let exponent = exponent.map_or(Some(0), parse_exponent)?;
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let behind_point = point.map_or(0, |at| mantissa.len() - at - 1) as i64;
    // The least digit first; the power of ten of that digit is `power`.
    let mut digits: Vec<u8> = mantissa
        .iter()
        .rev()
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| byte - b'0')
        .collect();
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let power = exponent - behind_point;
    let highest = power + digits.len() as i64 - 1;
    if digits.is_empty() {
        return Some(Decimal::finite(false, digits));
    }
    if !(LEAST_EXPONENT..MAX_WHOLE_DIGITS).contains(&highest) {
        return None;
    }
    let negative = mantissa.first() == Some(&b'-');
    let places = power + SCALE as i64;
    let units = if let Ok(zeros) = usize::try_from(places) {
        let mut units = vec![0; zeros];
        units.append(&mut digits);
        units
    } else {
        rounded(&digits, usize::try_from(-places).ok()?)
    };
    Some(Decimal::finite(negative, units))
}

/// `digits` without the lowest `dropped`, rounded half to even.
fn rounded(digits: &[u8], dropped: usize) -> Vec<u8> {
    let Some((rest, kept)) = digits.split_at_checked(dropped) else {
        return Vec::new();
    };
    let odd = kept.first().is_some_and(|digit| digit % 2 == 1);
    let up = match rest.split_last() {
        Some((5, below)) => odd || below.iter().any(|&digit| digit != 0),
        Some((highest, _)) => *highest > 5,
        None => false,
    };
    if up { sum(kept, &[1]) } else { kept.to_vec() }
}

fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut carry = 0;
    let mut digits: Vec<u8> = long
        .iter()
        .zip(short.iter().chain(std::iter::repeat(&0)))
        .map(|(x, y)| {
            let digit = x + y + carry;
            carry = digit / 10;
            digit % 10
        })
        .collect();
    if carry > 0 {
        digits.push(carry);
    }
    digits
}

/// `a` less `b`, where `b` is not the greater.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    a.iter()
        .zip(b.iter().chain(std::iter::repeat(&0)))
        .map(|(x, y)| {
            let digit = 10 + x - y - borrow;
            borrow = u8::from(digit < 10);
            digit % 10
        })
        .collect()
}

/// Neither has zeros at the top.
fn is_less(a: &[u8], b: &[u8]) -> bool {
    a.len()
        .cmp(&b.len())
        .then_with(|| a.iter().rev().cmp(b.iter().rev()))
        .is_lt()
}

/// The number as Redis stores it: no exponent, no zeros at the end, no point without digits.
pub fn format_human(value: &Decimal) -> String {
    let Some(units) = &value.units else {
        return String::from(if value.negative { "-inf" } else { "inf" });
    };
    let mut text = String::with_capacity(units.len() + 3);
    if value.negative {
        text.push('-');
    }
    let (fraction, whole) = units.split_at_checked(SCALE).unwrap_or((units, &[]));
    let character = |digit: &u8| char::from(b'0' + digit);
    if whole.is_empty() {
        text.push('0');
    } else {
        text.extend(whole.iter().rev().map(character));
    }
    if fraction.iter().any(|&digit| digit != 0) {
        text.push('.');
        for _ in fraction.len()..SCALE {
            text.push('0');
        }
        text.extend(fraction.iter().rev().map(character));
        text.truncate(text.trim_end_matches('0').len());
    }
    text
}

#[cfg(test)]
mod tests;
