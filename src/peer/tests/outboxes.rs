//! The outbox's promises: an acknowledgement covers what it says and no more, nothing is lost before
//! it is acknowledged, nothing of an old life counts, memory is bounded.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::peer::*;
use crate::types::Actor;

fn outbox<T: AsRef<[u8]>>(ops: &[T]) -> Outbox {
    let mut outbox = Outbox::new(Actor(1));
    for op in ops.iter().map(AsRef::as_ref) {
        outbox.push(op).expect("there is room");
    }
    outbox
}

fn ack(committed: u64, synced: u64) -> Ack {
    Ack {
        committed,
        synced,
        ..Ack::default()
    }
}

fn range(after: u64, to: u64) -> SeqRange {
    SeqRange {
        after: Seq(after),
        to: Seq(to),
    }
}

fn acked(committed: SeqRange, synced: SeqRange) -> Acked {
    Acked {
        committed,
        synced,
        except: Vec::new(),
        later: Vec::new(),
    }
}

fn unacked(outbox: &Outbox) -> Vec<(u64, Vec<u8>)> {
    let ops = outbox.unacked().map(|(seq, op)| (seq.0, op.to_vec()));
    ops.collect()
}

fn sent(outbox: &mut Outbox) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(batch) = outbox.next_batch(usize::MAX) {
        let mut body = Vec::new();
        batch.encode(&mut body);
        let batch = Batch::decode(&body).expect("it was just written");
        all.extend(batch.iter().map(|(number, op)| (number, op.to_vec())));
    }
    all
}

#[test]
fn a_cumulative_acknowledgement_releases_what_it_covers() {
    let mut outbox = outbox(&["one", "two", "three"]);
    assert_eq!(outbox.last(), Seq(3));
    assert_eq!(
        outbox.acked(&ack(2, 1)),
        Ok(acked(range(0, 2), range(0, 1)))
    );
    assert!(outbox.is_acked(Seq(1)) && outbox.is_acked(Seq(2)));
    assert!(!outbox.is_acked(Seq(3)) && !outbox.is_acked(Seq(0)));
    assert!(outbox.is_synced(Seq(1)) && !outbox.is_synced(Seq(2)));
    assert_eq!(unacked(&outbox), [(3, b"three".to_vec())]);
    // Said again, nothing is new; an older one takes nothing back.
    assert_eq!(
        outbox.acked(&ack(2, 1)),
        Ok(acked(range(2, 2), range(1, 1)))
    );
    assert_eq!(
        outbox.acked(&ack(1, 0)),
        Ok(acked(range(2, 2), range(1, 1)))
    );
    assert!(outbox.is_acked(Seq(2)));
}

#[test]
fn an_acknowledgement_past_a_refused_operation_does_not_count_it() {
    // F8: B's log refuses op 7 and takes op 8; "acknowledged past 8" must not count 7.
    let mut outbox = outbox(&[b"op"; 8]);
    let told = outbox.acked(&Ack {
        except: vec![(7, Exception::Refused)],
        ..ack(8, 8)
    });
    let expected = Acked {
        except: vec![(Seq(7), Exception::Refused)],
        ..acked(range(0, 8), range(0, 8))
    };
    assert_eq!(told, Ok(expected));
    assert!(outbox.is_acked(Seq(6)) && outbox.is_acked(Seq(8)));
    assert!(!outbox.is_acked(Seq(7)) && !outbox.is_synced(Seq(7)));
    outbox.push(b"op").expect("there is room");
    outbox.acked(&ack(9, 9)).expect("it was sent");
    assert!(!outbox.is_acked(Seq(7)), "it never counts");
    // Negative control: without the exception it would have.
    let mut careless = self::outbox(&[b"op"; 8]);
    careless.acked(&ack(8, 8)).expect("they were sent");
    assert!(careless.is_acked(Seq(7)));
}

#[test]
fn a_hidden_operation_is_taken_but_does_not_count() {
    let mut outbox = outbox(&["hidden", "plain"]);
    let told = outbox.acked(&Ack {
        except: vec![(1, Exception::Hidden)],
        ..ack(2, 2)
    });
    assert_eq!(
        told.map(|told| told.except),
        Ok(vec![(Seq(1), Exception::Hidden)])
    );
    assert!(!outbox.is_acked(Seq(1)) && outbox.is_acked(Seq(2)));
    assert_eq!(unacked(&outbox), []);
    assert_eq!(outbox.bytes(), 0);
}

