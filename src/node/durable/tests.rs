//! The engine over real files: what was committed is there after any stop, drained or not; counts are
//! right at once; cold keys come back; the cache stays under its bound.

mod cold;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Durable, DurableConfig, OpenError, open};
use crate::config::Durability;
use crate::env::Clock;
use crate::node::commit::Committed;
use crate::node::keyspace::Keyspace;
use crate::node::locked::Locked;
use crate::node::stage::Stage;
use crate::node::write::Deadline;
use crate::types::{Database, WallMs};

struct Store {
    keyspace: Arc<Keyspace>,
    durable: Arc<Durable>,
    runtime: tokio::runtime::Runtime,
    clock: Clock,
}

fn config(directory: &Path) -> DurableConfig {
    DurableConfig {
        directory: directory.to_owned(),
        durability: Durability::Os,
        cache_bytes: 1 << 30,
        dirty_bytes: 1 << 30,
        reserve_bytes: 0,
        segment_bytes: 1 << 20,
        partitions: 64,
        token_key: [1; 16],
        context_key: [2; 16],
        alone: true,
        name_key: [3; 16],
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Store {
    fn open(config: &DurableConfig) -> Self {
        let clock = Clock::System;
        // A store that was stopped gives its lock back with the last of its fields.
        let opened = (0..500).find_map(|_| match open(config.clone(), clock.clone()) {
            Err(OpenError::Lock(_)) => {
                std::thread::sleep(Duration::from_millis(10));
                None
            }
            opened => Some(opened.expect("opens")),
        });
        let (keyspace, durable) = opened.expect("nobody else has the directory");
        Self {
            keyspace,
            durable,
            runtime: runtime(),
            clock,
        }
    }

    /// Acts on a key that is in the table, or known to be missing. The cache may evict between a
    /// load and the lock, so it is asked again, as dispatch does.
    fn on<T>(&self, key: &str, act: impl FnOnce(&mut Locked<'_>) -> T) -> T {
        let mut act = Some(act);
        loop {
            self.runtime
                .block_on(self.durable.load(Database(0), key.as_bytes()));
            let mut stage = Stage::new(true);
            let now = self.clock.wall();
            let mut locked = Locked::new(&self.keyspace, Database(0), now, &mut stage);
            locked.lock_one(key.as_bytes());
            if locked.first_cold(std::iter::once(key.as_bytes())).is_some() {
                continue;
            }
            let act = act.take().expect("acts once, then returns");
            let result = act(&mut locked);
            drop(locked);
            self.keyspace.add_sums(stage.table_bytes, stage.dirty_bytes);
            if !stage.is_empty() {
                let committed = self.runtime.block_on(self.durable.commit(&stage));
                assert_eq!(committed, Committed::Yes);
            }
            return result;
        }
    }

    fn set(&self, key: &str, value: &str) {
        let (name, value) = (key.as_bytes(), value.as_bytes());
        self.on(key, |l| l.set(name, value, Deadline::Unset))
            .expect("sets");
    }

    fn delete(&self, key: &str) -> bool {
        self.on(key, |l| l.delete(key.as_bytes())).expect("deletes")
    }

    fn get(&self, key: &str) -> Option<String> {
        self.on(key, |l| {
            let shown = l.get(key.as_bytes()).expect("readable");
            shown.map(|shown| String::from_utf8_lossy(shown.value).into_owned())
        })
    }

    fn drain(&self) {
        self.runtime.block_on(self.durable.drain()).expect("drains");
    }

    /// Stops without draining, as a crash would, and waits until the directory is free.
    fn stop(self) {
        self.durable.stop();
        let weak = Arc::downgrade(&self.durable);
        drop(self);
        for _ in 0..500 {
            if weak.strong_count() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the engine's threads did not end");
    }
}

#[test]
fn what_was_committed_is_there_after_a_stop_without_drain() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    for i in 0..1_000 {
        store.set(&format!("k{i}"), &format!("v{i}"));
    }
    assert!(store.delete("k7"));
    assert_eq!(store.keyspace.count(Database(0)), 999);
    store.stop();
    let store = Store::open(&config(directory.path()));
    assert_eq!(store.keyspace.count(Database(0)), 999);
    assert_eq!(store.get("k0").as_deref(), Some("v0"));
    assert_eq!(store.get("k999").as_deref(), Some("v999"));
    assert_eq!(store.get("k7"), None);
    store.stop();
}

#[test]
fn a_drained_store_starts_cold_and_reads_from_the_tree() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    for i in 0..500 {
        store.set(&format!("k{i}"), "old");
    }
    store.drain();
    store.set("k1", "new");
    assert!(store.delete("k2"));
    store.stop();
    let mut cold = config(directory.path());
    cold.cache_bytes = 0; // nothing stays, nothing is warmed
    let store = Store::open(&cold);
    assert_eq!(store.keyspace.count(Database(0)), 499);
    assert_eq!(store.get("k1").as_deref(), Some("new"));
    assert_eq!(store.get("k2"), None);
    assert_eq!(store.get("k3").as_deref(), Some("old"));
    assert_eq!(store.get("nosuch"), None);
    store.set("k3", "newer");
    assert_eq!(store.keyspace.count(Database(0)), 499);
    store.drain();
    assert_eq!(store.get("k3").as_deref(), Some("newer"));
    store.stop();
}

#[test]
fn the_table_stays_under_its_bound_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut small = config(directory.path());
    small.cache_bytes = 100_000;
    let store = Store::open(&small);
    let value = "x".repeat(100);
    for i in 0..5_000 {
        store.set(&format!("k{i}"), &format!("{value}{i}"));
    }
    store.drain();
    for _ in 0..300 {
        let used = store
            .keyspace
            .sums
            .table_bytes
            .load(std::sync::atomic::Ordering::Relaxed);
        if used <= 100_000 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let used = store
        .keyspace
        .sums
        .table_bytes
        .load(std::sync::atomic::Ordering::Relaxed);
    assert!(used <= 100_000, "{used} bytes in the table");
    assert_eq!(store.keyspace.count(Database(0)), 5_000);
    for i in (0..5_000).step_by(37) {
        assert_eq!(store.get(&format!("k{i}")), Some(format!("{value}{i}")));
    }
    store.stop();
}

/// A placeholder stands in the table for a key that is being loaded: it hid the key from the walk.
#[test]
fn a_walk_sees_cold_keys_and_those_being_loaded() {
    use crate::store::table::{Entry, entry};
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    for i in 0..500 {
        store.set(&format!("k{i}"), "v");
    }
    store.drain();
    store.stop();
    let mut cold = config(directory.path());
    cold.cache_bytes = 0;
    let store = Store::open(&cold);
    store.set("hot", "v");
    assert!(!store.delete("nosuch"));
    assert_eq!(store.get("k7").as_deref(), Some("v"));
    assert!(store.delete("k7"));
    for i in 10..200 {
        let key = format!("k{i}");
        let place = store.keyspace.place(key.as_bytes());
        let mut partition = store.keyspace.lock(place.partition);
        // As an eviction does: warming may just have read the whole partition.
        partition.complete = false;
        partition.evictions += 1;
        let table = &mut partition.space_mut(Database(0)).table;
        table.remove(place.token, key.as_bytes());
        let marker = Entry::marker(key.as_bytes(), entry::LOADING);
        table.insert(place.token, marker);
    }
    for count in [1, 10, 10_000] {
        let mut stage = Stage::new(true);
        let mut l = Locked::new(&store.keyspace, Database(0), store.clock.wall(), &mut stage);
        let (mut cursor, mut keys) = (0, std::collections::BTreeSet::new());
        loop {
            let step = l.scan(cursor, count, Some(&store.durable));
            for key in step.keys {
                assert!(keys.insert(key), "a key at rest is met once");
            }
            assert!(step.cursor == 0 || step.cursor > cursor);
            cursor = step.cursor;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(keys.len(), 500, "count {count}");
        assert!(keys.contains(b"hot".as_slice()) && !keys.contains(b"k7".as_slice()));
    }
    store.stop();
}

#[test]
fn warming_makes_the_table_whole_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    for i in 0..3_000 {
        store.set(&format!("k{i}"), "v");
    }
    store.drain();
    store.stop();
    let store = Store::open(&config(directory.path()));
    for _ in 0..500 {
        if !store
            .keyspace
            .may_be_cold
            .load(std::sync::atomic::Ordering::Acquire)
        {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        !store
            .keyspace
            .may_be_cold
            .load(std::sync::atomic::Ordering::Acquire)
    );
    let before = store
        .keyspace
        .sums
        .cold_reads
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(store.get("k2999").as_deref(), Some("v"));
    assert_eq!(store.get("nosuch"), None);
    let after = store
        .keyspace
        .sums
        .cold_reads
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(before, after, "nothing was asked of the tree");
    store.stop();
}

#[test]
fn a_hash_of_two_fields_goes_through_the_same_path() {
    use crate::record::{self, Kind, Payload, Record};
    use crate::version::mint;
    use bytes::Bytes;
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    let actor = store.keyspace.actor;
    let mut hash = Record::default();
    for (field, value) in [("f1", "a"), ("f2", "b")] {
        let hlc = store.keyspace.tick(WallMs(store.clock.wall().0));
        let minted = mint(hash.history(), actor, hlc, true);
        hash.write_cell(
            minted,
            Kind::Hash,
            Bytes::from(field),
            Payload::value(value),
        );
    }
    store.on("h", |l| l.put_whole(b"h", &hash));
    store.stop();
    let store = Store::open(&config(directory.path()));
    let read = |store: &Store| {
        store.on("h", |l| {
            assert!(l.get(b"h").is_err(), "a hash is no string");
            l.record(b"h").expect("decodes")
        })
    };
    assert_eq!(read(&store), hash);
    store.drain();
    store.stop();
    let mut cold = config(directory.path());
    cold.cache_bytes = 0;
    let store = Store::open(&cold);
    assert_eq!(read(&store), hash);
    assert_eq!(
        record::merge(
            hash.clone(),
            crate::version::Floor::NONE,
            read(&store),
            crate::version::Floor::NONE
        ),
        hash
    );
    store.stop();
}

#[test]
fn a_second_start_on_the_directory_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&config(directory.path()));
    let error = open(config(directory.path()), Clock::System).expect_err("is locked");
    assert!(error.to_string().contains("in use"), "{error}");
    store.stop();
}

#[test]
fn a_key_of_a_hundred_kilobytes_is_as_good_as_any() {
    let directory = tempfile::tempdir().expect("a directory");
    let long = "k".repeat(100_000);
    let store = Store::open(&config(directory.path()));
    store.set(&long, "v");
    store.drain();
    store.stop();
    let mut cold = config(directory.path());
    cold.cache_bytes = 0;
    let store = Store::open(&cold);
    assert_eq!(store.get(&long).as_deref(), Some("v"));
    store.stop();
}
