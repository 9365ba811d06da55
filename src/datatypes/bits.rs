//! Strings as rows of bits: GETBIT, SETBIT, BITCOUNT, BITPOS and BITOP.
//!
//! Bit 0 is the most significant bit of byte 0. What lies behind the end is zero.

use super::string::{MAX_LENGTH, clamp_range, parse_integer};

/// Why a bit command is refused. The value is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BitError {
    /// An offset that is no number, or outside of the longest string.
    #[error("ERR bit offset is not an integer or out of range")]
    Offset,
    /// SETBIT to something other than 0 or 1.
    #[error("ERR bit is not an integer or out of range")]
    Bit,
    /// BITPOS of something that is no number.
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    /// BITPOS of a number other than 0 or 1.
    #[error("ERR The bit argument must be 1 or 0.")]
    BitArgument,
    /// BITOP NOT of several strings.
    #[error("ERR BITOP NOT must be called with a single source key.")]
    NotOfMany,
}

/// What the indexes of a range count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Bytes, the default.
    #[default]
    Byte,
    /// Bits.
    Bit,
}

impl Unit {
    /// `BYTE` or `BIT`, in either case.
    pub fn parse(argument: &[u8]) -> Option<Unit> {
        match argument.to_ascii_lowercase().as_slice() {
            b"byte" => Some(Unit::Byte),
            b"bit" => Some(Unit::Bit),
            _ => None,
        }
    }
}

/// The part of a string that BITCOUNT and BITPOS look at; both ends included, negative from the
/// end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first index.
    pub start: i64,
    /// The last index; only BITPOS may leave it out, and then sees zeroes behind the end.
    pub end: Option<i64>,
    /// What is counted.
    pub unit: Unit,
}

/// How BITOP combines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Set where all are set.
    And,
    /// Set where any is set.
    Or,
    /// Set where an odd number are set.
    Xor,
    /// Set where the only source is clear.
    Not,
}

impl Operator {
    /// `AND`, `OR`, `XOR` or `NOT`, in either case.
    pub fn parse(argument: &[u8]) -> Option<Operator> {
        match argument.to_ascii_lowercase().as_slice() {
            b"and" => Some(Operator::And),
            b"or" => Some(Operator::Or),
            b"xor" => Some(Operator::Xor),
            b"not" => Some(Operator::Not),
            _ => None,
        }
    }
}

/// Reads what SETBIT sets a bit to.
pub fn parse_bit(argument: &[u8]) -> Result<bool, BitError> {
    match argument {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(BitError::Bit),
    }
}

/// Reads which bit BITPOS looks for; worded otherwise than [`parse_bit`] when it is refused.
pub fn parse_wanted(argument: &[u8]) -> Result<bool, BitError> {
    match parse_integer(argument) {
        Ok(0) => Ok(false),
        Ok(1) => Ok(true),
        Ok(_) => Err(BitError::BitArgument),
        Err(_) => Err(BitError::NotAnInteger),
    }
}

/// Reads an offset argument of GETBIT, SETBIT.
pub fn parse_offset(argument: &[u8]) -> Result<u64, BitError> {
    let offset = parse_integer(argument).map_err(|_| BitError::Offset)?;
    check_offset(offset)
}

/// An offset must lie inside the longest string there may be.
pub(super) fn check_offset(offset: i64) -> Result<u64, BitError> {
    let offset = u64::try_from(offset).map_err(|_| BitError::Offset)?;
    if offset >> 3 < MAX_LENGTH as u64 {
        Ok(offset)
    } else {
        Err(BitError::Offset)
    }
}

/// The bit at an offset.
pub fn get(value: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset >> 3)
        .ok()
        .and_then(|index| value.get(index));
    byte.is_some_and(|byte| byte & mask(offset) != 0)
}

/// Sets or clears a bit, growing the value up to it in either case; what it was.
///
/// The offset comes from [`parse_offset`], which bounds the growth.
pub fn set(value: &mut Vec<u8>, offset: u64, on: bool) -> bool {
    let index = (offset >> 3) as usize;
    assert!(
        index < MAX_LENGTH,
        "the offset was checked where it was parsed"
    );
    if value.len() <= index {
        value.resize(index + 1, 0);
    }
    let was = get(value, offset);
    if let Some(byte) = value.get_mut(index) {
        *byte = if on {
            *byte | mask(offset)
        } else {
            *byte & !mask(offset)
        };
    }
    was
}

/// How many bits are set, in the whole value or in a part of it.
pub fn count(value: &[u8], range: Option<Range>) -> u64 {
    match range {
        None => count_bytes(value),
        Some(range) => match clamp(value, range) {
            Some((first, last)) => count_between(value, first, last),
            None => 0,
        },
    }
}

