//! The table of actors: 4-byte indexes for the 64-bit ids that contexts and handshakes carry.
//! Append-only, since records on disk hold indexes for ever; the store persists new entries before
//! a record that uses them.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::types::{Actor, ActorIndex};

/// Index ↔ actor, in the order of first meeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActorTable {
    entries: Vec<Actor>,
    indexes: BTreeMap<Actor, ActorIndex>,
}

/// A persisted table that names one actor twice: it was damaged, and its indexes mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("actor {0} stands twice in the table of actors")]
pub struct DuplicateActor(pub Actor);

impl ActorTable {
    /// The table that [`Self::entries`] was taken from.
    pub fn from_entries(entries: impl IntoIterator<Item = Actor>) -> Result<Self, DuplicateActor> {
        let mut table = Self::default();
        for actor in entries {
            if !table.intern(actor).1 {
                return Err(DuplicateActor(actor));
            }
        }
        Ok(table)
    }

    /// All actors; the place of each is its index.
    pub fn entries(&self) -> &[Actor] {
        &self.entries
    }

    /// The index of `actor`, and whether it was given just now.
    pub fn intern(&mut self, actor: Actor) -> (ActorIndex, bool) {
        if let Some(&index) = self.indexes.get(&actor) {
            return (index, false);
        }
        let place = u32::try_from(self.entries.len())
            .expect("an actor is one start of one process: fewer than 2^32 of them");
        let index = ActorIndex(place);
        self.entries.push(actor);
        self.indexes.insert(actor, index);
        (index, true)
    }

    /// The index of `actor`, if it has one.
    pub fn index(&self, actor: Actor) -> Option<ActorIndex> {
        self.indexes.get(&actor).copied()
    }

    /// The actor at `index`.
    pub fn actor(&self, index: ActorIndex) -> Option<Actor> {
        self.entries.get(index.0 as usize).copied()
    }

    /// How many actors are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no actor is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
