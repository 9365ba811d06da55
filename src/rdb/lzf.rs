//! LZF, the compression of strings in RDB.
//!
//! A compressed text is a row of items:
//!
//! ```text
//! 000LLLLL + L+1 bytes            these bytes
//! LLLooooo oooooooo               L+2 bytes from o+1 back, 1 <= L <= 6
//! 111ooooo LLLLLLLL oooooooo      L+9 bytes from o+1 back
//! ```
//!
//! A copy may overlap its own end (a run of one byte is a copy from 1 back). Which of the possible
//! rows a compressor finds is its own affair; this one looks where liblzf in Redis's settings
//! looks, so that payloads are the same byte for byte.

/// A row of literal bytes is at most this long.
const MAX_LITERAL: usize = 1 << 5;

/// How far back a copy reaches.
const MAX_OFFSET: usize = 1 << 13;

/// The most that one copy gives.
const MAX_COPY: usize = (1 << 8) + (1 << 3);

/// A copy of [`MAX_COPY`] bytes takes three: no text grows more than by this factor.
const MAX_GROWTH: usize = MAX_COPY / 3;

/// Up to so many comparable bytes the match length is found without the long stride.
const SHORT_MATCH: usize = 16;

const HASH_BITS: u32 = 16;

/// Compresses into at most `limit` bytes; `None` if that is too little.
///
/// Costs one pass and 256 KiB for the table of where each three bytes were last seen.
pub fn compress(input: &[u8], limit: usize) -> Option<Vec<u8>> {
    if input.is_empty() || limit == 0 {
        return None;
    }
    let mut seen = Seen::new();
    let mut out = Output {
        bytes: vec![0],
        literals: 0,
        limit,
    };
    let mut at = 0;
    while let Some(three) = triple(input, at) {
        let earlier = seen.exchange(three, at);
        let Some(offset) = copy_offset(input, at, earlier, three) else {
            if out.bytes.len() >= limit {
                return None;
            }
            out.push_literal(*input.get(at)?);
            at += 1;
            continue;
        };
        let length = match_length(input, earlier, at);
        out.push_copy(offset, length)?;
        at += length;
        // The positions inside the copy are skipped, but for the last two.
        if at + 2 >= input.len() {
            break;
        }
        for position in [at - 2, at - 1] {
            if let Some(three) = triple(input, position) {
                seen.exchange(three, position);
            }
        }
    }
    if out.bytes.len() + 3 > limit {
        return None;
    }
    for byte in input.get(at..)? {
        out.push_literal(*byte);
    }
    Some(out.finish())
}

/// The text that `compressed` stands for, which must be exactly `length` bytes long.
pub fn decompress(compressed: &[u8], length: usize) -> Option<Vec<u8>> {
    // Before the allocation: no input can grow that much.
    if length > compressed.len().saturating_mul(MAX_GROWTH) {
        return None;
    }
    let mut out = Vec::with_capacity(length);
    let mut input = compressed;
    while let Some((control, rest)) = input.split_first() {
        input = rest;
        let control = usize::from(*control);
        if control < MAX_LITERAL {
            let (literals, rest) = input.split_at_checked(control + 1)?;
            input = rest;
            if literals.len() > length - out.len() {
                return None;
            }
            out.extend_from_slice(literals);
            continue;
        }
        let mut copied = control >> 5;
        if copied == 7 {
            let (more, rest) = input.split_first()?;
            input = rest;
            copied += usize::from(*more);
        }
        copied += 2;
        let (low, rest) = input.split_first()?;
        input = rest;
        let back = ((control & 0x1f) << 8) + usize::from(*low) + 1;
        if copied > length - out.len() {
            return None;
        }
        copy_back(&mut out, back, copied)?;
    }
    (out.len() == length).then_some(out)
}

/// Appends `length` bytes from `back` bytes before the end, which may be bytes just appended.
fn copy_back(out: &mut Vec<u8>, back: usize, length: usize) -> Option<()> {
    let start = out.len().checked_sub(back)?;
    let mut left = length;
    while left > 0 {
        // What lies there repeats with period `back`, so each round can take all there is by now.
        let step = left.min(out.len() - start);
        out.extend_from_within(start..start + step);
        left -= step;
    }
    Some(())
}

/// Where each three bytes, by their hash, were last seen. 0 is both "nowhere" and the start of
/// the text, which no copy is therefore taken from.
struct Seen {
    positions: Vec<u32>,
}

impl Seen {
    fn new() -> Self {
        Seen {
            positions: vec![0; 1 << HASH_BITS],
        }
    }

    /// Notes `position` and returns what was noted before.
    #[allow(
        clippy::indexing_slicing,
        reason = "the hash has as many bits as the table"
    )]
    fn exchange(&mut self, three: u32, position: usize) -> usize {
        let hash = (three >> (24 - HASH_BITS)).wrapping_sub(three.wrapping_mul(5));
        let slot = &mut self.positions[(hash & ((1 << HASH_BITS) - 1)) as usize];
        // A text over 4 GiB would only find wrong candidates, which are compared anyway.
        std::mem::replace(slot, position as u32) as usize
    }
}

