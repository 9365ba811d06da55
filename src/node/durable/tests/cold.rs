//! Counterexamples F15 and G6: what may happen while a cold key is read from the tree.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::table::entry;

/// Two keys of one partition and more, all of them in the tree only.
fn cold_store(directory: &Path, keys: usize) -> Store {
    let store = Store::open(&config(directory));
    for i in 0..keys {
        store.set(&format!("{{tag}}{i}"), "old");
    }
    store.drain();
    store.stop();
    let mut cold = config(directory);
    cold.cache_bytes = 0; // Nothing stays, nothing is warmed.
    Store::open(&cold)
}

impl Store {
    /// Is a placeholder in the key's place?
    fn is_loading(&self, key: &str) -> bool {
        let place = self.keyspace.place(key.as_bytes());
        let partition = self.keyspace.lock(place.partition);
        let space = partition.space(Database(0));
        let found = space.and_then(|space| space.table.get(place.token, key.as_bytes()));
        found.is_some_and(|found| found.is(entry::LOADING))
    }

    fn is_here(&self, key: &str) -> bool {
        let mut stage = Stage::new(true);
        let now = self.clock.wall();
        let mut locked = Locked::new(&self.keyspace, Database(0), now, &mut stage);
        locked.lock_one(key.as_bytes());
        locked.first_cold(std::iter::once(key.as_bytes())).is_none()
    }
}

/// F15: a load under the lock would block the partition.
#[test]
fn f15_while_a_cold_key_is_read_other_keys_of_its_partition_go_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 2);
    let begun = store
        .durable
        .loader
        .join_or_begin(&store.keyspace, Database(0), b"{tag}0");
    let (mut arrived, job) = begun.expect("it is not here");
    let job = job.expect("whoever comes first reads");
    // The reader has not read yet: neither a cold nor a fresh neighbour waits for it.
    assert_eq!(store.get("{tag}1").as_deref(), Some("old"));
    store.set("{tag}1", "new");
    store.set("{tag}fresh", "new");
    assert!(store.delete("{tag}fresh"));
    assert_eq!(store.keyspace.count(Database(0)), 2);
    assert!(arrived.try_recv().is_err() && store.is_loading("{tag}0"));
    job();
    assert!(arrived.try_recv().is_ok(), "whoever waited is woken");
    assert_eq!(store.get("{tag}0").as_deref(), Some("old"));
    store.stop();
}

/// F15, the other half: off the lock it must be checked again. A command that waited for its key
/// finds the key as it is when it has the lock, not as it was when the read ended.
#[test]
fn f15_a_command_that_waited_looks_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 1);
    let join = || {
        let loader = &store.durable.loader;
        loader.join_or_begin(&store.keyspace, Database(0), b"{tag}0")
    };
    let (_, job) = join().expect("it is not here");
    let (_, second) = join().expect("it is being read");
    assert!(second.is_none(), "one read a key, however many wait");
    job.expect("the first reads")();
    // One of those who waited comes first and deletes; the other must not see what was read.
    assert!(store.delete("{tag}0"));
    assert_eq!(store.get("{tag}0"), None);
    store.drain();
    assert_eq!(store.get("{tag}0"), None);
    store.stop();
}

/// A command whose keys do not fit the cache together was begun again for ever.
#[test]
fn while_the_cache_is_held_nothing_that_was_brought_in_leaves() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 50);
    let keys: Vec<String> = (0..50).map(|i| format!("{{tag}}{i}")).collect();
    let here = || keys.iter().filter(|key| store.is_here(key)).count();
    let durable = &store.durable;
    let hold = store
        .runtime
        .block_on(durable.hold_cache())
        .expect("its turn");
    // A pass that was under way when it was held may end first.
    std::thread::sleep(Duration::from_millis(50));
    for key in &keys {
        let load = durable.load(Database(0), key.as_bytes());
        store.runtime.block_on(load);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(here(), 50, "the cache has no room at all, and keeps them");
    // One at a time.
    let second =
        async { tokio::time::timeout(Duration::from_millis(50), durable.hold_cache()).await };
    assert!(store.runtime.block_on(second).is_err());
    drop(hold);
    for _ in 0..1_000 {
        if here() == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(here(), 0, "afterwards the bound holds again");
    assert!(store.runtime.block_on(durable.hold_cache()).is_some());
    store.stop();
}

/// G6: reader 1 misses K and reads the tree; a writer loads K, commits, the applier ingests, K is
/// clean and evicted; reader 1 finds K absent and installs what it read: an acked write is lost.
/// The placeholder stands for as long as the read lasts, and everybody else waits for it.
#[test]
fn g6_nobody_writes_or_evicts_a_key_behind_its_readers_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 1);
    let key = "{tag}0";
    let join = || {
        let loader = &store.durable.loader;
        loader.join_or_begin(&store.keyspace, Database(0), key.as_bytes())
    };
    let (_, job) = join().expect("it is not here");
    assert!(!store.is_here(key), "a writer must wait");
    assert!(
        join().expect("it is being read").1.is_none(),
        "and reads no other version"
    );
    // Nor does a drain, or a cache that has no room at all, take the placeholder away.
    store.set("{tag}other", "v");
    store.drain();
    std::thread::sleep(Duration::from_millis(100));
    assert!(store.is_loading(key));
    job.expect("the first reads")();
    store.set(key, "new");
    store.drain();
    assert_eq!(store.get(key).as_deref(), Some("new"));
    store.stop();
}

