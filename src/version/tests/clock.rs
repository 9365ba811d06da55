//! The hybrid clock, minting, and the order of `lww`.

use std::cmp::Ordering;

use super::{dot, interval};
use crate::types::{Actor, ActorIndex, Hlc, WallMs};
use crate::version::*;

const DAY_MS: u64 = 86_400_000;

fn at(ms: u64) -> Hlc {
    Hlc::from_wall(WallMs(ms))
}

#[test]
fn time_rises_through_a_wall_clock_that_stands_or_steps_back() {
    let mut clock = HlcClock::new(Hlc(0));
    clock.granted(at(1_000_000));
    let mut last = Hlc(0);
    for wall in [1_000, 1_000, 999, 1, 2_000, 0] {
        let now = clock.tick(WallMs(wall));
        assert!(now > last);
        last = now;
    }
    assert_eq!(last, Hlc(at(2_000).0 + 1));
}

#[test]
fn a_restart_begins_above_everything_that_the_last_life_gave_out() {
    let mut clock = HlcClock::new(Hlc(0));
    assert!(clock.is_exhausted(), "nothing is leased yet");
    let ceiling = clock.needs_lease(WallMs(5_000)).unwrap();
    assert_eq!(ceiling, at(5_000 + LEASE_MS));
    clock.granted(ceiling);
    assert_eq!(clock.needs_lease(WallMs(5_000)), None);
    assert!(clock.needs_lease(WallMs(5_001 + LEASE_MS / 2)).is_some());
    let last = clock.tick(WallMs(5_000 + LEASE_MS - 1));
    assert!(last < ceiling);

    let reborn = HlcClock::new(ceiling);
    assert!(reborn.last() > last);
    assert!(reborn.is_exhausted());
}

#[test]
fn a_wall_clock_that_runs_past_the_lease_is_held_at_the_ceiling() {
    let mut clock = HlcClock::new(Hlc(0));
    clock.granted(at(1_000));
    assert_eq!(clock.tick(WallMs(50_000)), at(1_000));
    assert!(clock.is_exhausted());
    clock.granted(at(60_000));
    assert!(!clock.is_exhausted());
    assert_eq!(clock.tick(WallMs(50_000)), at(50_000));
}

#[test]
fn what_was_heard_is_passed_whatever_our_wall_clock_says() {
    let mut clock = HlcClock::new(Hlc(0));
    clock.granted(at(1_000_000_000));
    let remote = at(1_000 + 600_000);
    clock.observe(remote, WallMs(1_000), DAY_MS).unwrap();
    assert_eq!(clock.tick(WallMs(1_000)), remote.next());
    let refused = clock.observe(at(2_000 + DAY_MS + 1), WallMs(2_000), DAY_MS);
    assert_eq!(
        refused,
        Err(SkewTooLarge {
            ahead_ms: DAY_MS + 1,
            limit_ms: DAY_MS
        })
    );
    assert_eq!(
        clock.last(),
        remote.next(),
        "a refused time changes nothing"
    );
}

#[test]
fn hearing_a_time_past_our_lease_stops_minting_until_a_lease_covers_it() {
    let mut clock = HlcClock::new(Hlc(0));
    clock.granted(at(1_000));
    clock.observe(at(9_000), WallMs(500), DAY_MS).unwrap();
    assert!(clock.is_exhausted());
    assert_eq!(clock.needs_lease(WallMs(500)), Some(at(9_000 + LEASE_MS)));
}

#[test]
fn absurd_wall_clocks_do_not_overflow() {
    assert_eq!(
        next_hlc(Hlc(7), WallMs(u64::MAX), Hlc(u64::MAX)),
        Hlc(u64::MAX << 16)
    );
    assert_eq!(next_hlc(Hlc(u64::MAX), WallMs(0), Hlc(0)), Hlc(u64::MAX));
    assert!(lease_needed(Hlc(u64::MAX), WallMs(u64::MAX), Hlc(0)).is_some());
}

#[test]
fn a_mint_reaches_down_to_its_actors_top_only_without_a_break() {
    let mut history = History::default();
    let me = ActorIndex(0);
    assert_eq!(mint(&history, me, Hlc(9), true).interval(), interval(0, 9));
    assert_eq!(mint(&history, me, Hlc(9), false).interval(), interval(9, 9));
    history.insert(me, interval(0, 4));
    history.insert(ActorIndex(1), interval(0, 7));
    assert_eq!(mint(&history, me, Hlc(9), true).interval(), interval(5, 9));
    assert_eq!(mint(&history, me, Hlc(9), false).interval(), interval(9, 9));
    assert_eq!(mint(&history, me, Hlc(4), true).interval(), interval(4, 4));
}

#[test]
fn a_record_was_held_without_a_break_if_it_is_ours_or_none_was_dropped_above_the_floor() {
    assert!(may_extend(true, Some(Hlc(9)), None));
    assert!(may_extend(false, None, None));
    assert!(may_extend(false, Some(Hlc(4)), Some(Hlc(5))));
    assert!(!may_extend(false, Some(Hlc(5)), Some(Hlc(5))));
    assert!(!may_extend(false, Some(Hlc(9)), None));
}

#[test]
fn equal_times_are_ranked_by_full_actor_on_every_node() {
    let (low, high) = (Actor(1), Actor(2));
    let here = ActorTable::from_entries([low, high]).unwrap();
    let there = ActorTable::from_entries([high, low]).unwrap();
    assert_eq!(dot(0, 5).lww_order(dot(1, 5), &here), Ordering::Less);
    assert_eq!(dot(1, 5).lww_order(dot(0, 5), &there), Ordering::Less);
    assert_eq!(dot(0, 6).lww_order(dot(1, 5), &here), Ordering::Greater);
    let by_stamp = lww_order((Hlc(1), dot(1, 9)), (Hlc(8), dot(0, 8)), &here);
    assert_eq!(
        by_stamp,
        Ordering::Less,
        "EXPIRE's late dot does not lift an early value"
    );
}

#[test]
fn the_table_of_actors_only_grows_and_survives_its_entries() {
    let mut table = ActorTable::default();
    assert_eq!(table.intern(Actor(7)), (ActorIndex(0), true));
    assert_eq!(table.intern(Actor(3)), (ActorIndex(1), true));
    assert_eq!(table.intern(Actor(7)), (ActorIndex(0), false));
    let again = ActorTable::from_entries(table.entries().iter().copied()).unwrap();
    assert_eq!(again, table);
    assert_eq!(table.actor(ActorIndex(1)), Some(Actor(3)));
    assert_eq!(table.actor(ActorIndex(2)), None);
    assert_eq!(
        ActorTable::from_entries([Actor(1), Actor(1)]),
        Err(DuplicateActor(Actor(1)))
    );
}
