//! Eviction: the bound holds, each policy takes what its name says, and a record's past is broken by
//! it.

use super::*;
use crate::node::eviction::EvictionPolicy as Policy;
use crate::node::fixture::Fixture;
use crate::version::{History, Interval};

const ALL: [Policy; 7] = [
    Policy::AllKeysLru,
    Policy::AllKeysLfu,
    Policy::AllKeysRandom,
    Policy::VolatileLru,
    Policy::VolatileLfu,
    Policy::VolatileRandom,
    Policy::VolatileTtl,
];

impl Fixture {
    fn with_policy(partitions: u16, policy: Policy) -> Self {
        let fixture = Self::new(partitions, false);
        fixture.keyspace.eviction.set_policy(policy);
        fixture
    }

    fn evict(&mut self, bound: i64) -> bool {
        let mut sampler = Sampler::seeded(3);
        let bound = bound as u64;
        let kept = evict_until(&self.keyspace, &mut self.stage, &mut sampler, bound);
        self.settle();
        kept
    }

    fn at(&mut self, second: u32) {
        self.keyspace.use_clock.store(second, Ordering::Relaxed);
    }

    fn survivors(&mut self, prefix: &str, keys: u32) -> usize {
        (0..keys)
            .filter(|i| self.exists(&format!("{prefix}{i}")))
            .count()
    }

    fn evicted(&self) -> u64 {
        self.keyspace.sums.evicted_keys.load(Ordering::Relaxed)
    }
}

#[test]
fn every_policy_keeps_the_table_under_the_bound() {
    for policy in ALL {
        let mut fixture = Fixture::with_policy(16, policy);
        for i in 0..2_000_u64 {
            fixture.set(&format!("k{i}"), "some value", Some(10_000 + i));
        }
        let full = fixture.bytes();
        assert!(fixture.evict(full) && fixture.evicted() == 0, "{policy:?}");
        assert!(fixture.evict(full / 3), "{policy:?}");
        let left = fixture.bytes();
        assert!(
            left <= full / 3 && left > full / 4,
            "{policy:?}: {left} of {full}"
        );
        assert_eq!(fixture.evicted() + fixture.count(), 2_000, "{policy:?}");
        let summary = fixture.summaries()[0].1;
        assert_eq!(summary.expires, fixture.count(), "{policy:?}");
        assert!(fixture.evict(0) && fixture.bytes() == 0, "{policy:?}");
    }
}

#[test]
fn noeviction_takes_nothing() {
    let mut fixture = Fixture::with_policy(4, Policy::NoEviction);
    fixture.set("k", "v", Some(1_000));
    assert!(!fixture.evict(0));
    assert!(fixture.exists("k"));
}

#[test]
fn lru_takes_what_was_not_used_for_longest() {
    let mut fixture = Fixture::with_policy(4, Policy::AllKeysLru);
    for i in 0..200 {
        fixture.set(&format!("used{i}"), "v", None);
        fixture.set(&format!("idle{i}"), "v", None);
    }
    fixture.at(100);
    for i in 0..200 {
        let key = format!("used{i}");
        fixture
            .run(|l| l.get(key.as_bytes()).map(|_| ()))
            .expect("reads");
    }
    let half = fixture.bytes() / 2;
    assert!(fixture.evict(half));
    let (used, idle) = (
        fixture.survivors("used", 200),
        fixture.survivors("idle", 200),
    );
    assert!(used >= 180 && idle <= 20, "{used} used, {idle} idle");
}

#[test]
fn lfu_takes_what_was_used_least_often() {
    let mut fixture = Fixture::with_policy(4, Policy::AllKeysLfu);
    for i in 0..200 {
        fixture.set(&format!("often{i}"), "v", None);
        fixture.set(&format!("once{i}"), "v", None);
    }
    for i in 0..200 {
        let key = format!("often{i}");
        for _ in 0..50 {
            fixture
                .run(|l| l.get(key.as_bytes()).map(|_| ()))
                .expect("reads");
        }
    }
    let half = fixture.bytes() / 2;
    assert!(fixture.evict(half));
    let (often, once) = (
        fixture.survivors("often", 200),
        fixture.survivors("once", 200),
    );
    assert!(often >= 180 && once <= 20, "{often} often, {once} once");
}

