//! Bodies of the frames that carry data between workers, version 1: actors, operations,
//! acknowledgements, forwarded commands, digests. `docs/wire-format.md` has them byte by byte. Reading
//! is total: whatever a peer sends is understood or refused, and nothing is allocated for a claim.
//!
//! ```text
//!   Actors      first index, count, ids of 8 bytes
//!   Apply       first number, count, log entries
//!   Ack         committed, synced, count, numbers refused
//!   Command     first number, count, items
//!     item      flags, protocol, database, r, w, dw + 1, time-out, words: count, then length and bytes of each
//!   Answer      number, outcome, length and bytes of the reply
//!   Read        first number, count, items
//!     item      partition, database, token (8 bytes), key, digest (8 bytes)
//!   ReadAnswer  count, items
//!     item      number * 4 + what, and for `Differs` one log entry
//! ```

use crate::node::Place;
use crate::types::{Actor, Database, PartitionId, Token};
use crate::version::wire::{Reader, WireError, put_varint};

/// A peer's bytes do not parse: the link is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame's body is malformed")]
pub struct Malformed;

impl From<WireError> for Malformed {
    fn from(_: WireError) -> Self {
        Self
    }
}

/// A command is to be run by whoever gets it, seat or not: a part of a command over all nodes.
pub(super) const LOCAL: u8 = 1;
/// The words of several commands follow one another, as MULTI queued them.
pub(super) const UNIT: u8 = 2;
/// A question of one node to another, no client's command: see [`super::inner`].
pub(super) const INNER: u8 = 4;

/// A forwarded command, borrowed from its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommandItem<'a> {
    pub(super) flags: u8,
    /// 2 or 3.
    pub(super) protocol: u8,
    pub(super) database: Database,
    /// Quorums that the connection asked for; 0: none.
    pub(super) r: u8,
    pub(super) w: u8,
    /// One more than what was asked for: 0 fsyncs may be.
    pub(super) dw: u8,
    /// Milliseconds to wait for quorums; 0: as the cluster does.
    pub(super) timeout_ms: u64,
    pub(super) words: Words<'a>,
}

/// Words one after the other, each with its length before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) count: u64,
    bytes: &'a [u8],
}

impl<'a> Words<'a> {
    /// Of an item that is being written: the words come beside it.
    pub(super) const NONE: Words<'static> = Words {
        count: 0,
        bytes: &[],
    };

    /// The words, all there: [`take_command`] has walked over them.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader::new(self.bytes);
        (0..self.count).map_while(move |_| take_bytes(&mut reader).ok())
    }
}

/// How a forwarded command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The reply follows.
    Replied = 0,
    /// Not executed: another node is the seat.
    NotSeat = 1,
    /// Not executed: overload.
    Busy = 2,
}

/// What a replica says of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The same versions.
    Equal = 0,
    /// Others; its record follows.
    Differs = 1,
    /// It holds no record.
    Nothing = 2,
}

/// A digest to compare.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadItem<'a> {
    pub(super) place: Place,
    pub(super) database: Database,
    pub(super) key: &'a [u8],
    pub(super) digest: u64,
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn take_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let length = reader.varint()?;
    reader.bytes(length)
}

pub(super) fn put_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    for number in numbers {
        put_varint(out, *number);
    }
}

pub(super) fn put_actors(out: &mut Vec<u8>, first: usize, actors: &[Actor]) {
    put_numbers(out, &[first as u64, actors.len() as u64]);
    for actor in actors {
        out.extend_from_slice(&actor.0.to_le_bytes());
    }
}

/// First index and the actors from there on.
pub(super) fn take_actors(body: &[u8]) -> Result<(usize, Vec<Actor>), Malformed> {
    let mut reader = Reader::new(body);
    let (first, count) = (reader.varint()?, reader.varint()?);
    let mut actors = Vec::new();
    for _ in 0..count {
        actors.push(Actor(reader.fixed_u64()?));
    }
    Ok((usize::try_from(first).map_err(|_| Malformed)?, actors))
}

pub(super) fn put_read(out: &mut Vec<u8>, item: &ReadItem<'_>) {
    put_varint(out, u64::from(item.place.partition.0));
    out.push(item.database.0);
    out.extend_from_slice(&item.place.token.0.to_le_bytes());
    put_bytes(out, item.key);
    out.extend_from_slice(&item.digest.to_le_bytes());
}

pub(super) fn take_read<'a>(
    reader: &mut Reader<'a>,
    partitions: u16,
) -> Result<ReadItem<'a>, Malformed> {
    let partition = u16::try_from(reader.varint()?).map_err(|_| Malformed)?;
    if partition >= partitions {
        return Err(Malformed);
    }
    let database = Database(reader.byte()?);
    let token = Token(reader.fixed_u64()?);
    let key = take_bytes(reader)?;
    let digest = reader.fixed_u64()?;
    let place = Place {
        partition: PartitionId(partition),
        token,
    };
    Ok(ReadItem {
        place,
        database,
        key,
        digest,
    })
}

pub(super) fn put_command<'k>(
    out: &mut Vec<u8>,
    item: &CommandItem<'_>,
    words: impl ExactSizeIterator<Item = &'k [u8]>,
) {
    out.extend_from_slice(&[
        item.flags,
        item.protocol,
        item.database.0,
        item.r,
        item.w,
        item.dw,
    ]);
    put_numbers(out, &[item.timeout_ms, words.len() as u64]);
    for word in words {
        put_bytes(out, word);
    }
}

/// A command and the words of it that are there without an allocation.
pub(super) fn take_command<'a>(body: &mut &'a [u8]) -> Result<CommandItem<'a>, Malformed> {
    let (&[flags, protocol, database, r, w, dw], rest) =
        body.split_first_chunk::<6>().ok_or(Malformed)?;
    let mut reader = Reader::new(rest);
    let (timeout_ms, count) = (reader.varint()?, reader.varint()?);
    let bytes = reader.rest();
    for _ in 0..count {
        take_bytes(&mut reader)?;
    }
    let left = reader.rest();
    let used = bytes.len() - left.len();
    *body = left;
    Ok(CommandItem {
        flags,
        protocol,
        database: Database(database),
        r,
        w,
        dw,
        timeout_ms,
        words: Words {
            count,
            bytes: bytes.get(..used).unwrap_or_default(),
        },
    })
}

pub(super) fn put_answer(out: &mut Vec<u8>, number: u64, outcome: Outcome, reply: &[u8]) {
    put_varint(out, number);
    out.push(outcome as u8);
    put_bytes(out, reply);
}

pub(super) fn take_answer<'a>(
    reader: &mut Reader<'a>,
) -> Result<(u64, Outcome, &'a [u8]), Malformed> {
    let number = reader.varint()?;
    let outcome = match reader.byte()? {
        0 => Outcome::Replied,
        1 => Outcome::NotSeat,
        2 => Outcome::Busy,
        _ => return Err(Malformed),
    };
    Ok((number, outcome, take_bytes(reader)?))
}

pub(super) fn put_said(out: &mut Vec<u8>, number: u64, said: Said) {
    put_varint(out, number << 2 | said as u64);
}

pub(super) fn take_said(reader: &mut Reader<'_>) -> Result<(u64, Said), Malformed> {
    let both = reader.varint()?;
    let said = match both & 3 {
        0 => Said::Equal,
        1 => Said::Differs,
        2 => Said::Nothing,
        _ => return Err(Malformed),
    };
    Ok((both >> 2, said))
}
