//! The durable tree: fjall, an LSM, fed by sorted ingestion alone.
//!
//! Three keyspaces: `data`, `meta`, and `tick`. Ingestion passes by memtables and journal, so that
//! nothing would ever flush, and what fjall does on a flush (cutting its journal, deleting tables
//! that compaction replaced) would never happen; [`Tree::tick`] writes a byte to `tick` and rotates
//! it for that. fjall keeps on taking ingestions after one failed; this does not.

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ::fjall::compaction::Leveled;
use ::fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use ::fjall::{Database, Iter, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::Mutex;

use super::{Change, Order, Pair, Tree, TreeError, TreeSizes, Visit};

/// Ticks that rotate after the last change of the tables: one cuts the journal, the next deletes what
/// was held by it, one more to be sure.
const TICKS_AFTER_CHANGE: u32 = 3;
/// Every so many rotations `meta` is rotated too, so that it pins no journal for ever.
const META_ROTATION: u64 = 64;

/// How the tree is opened. What concerns tables is fixed when the tree is made.
#[derive(Clone, Copy, Debug)]
pub struct FjallConfig {
    /// fjall's own cache of blocks. The table above it holds the hot records, so it may be small.
    pub cache_bytes: u64,
    /// Ingestions that pile up before compaction merges them; 8 to 12 measured cheapest for chunks
    /// of half a million records.
    pub unmerged_threshold: u8,
    /// fjall's threads for flushes and compactions; at least 2, as one always minds the flushes.
    pub threads: usize,
}

impl Default for FjallConfig {
    fn default() -> Self {
        Self {
            cache_bytes: 32 << 20,
            unmerged_threshold: 10,
            threads: 2,
        }
    }
}

/// An ordered tree in a directory of its own.
pub struct FjallTree {
    database: Database,
    data: Keyspace,
    meta: Keyspace,
    tick: Keyspace,
    failure: OnceLock<String>,
    pace: Mutex<Pace>,
}

/// What the last tick saw, and how many more have work.
#[derive(Default)]
struct Pace {
    tables: (usize, usize, u64),
    left: u32,
    rotations: u64,
}

impl FjallTree {
    /// Opens the tree of a directory, making it if there is none.
    pub fn open(directory: &Path, config: FjallConfig) -> Result<Self, TreeError> {
        Self::try_open(directory, config).map_err(|e| TreeError::Unopenable(e.to_string()))
    }

    fn try_open(directory: &Path, config: FjallConfig) -> ::fjall::Result<Self> {
        let database = Database::builder(directory)
            .cache_size(config.cache_bytes)
            .worker_threads(config.threads.max(2))
            .max_journaling_size(128 << 20)
            .manual_journal_persist(true)
            .open()?;
        let bloom = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
        let levels = Leveled::default().with_l0_threshold(config.unmerged_threshold);
        let data = database.keyspace("data", || {
            KeyspaceCreateOptions::default()
                .filter_policy(FilterPolicy::all(bloom))
                .compaction_strategy(Arc::new(levels))
        })?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(4 << 20);
        let meta = database.keyspace("meta", small)?;
        let tick = database.keyspace("tick", small)?;
        // Tables that a killed process left for deletion go with the first ticks.
        let pace = Pace {
            left: TICKS_AFTER_CHANGE,
            ..Pace::default()
        };
        let (failure, pace) = (OnceLock::new(), Mutex::new(pace));
        Ok(Self {
            database,
            data,
            meta,
            tick,
            failure,
            pace,
        })
    }

    fn check(&self) -> Result<(), TreeError> {
        self.failure
            .get()
            .map_or(Ok(()), |reason| Err(TreeError::Failed(reason.clone())))
    }

    /// The result of a write; an error fails the tree.
    fn written<T>(&self, result: ::fjall::Result<T>) -> Result<T, TreeError> {
        result.map_err(|error| {
            TreeError::Failed(self.failure.get_or_init(|| error.to_string()).clone())
        })
    }

    fn rotate(&self, pace: &mut Pace) -> ::fjall::Result<()> {
        pace.rotations += 1;
        self.tick.insert("tick", pace.rotations.to_le_bytes())?;
        if pace.rotations.is_multiple_of(META_ROTATION) {
            self.meta.rotate_memtable()?;
        }
        self.tick.rotate_memtable()?;
        Ok(())
    }

    fn tables(&self) -> (usize, usize, u64) {
        (
            self.data.table_count(),
            self.data.l0_table_count(),
            self.data.disk_space(),
        )
    }
}

#[allow(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn unreadable(error: ::fjall::Error) -> TreeError {
    TreeError::Unreadable(error.to_string())
}

/// Shows what an iterator gives, until `visit` breaks off.
fn show(pairs: Iter, visit: &mut Visit<'_>) -> Result<(), TreeError> {
    for pair in pairs {
        let (key, value) = pair.into_inner().map_err(unreadable)?;
        if visit(&key, &value) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

impl Tree for FjallTree {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        let value = self.data.get(key).map_err(unreadable)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn visit(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), TreeError> {
        if to.is_some_and(|to| to <= from) {
            return Ok(());
        }
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        show(
            self.data.range::<&[u8], _>((Bound::Included(from), end)),
            visit,
        )
    }

    fn ingest(&self, changes: &mut dyn Iterator<Item = Change>) -> Result<u64, TreeError> {
        self.check()?;
        let mut ingestion = self.written(self.data.start_ingestion())?;
        let mut order = Order::default();
        let mut count = 0;
        for (key, value) in changes {
            // Before fjall sees it: out of order, it would panic. Given up, its files are orphans
            // that no version names, and go at the next start.
            order.check(&key)?;
            self.written(match value {
                Some(value) => ingestion.write(key, value),
                None => ingestion.write_tombstone(key),
            })?;
            count += 1;
        }
        self.written(ingestion.finish())?;
        Ok(count)
    }

    fn put_meta_all(&self, changes: &[Change]) -> Result<(), TreeError> {
        self.check()?;
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in changes {
            Order::default().check(key)?;
            match value {
                Some(value) => batch.insert(&self.meta, key.as_slice(), value.as_slice()),
                None => batch.remove(&self.meta, key.as_slice()),
            }
        }
        self.written(batch.commit())
    }

    fn get_meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        let value = self.meta.get(key).map_err(unreadable)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn meta_prefix(&self, prefix: &[u8]) -> Result<Vec<Pair>, TreeError> {
        let mut pairs = Vec::new();
        show(self.meta.prefix(prefix), &mut |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok(pairs)
    }

    fn sizes(&self) -> Result<TreeSizes, TreeError> {
        Ok(TreeSizes {
            data_bytes: self.data.disk_space(),
            disk_bytes: self.database.disk_space().map_err(unreadable)?,
            entries: self.data.approximate_len() as u64,
            unmerged_tables: self.data.l0_table_count() as u64,
        })
    }

    fn compact(&self) -> Result<(), TreeError> {
        self.check()?;
        self.written(self.data.major_compact())?;
        self.pace.lock().left = TICKS_AFTER_CHANGE;
        Ok(())
    }

    fn tick(&self) -> Result<(), TreeError> {
        self.check()?;
        let mut pace = self.pace.lock();
        let tables = self.tables();
        if tables != pace.tables {
            pace.tables = tables;
            pace.left = TICKS_AFTER_CHANGE;
        }
        if pace.left == 0 {
            return Ok(());
        }
        pace.left -= 1;
        self.written(self.rotate(&mut pace))
    }

    fn failed(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

#[cfg(test)]
mod tests;
