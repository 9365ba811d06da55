//! Acknowledgements and batches as bytes.

use proptest::prelude::*;

use super::named;
use crate::peer::*;

const BODIES: &str = include_str!("../../../tests/fixtures/peer_v1_bodies.hex");

fn encoded(ack: &Ack) -> Vec<u8> {
    let mut out = Vec::new();
    ack.encode(&mut out);
    out
}

#[test]
fn acknowledgements_are_frozen() {
    let healthy = Ack {
        committed: 1_000,
        synced: 990,
        ..Ack::default()
    };
    let bytes = named(BODIES, "ack-healthy");
    assert_eq!(encoded(&healthy), bytes);
    assert_eq!(bytes.len(), 3, "two numbers and nothing else");
    assert_eq!(Ack::decode(&bytes), Ok(healthy.clone()));

    let listing = Ack {
        except: vec![
            (998, Exception::Refused),
            (999, Exception::Pending),
            (1_000, Exception::Hidden),
        ],
        later: vec![
            (1, Late::Committed),
            (2, Late::Synced),
            (500, Late::Refused),
            (501, Late::Hidden),
        ],
        ..healthy
    };
    let bytes = named(BODIES, "ack-listing");
    assert_eq!(encoded(&listing), bytes);
    assert_eq!(Ack::decode(&bytes), Ok(listing));
}

#[test]
fn a_batch_is_frozen() {
    let bytes = named(BODIES, "apply");
    let batch = Batch::decode(&bytes).expect("it opens");
    let ops: Vec<_> = batch.iter().collect();
    assert_eq!(ops, [(300, &b"SET"[..]), (301, b""), (302, b"body")]);
    assert_eq!((batch.first, batch.count), (300, 3));
    let mut again = Vec::new();
    batch.encode(&mut again);
    assert_eq!(again, bytes);
}

#[test]
fn what_no_peer_writes_is_malformed() {
    let malformed: [&[u8]; 10] = [
        b"",
        b"\x05",
        // Synced beyond committed.
        b"\x05\x06",
        // Lists that list nothing, half a list, too many.
        b"\x05\x00\x00\x00",
        b"\x05\x00\x01\x00\x01",
        b"\x05\x00\x02\x00\x01\x00",
        // Beyond committed, an unknown reason, an unknown outcome, something behind.
        b"\x05\x00\x01\x05\x01\x00",
        b"\x05\x00\x01\x00\x03\x00",
        b"\x05\x00\x00\x01\x00\x04",
        b"\x05\x00\x01\x00\x00\x00\x00",
    ];
    for bytes in malformed {
        assert_eq!(Ack::decode(bytes), Err(MalformedAck), "{bytes:?}");
    }
    let huge_count = b"\x05\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_eq!(Ack::decode(huge_count), Err(MalformedAck));

    let malformed: [&[u8]; 5] = [
        b"",
        b"\x01",
        b"\x00\x01a",
        b"\x01\x02a",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01a",
    ];
    for bytes in malformed {
        assert_eq!(Batch::decode(bytes), Err(MalformedBatch), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_with_one_spelling(bytes in prop::collection::vec(0u8..6, 0..20)) {
        if let Ok(ack) = Ack::decode(&bytes) {
            prop_assert_eq!(encoded(&ack), &*bytes);
        }
        if let Ok(batch) = Batch::decode(&bytes) {
            let mut again = Vec::new();
            batch.encode(&mut again);
            prop_assert_eq!(again, &*bytes);
            prop_assert_eq!(batch.iter().count() as u64, batch.count);
        }
    }

    #[test]
    fn what_is_written_is_read(
        committed in any::<u64>(),
        lag in any::<u64>(),
        except in prop::collection::btree_map(any::<u64>(), 0usize..3, 0..5),
        later in prop::collection::btree_map(any::<u64>(), 0usize..4, 0..5),
    ) {
        let reasons = [Exception::Refused, Exception::Pending, Exception::Hidden];
        let outcomes = [Late::Committed, Late::Synced, Late::Refused, Late::Hidden];
        let known = |n: &u64| (1..=committed).contains(n);
        let ack = Ack {
            committed,
            synced: committed.saturating_sub(lag),
            except: except.into_iter().filter(|(n, _)| known(n)).map(|(n, i)| (n, reasons[i])).collect(),
            later: later.into_iter().filter(|(n, _)| known(n)).map(|(n, i)| (n, outcomes[i])).collect(),
        };
        prop_assert_eq!(Ack::decode(&encoded(&ack)), Ok(ack));
    }
}