/// The compressed text under way. The last `literals` bytes are a row still open, and the byte
/// before them is kept for its length.
struct Output {
    bytes: Vec<u8>,
    literals: usize,
    limit: usize,
}

impl Output {
    fn push_literal(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.literals += 1;
        if self.literals == MAX_LITERAL {
            self.close_row();
            self.bytes.push(0);
        }
    }

    fn push_copy(&mut self, offset: usize, length: usize) -> Option<()> {
        let empty_row = usize::from(self.literals == 0);
        if self.bytes.len() - empty_row + 4 >= self.limit {
            return None;
        }
        self.close_row();
        let (high, low) = ((offset >> 8) as u8, (offset & 0xff) as u8);
        let length = length - 2;
        if length < 7 {
            self.bytes.push(high + ((length as u8) << 5));
        } else {
            self.bytes.push(high + (7 << 5));
            self.bytes.push((length - 7) as u8);
        }
        self.bytes.push(low);
        self.bytes.push(0);
        Some(())
    }

    /// Writes the open row's length before it, or takes that byte back if the row is empty.
    fn close_row(&mut self) {
        if self.literals == 0 {
            self.bytes.pop();
        } else {
            let start = self.bytes.len() - self.literals - 1;
            if let Some(length) = self.bytes.get_mut(start) {
                *length = (self.literals - 1) as u8;
            }
        }
        self.literals = 0;
    }

    fn finish(mut self) -> Vec<u8> {
        self.close_row();
        self.bytes
    }
}

/// The three bytes at a position, the first in the highest place.
fn triple(input: &[u8], at: usize) -> Option<u32> {
    let [first, second, third] = *input.get(at..)?.first_chunk::<3>()?;
    Some(u32::from_be_bytes([0, first, second, third]))
}

/// The offset field of a copy from `earlier`, if the three bytes there are the same and in reach.
fn copy_offset(input: &[u8], at: usize, earlier: usize, three: u32) -> Option<usize> {
    if earlier == 0 {
        return None;
    }
    let offset = at.checked_sub(earlier + 1)?;
    (offset < MAX_OFFSET && triple(input, earlier) == Some(three)).then_some(offset)
}

/// How many bytes at `earlier` and `at` are taken as one copy, the first three being the same.
///
/// liblzf leaves the text's last two bytes out of the comparison, except where it compares
/// sixteen in one stride; equal payloads need the same ends.
fn match_length(input: &[u8], earlier: usize, at: usize) -> usize {
    let most = (input.len() - at - 2).min(MAX_COPY);
    let same = |length: usize| input.get(earlier + length) == input.get(at + length);
    let mut length = 3;
    if most > SHORT_MATCH {
        while length < 3 + SHORT_MATCH {
            if !same(length) {
                return length;
            }
            length += 1;
        }
    }
    while length < most && same(length) {
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn what_is_compressed_comes_back(
            input in proptest::collection::vec(0_u8..4, 1..3000),
        ) {
            if let Some(compressed) = compress(&input, input.len()) {
                prop_assert!(compressed.len() <= input.len());
                prop_assert_eq!(decompress(&compressed, input.len()), Some(input.clone()));
                prop_assert_eq!(decompress(&compressed, input.len() - 1), None);
                prop_assert_eq!(decompress(&compressed, input.len() + 1), None);
            }
        }

        #[test]
        fn no_input_makes_decompression_panic(
            input in proptest::collection::vec(any::<u8>(), 0..60),
            length in 0_usize..600,
        ) {
            if let Some(text) = decompress(&input, length) {
                prop_assert_eq!(text.len(), length);
            }
        }
    }

    #[test]
    fn a_run_of_one_byte_compresses_to_copies_of_itself() {
        let text = vec![b'x'; 1000];
        let compressed = compress(&text, 996).unwrap();
        assert!(compressed.len() < 20, "{compressed:?}");
        assert_eq!(decompress(&compressed, 1000).unwrap(), text);
    }

    #[test]
    fn noise_is_not_compressed() {
        let noise: Vec<u8> = (0..=255).collect();
        assert_eq!(compress(&noise, noise.len() - 4), None);
    }

    #[test]
    fn a_copy_from_before_the_start_is_refused() {
        assert_eq!(decompress(&[0, b'a', 0x20, 1], 4), None);
        assert_eq!(decompress(&[0, b'a', 0x20, 0], 4), Some(b"aaaa".to_vec()));
    }

    #[test]
    fn a_length_beyond_any_growth_is_refused_before_allocating() {
        assert_eq!(decompress(&[0, b'a'], usize::MAX), None);
    }
}
