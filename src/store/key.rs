//! Names of records in the ordered tree: partition, database, token, key; big-endian, so that their
//! order in the tree is the order of the ring. A partition is a range, a segment of its hash tree
//! is a range, and a step of SCAN is a range.
//!
//! ```text
//! | partition 2 | database 1 | token 8 | length 2 | key ...       |   length 0 to 4096
//! | partition 2 | database 1 | token 8 | 0xFFFF   | hash 16 bytes |   a longer key; bytes in the value
//! ```
//!
//! Behind the name there is room for what a collection adds (generation, kind, element). Names are
//! prefix-free, so that what stands behind one cannot be taken for another key.

use siphasher::sip128::SipHasher24;

use crate::types::{Database, PartitionId, Token};

/// A longer key is named by its hash: fjall's own keys end at 64 KiB, and short names compare fast.
pub const MAX_INLINE_KEY_BYTES: usize = 4096;

const HASHED: u16 = 0xFFFF;
const PLACE_BYTES: usize = 11;

/// What stands in a name for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyName<'a> {
    /// The key.
    Inline(&'a [u8]),
    /// The keyed hash of a key that is in the value.
    Hashed([u8; 16]),
}

/// A name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordKey<'a> {
    /// The key's partition.
    pub partition: PartitionId,
    /// Its database.
    pub database: Database,
    /// Its token.
    pub token: Token,
    /// The key or its hash.
    pub name: KeyName<'a>,
    /// What stands behind the name; empty for a plain record.
    pub rest: &'a [u8],
}

/// Appends the name of a key's record. `hash_key` is the cluster's key for names, so that nobody can
/// make two long keys with one hash.
pub fn append_record_key(
    out: &mut Vec<u8>,
    (partition, database, token): (PartitionId, Database, Token),
    key: &[u8],
    hash_key: &[u8; 16],
) {
    append_place(out, partition, database, token);
    if key.len() <= MAX_INLINE_KEY_BYTES {
        out.extend_from_slice(&(key.len() as u16).to_be_bytes());
        out.extend_from_slice(key);
    } else {
        out.extend_from_slice(&HASHED.to_be_bytes());
        out.extend_from_slice(&hash_of(key, hash_key));
    }
}

/// Takes a name apart; none if it is not one.
pub fn parse_record_key(bytes: &[u8]) -> Option<RecordKey<'_>> {
    let (partition, bytes) = bytes.split_first_chunk::<2>()?;
    let (&database, bytes) = bytes.split_first()?;
    let (token, bytes) = bytes.split_first_chunk::<8>()?;
    let (length, bytes) = bytes.split_first_chunk::<2>()?;
    let length = u16::from_be_bytes(*length);
    let (name, rest) = if length == HASHED {
        let (hash, rest) = bytes.split_first_chunk::<16>()?;
        (KeyName::Hashed(*hash), rest)
    } else if usize::from(length) <= MAX_INLINE_KEY_BYTES {
        let (key, rest) = bytes.split_at_checked(usize::from(length))?;
        (KeyName::Inline(key), rest)
    } else {
        return None;
    };
    Some(RecordKey {
        partition: PartitionId(u16::from_be_bytes(*partition)),
        database: Database(database),
        token: Token(u64::from_be_bytes(*token)),
        name,
        rest,
    })
}

/// Appends what the tree holds for a record: the record, and before it a key that its name lacks.
pub fn append_record_value(out: &mut Vec<u8>, key: &[u8], record: &[u8]) {
    if key.len() > MAX_INLINE_KEY_BYTES {
        out.extend_from_slice(&(key.len() as u32).to_le_bytes());
        out.extend_from_slice(key);
    }
    out.extend_from_slice(record);
}

/// The key and the record of an entry of the tree; none if it is not one. Whoever looked a long key
/// up compares: a hash may be shared, if only by damage.
pub fn parse_record_value<'a>(name: KeyName<'a>, value: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    match name {
        KeyName::Inline(key) => Some((key, value)),
        KeyName::Hashed(_) => {
            let (length, rest) = value.split_first_chunk::<4>()?;
            let length = u32::from_le_bytes(*length) as usize;
            rest.split_at_checked(length)
                .filter(|(key, _)| key.len() > MAX_INLINE_KEY_BYTES)
        }
    }
}

/// The range of all records of a partition: from, and up to but not with.
pub fn partition_range(partition: PartitionId) -> (Vec<u8>, Vec<u8>) {
    let mut end = Vec::with_capacity(3);
    // No partition has the number 65535: there are at most 4096.
    end.extend_from_slice(&partition.0.saturating_add(1).to_be_bytes());
    (partition.0.to_be_bytes().to_vec(), end)
}

/// The range of the records of one database of a partition whose tokens are from `first` to `last`,
/// both included.
pub fn token_range(
    partition: PartitionId,
    database: Database,
    first: Token,
    last: Token,
) -> (Vec<u8>, Vec<u8>) {
    let mut from = Vec::with_capacity(PLACE_BYTES);
    append_place(&mut from, partition, database, first);
    let mut to = Vec::with_capacity(PLACE_BYTES);
    match (last.0.checked_add(1), database.0.checked_add(1)) {
        (Some(next), _) => append_place(&mut to, partition, database, Token(next)),
        (None, Some(next)) => append_place(&mut to, partition, Database(next), Token(0)),
        (None, None) => to = partition_range(partition).1,
    }
    (from, to)
}

fn append_place(out: &mut Vec<u8>, partition: PartitionId, database: Database, token: Token) {
    out.extend_from_slice(&partition.0.to_be_bytes());
    out.push(database.0);
    out.extend_from_slice(&token.0.to_be_bytes());
}

fn hash_of(key: &[u8], hash_key: &[u8; 16]) -> [u8; 16] {
    SipHasher24::new_with_key(hash_key)
        .hash(key)
        .as_u128()
        .to_be_bytes()
}

#[cfg(test)]
mod tests;
