//! Digest, then delta: how two nodes find out what either lacks, in bounded messages.
//!
//! A digest names a range of keys and what its sender has in it, by fingerprint. The answer holds the
//! receiver's items that differ or were missing, the keys that it wants in turn, and where the next
//! digest has to begin if a bound cut it short. Which of two differing items is the newer is not
//! asked: both are joined, so whoever sends too much loses bytes and nothing else.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::codec::item_bytes;
use super::state::{Item, Key, State};

/// A message of items or keys is closed once it has grown to this many bytes: one frame that delays
/// nobody on the link. A single item may be larger and then travels alone.
pub const MESSAGE_BYTES: usize = 16 * 1024;

/// Keys that one delta may want: their items fill about four messages.
pub const MAX_WANTED: usize = 64;

/// What the sender has of the keys in `from..until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The first key of the range; `None`: from the beginning.
    pub from: Option<Key>,
    /// The first key behind it; `None`: to the end.
    pub until: Option<Key>,
    /// Fingerprints of what the sender has in the range.
    pub versions: BTreeMap<Key, u64>,
}

/// What the receiver of a digest has to say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Its items that differ from the sender's, or that the sender lacks.
    pub items: Vec<Item>,
    /// Keys of the sender's items that differ from its own, or that it lacks.
    pub wanted: Vec<Key>,
    /// Where the sender's next digest begins; `None` when the end was reached.
    pub resume: Option<Key>,
}

impl Delta {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.wanted.is_empty() && self.resume.is_none()
    }
}

/// Bytes of a key and its fingerprint in a digest, about.
fn key_bytes(key: &Key) -> usize {
    match key {
        Key::Member(_) => 26,
        Key::Layout(_) => 20,
        Key::Fact(name) => 12 + name.len(),
    }
}

impl State {
    /// A digest of what is held from `from` on, as far as a message reaches.
    pub fn digest(&self, from: Option<&Key>) -> Digest {
        let mut digest = Digest {
            from: from.cloned(),
            until: None,
            versions: BTreeMap::new(),
        };
        let mut bytes = 0;
        let start = from.map_or(Bound::Unbounded, Bound::Included);
        for (key, fingerprint) in self.fingerprints().range((start, Bound::Unbounded)) {
            if bytes >= MESSAGE_BYTES {
                digest.until = Some(key.clone());
                break;
            }
            bytes += key_bytes(key);
            digest.versions.insert(key.clone(), *fingerprint);
        }
        digest
    }

    /// The answer to a digest.
    pub fn delta(&self, digest: &Digest) -> Delta {
        let mut delta = Delta {
            items: Vec::new(),
            wanted: Vec::new(),
            resume: digest.until.clone(),
        };
        let (from, until) = (digest.from.as_ref(), digest.until.as_ref());
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return delta;
        }
        let range = (
            from.map_or(Bound::Unbounded, Bound::Included),
            until.map_or(Bound::Unbounded, Bound::Excluded),
        );
        let mut differing: BTreeMap<&Key, (bool, bool)> = BTreeMap::new();
        for (key, fingerprint) in self.fingerprints().range::<Key, _>(range) {
            match digest.versions.get(key) {
                Some(theirs) if theirs == fingerprint => {}
                theirs => {
                    differing.insert(key, (true, theirs.is_some()));
                }
            }
        }
        for key in digest.versions.keys() {
            if !self.fingerprints().contains_key(key) {
                differing.insert(key, (false, true));
            }
        }
        let mut bytes = 0;
        for (key, (ours, theirs)) in differing {
            if bytes >= MESSAGE_BYTES || delta.wanted.len() >= MAX_WANTED {
                delta.resume = Some(key.clone());
                break;
            }
            if ours && let Some(item) = self.item(key) {
                bytes += item_bytes(&item);
                delta.items.push(item);
            }
            if theirs {
                bytes += key_bytes(key);
                delta.wanted.push(key.clone());
            }
        }
        delta
    }
}
