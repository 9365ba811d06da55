//! The sending side of one stream: operations numbered, retained until acknowledged, bounded. Pure.
//!
//! ```text
//!        void      committed           sent             last
//!  -------|------------|---------------|----------------|
//!   count  acknowledged  on their way    to be sent
//!   no more  (some pending: kept apart)
//!                      `---- retained, back to back ----´
//! ```
//!
//! What is always true: an operation is retained until it is acknowledged by name or by a number at or
//! past its own, refused, or given up, so that what a lost peer may not have can go elsewhere. A
//! [`Seq`] is never used again while this node lives; on the wire numbers count from 1 per pair of
//! process lives, and nothing unacknowledged of an old life ever counts. Memory is bounded: a full
//! outbox takes nothing, and the caller answers TRYAGAIN. No allocation per operation.

use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use super::ack::{Ack, Exception, Late};
use super::batch::Batch;
use super::frame::{FRAME_BYTES_MAX, HEADER_BYTES};
use crate::types::Actor;
use crate::version::wire::put_varint;

/// An outbox holds so much. At a gigabit it takes 70 ms to send: with more the queue is no buffer
/// against unevenness but a delay, and a peer that stalls is found out by then.
pub const OUTBOX_BYTES_MAX: usize = 8 << 20;

/// No operation is longer: one must fit a frame, with its number and length. Longer values travel in
/// chunks.
pub const OP_BYTES_MAX: usize = FRAME_BYTES_MAX - HEADER_BYTES - 64;

/// What an operation costs beside its bytes.
const OP_OVERHEAD_BYTES: usize = 8;

/// Outcomes that differ from the watermarks are remembered for so many operations; older numbers no
/// longer count, which is safe. A second's worth of cold loads.
const SETTLED_MAX: usize = 16_384;

/// Bytes that have gone are cut off when they are so many, and half of all.
const COMPACT_BYTES: usize = 64 << 10;

/// An empty outbox keeps so much memory.
const KEEP_BYTES: usize = 256 << 10;

/// One operation of one outbox, across the lives of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// Numbers after `after`, up to and with `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeqRange {
    /// The last number before the range.
    pub after: Seq,
    /// The last number in it.
    pub to: Seq,
}

impl SeqRange {
    /// Whether it holds no number.
    pub fn is_empty(self) -> bool {
        self.after >= self.to
    }

    /// Whether it holds this one.
    pub fn contains(self, seq: Seq) -> bool {
        self.after < seq && seq <= self.to
    }
}

/// Why an operation was not taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutboxFull {
    /// The peer is too slow: answer TRYAGAIN.
    #[error("too much is on its way to this node")]
    Full,
    /// Too long for a frame: send it in chunks.
    #[error("an operation of {0} bytes does not fit a frame")]
    TooLong(usize),
}

/// An acknowledgement of what was never sent: the peer is confused, the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("operation {committed} was acknowledged, {last} is the last")]
pub struct WrongAck {
    /// The number on the wire.
    pub committed: u64,
    /// The last number given out.
    pub last: u64,
}

/// What an acknowledgement made newly known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acked {
    /// Newly committed, but for the exceptions.
    pub committed: SeqRange,
    /// Newly fsynced, but for the exceptions told so far.
    pub synced: SeqRange,
    /// Exceptions in `committed`.
    pub except: Vec<(Seq, Exception)>,
    /// Outcomes of pending operations.
    pub later: Vec<(Seq, Late)>,
}

/// The sending side of one stream.
#[derive(Debug)]
pub struct Outbox {
    peer: Actor,
    bytes_max: usize,
    /// Retained operations, each with its length before it. From `start` on; before it, gone ones.
    ops: Vec<u8>,
    start: usize,
    /// Bytes in `ops` of each operation after `committed`.
    lengths: VecDeque<u32>,
    /// What all operations here are charged with.
    bytes: usize,
    /// Numbers on the wire are those after this.
    base: u64,
    /// Up to here numbers no longer count.
    void: u64,
    committed: u64,
    synced: u64,
    sent: u64,
    /// Bytes after `start` that are sent.
    sent_bytes: usize,
    pending: BTreeMap<u64, Box<[u8]>>,
    /// Acknowledged operations of which the watermarks do not tell the truth.
    settled: BTreeMap<u64, Late>,
}

