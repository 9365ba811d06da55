//! A hint in the commit log (kind 4), version 1. Frozen: `tests/fixtures/hint_v1_*.hex` must open
//! for ever.
//!
//! ```text
//!   1 | what | owner u128 | partition u16 | database u8 | token u64 | version | key length, key
//!   what = 1, kept:     ... | layout | taken u64 | record length, record
//!   what = 2, removed:  ...
//! ```
//!
//! Fixed integers are little-endian, others LEB128. An entry holds the resulting hint, whole, so
//! that a later one stands for all earlier ones of its name; `version` says which is later, since
//! the threads of a node may log in another order than that in which the book took.

use bytes::Bytes;
use thiserror::Error;

use super::Hint;
use crate::record::{CodecError, Peek, decode, peek};
use crate::types::{Database, Hlc, NodeId, PartitionId, Token};
use crate::version::wire::{Reader, WireError, put_varint};

/// The format version: the first byte of every entry.
const FORMAT: u8 = 1;
const KEPT: u8 = 1;
const REMOVED: u8 = 2;

/// What the log keeps of hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The hint as it stands with this version.
    Kept {
        /// Rises with every change of any hint of this node.
        version: u64,
        /// All of it.
        hint: Hint,
    },
    /// A hint was delivered, and is gone unless a later version is kept.
    Removed(Removed),
}

/// A hint that was delivered: its name, and the version up to which it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The owner it was meant for.
    pub owner: NodeId,
    /// The key's partition.
    pub partition: PartitionId,
    /// The key's database.
    pub database: Database,
    /// The key's token.
    pub token: Token,
    /// The key.
    pub key: Bytes,
    /// The version that was acknowledged.
    pub version: u64,
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
    /// Spelled in another way than the one there is, or with bytes left over.
    #[error("the entry is not in its one canonical form")]
    NotCanonical,
    /// The record inside does not decode.
    #[error("the hint's record is damaged: {0}")]
    Record(#[from] CodecError),
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
pub fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    let (sort, owner, partition, database, token, version, key) = match entry {
        Entry::Kept { version, hint } => (
            KEPT,
            hint.owner,
            hint.partition,
            hint.database,
            hint.token,
            *version,
            &hint.key,
        ),
        Entry::Removed(gone) => (
            REMOVED,
            gone.owner,
            gone.partition,
            gone.database,
            gone.token,
            gone.version,
            &gone.key,
        ),
    };
    out.extend_from_slice(&[FORMAT, sort]);
    out.extend_from_slice(&owner.0.to_le_bytes());
    out.extend_from_slice(&partition.0.to_le_bytes());
    out.push(database.0);
    out.extend_from_slice(&token.0.to_le_bytes());
    put_varint(out, version);
    put_varint(out, key.len() as u64);
    out.extend_from_slice(key);
    if let Entry::Kept { hint, .. } = entry {
        put_varint(out, hint.layout);
        out.extend_from_slice(&hint.taken.0.to_le_bytes());
        put_varint(out, hint.record.len() as u64);
        out.extend_from_slice(&hint.record);
    }
}

/// The entry that the bytes stand for. Copies no more than the bytes there are.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry, EntryError> {
    let mut reader = Reader::new(bytes);
    let format = reader.byte()?;
    if format != FORMAT {
        return Err(EntryError::UnknownFormat(format));
    }
    let sort = reader.byte()?;
    if sort != KEPT && sort != REMOVED {
        return Err(EntryError::UnknownSort(sort));
    }
    let owner = NodeId(u128::from_le_bytes(fixed(&mut reader)?));
    let partition = PartitionId(u16::from_le_bytes(fixed(&mut reader)?));
    let database = Database(reader.byte()?);
    let token = Token(reader.fixed_u64()?);
    let version = reader.varint()?;
    let key_length = reader.varint()?;
    let key = Bytes::copy_from_slice(reader.bytes(key_length)?);
    if sort == REMOVED {
        return whole(
            &reader,
            Entry::Removed(Removed {
                owner,
                partition,
                database,
                token,
                key,
                version,
            }),
        );
    }
    let layout = reader.varint()?;
    let taken = Hlc(reader.fixed_u64()?);
    let record_length = reader.varint()?;
    let record = reader.bytes(record_length)?;
    check_record(record)?;
    let hint = Hint {
        owner,
        partition,
        database,
        token,
        key,
        record: Bytes::copy_from_slice(record),
        layout,
        taken,
    };
    whole(&reader, Entry::Kept { version, hint })
}

/// The entry, if nothing is left behind it.
fn whole(reader: &Reader<'_>, entry: Entry) -> Result<Entry, EntryError> {
    if reader.is_empty() {
        Ok(entry)
    } else {
        Err(EntryError::NotCanonical)
    }
}

/// Whether the bytes are a record, without building one where that can be avoided.
pub(super) fn check_record(bytes: &[u8]) -> Result<(), CodecError> {
    match peek(bytes)? {
        Peek::Simple(_) => Ok(()),
        Peek::General => decode(bytes).map(drop),
    }
}

fn fixed<const LENGTH: usize>(reader: &mut Reader<'_>) -> Result<[u8; LENGTH], WireError> {
    let bytes = reader.bytes(LENGTH as u64)?;
    bytes.try_into().map_err(|_| WireError::Truncated)
}
