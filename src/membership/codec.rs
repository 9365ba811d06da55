//! Keys and items as bytes, for messages and for the disk alike. Frozen by the fixtures
//! `tests/fixtures/gossip_v1_*.hex` and `membership_v1.hex`.
//!
//! ```text
//!   key    kind | length | bytes
//!   item   length | kind | body
//!            1 member   id 16 | first seen u64 | incarnation | status | name | zone | capacity
//!                       | peer, client, http address | actor u64 | fields of a later version
//!            2 layout   number | hash 16 | bytes
//!            3 fact     name | hlc u64 | node 16 | value
//! ```
//!
//! u64 are little-endian, numbers LEB128, all that has no fixed size length first. An item says how long it is, so
//! an older reader passes over what it does not know, and carries a member's later fields along: a
//! node that does not understand a field must not make the cluster forget it.

use bytes::Bytes;
use thiserror::Error;

use super::facts::{Fact, Layout, MAX_LAYOUT_BYTES, MAX_NAME_BYTES, MAX_VALUE_BYTES};
use super::member::{MAX_LATER_BYTES, MAX_TEXT_BYTES, MemberEntry, Status};
use super::state::{Item, Key};
use crate::types::{Actor, Hlc, NodeId};
use crate::version::wire::{Reader, WireError, put_varint};

const MEMBER: u8 = 1;
const LAYOUT: u8 = 2;
const FACT: u8 = 3;

/// Why bytes are no message and no saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// Written by a later version of this program, or damaged.
    #[error("format {0} is not known here")]
    UnknownFormat(u8),
    /// A kind that the format does not have.
    #[error("a kind is not known here")]
    Unknown,
    /// The bytes end too early.
    #[error("the bytes end too early")]
    Truncated,
    /// Unsorted, repeated, left over, or spelled in another way than the one there is.
    #[error("the bytes are not in their one canonical form")]
    NotCanonical,
    /// More than the bound on it, or a text that is none.
    #[error("something is larger than its bound")]
    TooLarge,
}

impl From<WireError> for CodecError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Truncated => Self::Truncated,
            WireError::NotCanonical => Self::NotCanonical,
        }
    }
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn put_id(out: &mut Vec<u8>, id: u128) {
    out.extend_from_slice(&id.to_le_bytes());
}

pub(super) fn read_id(reader: &mut Reader<'_>) -> Result<u128, CodecError> {
    Ok(u128::from_le_bytes(read_16(reader)?))
}

fn read_16(reader: &mut Reader<'_>) -> Result<[u8; 16], CodecError> {
    let bytes = reader.bytes(16)?;
    bytes.try_into().map_err(|_| CodecError::Truncated)
}

pub(super) fn read_bytes<'a>(reader: &mut Reader<'a>, max: usize) -> Result<&'a [u8], CodecError> {
    let length = reader.varint()?;
    if length > max as u64 {
        return Err(CodecError::TooLarge);
    }
    Ok(reader.bytes(length)?)
}

fn read_text(reader: &mut Reader<'_>) -> Result<String, CodecError> {
    let bytes = read_bytes(reader, MAX_TEXT_BYTES)?;
    let text = std::str::from_utf8(bytes).map_err(|_| CodecError::NotCanonical)?;
    Ok(text.to_owned())
}

/// Bytes, length first, with which an item or a key ends.
fn read_last(reader: &mut Reader<'_>, max: usize) -> Result<Bytes, CodecError> {
    let bytes = Bytes::copy_from_slice(read_bytes(reader, max)?);
    if reader.is_empty() {
        Ok(bytes)
    } else {
        Err(CodecError::NotCanonical)
    }
}

pub(super) fn put_key(out: &mut Vec<u8>, key: &Key) {
    match key {
        Key::Member(id) => {
            out.push(MEMBER);
            put_bytes(out, &id.0.to_le_bytes());
        }
        Key::Layout(number) => {
            out.push(LAYOUT);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, *number);
            put_bytes(out, &bytes);
        }
        Key::Fact(name) => {
            out.push(FACT);
            put_bytes(out, name);
        }
    }
}

/// A key; `None` if its kind is not known here, and passed over.
pub(super) fn read_key(reader: &mut Reader<'_>) -> Result<Option<Key>, CodecError> {
    let kind = reader.byte()?;
    let bytes = read_bytes(reader, MAX_NAME_BYTES)?;
    let mut inner = Reader::new(bytes);
    let key = match kind {
        MEMBER => Key::Member(NodeId(read_id(&mut inner)?)),
        LAYOUT => Key::Layout(inner.varint()?),
        FACT => return Ok(Some(Key::Fact(Bytes::copy_from_slice(bytes)))),
        _ => return Ok(None),
    };
    if !inner.is_empty() {
        return Err(CodecError::NotCanonical);
    }
    Ok(Some(key))
}

