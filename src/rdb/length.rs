//! RDB's variable-length integers, which double as the mark of a specially encoded string.
//!
//! ```text
//! 00xxxxxx                   6 bits
//! 01xxxxxx xxxxxxxx         14 bits, big-endian
//! 10000000 + 4 bytes        32 bits, big-endian
//! 10000001 + 8 bytes        64 bits, big-endian
//! 11xxxxxx                  not a length: encoding number x follows
//! ```

/// What a length field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// That so many bytes or elements follow.
    Plain(u64),
    /// That a string in this encoding follows.
    Encoded(u8),
}

/// Appends a plain length in its shortest form.
pub fn write(out: &mut Vec<u8>, length: u64) {
    if let Ok(short) = u8::try_from(length)
        && short < 1 << 6
    {
        out.push(short);
    } else if let Ok(medium) = u16::try_from(length)
        && medium < 1 << 14
    {
        out.extend_from_slice(&(0x4000 | medium).to_be_bytes());
    } else if let Ok(long) = u32::try_from(length) {
        out.push(0x80);
        out.extend_from_slice(&long.to_be_bytes());
    } else {
        out.push(0x81);
        out.extend_from_slice(&length.to_be_bytes());
    }
}

/// Takes a length field off the front of `input`; `None` if it is cut short or of no known form.
pub fn read(input: &mut &[u8]) -> Option<Length> {
    let [first] = take_array(input)?;
    let low = first & 0x3f;
    Some(match first >> 6 {
        0 => Length::Plain(low.into()),
        1 => {
            let [second] = take_array(input)?;
            Length::Plain(u16::from_be_bytes([low, second]).into())
        }
        2 => Length::Plain(match low {
            0 => u32::from_be_bytes(take_array(input)?).into(),
            1 => u64::from_be_bytes(take_array(input)?),
            _ => return None,
        }),
        _ => Length::Encoded(low),
    })
}

/// [`read`], where only a plain length will do, and only one that fits in memory.
pub fn read_plain(input: &mut &[u8]) -> Option<usize> {
    match read(input)? {
        Length::Plain(length) => usize::try_from(length).ok(),
        Length::Encoded(_) => None,
    }
}

/// Takes `N` bytes off the front of `input`.
pub(super) fn take_array<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*taken)
}

/// Takes `length` bytes off the front of `input`, without copying.
pub(super) fn take<'input>(input: &mut &'input [u8], length: usize) -> Option<&'input [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form_and_come_back() {
        for (length, bytes) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (16_383, 2),
            (16_384, 5),
            (u64::from(u32::MAX), 5),
            (u64::from(u32::MAX) + 1, 9),
            (u64::MAX, 9),
        ] {
            let mut out = Vec::new();
            write(&mut out, length);
            assert_eq!(out.len(), bytes, "{length}");
            let mut input = out.as_slice();
            assert_eq!(read(&mut input), Some(Length::Plain(length)));
            assert!(input.is_empty());
            for cut in 0..bytes {
                assert_eq!(read(&mut &out[..cut]), None, "{length} cut at {cut}");
            }
        }
    }

    #[test]
    fn unknown_forms_are_refused() {
        assert_eq!(read(&mut &[0x82, 0, 0, 0, 0, 0, 0, 0, 0][..]), None);
        assert_eq!(read(&mut &[0xc3][..]), Some(Length::Encoded(3)));
        assert_eq!(read_plain(&mut &[0xc3][..]), None);
    }
}
