//! A whole partition, for a node that has missed too much of it to be told key by key.

use super::Locked;
use crate::node::durable::Durable;
use crate::store::table::entry;
use crate::types::{PartitionId, Token};

impl Locked<'_> {
    /// All keys of one partition that have a record, dead ones of the table among them: what a node
    /// that missed too much is sent.
    pub fn keys_of(&mut self, id: PartitionId, durable: Option<&Durable>) -> Vec<Vec<u8>> {
        let database = self.database;
        let mut keys = self.with_partition(id, |partition| {
            let mut keys: Vec<Vec<u8>> = Vec::new();
            if let Some(space) = partition.space(database) {
                let held = space.table.iter();
                let held = held.filter(|slot| !slot.entry.is(entry::LOADING | entry::ABSENT));
                keys.extend(held.map(|slot| slot.entry.key().to_vec()));
            }
            keys
        });
        let mut from = Some(Token(0));
        while let Some(token) = from
            && durable.is_some()
        {
            let stretch = self.stretch(id, token, (usize::MAX, usize::MAX), durable);
            keys.extend(stretch.keys.into_iter().map(|(_, key)| key));
            from = stretch.end;
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
