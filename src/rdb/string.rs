//! Strings in RDB: plain, as an integer of one, two or four bytes, or compressed.

use super::length::{self, Length};
use super::lzf;
use crate::datatypes::string::MAX_LENGTH;

/// The type byte of a string.
pub const TYPE: u8 = 0;

const INT8: u8 = 0;
const INT16: u8 = 1;
const INT32: u8 = 2;
const LZF: u8 = 3;

/// The longest text that may be an integer of 32 bits: `-2147483648`.
const LONGEST_INTEGER: usize = 11;

/// Redis does not try to compress strings up to this length.
const NEVER_COMPRESSED: usize = 20;

/// A compressed string must save at least so many bytes, which its longer header costs.
const LEAST_SAVED: usize = 4;

/// Appends a string in the form Redis would choose.
pub fn write(out: &mut Vec<u8>, value: &[u8]) {
    if let Some(integer) = exact_integer(value) {
        return write_integer(out, integer);
    }
    if value.len() > NEVER_COMPRESSED
        && let Some(compressed) = lzf::compress(value, value.len() - LEAST_SAVED)
    {
        out.push(mark(LZF));
        length::write(out, compressed.len() as u64);
        length::write(out, value.len() as u64);
        out.extend_from_slice(&compressed);
        return;
    }
    length::write(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Takes a string off the front of `input`; `None` if it is cut short, malformed or too long.
pub fn read(input: &mut &[u8]) -> Option<Vec<u8>> {
    match length::read(input)? {
        Length::Plain(length) => {
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length <= MAX_LENGTH)?;
            Some(length::take(input, length)?.to_vec())
        }
        Length::Encoded(INT8) => Some(to_text(i8::from_le_bytes(length::take_array(input)?))),
        Length::Encoded(INT16) => Some(to_text(i16::from_le_bytes(length::take_array(input)?))),
        Length::Encoded(INT32) => Some(to_text(i32::from_le_bytes(length::take_array(input)?))),
        Length::Encoded(LZF) => {
            let compressed = length::read_plain(input)?;
            let plain = length::read_plain(input).filter(|length| *length <= MAX_LENGTH)?;
            lzf::decompress(length::take(input, compressed)?, plain)
        }
        Length::Encoded(_) => None,
    }
}

/// The integer of which `value` is the one and only decimal form.
fn exact_integer(value: &[u8]) -> Option<i32> {
    if value.len() > LONGEST_INTEGER {
        return None;
    }
    let integer = std::str::from_utf8(value).ok()?.parse::<i32>().ok()?;
    (itoa::Buffer::new().format(integer).as_bytes() == value).then_some(integer)
}

fn write_integer(out: &mut Vec<u8>, integer: i32) {
    if let Ok(byte) = i8::try_from(integer) {
        out.push(mark(INT8));
        out.extend_from_slice(&byte.to_le_bytes());
    } else if let Ok(word) = i16::try_from(integer) {
        out.push(mark(INT16));
        out.extend_from_slice(&word.to_le_bytes());
    } else {
        out.push(mark(INT32));
        out.extend_from_slice(&integer.to_le_bytes());
    }
}

fn mark(encoding: u8) -> u8 {
    0xc0 | encoding
}

fn to_text(integer: impl itoa::Integer) -> Vec<u8> {
    itoa::Buffer::new().format(integer).as_bytes().to_vec()
}
