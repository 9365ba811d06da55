//! The floor: a vector actor → hlc that is an implicit part of every history of a whole owner. Each
//! dot at or below it is live or superseded at every owner that took part in the round that set it,
//! so no record needs to say so. FLUSHALL's marker has the same shape.

use smallvec::SmallVec;

use super::Dot;
use crate::types::{ActorIndex, Hlc};

/// Actor → the last hlc that is covered. An actor without an entry has nothing covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    entries: SmallVec<[(ActorIndex, Hlc); 4]>,
}

impl Floor {
    /// The floor that covers nothing: that of repairing, transferring and hint records.
    pub const NONE: &'static Self = &Self {
        entries: SmallVec::new_const(),
    };

    /// Whether the dot is at or below the floor.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.actor).is_some_and(|end| dot.hlc <= end)
    }

    /// The entry of one actor.
    pub fn get(&self, actor: ActorIndex) -> Option<Hlc> {
        let place = self.entries.binary_search_by_key(&actor, |entry| entry.0);
        place
            .ok()
            .and_then(|place| self.entries.get(place))
            .map(|entry| entry.1)
    }

    /// Lifts the entry of one actor; an entry never falls.
    pub fn raise(&mut self, actor: ActorIndex, to: Hlc) {
        match self.entries.binary_search_by_key(&actor, |entry| entry.0) {
            Err(place) => self.entries.insert(place, (actor, to)),
            Ok(place) => {
                if let Some(entry) = self.entries.get_mut(place) {
                    entry.1 = entry.1.max(to);
                }
            }
        }
    }

    /// The pointwise maximum.
    pub fn join(&mut self, other: &Self) {
        for (actor, end) in other.iter() {
            self.raise(actor, end);
        }
    }

    /// All entries, by actor.
    pub fn iter(&self) -> impl Iterator<Item = (ActorIndex, Hlc)> + '_ {
        self.entries.iter().copied()
    }

    /// How many actors have an entry.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is covered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(ActorIndex, Hlc)> for Floor {
    fn from_iter<I: IntoIterator<Item = (ActorIndex, Hlc)>>(entries: I) -> Self {
        let mut floor = Self::default();
        for (actor, end) in entries {
            floor.raise(actor, end);
        }
        floor
    }
}
