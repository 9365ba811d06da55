//! The request reader: an array of bulk strings, or an inline line, found in a connection's
//! buffer.
//!
//! What faces strangers must hold three things. Work: a byte is looked at once, however the
//! network cuts the stream, for the reader remembers the arguments it has seen. Memory: lengths
//! are checked against [`Limits`] before anything grows, and what grows is bounded by the bytes
//! received. Exactness: terminators are checked, lengths are decimal without ornament, and the
//! words of an error are Redis's, since clients and tests match them.

use memchr::{memchr, memchr2};

use super::argv::{Argv, Ranges};
use super::inline::{self, SplitError};
use super::limits::{Limits, MAX_REQUEST_BYTES, ProtocolError};
use super::number::parse_i64;

/// How far the reader came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The request is whole; the caller drops so many bytes of the buffer when it is done with
    /// them.
    Complete {
        /// Length of the request in bytes.
        consumed: usize,
    },
    /// Call again with the same bytes and more.
    Incomplete {
        /// At least so many more bytes are needed: a claim of the client's, within the limits.
        /// Memory for them should grow with what arrives, not at once.
        missing: usize,
    },
}

/// The place for one request's arguments, used again for the next.
#[derive(Debug, Default)]
pub struct Request {
    ranges: Ranges,
    /// Decoded words of an inline request, for which `ranges` then stand.
    words: Vec<u8>,
    inline: bool,
}

impl Request {
    /// No arguments.
    pub fn new() -> Self {
        Self::default()
    }

    /// The arguments, of the same `buffer` that was read.
    pub fn argv<'a>(&'a self, buffer: &'a [u8]) -> Argv<'a> {
        let bytes = if self.inline { &self.words } else { buffer };
        Argv::new(bytes, &self.ranges, self.inline)
    }

    /// Ready for the next request. Room for a common command is kept; what a rare great one needed
    /// is given back, else ten thousand idle connections would hold it.
    fn clear(&mut self) {
        const KEPT: usize = 512;
        self.ranges.clear();
        if self.ranges.capacity() > KEPT {
            self.ranges = Ranges::new();
        }
        if self.inline {
            self.inline = false;
            self.words.clear();
            self.words.shrink_to(KEPT);
        }
    }
}

/// Reads requests from a buffer that grows as bytes arrive. `buffer` always begins at the first
/// byte of the request under way, and `request` is the same from call to call until it is
/// complete. After an error the connection is closed and the reader with it.
#[derive(Debug, Default)]
pub struct RequestReader {
    /// Bytes of the request understood so far.
    position: usize,
    /// Bytes from `position` on that are known not to end the line.
    scanned: usize,
    /// Arguments still to come. Zero: the request has not begun.
    remaining: usize,
    /// Length of the argument that begins at `position`, when its head has been read.
    bulk: Option<usize>,
}

/// A line that tells a length.
enum Line {
    Length {
        value: i64,
        next: usize,
    },
    Malformed,
    Endless,
    /// Not whole yet.
    Open,
}

impl RequestReader {
    /// A reader at the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads on. An empty line, `*0` and a negative count are complete requests without arguments.
    pub fn next(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
        request: &mut Request,
    ) -> Result<Progress, ProtocolError> {
        if self.remaining == 0 {
            request.clear();
            match buffer.first() {
                None => return Ok(Progress::Incomplete { missing: 1 }),
                Some(b'*') => {}
                Some(_) => return self.inline(buffer, limits, request),
            }
            match self.line(buffer, limits) {
                Line::Open => return Ok(Progress::Incomplete { missing: 1 }),
                Line::Endless => return Err(ProtocolError::TooBigMultibulkCount),
                Line::Malformed => return Err(ProtocolError::InvalidMultibulkLength),
                Line::Length { value, next } => {
                    self.remaining = limits.multibulk_length(value)?;
                    if self.remaining == 0 {
                        return Ok(self.complete(next));
                    }
                    self.position = next;
                    self.scanned = 0;
                }
            }
        }
        self.arguments(buffer, limits, request)
    }

    fn arguments(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
        request: &mut Request,
    ) -> Result<Progress, ProtocolError> {
        while self.remaining > 0 {
            let length = match self.bulk.take() {
                Some(length) => length,
                None => match self.bulk_head(buffer, limits)? {
                    Some(length) => length,
                    None => return Ok(Progress::Incomplete { missing: 1 }),
                },
            };
            let start = self.position;
            let end = start.saturating_add(length);
            if end > MAX_REQUEST_BYTES - 2 {
                return Err(ProtocolError::TooBigRequest);
            }
            match buffer.get(end..) {
                Some([b'\r', b'\n', ..]) => {}
                None | Some([] | [_]) => {
                    self.bulk = Some(length);
                    let missing = end + 2 - buffer.len();
                    return Ok(Progress::Incomplete { missing });
                }
                Some(_) => return Err(ProtocolError::UnterminatedBulk),
            }
            request.ranges.push((start as u32, end as u32));
            self.position = end + 2;
            self.remaining -= 1;
        }
        Ok(self.complete(self.position))
    }