impl Outbox {
    /// An outbox to a peer in this life of its process, for at most [`OUTBOX_BYTES_MAX`].
    pub fn new(peer: Actor) -> Self {
        Self::with_limit(peer, OUTBOX_BYTES_MAX)
    }

    /// One that holds less.
    pub fn with_limit(peer: Actor, bytes_max: usize) -> Self {
        Self {
            peer,
            bytes_max,
            ops: Vec::new(),
            start: 0,
            lengths: VecDeque::new(),
            bytes: 0,
            base: 0,
            void: 0,
            committed: 0,
            synced: 0,
            sent: 0,
            sent_bytes: 0,
            pending: BTreeMap::new(),
            settled: BTreeMap::new(),
        }
    }

    /// The peer's life that numbers are for.
    pub fn peer(&self) -> Actor {
        self.peer
    }

    /// Bytes charged for what is retained.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The last number given out.
    pub fn last(&self) -> Seq {
        Seq(self.committed + self.lengths.len() as u64)
    }

    /// Takes an operation to be sent.
    pub fn push(&mut self, op: &[u8]) -> Result<Seq, OutboxFull> {
        if op.len() > OP_BYTES_MAX {
            return Err(OutboxFull::TooLong(op.len()));
        }
        if self.bytes + cost(op.len()) > self.bytes_max {
            return Err(OutboxFull::Full);
        }
        let before = self.ops.len();
        put_varint(&mut self.ops, op.len() as u64);
        self.ops.extend_from_slice(op);
        self.lengths.push_back((self.ops.len() - before) as u32);
        self.bytes += cost(op.len());
        Ok(self.last())
    }

