//! One peer as a worker talks to it: operations that are kept until they are acknowledged, digests and
//! commands that wait for answers, and the bytes that are to be written. No socket here: a driver
//! drains [`Link::out`] and hands in what arrives.

use std::collections::{BTreeSet, VecDeque};

use super::wire::{self, CommandItem, ReadItem};
use crate::peer::{FrameKind, Header, encode};
use crate::store::log::Entries;
use crate::types::{Actor, ActorIndex};
use crate::version::wire::put_varint;

/// Unacknowledged operations that are kept for a peer that does not answer. Beyond, writes for it are
/// refused (`-TRYAGAIN`): a worker must not grow with the slowness of a peer.
const RETAINED_BYTES_MAX: usize = 32 << 20;

/// Bytes on their way to the socket; beyond, commands for this peer are refused.
const OUT_BYTES_MAX: usize = 32 << 20;

/// Operations of one group, kept until the peer has them.
#[derive(Debug)]
struct Retained {
    first: u64,
    last: u64,
    ops: Vec<u8>,
}

/// What is known of the operations sent to a peer.
#[derive(Debug, Default)]
struct Writes {
    committed: u64,
    synced: u64,
    /// At or below `committed`, and refused all the same.
    refused: BTreeSet<u64>,
    retained: VecDeque<Retained>,
    retained_bytes: usize,
}

/// Requests by number, in the order in which they were made; answered ones go from the front.
#[derive(Debug)]
pub(super) struct Requests<T> {
    /// Encoded, not yet in a frame.
    pending: Vec<u8>,
    pending_first: u64,
    pending_count: u64,
    last: u64,
    slots: VecDeque<Slot<T>>,
}

#[derive(Debug)]
enum Slot<T> {
    Waiting,
    Answered(T),
    /// The link broke: nobody will answer.
    Lost,
    Taken,
}

/// How a request stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<T> {
    Waiting,
    Answered(T),
    Lost,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self {
            pending: Vec::new(),
            pending_first: 1,
            pending_count: 0,
            last: 0,
            slots: VecDeque::new(),
        }
    }
}

impl<T> Requests<T> {
    /// Adds a request that `write` encodes; its number.
    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        if self.pending_count == 0 {
            self.pending_first = self.last + 1;
        }
        self.pending_count += 1;
        self.last += 1;
        write(&mut self.pending);
        self.slots.push_back(Slot::Waiting);
        self.last
    }

    /// Nobody wants the answer of a request.
    fn forget(&mut self, number: u64) {
        if let Some(place) = self.place(number)
            && let Some(slot) = self.slots.get_mut(place)
        {
            *slot = Slot::Taken;
        }
        while matches!(self.slots.front(), Some(Slot::Taken)) {
            self.slots.pop_front();
        }
    }

    fn place(&self, number: u64) -> Option<usize> {
        let first = self.last + 1 - self.slots.len() as u64;
        usize::try_from(number.checked_sub(first)?).ok()
    }

    fn answer(&mut self, number: u64, answer: T) {
        if let Some(place) = self.place(number)
            && let Some(slot @ Slot::Waiting) = self.slots.get_mut(place)
        {
            *slot = Slot::Answered(answer);
        }
    }

    /// Takes the answer out, or gives the request up when `last` says so.
    pub(super) fn take(&mut self, number: u64, last: bool) -> Standing<T> {
        let Some(slot) = self
            .place(number)
            .and_then(|place| self.slots.get_mut(place))
        else {
            return Standing::Lost;
        };
        if matches!(slot, Slot::Waiting) && !last {
            return Standing::Waiting;
        }
        let taken = std::mem::replace(slot, Slot::Taken);
        while matches!(self.slots.front(), Some(Slot::Taken)) {
            self.slots.pop_front();
        }
        match taken {
            Slot::Answered(answer) => Standing::Answered(answer),
            Slot::Waiting | Slot::Lost | Slot::Taken => Standing::Lost,
        }
    }

    fn lose_all(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot, Slot::Waiting) {
                *slot = Slot::Lost;
            }
        }
        self.pending.clear();
        self.pending_count = 0;
    }

    /// Moves what is pending into a frame.
    fn flush(&mut self, kind: FrameKind, header: &Header, out: &mut Vec<u8>) {
        if self.pending_count == 0 {
            return;
        }
        put_frame(header, kind, out, |out| {
            wire::put_numbers(out, &[self.pending_first, self.pending_count]);
            out.extend_from_slice(&self.pending);
        });
        self.pending_count = 0;
        self.pending.clear();
    }
}

