//! The body of a frame of operations: consecutive numbers, the first one said. Pure; reading is total.

use thiserror::Error;

use crate::version::wire::{Reader, WireError, put_varint};

/// Consecutive operations of an outbox, on their way into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The number of the first.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// Each with its length before it.
    pub(super) ops: &'a [u8],
}

/// Bytes that are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a malformed batch of operations")]
pub struct MalformedBatch;

impl From<WireError> for MalformedBatch {
    fn from(_: WireError) -> Self {
        Self
    }
}

impl<'a> Batch<'a> {
    /// Appends the body of a frame of kind [`APPLY`](super::FrameKind::APPLY).
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.first);
        out.extend_from_slice(self.ops);
    }

    /// The batch that is the whole body: at least one operation, and nothing behind the last.
    pub fn decode(body: &'a [u8]) -> Result<Self, MalformedBatch> {
        let mut reader = Reader::new(body);
        let first = reader.varint()?;
        let ops = reader.rest();
        let mut count = 0;
        while !reader.is_empty() {
            next_op(&mut reader)?;
            count += 1;
        }
        // The number after the last must exist too.
        if first == 0 || count == 0 || first.checked_add(count).is_none() {
            return Err(MalformedBatch);
        }
        Ok(Self { first, count, ops })
    }

    /// The operations with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.ops);
        let ops = std::iter::from_fn(move || next_op(&mut reader).ok());
        (self.first..).zip(ops)
    }

    /// The operation at the start of encoded ones.
    pub(super) fn first_op(ops: &'a [u8]) -> &'a [u8] {
        next_op(&mut Reader::new(ops)).unwrap_or_default()
    }
}

fn next_op<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let length = reader.varint()?;
    reader.bytes(length)
}
