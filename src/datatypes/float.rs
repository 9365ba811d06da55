//! INCRBYFLOAT: decimal text plus decimal text, as Redis adds them.
//!
//! Redis computes in the x87 `long double` (a mantissa of 64 bits, exponents to ±16384) and prints
//! 17 decimals without trailing zeroes. So 0.1 + 0.2 is 0.3, and 1e15 + 0.1 is
//! 1000000000000000.0999755859375. Clients see such answers and compare them, so the same
//! arithmetic is done here with whole numbers: read exactly and round once, add exactly and round once, print exactly and
//! round once, ties to even each time.

mod natural;

use natural::Natural;

/// Redis reads a number from at most so many bytes.
const LONGEST_TEXT: usize = 5119;

/// Bits of the mantissa.
const MANTISSA: u64 = 64;

/// Values from 2^16384 on are infinite.
const MAX_EXPONENT: i64 = 16_384;

/// The value of the lowest bit of the smallest number, as a power of two.
const MIN_EXPONENT: i64 = -16_445;

/// No number of this many digits before the point is finite, and none with as many zeroes
/// behind it is other than zero.
const EXTREME_DIGITS: i64 = 5000;

/// The decimals printed.
const DECIMALS: usize = 17;

/// Why INCRBYFLOAT is refused. The value is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
    /// The value, or the increment, is no number.
    #[error("ERR value is not a valid float")]
    NotAFloat,
    /// The sum is too great, or was asked of infinities.
    #[error("ERR increment would produce NaN or Infinity")]
    NotFinite,
}

/// The text of `current` + `by`. The caller passes `0` for a missing key.
pub fn increment_by_float(current: &[u8], by: &[u8]) -> Result<Vec<u8>, FloatError> {
    let current = parse(current)?;
    let by = parse(by)?;
    let (Number::Finite(current), Number::Finite(by)) = (current, by) else {
        return Err(FloatError::NotFinite);
    };
    match add(&current, &by) {
        Number::Finite(sum) => Ok(format(&sum)),
        Number::Infinite => Err(FloatError::NotFinite),
    }
}

/// A number as text has it. (NaN is no number to Redis.)
#[derive(Debug, PartialEq, Eq)]
enum Number {
    Finite(Extended),
    Infinite,
}

/// ± mantissa × 2^exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extended {
    negative: bool,
    mantissa: u64,
    exponent: i64,
}

/// Reads a number as `strtold` does, which must take the whole text.
fn parse(text: &[u8]) -> Result<Number, FloatError> {
    if text.is_empty() || text.len() > LONGEST_TEXT {
        return Err(FloatError::NotAFloat);
    }
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.eq_ignore_ascii_case(b"inf") || digits.eq_ignore_ascii_case(b"infinity") {
        return Ok(Number::Infinite);
    }
    let parsed = if let [b'0', b'x' | b'X', hexadecimal @ ..] = digits {
        let scanned = scan(hexadecimal, 16, b'p').ok_or(FloatError::NotAFloat)?;
        // Four bits for each digit behind the point.
        from_binary(&scanned.digits, scanned.exponent - 4 * scanned.behind_point)
    } else {
        let scanned = scan(digits, 10, b'e').ok_or(FloatError::NotAFloat)?;
        from_decimal(&scanned.digits, scanned.exponent - scanned.behind_point)
    };
    match parsed {
        Some((mantissa, exponent)) => Ok(Number::Finite(Extended {
            negative,
            mantissa,
            exponent,
        })),
        None => Err(FloatError::NotAFloat),
    }
}

/// Digits without their point, and what the exponent said.
struct Scanned {
    digits: Natural,
    behind_point: i64,
    exponent: i64,
}

/// Reads `digits[.digits][e[sign]digits]`; `None` if that is not all there is.
fn scan(text: &[u8], radix: u32, exponent_mark: u8) -> Option<Scanned> {
    let mut scanned = Scanned {
        digits: Natural::default(),
        behind_point: 0,
        exponent: 0,
    };
    let mut rest = text;
    let (mut any, mut point) = (false, false);
    while let [byte, following @ ..] = rest {
        if let Some(digit) = char::from(*byte).to_digit(radix) {
            scanned.digits.multiply_add(radix, digit);
            scanned.behind_point += i64::from(point);
            any = true;
        } else if *byte == b'.' && !point {
            point = true;
        } else {
            break;
        }
        rest = following;
    }
    if !any {
        return None;
    }
    if let [mark, following @ ..] = rest
        && mark.eq_ignore_ascii_case(&exponent_mark)
    {
        let (negative, digits) = match following {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] | digits => (false, digits),
        };
        if digits.is_empty() {
            return None;
        }
        for byte in digits {
            let digit = char::from(*byte).to_digit(10)?;
            // Beyond any exponent that matters it may stay what it is.
            scanned.exponent = (scanned.exponent * 10 + i64::from(digit)).min(1_000_000);
        }
        if negative {
            scanned.exponent = -scanned.exponent;
        }
        rest = &[];
    }
    rest.is_empty().then_some(scanned)
}

