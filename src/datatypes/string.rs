//! Strings as bytes and as integers: GETRANGE, SETRANGE, APPEND and the INCR family.

use crate::resp::number::parse_i64;

/// The longest string there may be: Redis's default for `proto-max-bulk-len`.
pub const MAX_LENGTH: usize = 512 * 1024 * 1024;

/// Why a string command is refused. The value is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StringError {
    /// SETRANGE before the start.
    #[error("ERR offset is out of range")]
    Offset,
    /// The result would be longer than [`MAX_LENGTH`].
    #[error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    TooLong,
    /// The value, or the increment, is no decimal `i64`.
    #[error("ERR value is not an integer or out of range")]
    NotAnInteger,
    /// The sum is outside of `i64`.
    #[error("ERR increment or decrement would overflow")]
    Overflow,
    /// DECRBY by a number that has no negative.
    #[error("ERR decrement would overflow")]
    DecrementOverflow,
}

/// The bytes from `start` to `end`, both included; negative indexes count from the end.
///
/// As in Redis, an `end` before the start of the string is its first byte, unless `start` is
/// negative too and behind it.
pub fn get_range(value: &[u8], start: i64, end: i64) -> &[u8] {
    let Some((start, end)) = clamp_range(value.len(), start, end) else {
        return &[];
    };
    value.get(start..=end).unwrap_or_default()
}

/// Redis's reading of a range of indexes over `length` items: both ends included and inside.
pub(super) fn clamp_range(length: usize, start: i64, end: i64) -> Option<(usize, usize)> {
    if start < 0 && end < 0 && start > end {
        return None;
    }
    let length = i64::try_from(length).ok()?;
    let from_end = |index: i64| {
        if index < 0 {
            (length + index).max(0)
        } else {
            index
        }
    };
    let start = from_end(start);
    let end = from_end(end).min(length - 1);
    if start > end {
        return None;
    }
    Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
}

/// Writes `patch` at `offset`, filling a gap with zero bytes; the new length.
///
/// An empty patch changes nothing, wherever it would go, so that a missing key stays missing.
pub fn set_range(value: &mut Vec<u8>, offset: i64, patch: &[u8]) -> Result<usize, StringError> {
    let offset = usize::try_from(offset).map_err(|_| StringError::Offset)?;
    if patch.is_empty() {
        return Ok(value.len());
    }
    let end = offset
        .checked_add(patch.len())
        .filter(|end| *end <= MAX_LENGTH);
    let end = end.ok_or(StringError::TooLong)?;
    if value.len() < end {
        value.resize(end, 0);
    }
    if let Some(place) = value.get_mut(offset..end) {
        place.copy_from_slice(patch);
    }
    Ok(value.len())
}

/// Adds `suffix` to the end; the new length.
pub fn append(value: &mut Vec<u8>, suffix: &[u8]) -> Result<usize, StringError> {
    let length = value
        .len()
        .checked_add(suffix.len())
        .filter(|length| *length <= MAX_LENGTH);
    let length = length.ok_or(StringError::TooLong)?;
    value.extend_from_slice(suffix);
    Ok(length)
}

/// The integer of which `value` is the one decimal form Redis takes: no plus sign, no space, no
/// leading zero, no `-0`.
pub fn parse_integer(value: &[u8]) -> Result<i64, StringError> {
    parse_i64(value).ok_or(StringError::NotAnInteger)
}

/// The integer that `value` holds plus `by`. The caller passes `0` for a missing key.
pub fn increment(value: &[u8], by: i64) -> Result<i64, StringError> {
    parse_integer(value)?
        .checked_add(by)
        .ok_or(StringError::Overflow)
}

/// The increment that a DECRBY by `by` stands for.
pub fn negate(by: i64) -> Result<i64, StringError> {
    by.checked_neg().ok_or(StringError::DecrementOverflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_those_of_redis() {
        // Answers of redis-server 7.0.15 on "hello".
        for (start, end, expected) in [
            (0, -1, "hello"),
            (1, 3, "ell"),
            (-3, -2, "ll"),
            (-2, -3, ""),
            (3, 1, ""),
            (5, 9, ""),
            (0, 100, "hello"),
            (-100, 1, "he"),
            (0, -100, "h"),
            (-200, -100, "h"),
            (-100, -200, ""),
            (i64::MIN, i64::MAX, "hello"),
            (i64::MAX, i64::MIN, ""),
        ] {
            assert_eq!(
                get_range(b"hello", start, end),
                expected.as_bytes(),
                "{start} {end}"
            );
            assert_eq!(get_range(b"", start, end), b"");
        }
    }

    #[test]
    fn set_range_fills_the_gap_with_zeroes() {
        let mut value = b"ab".to_vec();
        assert_eq!(set_range(&mut value, 4, b"xy"), Ok(6));
        assert_eq!(value, b"ab\0\0xy");
        assert_eq!(set_range(&mut value, 1, b"Z"), Ok(6));
        assert_eq!(value, b"aZ\0\0xy");
    }

    #[test]
    fn an_empty_patch_changes_nothing_and_a_far_one_is_refused() {
        let mut value = Vec::new();
        assert_eq!(set_range(&mut value, i64::MAX, b""), Ok(0));
        assert_eq!(set_range(&mut value, -1, b""), Err(StringError::Offset));
        assert_eq!(
            set_range(&mut value, i64::MAX, b"x"),
            Err(StringError::TooLong)
        );
        assert_eq!(
            set_range(&mut value, MAX_LENGTH as i64, b"x"),
            Err(StringError::TooLong)
        );
        assert!(value.is_empty());
    }

    #[test]
    fn append_answers_the_new_length() {
        let mut value = b"ab".to_vec();
        assert_eq!(append(&mut value, b"cd"), Ok(4));
        assert_eq!(value, b"abcd");
    }

    #[test]
    fn only_the_canonical_form_is_an_integer() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            (" 1", None),
            ("1 ", None),
            ("1.0", None),
            ("123456789012345678901234567890", None),
        ] {
            let expected = expected.ok_or(StringError::NotAnInteger);
            assert_eq!(parse_integer(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn sums_that_do_not_fit_are_refused() {
        assert_eq!(increment(b"41", 1), Ok(42));
        assert_eq!(
            increment(b"9223372036854775807", 1),
            Err(StringError::Overflow)
        );
        assert_eq!(
            increment(b"-9223372036854775808", -1),
            Err(StringError::Overflow)
        );
        assert_eq!(increment(b"x", 1), Err(StringError::NotAnInteger));
        assert_eq!(negate(i64::MIN), Err(StringError::DecrementOverflow));
    }

    proptest! {
        #[test]
        fn every_integer_is_read_back(integer in any::<i64>(), shift in 0_u32..64) {
            let integer = integer >> shift;
            prop_assert_eq!(parse_integer(integer.to_string().as_bytes()), Ok(integer));
        }
    }
}
