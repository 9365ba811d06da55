//! Acknowledgements of one stream: cumulative, with exceptions. Pure.
//!
//! An acknowledgement says: committed up to n, fsynced up to m, *except those listed*. An operation
//! that waits for its record to be loaded is excepted as pending, and acknowledged by number later; so
//! "up to n" never covers what was refused (counterexample F8). In the healthy case nothing is listed
//! and the body is two varints. What is always true: an exception is told in the first acknowledgement
//! that reaches it; numbers count from 1 per pair of process lives.

use thiserror::Error;

use crate::version::wire::{Reader, WireError, put_varint};

/// Why a number is not covered by the acknowledgement that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// Not taken, and never will be.
    Refused,
    /// Waits for a load; its outcome comes later, by number.
    Pending,
    /// Taken and committed, but a later sibling hides it under `lww`: it does not count.
    Hidden,
}

/// What became of a pending operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Committed; it may be named once more when it is synced.
    Committed,
    /// Committed and fsynced.
    Synced,
    /// Not taken, and never will be.
    Refused,
    /// Taken and committed, but hidden.
    Hidden,
}

impl Exception {
    const ALL: [Self; 3] = [Self::Refused, Self::Pending, Self::Hidden];

    fn byte(self) -> u8 {
        match self {
            Self::Refused => 0,
            Self::Pending => 1,
            Self::Hidden => 2,
        }
    }
}

impl Late {
    const ALL: [Self; 4] = [Self::Committed, Self::Synced, Self::Refused, Self::Hidden];

    fn byte(self) -> u8 {
        match self {
            Self::Committed => 0,
            Self::Synced => 1,
            Self::Refused => 2,
            Self::Hidden => 3,
        }
    }
}

/// The body of a frame of kind [`ACK`](super::FrameKind::ACK).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// All operations up to this number are committed, but for the exceptions told so far.
    pub committed: u64,
    /// All up to this are fsynced, but for those; never above `committed`.
    pub synced: u64,
    /// Exceptions among the newly covered numbers, ascending.
    pub except: Vec<(u64, Exception)>,
    /// Outcomes of operations that were pending, ascending.
    pub later: Vec<(u64, Late)>,
}

/// Bytes that are no acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a malformed acknowledgement")]
pub struct MalformedAck;

impl From<WireError> for MalformedAck {
    fn from(_: WireError) -> Self {
        Self
    }
}

impl Ack {
    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        debug_assert!(self.synced <= self.committed);
        put_varint(out, self.committed);
        put_varint(out, self.committed.saturating_sub(self.synced));
        if self.except.is_empty() && self.later.is_empty() {
            return;
        }
        let except = self.except.iter().map(|&(n, reason)| (n, reason.byte()));
        put_list(out, except);
        let later = self.later.iter().map(|&(n, outcome)| (n, outcome.byte()));
        put_list(out, later);
    }

    /// The acknowledgement that is the whole body.
    pub fn decode(body: &[u8]) -> Result<Self, MalformedAck> {
        let mut reader = Reader::new(body);
        let committed = reader.varint()?;
        let lag = reader.varint()?;
        let mut ack = Self {
            committed,
            synced: committed.checked_sub(lag).ok_or(MalformedAck)?,
            ..Self::default()
        };
        if reader.is_empty() {
            return Ok(ack);
        }
        ack.except = list(&mut reader, committed, |byte| {
            Exception::ALL.into_iter().find(|e| e.byte() == byte)
        })?;
        ack.later = list(&mut reader, committed, |byte| {
            Late::ALL.into_iter().find(|l| l.byte() == byte)
        })?;
        let nothing_listed = ack.except.is_empty() && ack.later.is_empty();
        if nothing_listed || !reader.is_empty() {
            return Err(MalformedAck);
        }
        Ok(ack)
    }
}

/// A count; then per entry how many numbers lie between it and the one before, and a byte.
fn put_list(out: &mut Vec<u8>, list: impl ExactSizeIterator<Item = (u64, u8)>) {
    put_varint(out, list.len() as u64);
    let mut previous = 0;
    for (number, byte) in list {
        debug_assert!(number > previous, "ascending, from 1");
        put_varint(out, number - previous - 1);
        out.push(byte);
        previous = number;
    }
}

/// Every entry takes two bytes at least, so the list is no longer than what is there.
fn list<T>(
    reader: &mut Reader<'_>,
    committed: u64,
    of_byte: impl Fn(u8) -> Option<T>,
) -> Result<Vec<(u64, T)>, MalformedAck> {
    let count = reader.varint()?;
    let mut list = Vec::new();
    let mut previous = 0u64;
    for _ in 0..count {
        let between = reader.varint()?;
        let number = previous
            .checked_add(between)
            .and_then(|number| number.checked_add(1))
            .filter(|number| *number <= committed)
            .ok_or(MalformedAck)?;
        list.push((number, of_byte(reader.byte()?).ok_or(MalformedAck)?));
        previous = number;
    }
    Ok(list)
}
