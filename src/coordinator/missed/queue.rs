//! The noted keys of one owner: a queue of bytes in blocks, and an index of four bytes a key,
//! so that a million keys are a few hundred allocations.
//!
//! ```text
//!   blocks   [ · · · a b c ][ d e f g h ][ i j           ]
//!                    ^head       ^unsent      ^end
//!              gone | on its way | waiting  |
//!
//!   a note   partition u16 | database u8 | token u64 | key length u16 | step | key
//! ```
//!
//! `step` is by how much the note's sequence exceeds that of the one before, LEB128 and nearly
//! always one byte. A note costs [`NOTE_HEAD_BYTES`] and its key in the queue, and at most
//! [`INDEX_BYTES`] in the index: 26 bytes and the key. A key that is noted again while it is on its
//! way stands twice; the index knows the later one, and the earlier one is passed over.

use std::collections::VecDeque;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as HashEntry;

use super::Place;
use crate::types::{Database, PartitionId, Token};
use crate::version::wire::{Reader, WireError, put_varint};

/// What a note costs in the queue beside its key.
pub const NOTE_HEAD_BYTES: u64 = 14;

/// What a key costs in the index at most: a position and a tag, in a table at least 7/16 full.
pub const INDEX_BYTES: u64 = 12;

/// A block ends where its next note would not fit; an offset then fits 16 bits.
const BLOCK_BYTES: usize = 65_535;

/// A block's number modulo 2^16, and an offset in it. Bounds on an owner's bytes keep it unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Position(u32);

impl Position {
    fn new(block: u16, offset: usize) -> Self {
        Self(u32::from(block) << 16 | offset as u32)
    }

    fn block(self) -> u16 {
        (self.0 >> 16) as u16
    }

    fn offset(self) -> usize {
        (self.0 & 0xffff) as usize
    }
}

/// Between two notes: where the next one stands, and the sequence of the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    at: Position,
    before: u64,
}

/// A note in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    pub(super) sequence: u64,
    pub(super) place: Place,
    pub(super) key: &'a [u8],
    /// Whether the same key stands further behind.
    pub(super) is_superseded: bool,
}

/// Where a note stands, and how long it is.
struct Found<'a> {
    place: Place,
    key: &'a [u8],
    step: u64,
    at: Position,
    end: Position,
}

/// The blocks, and the number of the first.
#[derive(Debug, Default)]
struct Blocks {
    blocks: VecDeque<Vec<u8>>,
    first: u16,
}

/// The noted keys of one owner, in the order of their sequences.
#[derive(Debug, Default)]
pub(super) struct NoteQueue {
    blocks: Blocks,
    index: HashTable<Position>,
    head: Cursor,
    unsent: Cursor,
    last_sequence: u64,
    queue_bytes: u64,
}

impl NoteQueue {
    /// Bytes as the bound counts them.
    pub(super) fn bytes(&self) -> u64 {
        self.queue_bytes + self.index.len() as u64 * INDEX_BYTES
    }

    /// What one more note of this key would add.
    pub(super) fn cost(key: &[u8]) -> u64 {
        NOTE_HEAD_BYTES + key.len() as u64 + INDEX_BYTES
    }

    /// How many keys are noted.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The highest sequence that was noted or forgotten.
    pub(super) fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// Whether the key is noted, and whether that is for a record not read yet.
    pub(super) fn find(&self, place: Place, key: &[u8]) -> Option<Standing> {
        let position = self.index.find(hash(place), |position| {
            self.blocks.names(*position, place, key)
        })?;
        if self.blocks.order(*position) < self.blocks.order(self.unsent.at) {
            Some(Standing::Sent)
        } else {
            Some(Standing::Waiting)
        }
    }

    /// Puts a key at the end. Its sequence must be above all others.
    pub(super) fn push(&mut self, sequence: u64, place: Place, key: &[u8]) {
        debug_assert!(sequence > self.last_sequence, "sequences rise");
        let step = sequence.saturating_sub(self.last_sequence);
        let (at, bytes) = self.blocks.push(place, step, key);
        self.last_sequence = sequence;
        self.queue_bytes += bytes;
        let Self { blocks, index, .. } = self;
        let entry = index.entry(
            hash(place),
            |position| blocks.names(*position, place, key),
            |position| blocks.hash_at(*position),
        );
        match entry {
            HashEntry::Occupied(mut known) => *known.get_mut() = at,
            HashEntry::Vacant(free) => {
                free.insert(at);
            }
        }
    }

