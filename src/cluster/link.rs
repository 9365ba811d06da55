//! One peer as a worker talks to it: operations that are kept until they are acknowledged, digests and
//! commands that wait for answers, and the bytes that are to be written. No socket here: a driver
//! drains [`Link::out`] and hands in what arrives.

use std::collections::{BTreeSet, VecDeque};

use super::frames::{encode_apply, operation, put_frame};
use super::requests::Requests;
use super::wire::{self, CommandItem, ReadItem};
use crate::peer::{FrameKind, Header};
use crate::types::{Actor, ActorIndex};

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

    /// The peer acknowledges. Returns the operations that it refused, for another home.
    pub(super) fn acknowledged(
        &mut self,
        committed: u64,
        synced: u64,
        refused: &[u64],
    ) -> Vec<Vec<u8>> {
        let writes = &mut self.writes;
        writes.committed = writes.committed.max(committed);
        writes.synced = writes.synced.max(synced);
        writes.refused.extend(refused);
        let back = refused.iter().filter_map(|number| {
            let group = writes
                .retained
                .iter()
                .find(|group| (group.first..=group.last).contains(number))?;
            operation(&group.ops, usize::try_from(number - group.first).ok()?)
        });
        let back = back.map(<[u8]>::to_vec).collect();
        while let Some(group) = writes.retained.front()
            && group.last <= writes.committed
        {
            writes.retained_bytes -= group.ops.len();
            writes.retained.pop_front();
        }
        // Numbers that nobody asks about any more: a request is given up long before.
        while writes.refused.len() > REFUSED_KEPT {
            writes.refused.pop_first();
        }
        back
    }

    /// The peer is believed down: whoever waits for it asks elsewhere.
    pub(super) fn abandoned(&mut self) {
        self.reads.lose_all();
        self.commands.lose_all();
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

/// Refused operations that are remembered per peer.
const REFUSED_KEPT: usize = 100_000;

/// Numbers kept per link for tests and metrics.
impl Link {
    /// Bytes of operations that the peer has not acknowledged.
    pub fn unacknowledged_bytes(&self) -> usize {
        self.writes.retained_bytes
    }
}