/// What a replica said of a digest, once what it sent has been merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// It holds what we showed.
    Equal,
    /// Our copy has grown by what it holds: the read must be made again.
    Grown,
    /// It holds less than we.
    Behind,
}

/// A reply, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answered {
    Reply(Box<[u8]>),
    NotSeat,
    Busy,
}

/// See the module's head.
#[derive(Debug, Default)]
pub struct Link {
    /// A connection stands.
    pub(super) up: bool,
    /// Bytes for the driver to write.
    pub out: Vec<u8>,
    writes: Writes,
    pub(super) reads: Requests<Compared>,
    pub(super) commands: Requests<Answered>,
    /// Our index of each of the peer's actors.
    pub(super) actors: Vec<ActorIndex>,
    announced: usize,
}

impl Link {
    /// A connection stands: what the peer has not acknowledged is sent again, for operations are
    /// states and merging one twice changes nothing.
    pub(super) fn connected(&mut self, header: &Header, actors: &[Actor]) {
        self.up = true;
        self.out.clear();
        self.announced = 0;
        self.actors.clear();
        self.announce(header, actors);
        for group in &self.writes.retained {
            encode_apply(header, group.first, group.last, &group.ops, &mut self.out);
        }
    }

    /// The connection broke: what waits for an answer has none.
    pub(super) fn disconnected(&mut self) {
        self.up = false;
        self.out.clear();
        self.reads.lose_all();
        self.commands.lose_all();
    }

    /// Operations nobody has acknowledged, given up: the caller finds them another home.
    pub(super) fn give_up(&mut self) -> Vec<Vec<u8>> {
        self.writes.retained_bytes = 0;
        std::mem::take(&mut self.writes.retained)
            .into_iter()
            .map(|group| group.ops)
            .collect()
    }

    fn announce(&mut self, header: &Header, actors: &[Actor]) {
        let Some(new) = actors.get(self.announced..).filter(|new| !new.is_empty()) else {
            return;
        };
        let first = self.announced;
        put_frame(header, FrameKind::ACTORS, &mut self.out, |out| {
            wire::put_actors(out, first, new);
        });
        self.announced = actors.len();
    }

    /// Must writes for this peer be refused?
    pub(super) fn is_full(&self) -> bool {
        self.writes.retained_bytes > RETAINED_BYTES_MAX || self.out.len() > OUT_BYTES_MAX
    }

    /// One group of operations.
    pub(super) fn push_ops(
        &mut self,
        header: &Header,
        actors: &[Actor],
        last: u64,
        count: u32,
        ops: Vec<u8>,
    ) {
        let first = last + 1 - u64::from(count);
        if self.up {
            self.announce(header, actors);
            encode_apply(header, first, last, &ops, &mut self.out);
        }
        self.writes.retained_bytes += ops.len();
        self.writes
            .retained
            .push_back(Retained { first, last, ops });
    }

    /// Asks the peer to compare a digest; the number of the request.
    pub(super) fn compare(&mut self, item: &ReadItem<'_>) -> u64 {
        self.reads.add(|out| wire::put_read(out, item))
    }