#[test]
fn a_pending_operation_is_retained_and_acknowledged_by_name() {
    let mut outbox = outbox(&["cold", "hot"]);
    outbox
        .acked(&Ack {
            except: vec![(1, Exception::Pending)],
            ..ack(2, 2)
        })
        .expect("they were sent");
    assert!(!outbox.is_acked(Seq(1)) && outbox.is_acked(Seq(2)));
    assert_eq!(unacked(&outbox), [(1, b"cold".to_vec())]);
    let later = |late| Ack {
        later: vec![(1, late)],
        ..ack(2, 2)
    };
    let told = outbox.acked(&later(Late::Committed)).expect("it is known");
    assert_eq!(told.later, [(Seq(1), Late::Committed)]);
    assert!(outbox.is_acked(Seq(1)) && !outbox.is_synced(Seq(1)));
    assert_eq!((unacked(&outbox), outbox.bytes()), (vec![], 0));
    let told = outbox.acked(&later(Late::Synced)).expect("it is known");
    assert_eq!(told.later, [(Seq(1), Late::Synced)]);
    assert!(outbox.is_synced(Seq(1)));
    // What is known is not told twice, and not taken back.
    for late in [Late::Synced, Late::Committed, Late::Refused] {
        let told = outbox.acked(&later(late)).expect("it is known");
        assert_eq!(told.later, []);
    }
    assert!(outbox.is_acked(Seq(1)));
}

#[test]
fn a_pending_operation_may_be_refused_in_the_end() {
    let mut outbox = outbox(&[b"cold"]);
    let told = outbox.acked(&Ack {
        except: vec![(1, Exception::Pending)],
        later: vec![(1, Late::Refused)],
        ..ack(1, 1)
    });
    let expected = Acked {
        except: vec![(Seq(1), Exception::Pending)],
        later: vec![(Seq(1), Late::Refused)],
        ..acked(range(0, 1), range(0, 1))
    };
    assert_eq!(told, Ok(expected));
    assert!(!outbox.is_acked(Seq(1)));
    assert_eq!((unacked(&outbox), outbox.bytes()), (vec![], 0));
}

#[test]
fn what_was_never_sent_cannot_be_acknowledged() {
    let mut outbox = outbox(&[b"op"; 2]);
    let (committed, last) = (3, 2);
    assert_eq!(outbox.acked(&ack(3, 0)), Err(WrongAck { committed, last }));
    assert!(!outbox.is_acked(Seq(1)), "nothing has changed");
    assert_eq!(
        outbox.acked(&ack(u64::MAX, 0)),
        Err(WrongAck {
            committed: u64::MAX,
            last
        })
    );
}

#[test]
fn batches_are_cut_by_bytes_and_rewound_by_a_new_connection() {
    let mut outbox = outbox(&[vec![1; 100], vec![2; 100], vec![3; 500], vec![]]);
    let mut batch = |bytes_max| {
        let batch = outbox.next_batch(bytes_max)?;
        Some((batch.first, batch.count))
    };
    assert_eq!(batch(250), Some((1, 2)));
    assert_eq!(batch(1), Some((3, 1)), "one at least, whatever its length");
    assert_eq!(batch(250), Some((4, 1)));
    assert_eq!(batch(250), None);
    assert!(!outbox.has_unsent());
    outbox.acked(&ack(1, 1)).expect("it was sent");
    outbox.rewind();
    assert!(outbox.has_unsent());
    let again: Vec<_> = sent(&mut outbox).into_iter().map(|(n, _)| n).collect();
    assert_eq!(again, [2, 3, 4]);
    // An acknowledgement of the old connection may arrive after the rewind.
    outbox.rewind();
    outbox.acked(&ack(3, 3)).expect("it was sent once");
    assert_eq!(sent(&mut outbox), [(4, vec![])]);
}

#[test]
fn the_largest_operation_fits_a_frame() {
    let mut outbox = outbox(&[vec![7; OP_BYTES_MAX]]);
    let too_long = outbox.push(&vec![7; OP_BYTES_MAX + 1]);
    assert_eq!(too_long, Err(OutboxFull::TooLong(OP_BYTES_MAX + 1)));
    let batch = outbox.next_batch(usize::MAX).expect("it is there");
    let header = Header {
        kind: FrameKind::APPLY,
        cluster: super::CLUSTER,
        layout: u64::MAX,
        hlc: super::HLC,
    };
    encode(&header, |out| batch.encode(out), &mut Vec::new()).expect("it fits");
}

