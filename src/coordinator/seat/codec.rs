//! Seat messages as bytes, format version 1, frozen by `tests/fixtures/seat_v1.hex`. Decoding is
//! total, allocates no more than the bytes can fill, and accepts one spelling of each message.
//!
//! ```text
//!  message    = version (1)  kind (1)  body
//!  1 claim    = hlc varint, partitions
//!  2 yield    = hlc varint, partitions, served (a subset)
//!  3 promised = count varint, count × (hlc varint, node 16 bytes little-endian, partitions)
//!  4 foreign  = partitions
//!  partitions = count varint, count × (gap varint, length − 1 varint)
//! ```

use thiserror::Error;

use super::partitions::{MAX_PARTITIONS, Run};
use super::{Epoch, Message, Partitions};
use crate::types::{Hlc, NodeId};
use crate::version::wire::{Reader, WireError, put_varint};

/// The version that [`encode`] writes.
const VERSION: u8 = 1;

const CLAIM: u8 = 1;
const YIELD: u8 = 2;
const PROMISED: u8 = 3;
const FOREIGN: u8 = 4;

/// The longest message: every partition promised to an epoch of its own (10 + 16 bytes), in a run
/// of its own (1 + 3 + 1), and a head. A frame that is longer need not be looked at.
pub const MAX_MESSAGE_BYTES: usize = MAX_PARTITIONS as usize * 31 + 16;

/// Why bytes are no seat message. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadMessage {
    /// Written by a version that this build does not know.
    #[error("seat message of unknown version {0}")]
    Version(u8),
    /// A kind that version 1 does not have.
    #[error("seat message of unknown kind {0}")]
    Kind(u8),
    /// The bytes end early, go on too long, or spell a value otherwise than we would.
    #[error("malformed seat message")]
    Malformed,
}

impl From<WireError> for BadMessage {
    fn from(_: WireError) -> Self {
        Self::Malformed
    }
}

/// Appends `message` to `out`.
pub fn encode(message: &Message, out: &mut Vec<u8>) {
    out.push(VERSION);
    match message {
        Message::Claim { hlc, partitions } => {
            out.push(CLAIM);
            put_varint(out, hlc.0);
            put_partitions(out, partitions);
        }
        Message::Yield {
            hlc,
            partitions,
            served,
        } => {
            out.push(YIELD);
            put_varint(out, hlc.0);
            put_partitions(out, partitions);
            put_partitions(out, served);
        }
        Message::Promised { promises } => {
            out.push(PROMISED);
            put_varint(out, promises.len() as u64);
            for (epoch, partitions) in promises {
                put_varint(out, epoch.hlc.0);
                out.extend_from_slice(&epoch.node.0.to_le_bytes());
                put_partitions(out, partitions);
            }
        }
        Message::Foreign { partitions } => {
            out.push(FOREIGN);
            put_partitions(out, partitions);
        }
    }
}

/// Reads the one message that `bytes` are.
pub fn decode(bytes: &[u8]) -> Result<Message, BadMessage> {
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(BadMessage::Malformed);
    }
    let mut reader = Reader::new(bytes);
    let version = reader.byte()?;
    if version != VERSION {
        return Err(BadMessage::Version(version));
    }
    let message = match reader.byte()? {
        CLAIM => Message::Claim {
            hlc: Hlc(reader.varint()?),
            partitions: some_partitions(&mut reader)?,
        },
        YIELD => yielded(&mut reader)?,
        PROMISED => promised(&mut reader)?,
        FOREIGN => Message::Foreign {
            partitions: some_partitions(&mut reader)?,
        },
        kind => return Err(BadMessage::Kind(kind)),
    };
    if !reader.is_empty() {
        return Err(BadMessage::Malformed);
    }
    Ok(message)
}

fn yielded(reader: &mut Reader<'_>) -> Result<Message, BadMessage> {
    let hlc = Hlc(reader.varint()?);
    let partitions = some_partitions(reader)?;
    let served = read_partitions(reader)?;
    if !served
        .iter()
        .all(|partition| partitions.contains(partition))
    {
        return Err(BadMessage::Malformed);
    }
    Ok(Message::Yield {
        hlc,
        partitions,
        served,
    })
}

fn promised(reader: &mut Reader<'_>) -> Result<Message, BadMessage> {
    let count = reader.varint()?;
    if count == 0 || count > u64::from(MAX_PARTITIONS) {
        return Err(BadMessage::Malformed);
    }
    let mut promises: Vec<(Epoch, Partitions)> = Vec::new();
    let mut all = Partitions::new();
    for _ in 0..count {
        let hlc = Hlc(reader.varint()?);
        let mut node = [0; 16];
        node.copy_from_slice(reader.bytes(16)?);
        let node = NodeId(u128::from_le_bytes(node));
        let epoch = Epoch { hlc, node };
        if promises.last().is_some_and(|(before, _)| *before >= epoch) {
            return Err(BadMessage::Malformed);
        }
        let partitions = some_partitions(reader)?;
        for partition in partitions.iter() {
            // One promise per partition: else a short message could ask for 4096 × 4096 steps.
            if all.contains(partition) {
                return Err(BadMessage::Malformed);
            }
            all.insert(partition);
        }
        promises.push((epoch, partitions));
    }
    Ok(Message::Promised { promises })
}

fn put_partitions(out: &mut Vec<u8>, partitions: &Partitions) {
    put_varint(out, partitions.runs().len() as u64);
    let mut next = 0;
    for run in partitions.runs() {
        put_varint(out, u64::from(run.first - next));
        put_varint(out, u64::from(run.last - run.first));
        // Runs do not touch, so the next one starts at least two after this one's end; ids are
        // below `MAX_PARTITIONS`, so this does not overflow.
        next = run.last + 2;
    }
}

fn some_partitions(reader: &mut Reader<'_>) -> Result<Partitions, BadMessage> {
    let partitions = read_partitions(reader)?;
    if partitions.is_empty() {
        return Err(BadMessage::Malformed);
    }
    Ok(partitions)
}

fn read_partitions(reader: &mut Reader<'_>) -> Result<Partitions, BadMessage> {
    let count = reader.varint()?;
    let mut partitions = Partitions::new();
    let mut next = 0u64;
    for _ in 0..count {
        let first = next.checked_add(reader.varint()?);
        let first = first.ok_or(BadMessage::Malformed)?;
        let last = first.checked_add(reader.varint()?);
        let last = last.ok_or(BadMessage::Malformed)?;
        let run = Run {
            first: u16::try_from(first).map_err(|_| BadMessage::Malformed)?,
            last: u16::try_from(last).map_err(|_| BadMessage::Malformed)?,
        };
        partitions.push_run(run).ok_or(BadMessage::Malformed)?;
        next = last + 2;
    }
    Ok(partitions)
}
