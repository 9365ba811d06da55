//! The secret that the nodes of a cluster share, and what it makes: tags over the messages of a
//! handshake. Pure. What is always true: tags are compared in constant time against every secret that
//! is valid, and no secret is ever shown, also not in debug output.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 32;

/// HMAC-SHA256 of one message of a handshake.
pub(super) type Tag = [u8; TAG_BYTES];

/// What a tag stands for; the first block of what is authenticated, so that no tag passes for
/// another kind's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The dialer knows the secret, or has once heard who does.
    Hello,
    /// The acceptor knows it now: both nonces are covered.
    Acceptor,
    /// The dialer knows it now.
    Dialer,
}

impl Role {
    fn label(self) -> [u8; 16] {
        match self {
            Self::Hello => *b"dynamo peer hell",
            Self::Acceptor => *b"dynamo peer acce",
            Self::Dialer => *b"dynamo peer dial",
        }
    }
}

/// The secrets in force: the first is used to prove, either may verify.
///
/// To change a secret without closing a link: every node first verifies both and proves with the old
/// one, then proves with the new one, then forgets the old one.
#[derive(Clone)]
pub struct Secrets {
    current: Hmac<Sha256>,
    other: Option<Hmac<Sha256>>,
}

impl Secrets {
    /// `current` proves; `other` is accepted as well. An empty secret keeps nobody out: the caller
    /// allows it on loopback only.
    pub fn new(current: &[u8], other: Option<&[u8]>) -> Self {
        let key =
            |secret: &[u8]| Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self {
            current: key(current),
            other: other.map(key),
        }
    }

    /// The tag of a message, given as parts of fixed lengths.
    pub(super) fn prove(&self, role: Role, parts: &[&[u8]]) -> Tag {
        tag(&self.current, role, parts)
    }

    /// Whether a valid secret made this tag.
    pub(super) fn verify(&self, role: Role, parts: &[&[u8]], claimed: &Tag) -> bool {
        let is_by = |key: &Hmac<Sha256>| tag(key, role, parts).ct_eq(claimed);
        let by_other = self.other.as_ref().map_or(Choice::from(0), is_by);
        (is_by(&self.current) | by_other).into()
    }
}

fn tag(key: &Hmac<Sha256>, role: Role, parts: &[&[u8]]) -> Tag {
    let mut mac = key.clone();
    mac.update(&role.label());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = 1 + usize::from(self.other.is_some());
        write!(f, "Secrets({count} hidden)")
    }
}