#[test]
fn a_full_outbox_takes_nothing_until_something_is_acknowledged() {
    let mut outbox = Outbox::with_limit(Actor(1), 1_000);
    let mut pushed = 0;
    while outbox.push(&[0; 92]).is_ok() {
        pushed += 1;
    }
    assert_eq!((pushed, outbox.bytes()), (10, 1_000));
    assert_eq!(outbox.push(b""), Err(OutboxFull::Full));
    assert_eq!(outbox.last(), Seq(10));
    // What is pending takes its room still.
    outbox
        .acked(&Ack {
            except: vec![(1, Exception::Pending)],
            ..ack(2, 2)
        })
        .expect("they were sent");
    assert_eq!(outbox.bytes(), 900);
    assert_eq!(outbox.push(&[0; 92]), Ok(Seq(11)));
    assert_eq!(outbox.push(&[0; 92]), Err(OutboxFull::Full));
}

#[test]
fn a_new_life_of_the_peer_starts_at_1_and_nothing_old_counts() {
    let mut outbox = outbox(&[b"a", b"b", b"c"]);
    outbox.acked(&ack(1, 1)).expect("it was sent");
    assert_eq!(
        unacked(&outbox),
        [(2, b"b".to_vec()), (3, b"c".to_vec())],
        "to be sent elsewhere"
    );
    outbox.reset(Actor(2));
    assert_eq!((outbox.peer(), outbox.bytes()), (Actor(2), 0));
    assert_eq!(outbox.push(b"d"), Ok(Seq(4)));
    assert_eq!(sent(&mut outbox), [(1, b"d".to_vec())]);
    let told = outbox.acked(&ack(1, 1));
    assert_eq!(told, Ok(acked(range(3, 4), range(3, 4))));
    assert!(outbox.is_acked(Seq(4)));
    // The new life's 1 is not the old life's, nor are 2 and 3 covered by a higher number here.
    assert!(!outbox.is_acked(Seq(2)) && !outbox.is_acked(Seq(3)));
    assert_eq!(
        outbox.acked(&ack(3, 3)),
        Err(WrongAck {
            committed: 3,
            last: 1
        })
    );
}

#[test]
fn what_was_given_up_does_not_count_when_the_same_life_returns() {
    let mut outbox = outbox(&[b"a", b"b"]);
    outbox.give_up();
    assert_eq!(outbox.push(b"c"), Ok(Seq(3)));
    // Numbers go on, so that the peer can tell c from what it may have had.
    assert_eq!(sent(&mut outbox), [(3, b"c".to_vec())]);
    let told = outbox.acked(&ack(2, 2)).expect("it had both");
    assert!(told.committed.is_empty() && told.synced.is_empty());
    assert!(!outbox.is_acked(Seq(1)) && !outbox.is_acked(Seq(2)));
    outbox.acked(&ack(3, 3)).expect("it was sent");
    assert!(!outbox.is_acked(Seq(2)) && outbox.is_acked(Seq(3)));
}

#[test]
fn memory_is_given_back_and_stays_bounded() {
    let mut outbox = Outbox::new(Actor(1));
    let op = vec![7; 10_000];
    for n in 1..=5_000 {
        let seq = outbox.push(&op).expect("it is acknowledged in time");
        if n > 100 {
            outbox.acked(&ack(seq.0 - 100, 0)).expect("it was sent");
        }
        assert!(outbox.bytes() <= 101 * 10_008);
    }
    // Refusals without end are remembered to a bound; what is forgotten does not count.
    for _ in 0..40_000 {
        let seq = outbox.push(b"x").expect("there is room");
        outbox
            .acked(&Ack {
                except: vec![(seq.0, Exception::Refused)],
                ..ack(seq.0, 0)
            })
            .expect("it was sent");
    }
    assert_eq!(outbox.bytes(), 0);
    assert!(!outbox.is_acked(Seq(5_001)) && !outbox.is_acked(Seq(45_000)));
    let seq = outbox.push(b"x").expect("there is room");
    outbox.acked(&ack(seq.0, 0)).expect("it was sent");
    assert!(outbox.is_acked(seq));
}

#[derive(Clone, Debug)]
enum Step {
    Push(Vec<u8>),
    Send(usize),
    Ack { upto: u64, outcomes: Vec<u8> },
    Resolve(u8, bool),
    Rewind,
    GiveUp,
    Reset,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Push),
        2 => (0usize..100).prop_map(Step::Send),
        3 => (0u64..6, prop::collection::vec(0u8..6, 6))
            .prop_map(|(upto, outcomes)| Step::Ack { upto, outcomes }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, taken)| Step::Resolve(which, taken)),
        1 => Just(Step::Rewind),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 0..80)
}

