//! Inline commands: a line of words, as a person types it into a terminal, split as Redis splits
//! it.

use super::argv::Ranges;

/// Splits `line` into words: the decoded bytes go to `words`, their places to `ranges`. Words hold
/// never more bytes than the line. At most `limit` words.
///
/// In double quotes `\n \r \t \b \a \xHH` are decoded and any other escaped byte stands for
/// itself; in single quotes only `\'` is. A closing quote ends the word and must be followed by a
/// blank.
pub(super) fn split(
    line: &[u8],
    limit: usize,
    words: &mut Vec<u8>,
    ranges: &mut Ranges,
) -> Result<(), SplitError> {
    let mut rest = line;
    loop {
        while let Some((&byte, tail)) = rest.split_first()
            && is_blank(byte)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(());
        }
        if ranges.len() >= limit {
            return Err(SplitError::TooManyWords);
        }
        let start = words.len() as u32;
        rest = word(rest, words)?;
        ranges.push((start, words.len() as u32));
    }
}

/// Why a line has no words.
#[derive(Debug)]
pub(super) enum SplitError {
    /// A quote without its end, or a closing quote with a word right behind it.
    UnbalancedQuotes,
    /// More words than the connection may send.
    TooManyWords,
}

/// Takes one word off the head of `rest` and gives what follows it.
fn word<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], SplitError> {
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(tail),
            b'"' => return double_quoted(tail, words),
            b'\'' => return single_quoted(tail, words),
            _ => words.push(byte),
        }
        rest = tail;
    }
    Ok(rest)
}

fn double_quoted<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], SplitError> {
    loop {
        rest = match rest {
            [] => return Err(SplitError::UnbalancedQuotes),
            [b'"', tail @ ..] => return after_quote(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if let (Some(high), Some(low)) = (hex(*high), hex(*low)) =>
            {
                words.push(high << 4 | low);
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                words.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                tail
            }
            [byte, tail @ ..] => {
                words.push(*byte);
                tail
            }
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], SplitError> {
    loop {
        rest = match rest {
            [] => return Err(SplitError::UnbalancedQuotes),
            [b'\'', tail @ ..] => return after_quote(tail),
            [b'\\', b'\'', tail @ ..] => {
                words.push(b'\'');
                tail
            }
            [byte, tail @ ..] => {
                words.push(*byte);
                tail
            }
        };
    }
}

fn after_quote(rest: &[u8]) -> Result<&[u8], SplitError> {
    match rest.first() {
        Some(&byte) if !is_blank(byte) => Err(SplitError::UnbalancedQuotes),
        _ => Ok(rest),
    }
}

/// C's `isspace`, which knows the vertical tab that Rust's does not.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
