//! The queue of notes against a plain list, and what a note costs.

use proptest::prelude::*;

use super::*;
use crate::coordinator::missed::queue::{NoteQueue, Standing};

#[test]
fn a_million_notes_cost_what_is_said() {
    let mut queue = NoteQueue::default();
    let key = |number: u64| format!("user:{number:011}");
    let hash = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let place = |number: u64| (PartitionId(0), Database(0), Token(hash(number)));
    for number in 0..1_000_000 {
        queue.push(number + 1, place(number), key(number).as_bytes());
    }
    assert_eq!(queue.len(), 1_000_000);
    let each = NOTE_HEAD_BYTES + 16 + INDEX_BYTES;
    assert_eq!(queue.bytes(), each * 1_000_000);
    let allocated = queue.allocated() as u64;
    assert!(
        allocated <= queue.bytes() + (1 << 17),
        "{allocated} bytes are allocated, {} are counted",
        queue.bytes()
    );
    assert_eq!(queue.forget(999_999), 999_999);
    assert!(
        queue.allocated() < 12 << 20,
        "blocks go when their notes do"
    );
    let last = queue.find(place(999_999), key(999_999).as_bytes());
    assert_eq!(last, Some(Standing::Waiting));
    queue.forget(1_000_000);
    assert_eq!((queue.bytes(), queue.allocated()), (0, 0));
}

/// A queue that does everything slowly.
#[derive(Default)]
struct Plain {
    notes: Vec<(u64, u16)>,
    unsent_from: u64,
}

impl Plain {
    fn is_superseded(&self, sequence: u64, number: u16) -> bool {
        let later = |note: &(u64, u16)| note.1 == number && note.0 > sequence;
        self.notes.iter().any(later)
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push { number: u16, step: u64 },
    Send,
    Rewind,
    Forget { place: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..12u16, 1..300u64).prop_map(|(number, step)| Op::Push { number, step }),
        8 => Just(Op::Send),
        1 => Just(Op::Rewind),
        2 => (0..6usize).prop_map(|place| Op::Forget { place }),
    ]
}

/// Keys of up to 3,600 bytes, so that blocks end.
fn long_name(number: u16) -> Vec<u8> {
    vec![number as u8; 1 + usize::from(number) * 300]
}

proptest! {
    #[test]
    fn the_queue_is_a_list(ops in prop::collection::vec(op(), 1..300)) {
        let (mut queue, mut plain) = (NoteQueue::default(), Plain::default());
        let mut sequence = 0;
        for op in ops {
            match op {
                Op::Push { number, step } => {
                    sequence += step;
                    queue.push(sequence, place(number), &long_name(number));
                    plain.notes.push((sequence, number));
                }
                Op::Send => {
                    let unsent = |note: &&(u64, u16)| note.0 > plain.unsent_from;
                    let expected = plain.notes.iter().find(unsent).copied();
                    prop_assert_eq!(queue.has_unsent(), expected.is_some());
                    let sent = queue.send();
                    let found = sent.map(|note| (note.sequence, note.place, note.key.to_vec()));
                    let named = |(sequence, number)| (sequence, place(number), long_name(number));
                    prop_assert_eq!(found, expected.map(named));
                    if let (Some(note), Some((sequence, number))) = (sent, expected) {
                        let is_superseded = plain.is_superseded(sequence, number);
                        prop_assert_eq!(note.is_superseded, is_superseded);
                        plain.unsent_from = sequence;
                    }
                }
                Op::Rewind => {
                    queue.rewind();
                    plain.unsent_from = 0;
                }
                Op::Forget { place } => {
                    if let Some((up_to, _)) = plain.notes.get(place).copied() {
                        queue.forget(up_to);
                        plain.notes.retain(|note| note.0 > up_to);
                    }
                }
            }
            let iterated: Vec<u64> = queue.iter().map(|note| note.sequence).collect();
            let expected: Vec<u64> = plain.notes.iter().map(|note| note.0).collect();
            prop_assert_eq!(iterated, expected);
            for number in 0..12 {
                let last = plain.notes.iter().rev().find(|note| note.1 == number);
                let expected = last.map(|note| if note.0 > plain.unsent_from {
                    Standing::Waiting
                } else {
                    Standing::Sent
                });
                prop_assert_eq!(queue.find(place(number), &long_name(number)), expected);
            }
        }
    }
}
