//! The executions of `counterexamples` F1 to G9 that concern one key, and the paper's own example.
//! A, B, C are nodes 0, 1, 2. Each scenario is run under the rules as they are and, as a negative
//! control, under the rule that it refutes: the same check has to catch that.

use bytes::Bytes;

use super::cluster::{NOW, RIGHT, Replica, Rules, actors, all_hold, exchange, replicas};
use super::{cell, dot, history, version};
use crate::record::{Kind, Record};
use crate::types::{ActorIndex, Hlc, WallMs};
use crate::version::{Floor, History};

/// The paper, section 4.4: two clients branch from D2 and a third reconciles.
#[test]
fn the_papers_example_d1_to_d5() {
    let [mut sx, mut sy, mut sz] = replicas(RIGHT);
    let (_, d1) = sx.put(1, &History::default(), "D1");
    let (_, d2) = sx.put(2, &d1, "D2");
    assert_eq!(sx.values(), ["D2"], "D2 descends from D1 and overwrites it");
    sz.record = Record::default();
    sy.take(sx.frame());
    let (_, d3) = sy.put(3, &d2, "D3");
    let (_, d4) = sz.put(4, &d2, "D4");
    assert!(
        !d3.includes(&d4) && !d4.includes(&d3),
        "neither reflects the other"
    );
    sx.take(sz.frame());
    assert_eq!(
        sx.values(),
        ["D4"],
        "who knows D2 can collect it on receiving D4"
    );
    sx.take(sy.frame());
    assert_eq!(
        sx.values(),
        ["D3", "D4"],
        "both must be kept and shown to a client"
    );
    let read = sx.record.context(Floor::NONE);
    assert_eq!(
        read,
        history(&[(0, 0, 2), (1, 0, 3), (2, 0, 4)]),
        "the summary of both clocks"
    );
    sx.put(5, &read, "D5");
    let mut all = [sx, sy, sz];
    exchange(&mut all);
    all_hold(&all, &["D5"]).unwrap();
    assert_eq!(
        all[1].record.history(),
        &history(&[(0, 0, 5), (1, 0, 3), (2, 0, 4)])
    );
}

fn f1a(rules: Rules) -> Result<(), String> {
    let [mut a, mut b, mut c] = replicas(rules);
    b.put(5, &History::default(), "x");
    c.take(b.frame());
    let (_, seen) = b.put(7, &History::default(), "y");
    a.put(8, &seen, "y2");
    let mut all = [a, b, c];
    exchange(&mut all);
    all_hold(&all, &["x", "y2"])
}

#[test]
fn f1a_putctx_on_a_lagging_owner_supersedes_what_it_saw_and_nothing_else() {
    f1a(RIGHT).unwrap();
    f1a(Rules {
        flattened: true,
        ..RIGHT
    })
    .unwrap_err();
    f1a(Rules {
        return_all: true,
        ..RIGHT
    })
    .unwrap_err();
}

/// F1b for a string: `fallback` is C, whose hint is delivered to A and removed.
fn f1b(rules: Rules) -> Result<(), String> {
    let [mut a, b, mut fallback] = replicas(rules);
    fallback.put(9, &History::default(), "hinted");
    a.take(fallback.frame());
    fallback.drop_record(10);
    fallback.put(20, &History::default(), "later");
    let mut all = [a, b, fallback];
    exchange(&mut all);
    all_hold(&all, &["hinted", "later"])
}

#[test]
fn f1b_a_fallback_whose_hint_is_gone_claims_its_new_dot_alone() {
    f1b(RIGHT).unwrap();
    f1b(Rules {
        always_extend: true,
        ..RIGHT
    })
    .unwrap_err();
}

fn f1c(rules: Rules) -> Result<(), String> {
    let [mut a, mut b, c] = replicas(rules);
    a.put(5, &History::default(), "v");
    b.take(a.frame());
    a.drop_record(6);
    a.put(9, &History::default(), "w");
    b.take(a.frame());
    let mut all = [a, b, c];
    exchange(&mut all);
    all_hold(&all, &["v", "w"])
}

#[test]
fn f1c_a_write_after_an_eviction_leaves_the_evicted_one_alive_elsewhere() {
    f1c(RIGHT).unwrap();
    f1c(Rules {
        always_extend: true,
        ..RIGHT
    })
    .unwrap_err();
}