    /// Whether something is to be sent.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.last().0
    }

    /// The next operations to send, some `bytes_max` bytes of them but one at least; they count as
    /// sent on this connection.
    pub fn next_batch(&mut self, bytes_max: usize) -> Option<Batch<'_>> {
        let bytes_max = bytes_max.min(OP_BYTES_MAX);
        let first = self.sent + 1;
        let skip = (self.sent - self.committed) as usize;
        let mut count = 0;
        let mut bytes = 0;
        for &length in self.lengths.iter().skip(skip) {
            if count > 0 && bytes + length as usize > bytes_max {
                break;
            }
            count += 1;
            bytes += length as usize;
        }
        if count == 0 {
            return None;
        }
        let from = self.start + self.sent_bytes;
        self.sent += count;
        self.sent_bytes += bytes;
        Some(Batch {
            first: first - self.base,
            count,
            ops: self.ops.get(from..from + bytes).unwrap_or_default(),
        })
    }

    /// An acknowledgement has come. What it repeats is passed over.
    pub fn acked(&mut self, ack: &Ack) -> Result<Acked, WrongAck> {
        let last = self.last().0;
        if ack.committed > last - self.base {
            return Err(WrongAck {
                committed: ack.committed,
                last: last - self.base,
            });
        }
        let mut told = Acked {
            committed: range(self.committed, self.base + ack.committed),
            synced: range(self.synced, self.base + ack.synced.min(ack.committed)),
            except: Vec::new(),
            later: Vec::new(),
        };
        let mut exceptions = ack.except.iter().peekable();
        for seq in self.committed + 1..=told.committed.to.0 {
            while exceptions.next_if(|(n, _)| *n < seq - self.base).is_some() {}
            let exception = exceptions.next_if(|(n, _)| *n == seq - self.base);
            self.release(seq, exception.map(|(_, exception)| *exception));
            told.except
                .extend(exception.map(|(_, exception)| (Seq(seq), *exception)));
        }
        self.synced = told.synced.to.0;
        for &(number, late) in &ack.later {
            let seq = self.base.saturating_add(number);
            if self.settle_late(seq, late) {
                told.later.push((Seq(seq), late));
            }
        }
        self.compact();
        Ok(told)
    }

    /// Whether an operation is committed at the peer and counts.
    pub fn is_acked(&self, seq: Seq) -> bool {
        match self.settled.get(&seq.0) {
            Some(late) => matches!(late, Late::Committed | Late::Synced),
            None => self.is_covered(seq, self.committed),
        }
    }

    /// Whether it is fsynced there and counts.
    pub fn is_synced(&self, seq: Seq) -> bool {
        match self.settled.get(&seq.0) {
            Some(late) => *late == Late::Synced,
            None => self.is_covered(seq, self.synced),
        }
    }

    fn is_covered(&self, seq: Seq, up_to: u64) -> bool {
        self.void < seq.0 && seq.0 <= up_to && !self.pending.contains_key(&seq.0)
    }

    /// What is retained, in order: to be sent elsewhere when the peer is given up.
    pub fn unacked(&self) -> impl Iterator<Item = (Seq, &[u8])> {
        let pending = self.pending.iter().map(|(&seq, op)| (Seq(seq), &**op));
        let ops = self.ops.get(self.start..).unwrap_or_default();
        let retained = Batch {
            first: self.committed + 1,
            count: self.lengths.len() as u64,
            ops,
        };
        pending.chain(retained.iter().map(|(number, op)| (Seq(number), op)))
    }

    /// A new connection to the same life of the peer: what is not acknowledged is sent again, under
    /// its old numbers. The peer passes over what it has.
    pub fn rewind(&mut self) {
        self.sent = self.committed;
        self.sent_bytes = 0;
    }

    /// Drops what is retained: it went elsewhere. It will not count, whatever the peer says later.
    pub fn give_up(&mut self) {
        let last = self.last().0;
        self.void = last;
        self.committed = last;
        self.synced = last;
        self.sent = last;
        self.sent_bytes = 0;
        self.start = 0;
        self.ops = Vec::new();
        self.lengths.clear();
        self.pending.clear();
        self.settled.clear();
        self.bytes = 0;
    }

    /// The peer's process was started anew: what is retained is given up, and numbers on the wire
    /// start at 1.
    pub fn reset(&mut self, peer: Actor) {
        self.give_up();
        self.base = self.void;
        self.peer = peer;
    }

    /// The oldest retained operation is acknowledged, or excepted.
    fn release(&mut self, seq: u64, exception: Option<Exception>) {
        let Some(length) = self.lengths.pop_front() else {
            return;
        };
        let length = length as usize;
        let taken = self.ops.get(self.start..self.start + length);
        let op = Batch::first_op(taken.unwrap_or_default());
        let op_bytes = op.len();
        match exception {
            Some(Exception::Pending) => {
                self.pending.insert(seq, op.into());
            }
            Some(Exception::Refused) => self.settle(seq, Late::Refused),
            Some(Exception::Hidden) => self.settle(seq, Late::Hidden),
            None => {}
        }
        if exception != Some(Exception::Pending) {
            self.bytes -= cost(op_bytes);
        }
        self.start += length;
        self.committed = seq;
        if self.sent < seq {
            self.sent = seq;
        } else {
            self.sent_bytes -= length;
        }
    }

    /// The outcome of a pending operation; `false` if it is known already.
    fn settle_late(&mut self, seq: u64, late: Late) -> bool {
        if let Some(op) = self.pending.remove(&seq) {
            self.bytes -= cost(op.len());
        } else if self.settled.get(&seq) != Some(&Late::Committed) || late != Late::Synced {
            return false;
        }
        self.settle(seq, late);
        true
    }

    fn settle(&mut self, seq: u64, late: Late) {
        self.settled.insert(seq, late);
        if self.settled.len() > SETTLED_MAX
            && let Some((oldest, _)) = self.settled.pop_first()
        {
            self.void = self.void.max(oldest);
        }
    }

    fn compact(&mut self) {
        if self.lengths.is_empty() {
            self.ops.clear();
            self.start = 0;
            self.ops.shrink_to(KEEP_BYTES);
        } else if self.start > COMPACT_BYTES && self.start > self.ops.len() / 2 {
            self.ops.drain(..self.start);
            self.start = 0;
        }
    }
}

fn cost(op_bytes: usize) -> usize {
    op_bytes + OP_OVERHEAD_BYTES
}

fn range(known: u64, now: u64) -> SeqRange {
    SeqRange {
        after: Seq(known),
        to: Seq(known.max(now)),
    }
}