/// What a reader brings after FLUSHALL took its placeholder away is nobody's any more.
#[test]
fn g6_a_read_that_was_overtaken_by_a_flush_installs_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 1);
    let key = "{tag}0";
    let loader = &store.durable.loader;
    let begun = loader.join_or_begin(&store.keyspace, Database(0), key.as_bytes());
    let (_, job) = begun.expect("it is not here");
    let mut stage = Stage::new(true);
    let now = store.clock.wall();
    let mut locked = Locked::new(&store.keyspace, Database(0), now, &mut stage);
    locked.flush(&[Database(0)], true);
    store
        .durable
        .log_flush(&[Database(0)], &[])
        .expect("logged");
    drop(locked);
    store
        .keyspace
        .add_sums(stage.table_bytes, stage.dirty_bytes);
    store.set(key, "after");
    job.expect("the first reads")();
    assert_eq!(store.get(key).as_deref(), Some("after"));
    assert_eq!(store.keyspace.count(Database(0)), 1);
    store.stop();
}

/// A key whose load was under way when warming ended was missed: the table was said to hold
/// everything, and held a placeholder.
#[test]
fn g6_a_walk_meets_a_key_that_is_loaded_while_warming_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), 1);
    let loader = &store.durable.loader;
    let begun = loader.join_or_begin(&store.keyspace, Database(0), b"{tag}0");
    let (_, job) = begun.expect("it is not here");
    let place = store.keyspace.place(b"{tag}0");
    store.keyspace.lock(place.partition).complete = true;
    let mut stage = Stage::new(true);
    let now = store.clock.wall();
    let mut locked = Locked::new(&store.keyspace, Database(0), now, &mut stage);
    let found = locked.scan(0, 10, Some(&store.durable));
    assert_eq!(found.keys, [b"{tag}0"]);
    drop(locked);
    job.expect("the first reads")();
    store.stop();
}

/// G6, the scan: a key that moves from table to tree, or back, between the two reads of a walk is
/// met all the same: the table is read first, the tree opened after.
#[test]
fn g6_a_walk_misses_no_key_that_moves_between_table_and_tree() {
    const KEYS: usize = 300;
    let directory = tempfile::tempdir().expect("a directory");
    let store = cold_store(directory.path(), KEYS);
    let (keyspace, durable) = (Arc::clone(&store.keyspace), Arc::clone(&store.durable));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let walks = scope.spawn(|| {
            let mut walks = 0;
            while !done.load(Ordering::Relaxed) || walks == 0 {
                let mut stage = Stage::new(true);
                let now = Clock::System.wall();
                let mut locked = Locked::new(&keyspace, Database(0), now, &mut stage);
                let (mut cursor, mut found) = (0, BTreeSet::new());
                loop {
                    let step = locked.scan(cursor, 7, Some(&durable));
                    found.extend(step.keys);
                    cursor = step.cursor;
                    if cursor == 0 {
                        break;
                    }
                }
                assert_eq!(found.len(), KEYS, "walk {walks}");
                walks += 1;
            }
            walks
        });
        for round in 0..8 {
            for i in 0..KEYS {
                store.set(&format!("{{tag}}{i}"), &format!("round {round}"));
            }
            store.drain();
        }
        done.store(true, Ordering::Relaxed);
        let walks = walks.join().expect("every walk met every key");
        assert!(walks > 0);
    });
    drop((keyspace, durable));
    store.stop();
}
