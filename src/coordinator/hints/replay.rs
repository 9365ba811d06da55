//! From the log back to the book. The entries may come in any order that keeps a hint's removal
//! behind its keeping, and as often as the log likes: a tree that holds some of them already, and a
//! start that was cut short, give the same book.

use std::collections::BTreeMap;

use super::book::Name;
use super::{Entry, Hint, HintBook, HintFaults, HintLimits, Owners};

/// Collects entries until the log ends.
#[derive(Debug, Default)]
pub struct Replay {
    kept: BTreeMap<Name, (u64, Hint)>,
    last_version: u64,
}

impl Replay {
    /// The next entry of the log. Of a name the highest version stands, and goes only with a
    /// removal of that version.
    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Kept { version, hint } => {
                self.last_version = self.last_version.max(version);
                let name = Name::of_hint(&hint);
                let known = self.kept.get(&name).map(|(version, _)| *version);
                if known.is_none_or(|known| known < version) {
                    self.kept.insert(name, (version, hint));
                }
            }
            Entry::Removed(removed) => {
                self.last_version = self.last_version.max(removed.version);
                let name = Name::of_removed(&removed);
                let known = self.kept.get(&name).map(|(version, _)| *version);
                if known.is_some_and(|known| known <= removed.version) {
                    self.kept.remove(&name);
                }
            }
        }
    }

    /// The book. It holds all that was kept, also beyond the bound, and refuses until that is gone.
    pub fn finish(self, limits: HintLimits, owners: Owners) -> HintBook {
        self.finish_with_faults(limits, owners, HintFaults::default())
    }

    /// The same with planted bugs, for the simulator to catch.
    pub fn finish_with_faults(
        self,
        limits: HintLimits,
        owners: Owners,
        faults: HintFaults,
    ) -> HintBook {
        let mut book = HintBook::with_faults(limits, owners, faults);
        book.versions_above(self.last_version);
        let mut kept: Vec<(u64, Hint)> = self.kept.into_values().collect();
        kept.sort_by_key(|(version, hint)| (hint.taken, *version));
        for (version, hint) in kept {
            book.keep(version, hint);
        }
        book
    }
}
