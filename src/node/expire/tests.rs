//! Reaping and forgetting, by a clock that is moved by hand.

use super::*;
use crate::node::fixture::{Fixture, START};

impl Fixture {
    fn reap(&mut self, budget: usize) -> usize {
        let reaped = reap_due(&self.keyspace, &mut self.stage, self.now, budget);
        self.settle();
        reaped
    }

    fn forget(&mut self, budget: usize) -> usize {
        let forgotten = forget(&self.keyspace, &mut self.stage, self.now, budget);
        self.settle();
        forgotten
    }

    fn pass(&mut self, millis: u64) {
        self.now = WallMs(self.now.0 + millis);
    }

    fn state_of(&self, key: &str) -> Option<u8> {
        let place = self.keyspace.place(key.as_bytes());
        let partition = self.keyspace.lock(place.partition);
        let space = partition.space(Database(0))?;
        Some(space.table.get(place.token, key.as_bytes())?.state())
    }
}

#[test]
fn keys_past_their_deadline_are_reaped_and_then_forgotten() {
    let mut fixture = Fixture::new(4, false);
    for i in 0..100 {
        fixture.set(&format!("soon{i}"), "v", Some(1_000));
        fixture.set(&format!("later{i}"), "v", Some(2_000));
    }
    fixture.pass(999);
    assert_eq!((fixture.reap(1_000), fixture.count()), (0, 200));
    fixture.pass(1);
    assert_eq!((fixture.reap(1_000), fixture.count()), (100, 100));
    assert_eq!(fixture.reap(1_000), 0);
    let sums = &fixture.keyspace.sums;
    assert_eq!(sums.expired_keys.load(Ordering::Relaxed), 100);
    fixture.bytes();
    // Dot and deadline stay until the floor covers them.
    let stub = fixture.run(|l| l.record(b"soon0")).expect("decodes");
    assert!(!stub.has_value());
    assert_eq!(stub.siblings()[0].expiry, Some(WallMs(START.0 + 1_000)));
    assert_eq!(fixture.forget(1_000), 0);
    advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    assert_eq!(fixture.forget(1_000), 100);
    assert_eq!(fixture.state_of("soon0"), None);
    assert!(fixture.exists("later0"));
    fixture.pass(1_000);
    assert_eq!((fixture.reap(1_000), fixture.forget(1_000)), (100, 100));
    assert_eq!((fixture.count(), fixture.bytes()), (0, 0));
}

#[test]
fn a_budget_holds_and_every_partition_gets_its_turn() {
    let mut fixture = Fixture::new(16, false);
    for i in 0..300 {
        fixture.set(&format!("k{i}"), "v", Some(1));
    }
    fixture.pass(1);
    for left in (0..30).rev() {
        assert_eq!(fixture.reap(10), 10);
        assert_eq!(fixture.count(), left * 10);
    }
    advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    for _ in 0..30 {
        assert_eq!(fixture.forget(10), 10);
    }
    assert_eq!(fixture.bytes(), 0);
}

#[test]
fn a_deadline_that_was_moved_or_taken_away_reaps_nothing() {
    let mut fixture = Fixture::new(4, false);
    for key in ["overwritten", "persisted", "prolonged", "deleted"] {
        fixture.set(key, "v", Some(1_000));
    }
    fixture.set("overwritten", "w", None);
    let later = Some(WallMs(START.0 + 5_000));
    fixture
        .run(|l| l.set_expiry(b"persisted", None))
        .expect("persists");
    fixture
        .run(|l| l.set_expiry(b"prolonged", later))
        .expect("prolongs");
    fixture.delete("deleted");
    fixture.pass(2_000);
    assert_eq!((fixture.reap(1_000), fixture.count()), (0, 3));
    fixture.pass(3_000);
    assert_eq!((fixture.reap(1_000), fixture.count()), (1, 2));
    assert!(fixture.exists("persisted") && fixture.exists("overwritten"));
}

#[test]
fn an_expired_key_is_gone_before_it_is_reaped_and_may_be_written_again() {
    let mut fixture = Fixture::new(4, false);
    fixture.set("k", "v", Some(1_000));
    fixture.pass(1_000);
    assert!(!fixture.exists("k"));
    assert!(
        !fixture.delete("k"),
        "DEL of an expired key deletes nothing"
    );
    fixture.set("k", "w", None);
    assert_eq!((fixture.reap(1_000), fixture.count()), (0, 1));
    assert!(fixture.exists("k"));
}

#[test]
fn a_tombstone_waits_for_the_floor_and_goes_without_a_trace() {
    let mut fixture = Fixture::new(4, false);
    fixture.set("early", "v", None);
    fixture.delete("early");
    let between = fixture.keyspace.clock.last();
    fixture.set("late", "v", None);
    fixture.delete("late");
    fixture.set("back", "v", None);
    fixture.delete("back");
    fixture.set("back", "w", None);
    assert_eq!(fixture.forget(10), 0);
    advance_floor(&fixture.keyspace, between);
    assert_eq!(fixture.forget(10), 1);
    assert_eq!(fixture.state_of("early"), None);
    assert!(fixture.state_of("late").is_some());
    advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    assert_eq!(fixture.forget(10), 1);
    assert_eq!(fixture.forget(10), 0);
    assert!(fixture.exists("back"));
    let sums = &fixture.keyspace.sums;
    assert_eq!(sums.forgotten.load(Ordering::Relaxed), 2);
    fixture.delete("back");
    advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    assert_eq!((fixture.forget(10), fixture.bytes()), (1, 0));
}

#[test]
fn with_a_log_the_tree_hears_of_both() {
    let mut fixture = Fixture::new(4, true);
    fixture.set("k", "v", Some(1_000));
    fixture.stage.clear();
    fixture.pass(1_000);
    assert_eq!(fixture.reap(10), 1);
    let changes: Vec<i8> = fixture
        .stage
        .changes
        .iter()
        .map(|change| change.by)
        .collect();
    assert_eq!((fixture.stage.entries, changes), (1, vec![-1]));
    let state = fixture.state_of("k").expect("a stub");
    assert!(state & entry::DIRTY != 0 && state & entry::COUNTED == 0);
    advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    assert_eq!(fixture.forget(10), 1);
    // Not in the log: a replay finds the stub and forgets it again.
    assert_eq!(fixture.stage.entries, 1);
    assert_eq!(fixture.state_of("k"), Some(entry::ABSENT | entry::DIRTY));
    let dirty = fixture.keyspace.sums.dirty_bytes.load(Ordering::Relaxed);
    assert_eq!(
        dirty,
        fixture.bytes(),
        "the marker alone is left, and is dirty"
    );
    assert!(!fixture.exists("k"));
    fixture.set("k", "w", None);
    assert_eq!(fixture.count(), 1);
}