/// SET v1 at A, acknowledged by A and B; only then SET v2 at C, whose clock is behind.
fn hidden_write(rules: Rules) -> [Replica; 3] {
    let [mut a, mut b, mut c] = replicas(rules);
    a.set(105, "v1");
    b.take(a.frame());
    let first = c.set(101, "v2");
    b.take(c.frame());
    // B's acknowledgement carries its hlc and lists the write as hidden.
    if b.record.hides(first, &actors()) && !rules.ignore_hidden {
        if rules.remint_over_all {
            c.take(b.frame());
            c.set(106, "v2");
        } else {
            let mint = c.mint(106);
            assert!(c.record.remint_own(first, mint));
            c.minted();
        }
        b.take(c.frame());
        assert!(!b.record.hides(dot(2, 106), &actors()));
    }
    let mut all = [a, b, c];
    exchange(&mut all);
    all
}

fn f6(rules: Rules) -> Result<(), String> {
    let all = hidden_write(rules);
    let shown: Vec<_> = all.iter().map(Replica::shown).collect();
    if shown.iter().any(|shown| shown.as_deref() != Some("v2")) {
        return Err(format!(
            "a SET that began after v1 was acknowledged lost: {shown:?}"
        ));
    }
    Ok(())
}

#[test]
fn f6_a_set_that_began_after_anothers_acknowledgement_wins_whatever_the_clocks() {
    f6(RIGHT).unwrap();
    f6(Rules {
        ignore_hidden: true,
        ..RIGHT
    })
    .unwrap_err();
}

#[test]
fn g5_a_second_mint_supersedes_its_own_first_dot_and_no_unseen_sibling() {
    all_hold(&hidden_write(RIGHT), &["v1", "v2"]).unwrap();
    let over_all = Rules {
        remint_over_all: true,
        ..RIGHT
    };
    f6(over_all).unwrap();
    all_hold(&hidden_write(over_all), &["v1", "v2"]).unwrap_err();
}

#[test]
fn a_write_that_was_superseded_meanwhile_is_not_minted_again() {
    let [mut a, ..] = replicas(RIGHT);
    let first = a.set(5, "v1");
    a.set(6, "v2");
    let before = a.record.clone();
    let mint = a.mint(7);
    assert!(!a.record.remint_own(first, mint));
    assert_eq!(a.record, before);
}

fn f13(rules: Rules) -> Result<(), String> {
    let [mut a, mut b, mut c] = replicas(rules);
    a.set(3, "v1");
    b.take(a.frame());
    b.set(8, "v2");
    c.take(b.frame());
    a.expire(9, WallMs(NOW.0 + 1)).unwrap();
    let mut all = [a, b, c];
    exchange(&mut all);
    all_hold(&all, &["v1", "v2"])?;
    match all[0].shown() {
        Some(shown) if shown == "v2" => Ok(()),
        shown => Err(format!(
            "EXPIRE brought back an overwritten value: {shown:?}"
        )),
    }
}

#[test]
fn f13_expire_of_an_old_value_does_not_hide_a_later_one() {
    f13(RIGHT).unwrap();
    f13(Rules {
        expire_stamps: true,
        ..RIGHT
    })
    .unwrap_err();
}

#[test]
fn an_expired_or_deleted_winner_never_uncovers_a_sibling() {
    let [mut a, mut b, _] = replicas(RIGHT);
    a.put(5, &History::default(), "masked");
    b.put(7, &History::default(), "shown");
    a.take(b.frame());
    let mut expired = a.clone();
    expired.expire(8, NOW).unwrap();
    assert_eq!(
        (expired.shown(), expired.values()),
        (None, vec!["masked".to_owned()])
    );
    assert!(
        !expired.record.is_dead(NOW),
        "the masked sibling is still there for who asks"
    );
    assert_eq!(expired.record.shown_kind(NOW, &actors()), None);
    // DELCTX of what was shown: a tombstone in its place, the unseen sibling stays.
    let mint = a.mint(8);
    a.record.delete(&history(&[(1, 0, 7)]), mint);
    assert_eq!((a.shown(), a.values()), (None, vec!["masked".to_owned()]));
    assert_eq!(a.record.sibling_count(), 2);
    let floor: Floor = [0, 1, 2]
        .map(|actor| (ActorIndex(actor), Hlc(99)))
        .into_iter()
        .collect();
    assert!(
        !a.record.is_forgettable(&floor, NOW),
        "forgetting the tombstone would uncover v"
    );
}

