//! A keyspace without a disk, its time set by hand, for tests of what happens to keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::keyspace::{Founding, Keyspace};
use super::locked::Locked;
use super::stage::Stage;
use super::walk::DatabaseSummary;
use super::write::Deadline;
use crate::env::rng::Sampler;
use crate::types::{Actor, Database, Hlc, WallMs};
use crate::version::{ActorTable, Floor};

/// When tests begin.
pub(super) const START: WallMs = WallMs(1_700_000_000_000);

/// A keyspace and the one worker that writes to it.
pub(super) struct Fixture {
    pub(super) keyspace: Arc<Keyspace>,
    pub(super) stage: Stage,
    pub(super) now: WallMs,
}

impl Fixture {
    /// Empty and whole; with `logged`, writes are staged as if there were a log.
    pub(super) fn new(partitions: u16, logged: bool) -> Self {
        let mut actors = ActorTable::default();
        let (actor, _) = actors.intern(Actor(7));
        let keyspace = Keyspace::new(Founding {
            partitions,
            token_key: [1; 16],
            context_key: [2; 16],
            actor,
            actors,
            clock_from: Hlc::from_wall(START),
            ceiling: Hlc(u64::MAX / 2),
            floor: Floor::default(),
            complete: true,
        });
        let mut stage = Stage::new(logged);
        stage.sampler = Sampler::seeded(1);
        Self {
            keyspace,
            stage,
            now: START,
        }
    }

    /// Runs a command's part with everything locked.
    pub(super) fn run<T>(&mut self, part: impl FnOnce(&mut Locked<'_>) -> T) -> T {
        let mut locked = Locked::new(&self.keyspace, Database(0), self.now, &mut self.stage);
        locked.lock_all();
        let result = part(&mut locked);
        drop(locked);
        self.settle();
        result
    }

    /// Hands what the worker has summed up to the node.
    pub(super) fn settle(&mut self) {
        let (table, dirty) = (&mut self.stage.table_bytes, &mut self.stage.dirty_bytes);
        self.keyspace
            .add_sums(std::mem::take(table), std::mem::take(dirty));
    }

    pub(super) fn set(&mut self, key: &str, value: &str, ttl_ms: Option<u64>) {
        let at = ttl_ms.map(|ttl| WallMs(self.now.0 + ttl));
        let deadline = at.map_or(Deadline::Never, Deadline::At);
        self.run(|l| l.set(key.as_bytes(), value.as_bytes(), deadline))
            .expect("sets");
    }

    pub(super) fn delete(&mut self, key: &str) -> bool {
        self.run(|l| l.delete(key.as_bytes())).expect("deletes")
    }

    pub(super) fn exists(&mut self, key: &str) -> bool {
        self.run(|l| l.exists(key.as_bytes())).expect("readable")
    }

    pub(super) fn count(&self) -> u64 {
        self.keyspace.count(Database(0))
    }

    pub(super) fn summaries(&mut self) -> Vec<(Database, DatabaseSummary)> {
        Locked::new(&self.keyspace, Database(0), self.now, &mut self.stage).summaries()
    }

    /// The table's bytes as they are summed up, which must be those of its entries.
    pub(super) fn bytes(&self) -> i64 {
        let mut there = 0;
        for id in self.keyspace.partition_ids() {
            for (_, space) in self.keyspace.lock(id).spaces() {
                there += space.table.iter().map(|s| s.entry.bytes()).sum::<usize>();
            }
        }
        let summed = self.keyspace.sums.table_bytes.load(Ordering::Relaxed);
        assert_eq!(summed, there as i64, "the sum is that of the entries");
        summed
    }
}