/// The offset of the first bit that is `wanted`, or -1.
///
/// A clear bit not found is found right behind the end, if the range has no end of its own. The
/// empty string that exists has no bit at all; of a missing key, which is all zeroes, the caller
/// answers 0 for a clear bit.
pub fn position(value: &[u8], wanted: bool, range: Option<Range>) -> i64 {
    let whole = Range {
        start: 0,
        end: None,
        unit: Unit::Byte,
    };
    let range = range.unwrap_or(whole);
    // Unlike BITCOUNT, BITPOS has no rule of its own for two negative ends in the wrong order:
    // clamped to the start of a short string they become one.
    let Some((first, last)) = clamp_each(value, range) else {
        return -1;
    };
    match find(value, wanted, first, last) {
        Some(found) => found as i64,
        None if !wanted && range.end.is_none() => last as i64 + 1,
        None => -1,
    }
}

/// Combines strings, each being zero behind its end; the result is as long as the longest.
pub fn combine(operator: Operator, sources: &[&[u8]]) -> Result<Vec<u8>, BitError> {
    let Some((first, others)) = sources.split_first() else {
        return Ok(Vec::new());
    };
    let mut result = first.to_vec();
    if operator == Operator::Not {
        if !others.is_empty() {
            return Err(BitError::NotOfMany);
        }
        for byte in &mut result {
            *byte = !*byte;
        }
        return Ok(result);
    }
    let longest = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    result.resize(longest, 0);
    for source in others {
        let pairs = result.iter_mut().zip(*source);
        match operator {
            Operator::And => {
                pairs.for_each(|(byte, other)| *byte &= other);
                if let Some(behind) = result.get_mut(source.len()..) {
                    behind.fill(0);
                }
            }
            Operator::Or => pairs.for_each(|(byte, other)| *byte |= other),
            Operator::Xor | Operator::Not => pairs.for_each(|(byte, other)| *byte ^= other),
        }
    }
    Ok(result)
}

/// The one bit of its byte that an offset means.
fn mask(offset: u64) -> u8 {
    0x80 >> (offset & 7)
}

/// The first and last bit of a range, if it has any.
fn clamp(value: &[u8], range: Range) -> Option<(u64, u64)> {
    let length = match range.unit {
        Unit::Byte => value.len(),
        Unit::Bit => value.len() * 8,
    };
    let (first, last) = clamp_range(length, range.start, range.end.unwrap_or(-1))?;
    Some(match range.unit {
        Unit::Byte => (first as u64 * 8, last as u64 * 8 + 7),
        Unit::Bit => (first as u64, last as u64),
    })
}

/// [`clamp`] without the rule that two negative ends in the wrong order are empty at once.
fn clamp_each(value: &[u8], range: Range) -> Option<(u64, u64)> {
    let first = Range { end: None, ..range };
    let end = range.end.unwrap_or(-1);
    if range.start >= 0 || end >= 0 || range.start <= end {
        return clamp(value, range);
    }
    let only_first = clamp(
        value,
        Range {
            end: Some(0),
            ..first
        },
    )?;
    let last = Range { start: 0, ..range };
    let (_, last) = clamp(value, last)?;
    (only_first.0 <= last).then_some((only_first.0, last))
}

fn count_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 = words
        .iter()
        .map(|word| count_word(u64::from_le_bytes(*word)))
        .sum();
    in_words
        + rest
            .iter()
            .map(|byte| count_word(u64::from(*byte)))
            .sum::<u64>()
}

fn count_word(word: u64) -> u64 {
    u64::from(word.count_ones())
}

/// The set bits from `first` to `last`: all of their bytes, less what is outside at both ends.
fn count_between(value: &[u8], first: u64, last: u64) -> u64 {
    let (first_byte, last_byte) = ((first >> 3) as usize, (last >> 3) as usize);
    let bytes = value.get(first_byte..=last_byte).unwrap_or_default();
    let (Some(head), Some(tail)) = (bytes.first(), bytes.last()) else {
        return 0;
    };
    let before = head & !(0xff >> (first & 7));
    let behind = tail & (0x7f >> (last & 7));
    count_bytes(bytes) - count_word(before.into()) - count_word(behind.into())
}

/// The first bit from `first` to `last` that is `wanted`.
fn find(value: &[u8], wanted: bool, first: u64, last: u64) -> Option<u64> {
    let (first_byte, last_byte) = ((first >> 3) as usize, (last >> 3) as usize);
    // Turned so that a set bit is always what is looked for.
    let turn = if wanted { 0 } else { 0xff };
    let bytes = value.get(first_byte..=last_byte)?;
    let (head, rest) = bytes.split_first()?;
    let head = (head ^ turn) & (0xff >> (first & 7));
    let found = if head != 0 {
        (first_byte as u64) * 8 + u64::from(head.leading_zeros())
    } else {
        let plain = if wanted { 0 } else { 0xff };
        let skipped = skip_plain(rest, plain);
        let byte = rest.get(skipped)? ^ turn;
        ((first_byte + 1 + skipped) as u64) * 8 + u64::from(byte.leading_zeros())
    };
    (found <= last).then_some(found)
}

/// How many bytes at the start are `plain`, compared by words while they are.
fn skip_plain(bytes: &[u8], plain: u8) -> usize {
    let (words, _) = bytes.as_chunks::<8>();
    let words = words.iter().take_while(|word| **word == [plain; 8]).count() * 8;
    let rest = bytes.get(words..).unwrap_or_default();
    words + rest.iter().take_while(|byte| **byte == plain).count()
}

#[cfg(test)]
mod tests;
