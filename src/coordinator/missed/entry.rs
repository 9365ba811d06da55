//! A note in the commit log (kind 8), version 1. Frozen: `tests/fixtures/missed_v1_*.hex` must open
//! for ever.
//!
//! ```text
//!   1 | sort | owner u128 | sequence | ...
//!   sort = 1, noted:                partition u16 | database u8 | token u64 | key length, key
//!   sort = 2, forgotten:            nothing more: all keys noted up to the sequence are gone
//!   sort = 3, partitions noted:     count, first partition, gaps less one
//!   sort = 4, partition forgotten:  partition u16, if noted up to the sequence
//! ```
//!
//! Fixed integers are little-endian, all others LEB128. Sequences are the owner's own; because what
//! is forgotten is told by them, the entries mean the same in any order.

use std::borrow::Cow;

use thiserror::Error;

use super::Place;
use crate::types::{Database, NodeId, PartitionId, Token};
use crate::version::wire::{Reader, WireError, put_varint};

/// A ring has no more partitions than this.
pub const PARTITIONS_MAX: u16 = 4096;

/// The format version: the first byte of every entry.
const FORMAT: u8 = 1;
const NOTED: u8 = 1;
const FORGOTTEN: u8 = 2;
const PARTITIONS_NOTED: u8 = 3;
const PARTITION_FORGOTTEN: u8 = 4;

/// What the log keeps of missed lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The owner lacks the record of this key.
    Noted {
        /// Who.
        owner: NodeId,
        /// Of the owner's notes, which.
        sequence: u64,
        /// Where the key stands.
        place: Place,
        /// The key.
        key: Cow<'a, [u8]>,
    },
    /// The owner lacks none of the keys noted up to this sequence.
    Forgotten {
        /// Who.
        owner: NodeId,
        /// Up to here.
        sequence: u64,
    },
    /// These partitions are to be exchanged with the owner.
    PartitionsNoted {
        /// Who.
        owner: NodeId,
        /// Of the owner's notes, which.
        sequence: u64,
        /// Which, rising; at most [`PARTITIONS_MAX`].
        partitions: Vec<PartitionId>,
    },
    /// A partition that was noted up to this sequence was exchanged.
    PartitionForgotten {
        /// Who.
        owner: NodeId,
        /// Up to here.
        sequence: u64,
        /// Which.
        partition: PartitionId,
    },
}

/// Why bytes are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Written by a later version of this program, or damaged.
    #[error("the entry has format {0}, which is not known here")]
    UnknownFormat(u8),
    /// An entry of a sort that the format does not have.
    #[error("the entry is of sort {0}, which is not known here")]
    UnknownSort(u8),
    /// The bytes end too early.
    #[error("the entry ends too early")]
    Truncated,
    /// Unsorted, out of range, spelled in another way than the one there is, or with bytes left.
    #[error("the entry is not in its one canonical form")]
    NotCanonical,
}

impl From<WireError> for EntryError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Truncated => Self::Truncated,
            WireError::NotCanonical => Self::NotCanonical,
        }
    }
}

/// Appends an entry.
pub fn encode_entry(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let (sort, owner, sequence) = match entry {
        Entry::Noted {
            owner, sequence, ..
        } => (NOTED, owner, sequence),
        Entry::Forgotten { owner, sequence } => (FORGOTTEN, owner, sequence),
        Entry::PartitionsNoted {
            owner, sequence, ..
        } => (PARTITIONS_NOTED, owner, sequence),
        Entry::PartitionForgotten {
            owner, sequence, ..
        } => (PARTITION_FORGOTTEN, owner, sequence),
    };
    out.extend_from_slice(&[FORMAT, sort]);
    out.extend_from_slice(&owner.0.to_le_bytes());
    put_varint(out, *sequence);
    match entry {
        Entry::Noted {
            place: (partition, database, token),
            key,
            ..
        } => {
            out.extend_from_slice(&partition.0.to_le_bytes());
            out.push(database.0);
            out.extend_from_slice(&token.0.to_le_bytes());
            put_varint(out, key.len() as u64);
            out.extend_from_slice(key);
        }
        Entry::Forgotten { .. } => {}
        Entry::PartitionsNoted { partitions, .. } => {
            put_varint(out, partitions.len() as u64);
            let mut least = 0;
            for partition in partitions {
                put_varint(out, u64::from(partition.0.saturating_sub(least)));
                least = partition.0.saturating_add(1);
            }
        }
        Entry::PartitionForgotten { partition, .. } => {
            out.extend_from_slice(&partition.0.to_le_bytes());
        }
    }
}

/// The entry that the bytes stand for, borrowing its key.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry<'_>, EntryError> {
    let mut reader = Reader::new(bytes);
    let format = reader.byte()?;
    if format != FORMAT {
        return Err(EntryError::UnknownFormat(format));
    }
    let sort = reader.byte()?;
    if !(NOTED..=PARTITION_FORGOTTEN).contains(&sort) {
        return Err(EntryError::UnknownSort(sort));
    }
    let owner = NodeId(u128::from_le_bytes(fixed(&mut reader)?));
    let sequence = reader.varint()?;
    let entry = match sort {
        NOTED => {
            let partition = partition(&mut reader)?;
            let place = (
                partition,
                Database(reader.byte()?),
                Token(reader.fixed_u64()?),
            );
            let key_length = reader.varint()?;
            Entry::Noted {
                owner,
                sequence,
                place,
                key: Cow::Borrowed(reader.bytes(key_length)?),
            }
        }
        FORGOTTEN => Entry::Forgotten { owner, sequence },
        PARTITIONS_NOTED => Entry::PartitionsNoted {
            owner,
            sequence,
            partitions: partitions(&mut reader)?,
        },
        _ => Entry::PartitionForgotten {
            owner,
            sequence,
            partition: partition(&mut reader)?,
        },
    };
    if reader.is_empty() {
        Ok(entry)
    } else {
        Err(EntryError::NotCanonical)
    }
}

fn partition(reader: &mut Reader<'_>) -> Result<PartitionId, EntryError> {
    let number = u16::from_le_bytes(fixed(reader)?);
    if number < PARTITIONS_MAX {
        Ok(PartitionId(number))
    } else {
        Err(EntryError::NotCanonical)
    }
}

fn partitions(reader: &mut Reader<'_>) -> Result<Vec<PartitionId>, EntryError> {
    let count = reader.varint()?;
    if count > u64::from(PARTITIONS_MAX) {
        return Err(EntryError::NotCanonical);
    }
    let mut found = Vec::new();
    let mut least = 0;
    for _ in 0..count {
        let number = reader.varint()?.checked_add(least);
        let number = number.filter(|number| *number < u64::from(PARTITIONS_MAX));
        let number = number.ok_or(EntryError::NotCanonical)?;
        found.push(PartitionId(number as u16));
        least = number + 1;
    }
    Ok(found)
}

fn fixed<const LENGTH: usize>(reader: &mut Reader<'_>) -> Result<[u8; LENGTH], WireError> {
    let bytes = reader.bytes(LENGTH as u64)?;
    bytes.try_into().map_err(|_| WireError::Truncated)
}
