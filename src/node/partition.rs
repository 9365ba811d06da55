//! One partition as this node holds it: a table per database, counts, and the two facts that the
//! minting of dots depends on.

use std::collections::VecDeque;

use super::deadlines::Deadlines;
use crate::store::table::{Directory, Entry, entry};
use crate::types::{Database, Hlc, Token};

/// One database's keys in one partition.
#[derive(Debug, Default)]
pub struct Space {
    /// Hot records, and markers for keys being loaded or known to be missing.
    pub table: Directory,
    /// Keys that exist, hot or cold; expired ones count until they are reaped, as in Redis.
    pub keys: u64,
    /// Deadlines of hot keys, soonest first.
    pub expiring: Deadlines,
    /// Tombstones and expired stubs, oldest first, waiting for the floor.
    pub dead: VecDeque<(Hlc, Token, Box<[u8]>)>,
}

/// What a partition's lock guards.
#[derive(Debug)]
pub struct Partition {
    spaces: Vec<Space>,
    /// The hybrid time of the last record that was dropped without being forgotten or flushed: a
    /// later mint on an absent key must not extend its interval below it.
    pub last_dropped: Option<Hlc>,
    /// The table holds every record of the partition: a key that is not in it does not exist, and
    /// the tree need not be asked.
    pub complete: bool,
    /// Records that left the table while the tree kept (or lost) theirs: whoever reads the tree
    /// into the table compares before and after.
    pub evictions: u64,
}

impl Partition {
    /// An empty partition; `complete` when there is no tree, or nothing in it.
    pub fn new(complete: bool) -> Self {
        Self {
            spaces: Vec::new(),
            last_dropped: None,
            complete,
            evictions: 0,
        }
    }

    /// A database's keys, if it ever had any.
    #[inline]
    pub fn space(&self, database: Database) -> Option<&Space> {
        self.spaces.get(usize::from(database.0))
    }

    /// A database's keys, to change them.
    #[inline]
    pub fn space_mut(&mut self, database: Database) -> &mut Space {
        let index = usize::from(database.0);
        if index >= self.spaces.len() {
            self.spaces.resize_with(index + 1, Space::default);
        }
        #[allow(clippy::indexing_slicing, reason = "resized above")]
        &mut self.spaces[index]
    }

    /// Every database that ever had keys.
    pub fn spaces(&self) -> impl Iterator<Item = (Database, &Space)> {
        self.spaces
            .iter()
            .enumerate()
            .map(|(index, space)| (Database(index as u8), space))
    }

    /// Every database that ever had keys, to change them.
    pub fn spaces_mut(&mut self) -> impl Iterator<Item = (Database, &mut Space)> {
        self.spaces
            .iter_mut()
            .enumerate()
            .map(|(index, space)| (Database(index as u8), space))
    }

    /// What the table knows of a key.
    #[inline]
    pub fn look(&self, database: Database, token: Token, key: &[u8]) -> Known<'_> {
        let found = self
            .space(database)
            .and_then(|space| space.table.get(token, key));
        match found {
            Some(found) if found.is(entry::LOADING) => Known::Loading,
            Some(found) if found.is(entry::ABSENT) => Known::Absent,
            Some(found) => Known::Here(found),
            None if self.complete => Known::Absent,
            None => Known::Cold,
        }
    }
}

/// What the table knows of a key.
#[derive(Debug)]
pub enum Known<'a> {
    /// Its record, live or dead.
    Here(&'a Entry),
    /// There is no record, here or in the tree.
    Absent,
    /// Only the tree can tell.
    Cold,
    /// The tree is being asked.
    Loading,
}
