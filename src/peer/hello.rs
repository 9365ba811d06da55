//! The messages of a handshake as bytes. Pure. What is always true: each has one fixed length, so
//! nothing in it says how much to read; the hello's layout is frozen for all versions, because it is
//! read before a version is agreed.

use super::secret::{TAG_BYTES, Tag};
use crate::types::{Actor, ClusterId, Hlc, NodeId};
use crate::version::wire::{Reader, WireError};

/// Bytes of the first message, by the dialer.
pub const HELLO_BYTES: usize = 94 + TAG_BYTES;

/// Bytes of the second, by the acceptor.
pub const WELCOME_BYTES: usize = 84 + TAG_BYTES;

/// Bytes of the third, by the dialer.
pub const PROOF_BYTES: usize = TAG_BYTES;

const MAGIC: [u8; 8] = *b"dynpeer1";

/// A byte for features to come in both messages: version 1 sends 0 and does not look.
const NO_FEATURES: u8 = 0;

/// 32 random bytes, taken anew for each handshake.
pub type Nonce = [u8; 32];

/// A range of versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub min: u8,
    /// The newest.
    pub max: u8,
}

impl Versions {
    /// The newest version in both ranges.
    pub(super) fn agreed(self, other: Self) -> Option<u8> {
        let newest = self.max.min(other.max);
        (newest >= self.min.max(other.min)).then_some(newest)
    }
}

/// Whether bytes that came so far may begin a hello. Strangers are mostly told by their first byte,
/// and dropped then.
pub fn hello_may_follow(so_far: &[u8]) -> bool {
    so_far.iter().zip(MAGIC).all(|(&byte, magic)| byte == magic)
}

/// What both messages say of their sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaker {
    pub(super) versions: Versions,
    pub(super) node: NodeId,
    pub(super) actor: Actor,
    /// On the wire zeros when there is none.
    pub(super) cluster: Option<ClusterId>,
    pub(super) hlc: Hlc,
}

impl Speaker {
    fn put(&self, nonce: &Nonce, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.node.0.to_le_bytes());
        out.extend_from_slice(&self.actor.0.to_le_bytes());
        let cluster = self.cluster.map_or(0, |cluster| cluster.0);
        out.extend_from_slice(&cluster.to_le_bytes());
        out.extend_from_slice(&self.hlc.0.to_le_bytes());
        out.extend_from_slice(nonce);
    }

    /// The nonce stays unread: it does its work inside the tag.
    fn read(reader: &mut Reader<'_>, versions: Versions) -> Result<Self, WireError> {
        Ok(Self {
            versions,
            node: NodeId(fixed_u128(reader)?),
            actor: Actor(reader.fixed_u64()?),
            cluster: match fixed_u128(reader)? {
                0 => None,
                id => Some(ClusterId(id)),
            },
            hlc: Hlc(reader.fixed_u64()?),
        })
    }
}

/// The first message, without magic, nonce and tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) class: u8,
    pub(super) worker: u16,
    pub(super) speaker: Speaker,
}

impl Hello {
    pub(super) fn encode(&self, nonce: &Nonce) -> Vec<u8> {
        let Versions { min, max } = self.speaker.versions;
        let mut fields = Vec::with_capacity(HELLO_BYTES);
        fields.extend_from_slice(&MAGIC);
        fields.extend_from_slice(&[min, max, self.class, NO_FEATURES]);
        fields.extend_from_slice(&self.worker.to_le_bytes());
        self.speaker.put(nonce, &mut fields);
        fields
    }

    /// Fields whose tag is right.
    pub(super) fn decode(fields: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(fields);
        reader.bytes(MAGIC.len() as u64)?;
        let [min, max, class, _features] = four(&mut reader)?;
        let worker = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
        let speaker = Speaker::read(&mut reader, Versions { min, max })?;
        Ok(Self {
            class,
            worker,
            speaker,
        })
    }
}

/// The second message, without nonce and tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Welcome {
    /// The version agreed.
    pub(super) version: u8,
    pub(super) speaker: Speaker,
}

impl Welcome {
    pub(super) fn encode(&self, nonce: &Nonce) -> Vec<u8> {
        let Versions { min, max } = self.speaker.versions;
        let mut fields = Vec::with_capacity(WELCOME_BYTES);
        fields.extend_from_slice(&[self.version, min, max, NO_FEATURES]);
        self.speaker.put(nonce, &mut fields);
        fields
    }

    /// Fields whose tag is right.
    pub(super) fn decode(fields: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(fields);
        let [version, min, max, _features] = four(&mut reader)?;
        let speaker = Speaker::read(&mut reader, Versions { min, max })?;
        Ok(Self { version, speaker })
    }
}

fn four(reader: &mut Reader<'_>) -> Result<[u8; 4], WireError> {
    Ok([
        reader.byte()?,
        reader.byte()?,
        reader.byte()?,
        reader.byte()?,
    ])
}

fn fixed_u128(reader: &mut Reader<'_>) -> Result<u128, WireError> {
    let low = reader.fixed_u64()?;
    Ok(u128::from(reader.fixed_u64()?) << 64 | u128::from(low))
}

/// A message: its fields, then its tag.
pub(super) fn sealed<const N: usize>(mut fields: Vec<u8>, tag: &Tag) -> [u8; N] {
    fields.extend_from_slice(tag);
    fields
        .try_into()
        .expect("a message's fields have a fixed length")
}

/// The fields and the tag of a message.
pub(super) fn split<const N: usize>(message: &[u8; N]) -> (&[u8], &Tag) {
    message
        .split_last_chunk()
        .expect("every message ends with a tag")
}