/// digits × 2^exponent; `None` if it is infinite, or rounds to zero without being it.
fn from_binary(digits: &Natural, exponent: i64) -> Option<(u64, i64)> {
    if digits.is_zero() {
        return Some((0, 0));
    }
    round(digits, exponent, false).filter(|(mantissa, _)| *mantissa != 0)
}

/// digits × 10^exponent; `None` as for [`from_binary`].
fn from_decimal(digits: &Natural, exponent: i64) -> Option<(u64, i64)> {
    if digits.is_zero() {
        return Some((0, 0));
    }
    // There are at most as many digits as the text has bytes, so whatever they are, these are far
    // outside of what is finite and above zero.
    if !(-EXTREME_DIGITS - LONGEST_TEXT as i64..EXTREME_DIGITS).contains(&exponent) {
        return None;
    }
    if exponent >= 0 {
        return round(
            &digits.times_power_of_ten(exponent.unsigned_abs()),
            0,
            false,
        );
    }
    // Enough bits in front that the quotient has more than a mantissa of them: a factor of ten is
    // less than four bits.
    let power = exponent.unsigned_abs();
    let shift = power * 4 + MANTISSA + 2;
    let (quotient, inexact) = digits.shifted_left(shift).over_power_of_ten(power);
    round(&quotient, -(shift as i64), inexact).filter(|(mantissa, _)| *mantissa != 0)
}

/// number × 2^exponent (and a little more, if `inexact`), rounded to a mantissa, ties to even.
/// `None` if it is infinite.
fn round(number: &Natural, exponent: i64, inexact: bool) -> Option<(u64, i64)> {
    let surplus = number.bits() as i64 - MANTISSA as i64;
    let drop = surplus.max(MIN_EXPONENT - exponent).max(0) as u64;
    let (kept, half, below) = number.split_bits(drop);
    let mut mantissa = kept;
    if half && (below || inexact || mantissa & 1 == 1) {
        mantissa += 1;
    }
    let mut exponent = exponent + drop as i64;
    if mantissa > u128::from(u64::MAX) {
        mantissa >>= 1;
        exponent += 1;
    }
    let bits = i64::from(128 - mantissa.leading_zeros());
    (bits + exponent <= MAX_EXPONENT).then_some((mantissa as u64, exponent))
}

/// The sum, rounded once.
fn add(one: &Extended, other: &Extended) -> Number {
    let lowest = one.exponent.min(other.exponent);
    let whole = |term: &Extended| {
        Natural::from(term.mantissa).shifted_left((term.exponent - lowest).unsigned_abs())
    };
    let (one_whole, other_whole) = (whole(one), whole(other));
    let (negative, total) = if one.negative == other.negative {
        (one.negative, one_whole.plus(&other_whole))
    } else if one_whole >= other_whole {
        (one.negative, one_whole.minus(&other_whole))
    } else {
        (other.negative, other_whole.minus(&one_whole))
    };
    match round(&total, lowest, false) {
        Some((mantissa, exponent)) => Number::Finite(Extended {
            negative,
            mantissa,
            exponent,
        }),
        None => Number::Infinite,
    }
}

/// 17 decimals, without the zeroes at their end.
fn format(number: &Extended) -> Vec<u8> {
    let scaled = Natural::from(number.mantissa).times_power_of_ten(DECIMALS as u64);
    let mut digits = if number.exponent >= 0 {
        scaled
            .shifted_left(number.exponent.unsigned_abs())
            .to_decimal()
    } else {
        let (whole, half, below) = scaled.split_bits(number.exponent.unsigned_abs());
        let up = half && (below || whole & 1 == 1);
        (whole + u128::from(up)).to_string().into_bytes()
    };
    if digits.len() <= DECIMALS {
        let zeroes = vec![b'0'; DECIMALS + 1 - digits.len()];
        digits.splice(0..0, zeroes);
    }
    let point = digits.len() - DECIMALS;
    digits.insert(point, b'.');
    let kept = digits
        .iter()
        .rposition(|byte| *byte != b'0')
        .map_or(0, |last| last + 1);
    digits.truncate(kept);
    if digits.last() == Some(&b'.') {
        digits.pop();
    }
    // Redis has no negative zero.
    if number.negative && digits != b"0" {
        digits.insert(0, b'-');
    }
    digits
}

#[cfg(test)]
mod tests;
