//! What else the cluster agrees upon: named registers ("facts": settings of the cluster, policies) and
//! layouts.
//!
//! A fact is the last that was said, by (hlc, node). To delete one is to say nothing: a fact with an
//! empty value, which stays, else an old copy would bring it back.
//!
//! A layout is never merged with another. The greater number wins; of two with one number the one with
//! the smaller hash, on every node, and the loser is reported so that its changes are staged again
//! (design: two commits of one number). The last few numbers are kept, because two layouts are live
//! during a change, and three when a lost member is removed meanwhile.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::state::Outcome;
use crate::types::{Hlc, NodeId};

/// Facts of a cluster, deleted ones included: some twenty settings, the rest policies by prefix.
pub const MAX_FACTS: usize = 4096;

/// Bytes of a fact's name: `policy/` and a prefix that somebody types.
pub const MAX_NAME_BYTES: usize = 1024;

/// Bytes of a fact's value: settings are short; a hundred times what any needs.
pub const MAX_VALUE_BYTES: usize = 16 * 1024;

/// Bytes of an encoded layout: 4,096 partitions, a few owners each, at ten bytes an owner.
pub const MAX_LAYOUT_BYTES: usize = 256 * 1024;

/// Layouts that are kept: the two of a change, and one committed over it to remove a lost member.
pub const LAYOUTS_KEPT: usize = 3;

/// A named register's content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// When it was said, and by whom. The greater wins.
    pub stamp: (Hlc, NodeId),
    /// What was said; empty when it was deleted.
    pub value: Bytes,
}

/// The named registers of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    entries: BTreeMap<Bytes, Fact>,
}

impl Facts {
    /// The value of a fact; `None` if it was never said, or deleted.
    pub fn get(&self, name: &[u8]) -> Option<&Bytes> {
        let value = &self.entries.get(name)?.value;
        (!value.is_empty()).then_some(value)
    }

    /// The register as it is, also a deleted one.
    pub fn register(&self, name: &[u8]) -> Option<&Fact> {
        self.entries.get(name)
    }

    /// Names and values of facts that are not deleted and whose name starts with `prefix`.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a Bytes, &'a Bytes)> {
        self.entries
            .range(Bytes::copy_from_slice(prefix)..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .filter(|(_, fact)| !fact.value.is_empty())
            .map(|(name, fact)| (name, &fact.value))
    }

    /// All registers, deleted ones included.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Fact)> {
        self.entries.iter()
    }

    /// Joins one register in: the greater stamp wins. (Should one stamp carry two values, the greater
    /// value: a join must not depend on the order.)
    pub fn merge_fact(&mut self, name: Bytes, fact: Fact) -> Outcome {
        if let Some(known) = self.entries.get_mut(&name) {
            if fact <= *known {
                return Outcome::Unchanged;
            }
            *known = fact;
            return Outcome::Changed;
        }
        if self.entries.len() >= MAX_FACTS {
            return Outcome::Full;
        }
        self.entries.insert(name, fact);
        Outcome::Changed
    }
}

/// A layout as gossip sees it: a number, a hash of its content, and bytes that `ring` understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Counts layouts of the cluster.
    pub number: u64,
    /// A hash of the content, the same on every node.
    pub hash: [u8; 16],
    /// The layout, encoded.
    pub bytes: Bytes,
}

/// The newest layouts, one to a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layouts {
    by_number: BTreeMap<u64, Layout>,
}

impl Layouts {
    /// The layout with the greatest number.
    pub fn newest(&self) -> Option<&Layout> {
        self.by_number.last_key_value().map(|(_, layout)| layout)
    }

    /// The layout of a number, if it is among those kept.
    pub fn get(&self, number: u64) -> Option<&Layout> {
        self.by_number.get(&number)
    }

    /// The kept layouts, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Layout> {
        self.by_number.values()
    }

    /// Joins one layout in; `Disputed` when another layout has its number.
    pub fn merge_layout(&mut self, layout: Layout) -> Outcome {
        let number = layout.number;
        if let Some(known) = self.by_number.get_mut(&number) {
            // The bytes follow from the hash; they are compared only so that the join is one anyway.
            let (kept, lost, changed) =
                match (layout.hash, &layout.bytes).cmp(&(known.hash, &known.bytes)) {
                    std::cmp::Ordering::Equal => return Outcome::Unchanged,
                    std::cmp::Ordering::Less => (layout.clone(), known.clone(), true),
                    std::cmp::Ordering::Greater => (known.clone(), layout, false),
                };
            known.clone_from(&kept);
            return Outcome::Disputed {
                kept,
                lost,
                changed,
            };
        }
        let oldest = self.by_number.keys().next().copied();
        if self.by_number.len() >= LAYOUTS_KEPT && oldest.is_some_and(|oldest| number < oldest) {
            return Outcome::Unchanged;
        }
        self.by_number.insert(number, layout);
        Outcome::Changed
    }

    /// Lets the oldest layout go while there are more than are kept.
    pub(super) fn trim(&mut self) -> Option<u64> {
        if self.by_number.len() <= LAYOUTS_KEPT {
            return None;
        }
        self.by_number.pop_first().map(|(number, _)| number)
    }
}
