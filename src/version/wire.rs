//! The small change of encoded histories: LEB128 numbers and delta-coded intervals, shared by the
//! record codec and by contexts. Reading is total and accepts one spelling of each value only.

use thiserror::Error;

use super::Interval;
use crate::types::Hlc;

/// Why bytes are no encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum WireError {
    #[error("the bytes end too early")]
    Truncated,
    #[error("a value is not in its one canonical form")]
    NotCanonical,
}

/// A cursor over bytes that may be anything.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn bytes(&mut self, count: u64) -> Result<&'a [u8], WireError> {
        let count = usize::try_from(count).map_err(|_| WireError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, WireError> {
        let (&first, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    pub(crate) fn fixed_u64(&mut self) -> Result<u64, WireError> {
        let (&taken, rest) = self
            .rest
            .split_first_chunk::<8>()
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(taken))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        let mut shift = 0u32;
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit; a last byte of zero is a longer spelling.
            if shift == 63 && bits > 1 || shift > 63 || (byte == 0 && shift > 0) {
                return Err(WireError::NotCanonical);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// The intervals of one actor, as [`put_intervals`] wrote them, each given to `take`.
    pub(crate) fn intervals(&mut self, mut take: impl FnMut(Interval)) -> Result<(), WireError> {
        let header = self.varint()?;
        let (count, from_zero) = (header >> 1, header & 1 == 1);
        if count == 0 {
            return Err(WireError::NotCanonical);
        }
        let mut from = if from_zero { 0 } else { self.varint()? };
        if !from_zero && from == 0 {
            return Err(WireError::NotCanonical);
        }
        for place in 0..count {
            if place > 0 {
                // `from` is the end of the previous interval here; touching ones would be one.
                let gap = self.varint()?;
                from = from
                    .checked_add(2)
                    .and_then(|start| start.checked_add(gap))
                    .ok_or(WireError::NotCanonical)?;
            }
            let to = from
                .checked_add(self.varint()?)
                .ok_or(WireError::NotCanonical)?;
            take(Interval {
                from: Hlc(from),
                to: Hlc(to),
            });
            from = to;
        }
        Ok(())
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The intervals of one actor, sorted, disjoint and not touching: twice their count, plus one if
/// the first starts at 0; its start, unless 0; then lengths and gaps in turn.
pub(crate) fn put_intervals(out: &mut Vec<u8>, intervals: &[Interval]) {
    let from_zero = intervals.first().is_some_and(|first| first.from.0 == 0);
    put_varint(out, (intervals.len() as u64) << 1 | u64::from(from_zero));
    let mut previous: Option<Hlc> = None;
    for interval in intervals {
        match previous {
            None if from_zero => {}
            None => put_varint(out, interval.from.0),
            Some(end) => put_varint(out, interval.from.0 - end.0 - 2),
        }
        put_varint(out, interval.to.0 - interval.from.0);
        previous = Some(interval.to);
    }
}
