//! What travels between members and towards them, version 1. Frozen: `tests/fixtures/gossip_v1_*.hex`.
//!
//! ```text
//!   message   format | kind | body
//!     1 summary    fingerprint of the whole state u64
//!     2 digest     from, until: 0 | 1 key      count, then key | fingerprint u64 each
//!     3 delta      count, items      count, wanted keys      resume: 0 | 1 key
//!     4 items      count, items
//!     5 ask        member: the item of the node that wants to join
//!     6 answer     1 cluster 16, member item | 2 waiting | 3 reason, text
//! ```
//!
//! Decoding is total, bounded before it allocates, and accepts one spelling. A later version may add
//! fields at a message's end, kinds of items and keys, and fields at a member's end: a reader of this
//! version passes over them (and carries the last ones along). It must not change what is here.

use std::collections::BTreeMap;

use super::codec::{
    CodecError, put_bytes, put_id, put_item, put_key, read_bytes, read_id, read_item, read_key,
};
use super::exchange::{Delta, Digest, MAX_WANTED};
use super::member::{MAX_TEXT_BYTES, MemberEntry};
use super::state::{Item, Key};
use crate::types::ClusterId;
use crate::version::wire::{Reader, put_varint};

/// The format that this program writes: the first byte of every message.
pub const FORMAT: u8 = 1;

/// Bytes of a message at most: one layout of the greatest size and as much again.
pub const MAX_MESSAGE_BYTES: usize = 512 * 1024;

/// A message of the membership protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Begins a round: the fingerprint of the sender's whole state.
    Summary(u64),
    /// What the sender has of a range of keys; answered by a delta.
    Digest(Digest),
    /// What the receiver of a digest has and wants.
    Delta(Delta),
    /// News, or what a delta wanted; not answered.
    Items(Vec<Item>),
    /// A node without a cluster asks a seed to be admitted.
    Ask(MemberEntry),
    /// What a seed says to that.
    Answer(JoinAnswer),
}

/// What a seed answers a node that wants to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinAnswer {
    /// It is in: the cluster, and its entry as the cluster knows it.
    Admitted {
        /// The cluster.
        cluster: ClusterId,
        /// The entry of the node that asked.
        entry: Box<MemberEntry>,
    },
    /// The seed belongs to no cluster either.
    Waiting,
    /// It may not join.
    Refused(Refusal),
}

/// Why a node may not join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A member holds records, and they cannot be moved to a new owner yet.
    HoldsRecords,
    /// A node that is not removed has this name.
    NameTaken {
        /// The name.
        name: String,
    },
    /// This node was removed from the cluster; an id never returns.
    Removed,
    /// As many members as a cluster can ever have.
    Full,
    /// A text of the entry is too long, or the name is empty.
    Malformed,
    /// A reason that a later version gives, in its words.
    Other {
        /// Its number.
        code: u8,
        /// Its words.
        text: String,
    },
}

impl Refusal {
    /// The reason in words, for operators.
    pub fn text(&self) -> String {
        match self {
            Self::HoldsRecords => "the cluster holds records, and joining a cluster that is not \
                                   empty is not supported"
                .to_owned(),
            Self::NameTaken { name } => format!(
                "the name \"{name}\" is taken by another member; set node.name to another one, or \
                 declare that member lost"
            ),
            Self::Removed => "this node was removed from the cluster and its id cannot return; \
                              empty its data directory to join as a new node"
                .to_owned(),
            Self::Full => "the cluster has had as many members as it can ever have".to_owned(),
            Self::Malformed => "its name, zone or an address is empty or too long".to_owned(),
            Self::Other { text, .. } => text.clone(),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::HoldsRecords => 1,
            Self::NameTaken { .. } => 2,
            Self::Removed => 3,
            Self::Full => 4,
            Self::Malformed => 5,
            Self::Other { code, .. } => *code,
        }
    }

    fn from_code(code: u8, text: String) -> Self {
        match code {
            1 => Self::HoldsRecords,
            2 => Self::NameTaken { name: text },
            3 => Self::Removed,
            4 => Self::Full,
            5 => Self::Malformed,
            _ => Self::Other { code, text },
        }
    }

    /// The words that travel: what the code does not say.
    fn detail(&self) -> &str {
        match self {
            Self::NameTaken { name } => name,
            Self::Other { text, .. } => text,
            _ => "",
        }
    }
}

impl Message {
    /// The message as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        match self {
            Self::Summary(fingerprint) => {
                out.push(1);
                out.extend_from_slice(&fingerprint.to_le_bytes());
            }
            Self::Digest(digest) => {
                out.push(2);
                put_optional_key(&mut out, digest.from.as_ref());
                put_optional_key(&mut out, digest.until.as_ref());
                put_varint(&mut out, digest.versions.len() as u64);
                for (key, fingerprint) in &digest.versions {
                    put_key(&mut out, key);
                    out.extend_from_slice(&fingerprint.to_le_bytes());
                }
            }
            Self::Delta(delta) => {
                out.push(3);
                put_items(&mut out, &delta.items);
                put_varint(&mut out, delta.wanted.len() as u64);
                for key in &delta.wanted {
                    put_key(&mut out, key);
                }
                put_optional_key(&mut out, delta.resume.as_ref());
            }
            Self::Items(items) => {
                out.push(4);
                put_items(&mut out, items);
            }
            Self::Ask(entry) => {
                out.push(5);
                put_item(&mut out, &Item::Member(entry.clone()));
            }
            Self::Answer(answer) => {
                out.push(6);
                put_answer(&mut out, answer);
            }
        }
        out
    }

    /// A message from bytes that may be anything.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(CodecError::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        let format = reader.byte()?;
        if format < FORMAT {
            return Err(CodecError::UnknownFormat(format));
        }
        let later = format > FORMAT;
        let message = match reader.byte()? {
            1 => Self::Summary(reader.fixed_u64()?),
            2 => Self::Digest(read_digest(&mut reader, later)?),
            3 => Self::Delta(Delta {
                items: read_items(&mut reader, later)?,
                wanted: read_wanted(&mut reader, later)?,
                resume: read_optional_key(&mut reader, later)?,
            }),
            4 => Self::Items(read_items(&mut reader, later)?),
            5 => Self::Ask(read_entry(&mut reader)?),
            6 => Self::Answer(read_answer(&mut reader)?),
            _ => return Err(CodecError::Unknown),
        };
        // What a later version added stands at the end; of our own version nothing may.
        if !reader.is_empty() && !later {
            return Err(CodecError::NotCanonical);
        }
        Ok(message)
    }
}