pub(super) fn put_item(out: &mut Vec<u8>, item: &Item) {
    let mut body = Vec::new();
    match item {
        Item::Member(entry) => {
            body.push(MEMBER);
            put_member(&mut body, entry);
        }
        Item::Layout(layout) => {
            body.push(LAYOUT);
            put_varint(&mut body, layout.number);
            body.extend_from_slice(&layout.hash);
            put_bytes(&mut body, &layout.bytes);
        }
        Item::Fact(name, fact) => {
            body.push(FACT);
            put_bytes(&mut body, name);
            body.extend_from_slice(&fact.stamp.0.0.to_le_bytes());
            put_id(&mut body, fact.stamp.1.0);
            put_bytes(&mut body, &fact.value);
        }
    }
    put_bytes(out, &body);
}

/// Bytes of a message that an item takes, about: enough to keep messages near their size.
pub(super) fn item_bytes(item: &Item) -> usize {
    match item {
        Item::Member(entry) => {
            let addresses = entry.peer_address.len() + entry.client_address.len();
            let texts = entry.name.len() + entry.zone.len() + entry.http_address.len();
            80 + addresses + texts + entry.later_fields.len()
        }
        Item::Layout(layout) => 40 + layout.bytes.len(),
        Item::Fact(name, fact) => 40 + name.len() + fact.value.len(),
    }
}

/// An item; `None` if its kind is not known here, and passed over.
pub(super) fn read_item(reader: &mut Reader<'_>) -> Result<Option<Item>, CodecError> {
    // A layout is the largest item; its number and hash come on top.
    let body = read_bytes(reader, MAX_LAYOUT_BYTES + 64)?;
    let mut inner = Reader::new(body);
    let item = match inner.byte()? {
        MEMBER => Item::Member(read_member(&mut inner)?),
        LAYOUT => Item::Layout(Layout {
            number: inner.varint()?,
            hash: read_16(&mut inner)?,
            bytes: read_last(&mut inner, MAX_LAYOUT_BYTES)?,
        }),
        FACT => {
            let name = Bytes::copy_from_slice(read_bytes(&mut inner, MAX_NAME_BYTES)?);
            let stamp = (Hlc(inner.fixed_u64()?), NodeId(read_id(&mut inner)?));
            let value = read_last(&mut inner, MAX_VALUE_BYTES)?;
            Item::Fact(name, Fact { stamp, value })
        }
        _ => return Ok(None),
    };
    if is_bounded(&item) {
        Ok(Some(item))
    } else {
        Err(CodecError::TooLarge)
    }
}

/// Whether an item is within its bounds, as everything is that was ever decoded.
pub(super) fn is_bounded(item: &Item) -> bool {
    match item {
        Item::Member(entry) => entry.is_bounded(),
        Item::Layout(layout) => layout.bytes.len() <= MAX_LAYOUT_BYTES,
        Item::Fact(name, fact) => {
            name.len() <= MAX_NAME_BYTES && fact.value.len() <= MAX_VALUE_BYTES
        }
    }
}

pub(super) fn put_member(out: &mut Vec<u8>, entry: &MemberEntry) {
    put_id(out, entry.id.0);
    out.extend_from_slice(&entry.first_seen.0.to_le_bytes());
    put_varint(out, entry.incarnation);
    out.push(match entry.status {
        Status::Joining => 1,
        Status::Member => 2,
        Status::Leaving => 3,
        Status::Left => 4,
        Status::Lost => 5,
    });
    put_bytes(out, entry.name.as_bytes());
    put_bytes(out, entry.zone.as_bytes());
    put_varint(out, u64::from(entry.capacity_thousandths));
    put_bytes(out, entry.peer_address.as_bytes());
    put_bytes(out, entry.client_address.as_bytes());
    put_bytes(out, entry.http_address.as_bytes());
    out.extend_from_slice(&entry.actor.0.to_le_bytes());
    put_bytes(out, &entry.later_fields);
}

fn read_member(reader: &mut Reader<'_>) -> Result<MemberEntry, CodecError> {
    Ok(MemberEntry {
        id: NodeId(read_id(reader)?),
        first_seen: Hlc(reader.fixed_u64()?),
        incarnation: reader.varint()?,
        status: match reader.byte()? {
            1 => Status::Joining,
            2 => Status::Member,
            3 => Status::Leaving,
            4 => Status::Left,
            5 => Status::Lost,
            _ => return Err(CodecError::Unknown),
        },
        name: read_text(reader)?,
        zone: read_text(reader)?,
        capacity_thousandths: u32::try_from(reader.varint()?).map_err(|_| CodecError::TooLarge)?,
        peer_address: read_text(reader)?,
        client_address: read_text(reader)?,
        http_address: read_text(reader)?,
        actor: Actor(reader.fixed_u64()?),
        later_fields: read_last(reader, MAX_LATER_BYTES)?,
    })
}
