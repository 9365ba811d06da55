//! Numbers as Redis reads and writes them in commands, keys and replies.
//!
//! Redis leaves most of this to C's `strtod` and `printf`; Rust's own parser and formatter are
//! correctly rounded as glibc's are, so here stand only the grammar and the layout.

use std::fmt::{self, Write};

/// A signed 64-bit decimal as Redis's `string2ll` demands it: no blank, no plus sign, no leading
/// zero, no `-0`. It is the one text of its number.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        b"0" => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if !matches!(digits.first(), Some(b'1'..=b'9')) {
        return None;
    }
    // Counted downward, since the least number has no positive counterpart.
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative {
        Some(value)
    } else {
        value.checked_neg()
    }
}

/// A double as Redis takes scores and increments: `strtod` over the whole text, with infinities
/// and hexadecimal; no blank, no NaN, nothing too great, nothing but zero that rounds to zero.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    match Real::parse(text)? {
        Real::Infinite { negative: true } => Some(f64::NEG_INFINITY),
        Real::Infinite { negative: false } => Some(f64::INFINITY),
        Real::Hexadecimal { value } => Some(value),
        Real::Decimal { digits_are_zero } => {
            let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (value.is_finite() && (value != 0.0 || digits_are_zero)).then_some(value)
        }
    }
}

/// The kinds of number that C's `strtod` knows, without NaN.
pub(super) enum Real {
    Infinite { negative: bool },
    Decimal { digits_are_zero: bool },
    Hexadecimal { value: f64 },
}

impl Real {
    /// Checks the grammar; no number is built but a hexadecimal one.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, magnitude) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        if magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity") {
            return Some(Self::Infinite { negative });
        }
        if let [b'0', b'x' | b'X', rest @ ..] = magnitude {
            let value = hexadecimal(rest)?;
            let value = if negative { -value } else { value };
            return Some(Self::Hexadecimal { value });
        }
        let (mantissa, exponent) = split_exponent(magnitude, b'e');
        if let Some(exponent) = exponent {
            parse_exponent(exponent)?;
        }
        let mut digits = 0usize;
        let mut points = 0usize;
        let mut digits_are_zero = true;
        for byte in mantissa {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    digits_are_zero &= *byte == b'0';
                }
                b'.' => points += 1,
                _ => return None,
            }
        }
        (digits > 0 && points <= 1).then_some(Self::Decimal { digits_are_zero })
    }
}

/// What stands before and behind the letter of the exponent, in either case.
pub(super) fn split_exponent(text: &[u8], letter: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |byte| byte.eq_ignore_ascii_case(&letter));
    (parts.next().unwrap_or_default(), parts.next())
}

/// An exponent's digits with their sign. One too great for any number is held at a bound that is,
/// too, so that what follows cannot overflow.
pub(super) fn parse_exponent(text: &[u8]) -> Option<i64> {
    const BOUND: i64 = 1_000_000_000;
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] | rest => (1, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = (value * 10 + i64::from(digit)).min(BOUND);
    }
    Some(sign * value)
}

/// What follows `0x`: hexadecimal digits, perhaps a point, perhaps `p` and a power of two. Rounded
/// once, to even, as C does; None when the grammar fails or the number is out of range.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let (mantissa, power) = split_exponent(text, b'p');
    let mut power = power.map_or(Some(0), parse_exponent)?;
    // The number is `bits` times two to the `power`; what does not fit leaves a trace in the
    // lowest bit, below all that rounding looks at but for being there.
    let mut bits = 0u64;
    let mut digits = 0usize;
    let mut fraction = false;
    for &byte in mantissa {
        if byte == b'.' && !fraction {
            fraction = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16)?);
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
            power -= if fraction { 4 } else { 0 };
        } else {
            bits |= u64::from(digit != 0);
            power += if fraction { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return None;
    }
    if bits == 0 {
        return Some(0.0);
    }
    let shift = i64::from(bits.leading_zeros());
    scale(bits << shift, power - shift)
}

/// `bits`, whose highest bit is set, times two to the `power`.
fn scale(bits: u64, power: i64) -> Option<f64> {
    const LEAST_POWER: i64 = -1074;
    let highest = power + 63;
    if !(LEAST_POWER - 1..=1023).contains(&highest) {
        return None;
    }
    let value = if highest < -1022 {
        // Below the normal range a double's bits are its multiple of 2^-1074.
        let dropped = u32::try_from(LEAST_POWER - power).ok()?;
        let kept = bits.checked_shr(dropped).unwrap_or(0);
        let rest = if dropped >= 64 {
            bits
        } else {
            bits << (64 - dropped)
        };
        let half = 1u64 << 63;
        let up = match dropped {
            65.. => false,
            _ => rest > half || (rest == half && kept & 1 == 1),
        };
        f64::from_bits(kept + u64::from(up))
    } else {
        // Exact: the one rounding is that of the integer; both factors are powers of two.
        let first = power / 2;
        bits as f64 * power_of_two(first) * power_of_two(power - first)
    };
    (value != 0.0 && value.is_finite()).then_some(value)
}