fn put_optional_key(out: &mut Vec<u8>, key: Option<&Key>) {
    match key {
        None => out.push(0),
        Some(key) => {
            out.push(1);
            put_key(out, key);
        }
    }
}

fn read_optional_key(reader: &mut Reader<'_>, later: bool) -> Result<Option<Key>, CodecError> {
    match reader.byte()? {
        0 => Ok(None),
        // A bound of a kind not known here lies behind all keys known: as good as none.
        1 => match read_key(reader)? {
            None if !later => Err(CodecError::Unknown),
            key => Ok(key),
        },
        _ => Err(CodecError::NotCanonical),
    }
}

fn put_items(out: &mut Vec<u8>, items: &[Item]) {
    put_varint(out, items.len() as u64);
    for item in items {
        put_item(out, item);
    }
}

fn read_items(reader: &mut Reader<'_>, later: bool) -> Result<Vec<Item>, CodecError> {
    let count = reader.varint()?;
    let mut items: Vec<Item> = Vec::new();
    for _ in 0..count {
        match read_item(reader)? {
            None if later => {}
            None => return Err(CodecError::Unknown),
            Some(item) => {
                if items.last().is_some_and(|last| last.key() >= item.key()) {
                    return Err(CodecError::NotCanonical);
                }
                items.push(item);
            }
        }
    }
    Ok(items)
}

fn read_wanted(reader: &mut Reader<'_>, later: bool) -> Result<Vec<Key>, CodecError> {
    let count = reader.varint()?;
    if count > MAX_WANTED as u64 {
        return Err(CodecError::TooLarge);
    }
    let mut keys: Vec<Key> = Vec::new();
    for _ in 0..count {
        match read_key(reader)? {
            None if later => {}
            None => return Err(CodecError::Unknown),
            Some(key) if keys.last().is_some_and(|last| *last >= key) => {
                return Err(CodecError::NotCanonical);
            }
            Some(key) => keys.push(key),
        }
    }
    Ok(keys)
}

fn read_digest(reader: &mut Reader<'_>, later: bool) -> Result<Digest, CodecError> {
    let from = read_optional_key(reader, later)?;
    let until = read_optional_key(reader, later)?;
    let count = reader.varint()?;
    let mut versions = BTreeMap::new();
    for _ in 0..count {
        let key = read_key(reader)?;
        let fingerprint = reader.fixed_u64()?;
        let Some(key) = key else {
            if later {
                continue;
            }
            return Err(CodecError::Unknown);
        };
        let sorted = versions
            .last_key_value()
            .is_none_or(|(last, _)| *last < key);
        let within = from.as_ref().is_none_or(|from| *from <= key)
            && until.as_ref().is_none_or(|until| key < *until);
        if !sorted || !within {
            return Err(CodecError::NotCanonical);
        }
        versions.insert(key, fingerprint);
    }
    Ok(Digest {
        from,
        until,
        versions,
    })
}

fn read_entry(reader: &mut Reader<'_>) -> Result<MemberEntry, CodecError> {
    match read_item(reader)? {
        Some(Item::Member(entry)) => Ok(entry),
        _ => Err(CodecError::Unknown),
    }
}

fn put_answer(out: &mut Vec<u8>, answer: &JoinAnswer) {
    match answer {
        JoinAnswer::Admitted { cluster, entry } => {
            out.push(1);
            put_id(out, cluster.0);
            put_item(out, &Item::Member((**entry).clone()));
        }
        JoinAnswer::Waiting => out.push(2),
        JoinAnswer::Refused(refusal) => {
            out.push(3);
            out.push(refusal.code());
            put_bytes(out, refusal.detail().as_bytes());
        }
    }
}

fn read_answer(reader: &mut Reader<'_>) -> Result<JoinAnswer, CodecError> {
    match reader.byte()? {
        1 => Ok(JoinAnswer::Admitted {
            cluster: ClusterId(read_id(reader)?),
            entry: Box::new(read_entry(reader)?),
        }),
        2 => Ok(JoinAnswer::Waiting),
        3 => {
            let code = reader.byte()?;
            let detail = read_bytes(reader, MAX_TEXT_BYTES)?;
            let text = std::str::from_utf8(detail).map_err(|_| CodecError::NotCanonical)?;
            let refusal = Refusal::from_code(code, text.to_owned());
            if refusal.detail() != text {
                return Err(CodecError::NotCanonical);
            }
            Ok(JoinAnswer::Refused(refusal))
        }
        _ => Err(CodecError::Unknown),
    }
}
