//! Everything that gossip spreads, as one map from key to item with a join for each item, so that the
//! whole is a join-semilattice. Beside it a fingerprint per item and their XOR: two nodes that have
//! the same state know so from eight bytes.

use std::collections::BTreeMap;
use std::hash::Hasher;

use bytes::Bytes;
use siphasher::sip::SipHasher13;

use super::codec;
use super::facts::{Fact, Facts, Layout, Layouts};
use super::member::{MemberEntry, Members};
use crate::types::NodeId;

/// The name of an item. Their order is the order of digests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The entry of a node.
    Member(NodeId),
    /// The layout of a number.
    Layout(u64),
    /// A named register.
    Fact(Bytes),
}

/// What gossip spreads, one piece of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The entry of a node.
    Member(MemberEntry),
    /// A layout.
    Layout(Layout),
    /// A named register: its name and content.
    Fact(Bytes, Fact),
}

impl Item {
    /// Its name.
    pub fn key(&self) -> Key {
        match self {
            Self::Member(entry) => Key::Member(entry.id),
            Self::Layout(layout) => Key::Layout(layout.number),
            Self::Fact(name, _) => Key::Fact(name.clone()),
        }
    }

    /// A hash of its key and content, the same on every node. Peers have proved themselves before
    /// they are heard, so the hash need not be keyed; that two differing items share one by chance
    /// has odds of 2^-64.
    pub fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::new();
        codec::put_item(&mut bytes, self);
        let mut hasher = SipHasher13::new();
        hasher.write(&bytes);
        hasher.finish()
    }
}

/// What a join did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: it was known, or something greater is.
    Unchanged,
    /// The state is greater now.
    Changed,
    /// Nothing: the bound on that kind of item is reached.
    Full,
    /// Two layouts have one number.
    Disputed {
        /// The one that every node keeps.
        kept: Layout,
        /// The other.
        lost: Layout,
        /// Whether the kept one is new here.
        changed: bool,
    },
}

/// Members, facts and layouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    members: Members,
    facts: Facts,
    layouts: Layouts,
    fingerprints: BTreeMap<Key, u64>,
    summary: u64,
}

impl State {
    /// The members.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The named registers.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The newest layouts.
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// The XOR of all fingerprints: equal on nodes whose states are equal.
    pub fn summary(&self) -> u64 {
        self.summary
    }

    /// Every key with the fingerprint of its item, in order.
    pub fn fingerprints(&self) -> &BTreeMap<Key, u64> {
        &self.fingerprints
    }

    /// The item of a key.
    pub fn item(&self, key: &Key) -> Option<Item> {
        match key {
            Key::Member(id) => self.members.get(*id).cloned().map(Item::Member),
            Key::Layout(number) => self.layouts.get(*number).cloned().map(Item::Layout),
            Key::Fact(name) => {
                let fact = self.facts.register(name)?;
                Some(Item::Fact(name.clone(), fact.clone()))
            }
        }
    }

    /// All items, in the order of their keys.
    pub fn items(&self) -> impl Iterator<Item = Item> {
        self.fingerprints.keys().filter_map(|key| self.item(key))
    }

    /// Joins one item in. This is the only way by which the state changes.
    pub fn merge_item(&mut self, item: Item) -> Outcome {
        let key = item.key();
        let outcome = match item {
            Item::Member(entry) => self.members.merge_entry(entry),
            Item::Layout(layout) => self.layouts.merge_layout(layout),
            Item::Fact(name, fact) => self.facts.merge_fact(name, fact),
        };
        let changed = match &outcome {
            Outcome::Changed => true,
            Outcome::Disputed { changed, .. } => *changed,
            Outcome::Unchanged | Outcome::Full => false,
        };
        if changed {
            self.note(key);
            while let Some(number) = self.layouts.trim() {
                self.note(Key::Layout(number));
            }
        }
        outcome
    }

    /// Joins all of `other` in; whether it changed anything.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = self.summary;
        for item in other.items() {
            self.merge_item(item);
        }
        before != self.summary
    }

    /// Brings the fingerprint of a key up to date.
    fn note(&mut self, key: Key) {
        self.summary ^= self.fingerprints.remove(&key).unwrap_or(0);
        if let Some(item) = self.item(&key) {
            let fingerprint = item.fingerprint();
            self.summary ^= fingerprint;
            self.fingerprints.insert(key, fingerprint);
        }
    }
}