    /// Reads `$length` at the position and steps behind it. None: not whole yet.
    #[inline]
    fn bulk_head(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, ProtocolError> {
        match buffer.get(self.position) {
            None => return Ok(None),
            Some(b'$') => {}
            Some(&other) => return Err(ProtocolError::ExpectedBulk(other)),
        }
        match self.line(buffer, limits) {
            Line::Open => Ok(None),
            Line::Endless => Err(ProtocolError::TooBigBulkCount),
            Line::Malformed => Err(ProtocolError::InvalidBulkLength),
            Line::Length { value, next } => {
                let length = limits.bulk_length(value)?;
                self.position = next;
                self.scanned = 0;
                Ok(Some(length))
            }
        }
    }

    /// The number between the mark at the position and the next CR LF.
    #[inline]
    fn line(&mut self, buffer: &[u8], limits: &Limits) -> Line {
        let digits = buffer.get(self.position + 1..).unwrap_or_default();
        if let Some((value, length)) = short_line(digits) {
            let next = self.position + 1 + length;
            return Line::Length { value, next };
        }
        self.any_line(buffer, limits)
    }

    /// The same for any line: cut short, endless, signed, long or wrong.
    #[cold]
    fn any_line(&mut self, buffer: &[u8], limits: &Limits) -> Line {
        let line = buffer.get(self.position..).unwrap_or_default();
        let unseen = line.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr(b'\r', unseen) else {
            self.scanned = line.len();
            return if line.len() > limits.inline {
                Line::Endless
            } else {
                Line::Open
            };
        };
        let end = self.scanned + found;
        if end > limits.inline {
            return Line::Endless;
        }
        match line.get(end + 1) {
            None => {
                self.scanned = end;
                Line::Open
            }
            Some(b'\n') => match line.get(1..end).and_then(parse_i64) {
                Some(value) => Line::Length {
                    value,
                    next: self.position + end + 2,
                },
                None => Line::Malformed,
            },
            Some(_) => Line::Malformed,
        }
    }

    fn inline(
        &mut self,
        buffer: &[u8],
        limits: &Limits,
        request: &mut Request,
    ) -> Result<Progress, ProtocolError> {
        let unseen = buffer.get(self.scanned..).unwrap_or_default();
        let Some(found) = memchr2(b'\n', 0, unseen) else {
            self.scanned = buffer.len();
            return if buffer.len() > limits.inline {
                Err(ProtocolError::TooBigInline)
            } else {
                Ok(Progress::Incomplete { missing: 1 })
            };
        };
        let end = self.scanned + found;
        if end > limits.inline {
            return Err(ProtocolError::TooBigInline);
        }
        if buffer.get(end) == Some(&0) {
            return Err(ProtocolError::ZeroInInline);
        }
        let line = buffer.get(..end).unwrap_or_default();
        request.inline = true;
        match inline::split(line, limits.args, &mut request.words, &mut request.ranges) {
            Ok(()) => Ok(self.complete(end + 1)),
            Err(SplitError::UnbalancedQuotes) => Err(ProtocolError::UnbalancedQuotes),
            Err(SplitError::TooManyWords) => Err(limits.too_many()),
        }
    }

    fn complete(&mut self, consumed: usize) -> Progress {
        *self = Self::default();
        Progress::Complete { consumed }
    }
}

/// The number that begins `line` and the length of both it and its CR LF, when it has at most four
/// digits and is here whole, as nearly every length is; `any_line` reads the others.
#[inline]
fn short_line(line: &[u8]) -> Option<(i64, usize)> {
    let value = |digits: &[u8]| {
        digits.iter().try_fold(0, |value, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit <= 9).then(|| value * 10 + i64::from(digit))
        })
    };
    match line {
        [a, b'\r', b'\n', ..] => Some((value(&[*a])?, 3)),
        [a @ b'1'..=b'9', b, b'\r', b'\n', ..] => Some((value(&[*a, *b])?, 4)),
        [a @ b'1'..=b'9', b, c, b'\r', b'\n', ..] => Some((value(&[*a, *b, *c])?, 5)),
        [a @ b'1'..=b'9', b, c, d, b'\r', b'\n', ..] => Some((value(&[*a, *b, *c, *d])?, 6)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
