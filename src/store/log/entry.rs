//! Entries: what a group's payload is made of. Writing appends to a staging buffer and nothing else
//! (the hot path); reading is total and borrows.

use smallvec::SmallVec;

use crate::types::{Database, PartitionId, Token};

/// What an entry is. Unknown kinds are read as opaque bytes, so that a log with kinds reserved here
/// or added later still opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKind(pub u8);

impl EntryKind {
    /// The resulting state of a key.
    pub const RECORD: Self = Self(1);
    /// A key and a value of the node's own metadata.
    pub const META: Self = Self(2);
    /// A flush marker.
    pub const FLUSH: Self = Self(3);
    /// A record kept for another node.
    pub const HINT: Self = Self(4);
    /// A lease of hybrid time.
    pub const HLC_LEASE: Self = Self(5);
    /// A line of the table of actors.
    pub const ACTOR: Self = Self(6);
    /// A policy of a key prefix.
    pub const POLICY: Self = Self(7);
    /// A key that an owner lacks, or that it lacks no more.
    pub const MISSED: Self = Self(8);
    /// Changed cells of a collection. Reserved.
    pub const DELTA: Self = Self(10);
}

/// Flag bit: with this entry the key came to exist.
pub const APPEARED: u8 = 1;
/// Flag bit: with this entry the key ceased to exist.
pub const VANISHED: u8 = 2;

/// One entry of a group, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// What it is.
    pub kind: EntryKind,
    /// Whether a key appeared ([`APPEARED`]) or vanished ([`VANISHED`]).
    pub flags: u8,
    /// What it holds.
    pub body: Body<'a>,
}

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The state of a key.
    Record {
        /// The key's partition.
        partition: PartitionId,
        /// Its database.
        database: Database,
        /// Its token.
        token: Token,
        /// The key.
        key: &'a [u8],
        /// The encoded record.
        record: &'a [u8],
    },
    /// Bytes that the log does not look into.
    Opaque(&'a [u8]),
}

impl EntryRef<'_> {
    /// Whether the key came to exist with this entry.
    pub fn appeared(&self) -> bool {
        self.flags & APPEARED != 0
    }

    /// Whether the key ceased to exist with this entry.
    pub fn vanished(&self) -> bool {
        self.flags & VANISHED != 0
    }
}

/// Appends a record entry to a staging buffer.
#[inline]
pub fn append_record(
    out: &mut Vec<u8>,
    flags: u8,
    partition: PartitionId,
    database: Database,
    token: Token,
    key: &[u8],
    record: &[u8],
) {
    out.reserve(key.len() + record.len() + 34);
    append_place(out, flags, partition, database, token);
    append_bytes(out, key);
    append_bytes(out, record);
}

/// The same with key and record in parts, which are written one after the other.
pub fn append_record_parts(
    out: &mut Vec<u8>,
    flags: u8,
    (partition, database, token): (PartitionId, Database, Token),
    key: &[&[u8]],
    record: &[&[u8]],
) {
    append_place(out, flags, partition, database, token);
    for parts in [key, record] {
        append_varint(out, parts.iter().map(|part| part.len() as u64).sum());
        for part in parts {
            out.extend_from_slice(part);
        }
    }
}

/// The same with a record that `write` appends to the buffer by itself, and does nothing else to it.
/// A record of 128 bytes or more is moved by a byte or so afterwards, to make room for its length.
#[inline]
pub fn append_record_with(
    out: &mut Vec<u8>,
    flags: u8,
    (partition, database, token): (PartitionId, Database, Token),
    key: &[u8],
    write: impl FnOnce(&mut Vec<u8>),
) {
    append_place(out, flags, partition, database, token);
    append_bytes(out, key);
    let place = out.len();
    out.push(0);
    write(out);
    let length = out.len() - place - 1;
    if let (0..0x80, Some(byte)) = (length, out.get_mut(place)) {
        *byte = length as u8;
    } else {
        let prefix = varint(length as u64);
        out.splice(place..=place, prefix);
    }
}

/// Appends an entry of any kind but a record.
///
/// # Panics
/// If the kind is [`EntryKind::RECORD`], whose layout differs.
pub fn append_opaque(out: &mut Vec<u8>, kind: EntryKind, bytes: &[u8]) {
    assert!(
        kind != EntryKind::RECORD,
        "records have a layout of their own"
    );
    out.extend_from_slice(&[kind.0, 0]);
    append_bytes(out, bytes);
}

#[inline]
fn append_place(
    out: &mut Vec<u8>,
    flags: u8,
    partition: PartitionId,
    database: Database,
    token: Token,
) {
    let [low, high] = partition.0.to_le_bytes();
    let mut place = [0; 13];
    let [kind, marks, first, second, number, rest @ ..] = &mut place;
    [*kind, *marks] = [EntryKind::RECORD.0, flags];
    [*first, *second, *number] = [low, high, database.0];
    *rest = token.0.to_le_bytes();
    out.extend_from_slice(&place);
}

#[inline]
fn append_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    append_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[inline]
fn append_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else {
        out.extend_from_slice(&varint(value));
    }
}

/// LEB128: seven bits a byte, least significant first, the top bit meaning that more follow.
fn varint(mut value: u64) -> SmallVec<[u8; 10]> {
    let mut bytes = SmallVec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An entry that does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed entry")]
pub struct MalformedEntry;

/// The entries of a payload. Ends after the first that does not parse.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    left: &'a [u8],
}

impl<'a> Entries<'a> {
    /// The entries of this payload.
    pub fn new(payload: &'a [u8]) -> Self {
        Self { left: payload }
    }

    /// How many bytes of the payload have not been read.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    fn take(&mut self) -> Option<EntryRef<'a>> {
        let (&[kind, flags], rest) = self.left.split_first_chunk::<2>()?;
        self.left = rest;
        let kind = EntryKind(kind);
        let body = if kind == EntryKind::RECORD {
            let (partition, rest) = self.left.split_first_chunk::<2>()?;
            let (&database, rest) = rest.split_first()?;
            let (token, rest) = rest.split_first_chunk::<8>()?;
            self.left = rest;
            Body::Record {
                partition: PartitionId(u16::from_le_bytes(*partition)),
                database: Database(database),
                token: Token(u64::from_le_bytes(*token)),
                key: self.take_bytes()?,
                record: self.take_bytes()?,
            }
        } else {
            Body::Opaque(self.take_bytes()?)
        };
        Some(EntryRef { kind, flags, body })
    }

    fn take_bytes(&mut self) -> Option<&'a [u8]> {
        let mut length = 0u64;
        let mut shift = 0;
        loop {
            let (&byte, rest) = self.left.split_first()?;
            self.left = rest;
            length |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            shift += 7;
            if shift > 56 {
                return None; // no file is that long
            }
        }
        let (bytes, rest) = self.left.split_at_checked(usize::try_from(length).ok()?)?;
        self.left = rest;
        Some(bytes)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<EntryRef<'a>, MalformedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let entry = self.take();
        if entry.is_none() {
            self.left = &[];
        }
        Some(entry.ok_or(MalformedEntry))
    }
}