    /// The next note that was not sent, counted as sent from now on.
    pub(super) fn send(&mut self) -> Option<Note<'_>> {
        let found = self.blocks.read(self.unsent.at)?;
        let sequence = self.unsent.before + found.step;
        self.unsent = Cursor {
            at: found.end,
            before: sequence,
        };
        Some(note(&self.blocks, &self.index, &found, sequence))
    }

    /// The next note that [`NoteQueue::send`] will give.
    pub(super) fn has_unsent(&self) -> bool {
        self.blocks.read(self.unsent.at).is_some()
    }

    /// Nothing is on its way: all counts as not sent.
    pub(super) fn rewind(&mut self) {
        self.unsent = self.head;
    }

    /// Drops the notes up to this sequence. Says how many keys that was.
    pub(super) fn forget(&mut self, up_to: u64) -> u64 {
        let before = self.index.len();
        while let Some(found) = self.blocks.read(self.head.at) {
            let sequence = self.head.before + found.step;
            if sequence > up_to {
                break;
            }
            let (at, end) = (found.at, found.end);
            let hash = hash(found.place);
            if let Ok(entry) = self.index.find_entry(hash, |position| *position == at) {
                entry.remove();
            }
            if self.blocks.order(self.unsent.at) < self.blocks.order(end) {
                self.unsent = Cursor {
                    at: end,
                    before: sequence,
                };
            }
            self.head = Cursor {
                at: end,
                before: sequence,
            };
            self.queue_bytes -= self.blocks.drop_before(end);
        }
        self.last_sequence = self.last_sequence.max(up_to);
        if self.blocks.read(self.head.at).is_none() {
            self.clear();
        }
        (before - self.index.len()) as u64
    }

    /// Drops everything, and gives the memory back.
    pub(super) fn clear(&mut self) {
        let start = Cursor {
            at: Position::default(),
            before: self.last_sequence,
        };
        *self = Self {
            head: start,
            unsent: start,
            last_sequence: self.last_sequence,
            ..Self::default()
        };
    }

    /// All notes, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Note<'_>> + '_ {
        let mut cursor = self.head;
        std::iter::from_fn(move || {
            let found = self.blocks.read(cursor.at)?;
            let sequence = cursor.before + found.step;
            cursor = Cursor {
                at: found.end,
                before: sequence,
            };
            Some(note(&self.blocks, &self.index, &found, sequence))
        })
    }

    /// Bytes that are really allocated, for the test of the figures above.
    #[cfg(test)]
    pub(super) fn allocated(&self) -> usize {
        let blocks = self.blocks.blocks.iter().map(Vec::capacity);
        blocks.sum::<usize>() + self.index.allocation_size()
    }
}

/// How a noted key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its record will be read.
    Waiting,
    /// Its record was read and is on its way.
    Sent,
}

fn note<'a>(
    blocks: &Blocks,
    index: &HashTable<Position>,
    found: &Found<'a>,
    sequence: u64,
) -> Note<'a> {
    let Found { place, key, at, .. } = *found;
    let known = index.find(hash(place), |position| blocks.names(*position, place, key));
    Note {
        sequence,
        place,
        key,
        is_superseded: known != Some(&at),
    }
}

impl Blocks {
    /// How far behind the first block's start.
    fn order(&self, position: Position) -> u32 {
        position.0.wrapping_sub(u32::from(self.first) << 16)
    }

    /// Appends a note; tells where it stands and how many bytes it took.
    fn push(
        &mut self,
        (partition, database, token): Place,
        step: u64,
        key: &[u8],
    ) -> (Position, u64) {
        const LONGEST_HEAD: usize = 13 + 10;
        let is_full = |block: &Vec<u8>| block.len() + LONGEST_HEAD + key.len() > BLOCK_BYTES;
        if self.blocks.back().is_none_or(is_full) {
            self.blocks.push_back(Vec::new());
        }
        let number = self.first.wrapping_add(self.blocks.len() as u16 - 1);
        let Some(block) = self.blocks.back_mut() else {
            return (Position::default(), 0); // pushed above
        };
        let offset = block.len();
        block.extend_from_slice(&partition.0.to_le_bytes());
        block.push(database.0);
        block.extend_from_slice(&token.0.to_le_bytes());
        block.extend_from_slice(&(key.len() as u16).to_le_bytes());
        put_varint(block, step);
        block.extend_from_slice(key);
        (Position::new(number, offset), (block.len() - offset) as u64)
    }

    /// The note at this position, or at the start of the next block if this one ends here.
    fn read(&self, at: Position) -> Option<Found<'_>> {
        let place = usize::from(at.block().wrapping_sub(self.first));
        let block = self.blocks.get(place)?;
        let at = if at.offset() < block.len() {
            at
        } else {
            Position::new(at.block().wrapping_add(1), 0)
        };
        self.read_at(at)
    }

    fn read_at(&self, at: Position) -> Option<Found<'_>> {
        let place = usize::from(at.block().wrapping_sub(self.first));
        let bytes = self.blocks.get(place)?.get(at.offset()..)?;
        let (place, step, key) = parse(bytes).ok()?;
        let length = NOTE_HEAD_BYTES as usize - 1 + varint_length(step) + key.len();
        Some(Found {
            place,
            key,
            step,
            at,
            end: Position::new(at.block(), at.offset() + length),
        })
    }

    fn names(&self, at: Position, place: Place, key: &[u8]) -> bool {
        let found = self.read_at(at);
        found.is_some_and(|found| found.place == place && found.key == key)
    }

    fn hash_at(&self, at: Position) -> u64 {
        self.read_at(at).map_or(0, |found| hash(found.place))
    }

    /// Drops the blocks that lie wholly before the position. Says how many bytes that was.
    fn drop_before(&mut self, position: Position) -> u64 {
        let mut dropped = 0;
        while self.first != position.block()
            && let Some(block) = self.blocks.pop_front()
        {
            self.first = self.first.wrapping_add(1);
            dropped += block.len() as u64;
        }
        dropped
    }
}

fn parse(bytes: &[u8]) -> Result<(Place, u64, &[u8]), WireError> {
    let mut reader = Reader::new(bytes);
    let partition = PartitionId(fixed_u16(&mut reader)?);
    let database = Database(reader.byte()?);
    let token = Token(reader.fixed_u64()?);
    let key_length = fixed_u16(&mut reader)?;
    let step = reader.varint()?;
    let key = reader.bytes(u64::from(key_length))?;
    Ok(((partition, database, token), step, key))
}

fn fixed_u16(reader: &mut Reader<'_>) -> Result<u16, WireError> {
    let bytes = reader.bytes(2)?;
    let bytes = bytes.try_into().map_err(|_| WireError::Truncated)?;
    Ok(u16::from_le_bytes(bytes))
}

fn varint_length(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Tokens are hashes under the cluster's key already; databases must not share a place.
fn hash((_, database, token): Place) -> u64 {
    token.0 ^ u64::from(database.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
