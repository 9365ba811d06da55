//! LCS: the longest common subsequence of two strings, found as Redis finds it.
//!
//! Of several longest ones Redis's walk from the ends of both strings picks one: equal bytes are
//! always taken, otherwise it steps back in the second string unless the first promises strictly
//! more. That one bit per pair of positions is all the table needs to hold; Redis holds the
//! lengths, 32 times as much, and its limit on them is kept, since it also bounds the work.

use super::string::MAX_LENGTH;

/// Why LCS is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LcsError {
    /// The product of the lengths is too great.
    #[error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    TooLarge,
}

/// A run of bytes common to both strings; the ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// First and last position in the first string.
    pub first: (usize, usize),
    /// First and last position in the second string.
    pub second: (usize, usize),
}

impl Match {
    /// How many bytes the run has.
    pub fn length(&self) -> usize {
        self.first.1 - self.first.0 + 1
    }
}

/// The length of the subsequence, without finding it.
pub fn length(first: &[u8], second: &[u8]) -> Result<usize, LcsError> {
    check_size(first, second)?;
    let mut row = vec![0; second.len() + 1];
    for byte in first {
        next_row(&mut row, *byte, second, |_| ());
    }
    Ok(row.last().map_or(0, |length| *length as usize))
}

/// The subsequence itself.
pub fn subsequence(first: &[u8], second: &[u8]) -> Result<Vec<u8>, LcsError> {
    let found = matches(first, second, 0)?;
    let runs = found
        .iter()
        .rev()
        .filter_map(|run| first.get(run.first.0..=run.first.1));
    Ok(runs.flatten().copied().collect())
}

/// The runs that the subsequence is made of, the last one first, without those shorter than
/// `least`.
pub fn matches(first: &[u8], second: &[u8], least: usize) -> Result<Vec<Match>, LcsError> {
    check_size(first, second)?;
    let table = Table::new(first, second);
    let mut found = Vec::new();
    let mut run: Option<Match> = None;
    let (mut i, mut j) = (first.len(), second.len());
    while let (Some(above), Some(left)) = (i.checked_sub(1), j.checked_sub(1)) {
        if first.get(above) == second.get(left) {
            run = Some(match run {
                Some(Match {
                    first: (_, end),
                    second: (_, other_end),
                }) => Match {
                    first: (above, end),
                    second: (left, other_end),
                },
                None => Match {
                    first: (above, above),
                    second: (left, left),
                },
            });
            (i, j) = (above, left);
            continue;
        }
        found.extend(run.take());
        if table.first_promises_more(above, left) {
            i = above;
        } else {
            j = left;
        }
    }
    found.extend(run);
    found.retain(|run| run.length() >= least);
    Ok(found)
}

/// Redis's limit: a table of lengths, four bytes for each pair of positions.
fn check_size(first: &[u8], second: &[u8]) -> Result<(), LcsError> {
    let cells = (first.len() as u128 + 1) * (second.len() as u128 + 1);
    if cells * 4 > MAX_LENGTH as u128 {
        Err(LcsError::TooLarge)
    } else {
        Ok(())
    }
}

/// For each pair of positions whose bytes differ: whether dropping the byte of the first string
/// keeps a longer subsequence than dropping that of the second.
struct Table {
    words: Vec<u64>,
    width: usize,
}

impl Table {
    fn new(first: &[u8], second: &[u8]) -> Table {
        let width = second.len();
        let mut table = Table {
            words: vec![0; (first.len() * width).div_ceil(64)],
            width,
        };
        let mut row = vec![0; width + 1];
        for (above, byte) in first.iter().enumerate() {
            let start = above * width;
            next_row(&mut row, *byte, second, |left| table.note(start + left));
        }
        table
    }

    fn note(&mut self, cell: usize) {
        if let Some(word) = self.words.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }

    fn first_promises_more(&self, above: usize, left: usize) -> bool {
        let cell = above * self.width + left;
        self.words
            .get(cell / 64)
            .is_some_and(|word| word >> (cell % 64) & 1 == 1)
    }
}

/// Turns the lengths of one row, `row[j]` being that for the first `j` bytes of `second`, into
/// those of the next, which has one more `byte`. Calls `above_greater` with each position whose
/// bytes differ and whose length comes from the row above alone.
fn next_row(row: &mut [u32], byte: u8, second: &[u8], mut above_greater: impl FnMut(usize)) {
    let Some((first, rest)) = row.split_first_mut() else {
        return;
    };
    let mut diagonal = *first;
    let mut left = *first;
    for (position, (cell, other)) in rest.iter_mut().zip(second).enumerate() {
        let above = *cell;
        *cell = if byte == *other {
            diagonal + 1
        } else if above > left {
            above_greater(position);
            above
        } else {
            left
        };
        diagonal = above;
        left = *cell;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, by all subsequences of the shorter text.
    fn model_length(first: &[u8], second: &[u8]) -> usize {
        let subsets = 0..1_u32 << first.len();
        let contained = |chosen: &u32| {
            let mut rest = second.iter();
            let mut bytes = (0..first.len()).filter(|bit| chosen >> bit & 1 == 1);
            bytes.all(|bit| rest.any(|byte| *byte == first[bit]))
        };
        subsets
            .filter(contained)
            .map(|chosen| chosen.count_ones() as usize)
            .max()
            .unwrap()
    }

    #[test]
    fn the_example_of_the_redis_documentation() {
        let (first, second) = (b"ohmytext", b"mynewtext");
        assert_eq!(subsequence(first, second).unwrap(), b"mytext");
        assert_eq!(length(first, second), Ok(6));
        let expected = [
            Match {
                first: (4, 7),
                second: (5, 8),
            },
            Match {
                first: (2, 3),
                second: (0, 1),
            },
        ];
        assert_eq!(matches(first, second, 0).unwrap(), expected);
        assert_eq!(matches(first, second, 4).unwrap(), expected[..1]);
        assert_eq!(matches(first, second, 5).unwrap(), []);
    }

    #[test]
    fn nothing_is_common_with_nothing() {
        assert_eq!(length(b"", b"abc"), Ok(0));
        assert_eq!(subsequence(b"abc", b"").unwrap(), b"");
        assert_eq!(matches(b"", b"", 0).unwrap(), []);
    }

    #[test]
    fn texts_beyond_the_limit_of_redis_are_refused() {
        let text = vec![b'a'; 11_586];
        assert_eq!(length(&text, &text), Err(LcsError::TooLarge));
        assert_eq!(matches(&text, &text, 0), Err(LcsError::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_found_is_common_and_longest(
            first in "[abc]{0,9}",
            second in "[abc]{0,12}",
        ) {
            let (first, second) = (first.as_bytes(), second.as_bytes());
            let longest = model_length(first, second);
            prop_assert_eq!(length(first, second), Ok(longest));
            let found = matches(first, second, 0).unwrap();
            prop_assert_eq!(found.iter().map(Match::length).sum::<usize>(), longest);
            let mut before = (first.len(), second.len());
            for run in &found {
                let bytes = &first[run.first.0..=run.first.1];
                prop_assert_eq!(bytes, &second[run.second.0..=run.second.1]);
                prop_assert!(run.first.1 < before.0 && run.second.1 < before.1);
                before = (run.first.0, run.second.0);
            }
        }
    }
}