#[test]
fn ttl_takes_what_would_expire_first() {
    let mut fixture = Fixture::with_policy(4, Policy::VolatileTtl);
    for i in 0..200 {
        fixture.set(&format!("soon{i}"), "v", Some(10_000));
        fixture.set(&format!("late{i}"), "v", Some(99_000));
    }
    let half = fixture.bytes() / 2;
    assert!(fixture.evict(half));
    let (soon, late) = (
        fixture.survivors("soon", 200),
        fixture.survivors("late", 200),
    );
    assert!(late >= 180 && soon <= 20, "{late} late, {soon} soon");
}

#[test]
fn volatile_policies_find_the_last_key_with_a_deadline_and_take_no_other() {
    for policy in ALL.into_iter().filter(|policy| policy.only_volatile()) {
        let mut fixture = Fixture::with_policy(256, policy);
        for i in 0..3_000 {
            fixture.set(&format!("k{i}"), "v", None);
        }
        fixture.set("volatile", "v", Some(1_000));
        let bound = fixture.bytes() - 1;
        assert!(fixture.evict(bound), "{policy:?}");
        assert!(!fixture.exists("volatile"), "{policy:?}");
        assert_eq!(
            (fixture.evicted(), fixture.count()),
            (1, 3_000),
            "{policy:?}"
        );
        assert!(!fixture.evict(bound / 2), "{policy:?}");
        assert_eq!(fixture.count(), 3_000, "{policy:?}");
    }
}

#[test]
fn one_key_among_many_partitions_is_found() {
    for policy in ALL.into_iter().filter(|policy| !policy.only_volatile()) {
        let mut fixture = Fixture::with_policy(4_096, policy);
        fixture.set("large", &"v".repeat(10_000), None);
        assert!(fixture.evict(100) && fixture.count() == 0, "{policy:?}");
    }
}

#[test]
fn the_dead_are_not_evicted() {
    let mut fixture = Fixture::with_policy(4, Policy::AllKeysRandom);
    fixture.set("k", "v", None);
    fixture.delete("k");
    assert!(!fixture.evict(0));
    assert!(fixture.bytes() > 0 && fixture.evicted() == 0);
}

/// F1c: an own write may live on elsewhere after its record was dropped here. Were the next mint to
/// cover everything before it, that write would count as superseded although nobody saw it.
#[test]
fn after_an_eviction_the_next_write_claims_nothing_but_itself() {
    let mut fixture = Fixture::with_policy(1, Policy::AllKeysRandom);
    let actor = fixture.keyspace.actor;
    fixture.set("k", "v", None);
    let first = fixture.run(|l| l.record(b"k")).expect("decodes");
    let dropped = first.siblings()[0].dot;
    assert!(first.history().covers(dropped));
    assert!(fixture.evict(0));
    fixture.set("k", "w", None);
    let record = fixture.run(|l| l.record(b"k")).expect("decodes");
    let mut only = History::default();
    only.insert(actor, Interval::only(record.siblings()[0].dot.hlc));
    assert_eq!(*record.history(), only);
    assert!(!record.history().covers(dropped));
    // Held since: now the interval may grow.
    fixture.set("k", "x", None);
    let record = fixture.run(|l| l.record(b"k")).expect("decodes");
    assert!(!record.history().covers(dropped));
    // Once the floor has passed what was dropped, a new key has an unbroken past again.
    crate::node::expire::advance_floor(&fixture.keyspace, fixture.keyspace.clock.last());
    fixture.set("new", "v", None);
    let record = fixture.run(|l| l.record(b"new")).expect("decodes");
    assert!(record.history().covers(dropped));
}