/// What a model knows of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Retained,
    Pending,
    Counts,
    Never,
    GivenUp,
}

proptest! {
    /// Against a map from number to fate: an operation counts iff the peer said so in this life, and
    /// is retained until its fate is known.
    #[test]
    fn the_outbox_is_its_model(steps in steps()) {
        let mut outbox = Outbox::new(Actor(0));
        let mut model: BTreeMap<u64, (Fate, Vec<u8>)> = BTreeMap::new();
        let (mut base, mut covered, mut sent_up_to, mut life) = (0, 0, 0, 0);
        for step in steps {
            match step {
                Step::Push(op) => {
                    let seq = outbox.push(&op).expect("there is room");
                    prop_assert_eq!(seq.0, model.len() as u64 + 1);
                    model.insert(seq.0, (Fate::Retained, op));
                }
                Step::Send(bytes) => {
                    if let Some(batch) = outbox.next_batch(bytes) {
                        prop_assert_eq!(batch.first + base, sent_up_to + 1);
                        for (number, op) in batch.iter() {
                            prop_assert_eq!(op, &*model[&(number + base)].1);
                        }
                        sent_up_to += batch.count;
                    } else {
                        prop_assert_eq!(sent_up_to, model.len() as u64);
                    }
                }
                Step::Ack { upto, outcomes } => {
                    let to = (covered + upto).min(model.len() as u64);
                    let mut except = Vec::new();
                    for (seq, outcome) in (covered + 1..=to).zip(outcomes) {
                        let (fate, exception) = match outcome {
                            0 => (Fate::Never, Some(Exception::Refused)),
                            1 => (Fate::Never, Some(Exception::Hidden)),
                            2 | 3 => (Fate::Pending, Some(Exception::Pending)),
                            _ => (Fate::Counts, None),
                        };
                        except.extend(exception.map(|exception| (seq - base, exception)));
                        model.get_mut(&seq).expect("it was pushed").0 = fate;
                    }
                    let ack = Ack { except, ..ack(to - base, to - base) };
                    let told = outbox.acked(&ack).expect("it was pushed");
                    prop_assert_eq!(told.committed, range(covered, to));
                    covered = to;
                    sent_up_to = sent_up_to.max(to);
                }
                Step::Resolve(which, taken) => {
                    let pending: Vec<_> = model
                        .iter()
                        .filter(|(_, (fate, _))| *fate == Fate::Pending)
                        .map(|(seq, _)| *seq)
                        .collect();
                    if let Some(&seq) = pending.get(usize::from(which) % pending.len().max(1)) {
                        let late = if taken { Late::Synced } else { Late::Refused };
                        let ack = Ack {
                            later: vec![(seq - base, late)],
                            ..ack(covered - base, covered - base)
                        };
                        let told = outbox.acked(&ack).expect("it was pushed");
                        prop_assert_eq!(told.later, [(Seq(seq), late)]);
                        model.get_mut(&seq).expect("it was pushed").0 =
                            if taken { Fate::Counts } else { Fate::Never };
                    }
                }
                Step::Rewind => {
                    outbox.rewind();
                    sent_up_to = covered;
                }
                Step::GiveUp | Step::Reset => {
                    if matches!(step, Step::Reset) {
                        life += 1;
                        outbox.reset(Actor(life));
                        base = model.len() as u64;
                    } else {
                        outbox.give_up();
                    }
                    // Those that counted before have been told; nobody asks for them again.
                    for (fate, _) in model.values_mut() {
                        *fate = Fate::GivenUp;
                    }
                    (covered, sent_up_to) = (model.len() as u64, model.len() as u64);
                }
            }
            let retained: Vec<_> = model
                .iter()
                .filter(|(_, (fate, _))| matches!(fate, Fate::Retained | Fate::Pending))
                .map(|(seq, (_, op))| (*seq, op.clone()))
                .collect();
            prop_assert_eq!(unacked(&outbox), retained.clone());
            let bytes: usize = retained.iter().map(|(_, op)| op.len() + 8).sum();
            prop_assert_eq!(outbox.bytes(), bytes);
            for (seq, (fate, _)) in &model {
                prop_assert_eq!(outbox.is_acked(Seq(*seq)), *fate == Fate::Counts);
                prop_assert_eq!(outbox.is_synced(Seq(*seq)), *fate == Fate::Counts);
            }
        }
    }
}