/// The set member x has (b,7) everywhere and the floor is 10. SREM x at A; the delta to B is lost.
fn g1(rules: Rules, with_floors: bool) -> Result<(), String> {
    let mut all = replicas(rules);
    let member = cell(Kind::Set, "x", &[version(dot(1, 7), "")]);
    for replica in &mut all {
        replica.record = Record::from_parts(history(&[(1, 0, 7)]), vec![member.clone()]);
        replica.floor = [0, 1, 2]
            .map(|actor| (ActorIndex(actor), Hlc(10)))
            .into_iter()
            .collect();
    }
    let [mut a, mut b, _] = all;
    let mint = a.mint(20);
    a.record.remove_cell(mint, Kind::Set, b"x");
    if rules.removal_without_dot {
        a.record = Record::from_parts(history(&[(1, 0, 7)]), Vec::new());
    }
    // Whoever holds nothing but a dead record below the floor forgets it at once.
    a.forget();
    if !with_floors {
        (a.floor, b.floor) = (Floor::default(), Floor::default());
    }
    let mut pair = [a, b];
    exchange(&mut pair);
    for replica in &pair {
        if replica.record.cell(Kind::Set, b"x").is_some() {
            return Err(format!(
                "an acknowledged SREM was undone at {:?}",
                replica.actor
            ));
        }
    }
    Ok(())
}

#[test]
fn g1_a_removal_mints_so_that_nobody_forgets_it_before_others_know() {
    // By the record alone, as for a copy whose floor is not to be trusted.
    g1(RIGHT, false).unwrap();
    g1(
        Rules {
            removal_without_dot: true,
            ..RIGHT
        },
        false,
    )
    .unwrap_err();
    // The floor on the frame is a second wall.
    g1(RIGHT, true).unwrap();
}

fn g9(rules: Rules) -> Result<(), String> {
    let [mut a, mut b, mut c] = replicas(rules);
    a.put(9, &History::default(), "v");
    b.take(a.frame());
    let read = a.record.context(Floor::NONE);
    a.put(12, &History::default(), "w");
    c.take(a.frame());
    a.drop_record(13);
    // Repair brings a: [0, 9] back from B, while (a,12) lives at C.
    a.take(b.frame());
    a.put(15, &read, "u");
    let mut all = [a, b, c];
    exchange(&mut all);
    all_hold(&all, &["u", "w"])
}

#[test]
fn g9_a_top_that_repair_brought_back_is_no_proof_of_having_held_the_record() {
    g9(RIGHT).unwrap();
    g9(Rules {
        extend_if_top_is_present: true,
        ..RIGHT
    })
    .unwrap_err();
}

/// A, B and C agree on a delete and forget it; a frame from before it arrives late.
fn f3(rules: Rules) -> Result<(), String> {
    let mut all = replicas(rules);
    all[0].set(5, "v");
    exchange(&mut all);
    let late = all[2].frame();
    all[0].delete(9);
    exchange(&mut all);
    for replica in &mut all {
        replica.floor = [0, 1, 2]
            .map(|actor| (ActorIndex(actor), Hlc(10)))
            .into_iter()
            .collect();
        replica.forget();
        assert!(replica.record.is_empty());
    }
    all[1].take(late);
    exchange(&mut all);
    all_hold(&all, &[])
}

#[test]
fn f3_a_late_frame_does_not_bring_back_what_was_forgotten() {
    f3(RIGHT).unwrap();
    f3(Rules {
        no_floor: true,
        ..RIGHT
    })
    .unwrap_err();
}

#[test]
fn removing_one_field_leaves_the_others_and_an_overwrite_leaves_none() {
    let [mut a, mut b, _] = replicas(RIGHT);
    for (hlc, field) in [(1, "f"), (2, "g")] {
        let mint = a.mint(hlc);
        let value = crate::record::Payload::value("v");
        a.record.write_cell(
            mint,
            Kind::Hash,
            Bytes::from_static(field.as_bytes()),
            value,
        );
        a.minted();
    }
    b.take(a.frame());
    let mint = a.mint(3);
    a.record.remove_cell(mint, Kind::Hash, b"f");
    b.take(a.frame());
    assert!(b.record.cell(Kind::Hash, b"f").is_none());
    assert!(b.record.cell(Kind::Hash, b"g").is_some());
    assert_eq!(b.record.shown_kind(NOW, &actors()), Some(Kind::Hash));

    let mut deleted = a.clone();
    deleted.delete(4);
    assert_eq!(
        deleted.record,
        Record::from_parts(history(&[(0, 0, 4)]), Vec::new())
    );
    a.set(4, "string");
    b.take(a.frame());
    assert_eq!(b.record.shown_kind(NOW, &actors()), Some(Kind::String));
    assert_eq!(b.record.cells().len(), 1);
}