    /// Forwards a command; its number.
    pub(super) fn command<'k>(
        &mut self,
        item: &CommandItem<'_>,
        words: impl ExactSizeIterator<Item = &'k [u8]>,
    ) -> u64 {
        self.commands.add(|out| wire::put_command(out, item, words))
    }

    /// Tells the peer something whose answer nobody waits for.
    pub(super) fn tell<'k>(
        &mut self,
        item: &CommandItem<'_>,
        words: impl ExactSizeIterator<Item = &'k [u8]>,
    ) {
        let number = self.command(item, words);
        self.commands.forget(number);
    }

    /// Puts what is pending into frames.
    pub(super) fn flush(&mut self, header: &Header) {
        if !self.up {
            self.reads.lose_all();
            self.commands.lose_all();
            return;
        }
        self.commands
            .flush(FrameKind::COMMAND, header, &mut self.out);
        self.reads.flush(FrameKind::READ, header, &mut self.out);
    }

    /// Has the peer committed (and fsynced, if asked) this operation?
    #[inline]
    pub(super) fn has(&self, number: u64, synced: bool) -> bool {
        let upto = if synced {
            self.writes.synced
        } else {
            self.writes.committed
        };
        number <= upto && (self.writes.refused.is_empty() || !self.writes.refused.contains(&number))
    }

    /// The peer acknowledges.
    pub(super) fn acknowledged(&mut self, committed: u64, synced: u64, refused: &[u64]) {
        let writes = &mut self.writes;
        writes.committed = writes.committed.max(committed);
        writes.synced = writes.synced.max(synced);
        writes.refused.extend(refused);
        while let Some(group) = writes.retained.front()
            && group.last <= writes.committed
        {
            writes.retained_bytes -= group.ops.len();
            writes.retained.pop_front();
        }
    }

    /// The peer has said what its copy of a key is.
    pub(super) fn compared(&mut self, number: u64, compared: Compared) {
        self.reads.answer(number, compared);
    }

    /// The peer has answered a command.
    pub(super) fn answered(&mut self, number: u64, answered: Answered) {
        self.commands.answer(number, answered);
    }
}

/// Bytes of operations in one frame: below the limit of a frame with room for its head.
const FRAME_OPS_BYTES: usize = 512 << 10;

/// One group as frames: cut between operations, and an operation that fits no frame in pieces.
fn encode_apply(header: &Header, first: u64, last: u64, ops: &[u8], out: &mut Vec<u8>) {
    if ops.len() <= FRAME_OPS_BYTES {
        return encode_ops(header, first, last, ops, out);
    }
    let mut entries = Entries::new(ops);
    let (mut from, mut number, mut start) = (0, first, first);
    loop {
        let before = ops.len() - entries.left();
        let more = entries.next().is_some();
        let after = ops.len() - entries.left();
        if (!more || after - from > FRAME_OPS_BYTES) && number > start {
            let part = ops.get(from..before).unwrap_or_default();
            encode_ops(header, start, number - 1, part, out);
            (from, start) = (before, number);
        }
        if !more {
            return;
        }
        if after - before > FRAME_OPS_BYTES {
            let op = ops.get(before..after).unwrap_or_default();
            encode_chunks(header, number, op, out);
            (from, start) = (after, number + 1);
        }
        number += 1;
    }
}

fn encode_ops(header: &Header, first: u64, last: u64, ops: &[u8], out: &mut Vec<u8>) {
    put_frame(header, FrameKind::APPLY, out, |out| {
        put_varint(out, first);
        put_varint(out, last + 1 - first);
        out.extend_from_slice(ops);
    });
}

fn encode_chunks(header: &Header, number: u64, op: &[u8], out: &mut Vec<u8>) {
    let mut chunks = op.chunks(FRAME_OPS_BYTES).peekable();
    while let Some(chunk) = chunks.next() {
        put_frame(header, FrameKind::CHUNK, out, |out| {
            put_varint(out, number);
            out.push(u8::from(chunks.peek().is_none()));
            out.extend_from_slice(chunk);
        });
    }
}

/// Appends a frame of a size that its writer has seen to.
pub(super) fn put_frame(
    header: &Header,
    kind: FrameKind,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let header = Header { kind, ..*header };
    if let Err(error) = encode(&header, body, out) {
        tracing::error!(%error, kind = kind.0, "a frame was not sent");
    }
}

/// Numbers kept per link for tests and metrics.
impl Link {
    /// Bytes of operations that the peer has not acknowledged.
    pub fn unacknowledged_bytes(&self) -> usize {
        self.writes.retained_bytes
    }
}