/// Two to a power of the normal range.
fn power_of_two(power: i64) -> f64 {
    f64::from_bits(((power + 1023) as u64) << 52)
}

/// A short text on the stack.
#[derive(Clone, Copy, Debug)]
pub struct NumberText {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl NumberText {
    /// The longest text is a sign, 17 digits, a point, six zeros behind it or an exponent.
    const CAPACITY: usize = 40;

    fn new() -> Self {
        Self {
            bytes: [0; Self::CAPACITY],
            len: 0,
        }
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end);
        debug_assert!(room.is_some(), "a number's text outgrew its room");
        if let Some(room) = room {
            room.copy_from_slice(text);
            self.len = end;
        }
    }

    fn zeros(&mut self, count: usize) {
        for _ in 0..count {
            self.push(b"0");
        }
    }
}

impl Write for NumberText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// The significant digits of a finite double that is not zero, and the power of ten of the first.
struct Scientific {
    negative: bool,
    digits: NumberText,
    exponent: i32,
}

impl Scientific {
    /// Takes apart what Rust writes as `-d.ddde-x`.
    fn parse(text: &str) -> Self {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = magnitude.split_once('e').unwrap_or((magnitude, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = NumberText::new();
        digits.push(whole.as_bytes());
        digits.push(fraction.trim_end_matches('0').as_bytes());
        Self {
            negative,
            digits,
            exponent: exponent.parse().unwrap_or(0),
        }
    }

    /// Without an exponent.
    fn plain(&self) -> NumberText {
        let mut text = self.signed();
        let digits = self.digits.as_bytes();
        if let Ok(whole) = usize::try_from(self.exponent) {
            let (before, after) = digits.split_at_checked(whole + 1).unwrap_or((digits, b""));
            text.push(before);
            text.zeros((whole + 1).saturating_sub(digits.len()));
            if !after.is_empty() {
                text.push(b".");
                text.push(after);
            }
        } else {
            text.push(b"0.");
            text.zeros(self.exponent.unsigned_abs() as usize - 1);
            text.push(digits);
        }
        text
    }

    /// With an exponent of at least `width` digits.
    fn scientific(&self, width: usize) -> NumberText {
        let mut text = self.signed();
        let (first, rest) = self
            .digits
            .as_bytes()
            .split_at_checked(1)
            .unwrap_or_default();
        text.push(first);
        if !rest.is_empty() {
            text.push(b".");
            text.push(rest);
        }
        text.push(if self.exponent < 0 { b"e-" } else { b"e+" });
        let mut buffer = itoa::Buffer::new();
        let exponent = buffer.format(self.exponent.unsigned_abs());
        text.zeros(width.saturating_sub(exponent.len()));
        text.push(exponent.as_bytes());
        text
    }

    fn signed(&self) -> NumberText {
        let mut text = NumberText::new();
        if self.negative {
            text.push(b"-");
        }
        text
    }
}

/// `nan`, infinities and zeros; None for any other number.
fn special(value: f64) -> Option<NumberText> {
    let word: &[u8] = if value.is_nan() {
        b"nan"
    } else if value.is_infinite() {
        if value > 0.0 { b"inf" } else { b"-inf" }
    } else if value == 0.0 {
        if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        }
    } else {
        return None;
    };
    let mut text = NumberText::new();
    text.push(word);
    Some(text)
}

fn formatted(arguments: fmt::Arguments<'_>) -> Scientific {
    let mut text = NumberText::new();
    // Writing to the stack cannot fail.
    let _ = text.write_fmt(arguments);
    Scientific::parse(text.as_str())
}

/// A double as Redis 7.2 and later write it in replies: the fewest digits that read back as the
/// same number, an integer without a point, an exponent when it is far from one (`1e+21`, `1e-7`).
pub fn format_double(value: f64) -> NumberText {
    /// Half the greatest integer: up to here Redis writes integers as such.
    const INTEGERS: f64 = 4_611_686_018_427_387_904.0;
    if let Some(text) = special(value) {
        return text;
    }
    if value.abs() <= INTEGERS && value.trunc().to_bits() == value.to_bits() {
        let mut text = NumberText::new();
        text.push(itoa::Buffer::new().format(value as i64).as_bytes());
        return text;
    }
    let digits = formatted(format_args!("{value:e}"));
    let count = digits.digits.len as i32;
    // The power of ten of the last digit.
    let last = digits.exponent + 1 - count;
    let plain = if last >= 0 {
        digits.exponent < count + 7
    } else {
        last > -7 || digits.exponent.abs() < 4
    };
    if plain {
        digits.plain()
    } else {
        digits.scientific(1)
    }
}

/// A double as C's `%.17g` writes it, and Redis before 7.2: 17 significant digits, so that 0.1 is
/// `0.10000000000000001`.
pub fn format_double_17g(value: f64) -> NumberText {
    if let Some(text) = special(value) {
        return text;
    }
    let digits = formatted(format_args!("{value:.16e}"));
    if (-4..17).contains(&digits.exponent) {
        digits.plain()
    } else {
        digits.scientific(2)
    }
}

#[cfg(test)]
mod tests;
