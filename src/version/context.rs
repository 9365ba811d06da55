//! Contexts: a history as a client carries it, an opaque string.
//!
//! ```text
//!   base64url, no padding, of
//!   version 1 | fingerprint 4 | count, then per actor: id 8, intervals ... | tag 8
//! ```
//!
//! Actors are written with their full 64 bits, so an honest context is good on every node, whatever
//! its table and its clock. The fingerprint binds it to one key of one database, the tag to the
//! cluster: a context that anybody could forge would poison a key for ever. The empty string is the
//! context that has seen nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use siphasher::sip::SipHasher24;
use smallvec::SmallVec;
use std::hash::Hasher as _;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::wire::{Reader, WireError, put_intervals, put_varint};
use super::{ActorTable, History, Interval};
use crate::types::{Actor, ActorIndex, Database};

/// No longer token is looked at: room for some 2,700 actors, where a key has about as many as it
/// has owners.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

const FORMAT: u8 = 1;
const FINGERPRINT_BYTES: usize = 4;
const TAG_BYTES: usize = 8;

/// The key under which a cluster tags its contexts; derived apart from all its other keys.
#[derive(Clone, Copy)]
pub struct ContextKey(pub [u8; 16]);

/// A token that this cluster did not make for this key. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadContext {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the context is too long")]
    TooLong,
    /// Not base64url, or cut short.
    #[error("the context is not one")]
    Malformed,
    /// From a later version of this program.
    #[error("the context has format {0}, which is not known here")]
    UnknownFormat(u8),
    /// Damaged, forged, or another cluster's.
    #[error("the context was not made by this cluster")]
    BadTag,
    /// Honest, but of another key or database.
    #[error("the context belongs to another key")]
    OtherKey,
}

impl From<WireError> for BadContext {
    fn from(_: WireError) -> Self {
        Self::Malformed
    }
}

/// The token of a history. An index that the table does not have is left out: it names a dot that
/// no other node could know either, and claiming less is always safe.
pub fn encode_context(
    history: &History,
    database: Database,
    key: &[u8],
    actors: &ActorTable,
    secret: &ContextKey,
) -> String {
    let mut groups: SmallVec<[(Actor, SmallVec<[Interval; 2]>); 4]> = SmallVec::new();
    let mut current: Option<ActorIndex> = None;
    for (index, interval) in history.iter() {
        let Some(actor) = actors.actor(index) else {
            continue;
        };
        match groups.last_mut() {
            Some(group) if current == Some(index) => group.1.push(interval),
            _ => groups.push((actor, SmallVec::from_slice(&[interval]))),
        }
        current = Some(index);
    }
    if groups.is_empty() {
        return String::new();
    }
    groups.sort_unstable_by_key(|group| group.0);

    let mut token = Vec::with_capacity(16 + groups.len() * 24);
    token.push(FORMAT);
    token.extend_from_slice(&fingerprint(database, key, secret));
    put_varint(&mut token, groups.len() as u64);
    for (actor, intervals) in &groups {
        token.extend_from_slice(&actor.0.to_le_bytes());
        put_intervals(&mut token, intervals);
    }
    let tag = tag(&token, secret);
    token.extend_from_slice(&tag);
    URL_SAFE_NO_PAD.encode(token)
}

/// The history that a token stands for. Actors that are new here are handed to `intern`, and only
/// after the whole token has proved to be honest.
pub fn decode_context(
    token: &[u8],
    database: Database,
    key: &[u8],
    secret: &ContextKey,
    mut intern: impl FnMut(Actor) -> ActorIndex,
) -> Result<History, BadContext> {
    if token.is_empty() {
        return Ok(History::default());
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(BadContext::TooLong);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| BadContext::Malformed)?;
    let (&format, _) = bytes.split_first().ok_or(BadContext::Malformed)?;
    if format != FORMAT {
        return Err(BadContext::UnknownFormat(format));
    }
    let (body, found) = bytes
        .split_last_chunk::<TAG_BYTES>()
        .ok_or(BadContext::Malformed)?;
    if !bool::from(found.ct_eq(&tag(body, secret))) {
        return Err(BadContext::BadTag);
    }
    let mut reader = Reader::new(body);
    reader.byte()?;
    if reader.bytes(FINGERPRINT_BYTES as u64)? != fingerprint(database, key, secret) {
        return Err(BadContext::OtherKey);
    }
    let mut spans: Vec<(Actor, Interval)> = Vec::new();
    let mut previous: Option<Actor> = None;
    let count = reader.varint()?;
    for _ in 0..count {
        let actor = Actor(reader.fixed_u64()?);
        if previous.is_some_and(|previous| actor <= previous) {
            return Err(BadContext::Malformed);
        }
        previous = Some(actor);
        reader.intervals(|interval| spans.push((actor, interval)))?;
    }
    if count == 0 || !reader.is_empty() {
        return Err(BadContext::Malformed);
    }
    Ok(spans
        .into_iter()
        .map(|(actor, interval)| (intern(actor), interval))
        .collect())
}

fn tag(body: &[u8], secret: &ContextKey) -> [u8; TAG_BYTES] {
    let mut hasher = SipHasher24::new_with_key(&secret.0);
    // Tags and fingerprints share a key; the first byte keeps them apart.
    hasher.write(b"T");
    hasher.write(body);
    hasher.finish().to_le_bytes()
}

fn fingerprint(database: Database, key: &[u8], secret: &ContextKey) -> [u8; FINGERPRINT_BYTES] {
    let mut hasher = SipHasher24::new_with_key(&secret.0);
    hasher.write(b"F");
    hasher.write(&[database.0]);
    hasher.write(key);
    let [a, b, c, d, ..] = hasher.finish().to_le_bytes();
    [a, b, c, d]
}
