//! The bytes of seat messages: they come back as they were, nothing else is accepted, nothing
//! panics, and version 1 is frozen.

use proptest::prelude::*;

use super::node;
use crate::coordinator::seat::{
    BadMessage, Epoch, MAX_MESSAGE_BYTES, MAX_PARTITIONS, Message, Partitions, decode, encode,
};
use crate::types::{Hlc, NodeId, PartitionId};

fn bytes(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out);
    out
}

fn set(ids: &[u16]) -> Partitions {
    ids.iter().copied().map(PartitionId).collect()
}

fn partitions() -> impl Strategy<Value = Partitions> {
    proptest::collection::btree_set(0..MAX_PARTITIONS, 1..20)
        .prop_map(|ids| ids.into_iter().map(PartitionId).collect())
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<u64>(), partitions()).prop_map(|(hlc, partitions)| Message::Claim {
            hlc: Hlc(hlc),
            partitions
        }),
        (any::<u64>(), partitions(), any::<u16>()).prop_map(|(hlc, partitions, keep)| {
            let served = partitions.iter().filter(|p| (p.0 ^ keep) & 1 == 0);
            Message::Yield {
                hlc: Hlc(hlc),
                served: served.collect(),
                partitions,
            }
        }),
        (partitions(), any::<u64>(), any::<u128>()).prop_map(|(partitions, hlc, id)| {
            let ids = partitions.iter().enumerate();
            let promises = ids.map(|(i, partition)| {
                let hlc = Hlc(hlc.saturating_sub(100) + i as u64);
                let node = NodeId(id);
                (Epoch { hlc, node }, [partition].into_iter().collect())
            });
            Message::Promised {
                promises: promises.collect(),
            }
        }),
        partitions().prop_map(|partitions| Message::Foreign { partitions }),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_back(message in message()) {
        prop_assert_eq!(decode(&bytes(&message)), Ok(message));
    }

    #[test]
    fn any_bytes_are_one_message_or_none(
        kind in 0..6u8, rest in proptest::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..40),
    ) {
        let mut input = vec![1, kind];
        input.extend(rest);
        if let Ok(message) = decode(&input) {
            prop_assert_eq!(bytes(&message), input);
        }
    }

    #[test]
    fn a_cut_message_is_none(message in message(), at in any::<prop::sample::Index>()) {
        let whole = bytes(&message);
        let cut = at.index(whole.len());
        prop_assert!(decode(&whole[..cut]).is_err());
    }
}

#[test]
fn version_1_is_frozen() {
    let claim = Message::Claim {
        hlc: Hlc(0x0123_4567_89ab_0001),
        partitions: set(&[0, 1, 2, 7, 4095]),
    };
    let given = Message::Yield {
        hlc: Hlc(300),
        partitions: set(&[3, 4, 9]),
        served: set(&[4]),
    };
    let promised = Message::Promised {
        promises: vec![
            (Epoch::forgotten(Hlc(5)), set(&[1])),
            (
                Epoch {
                    hlc: Hlc(900),
                    node: node(7),
                },
                set(&[0, 2]),
            ),
        ],
    };
    let foreign = Message::Foreign {
        partitions: set(&[255]),
    };
    let text = include_str!("../../../../tests/fixtures/seat_v1.hex");
    let lines: Vec<&str> = text.lines().collect();
    let messages = [claim, given, promised, foreign];
    assert_eq!(lines.len(), messages.len());
    for (line, message) in lines.into_iter().zip(messages) {
        let hex: String = bytes(&message).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, line);
        assert_eq!(decode(&bytes(&message)), Ok(message));
    }
}

#[test]
fn what_is_refused_says_why() {
    assert_eq!(decode(&[2, 1, 0, 1, 0, 0]), Err(BadMessage::Version(2)));
    assert_eq!(decode(&[1, 9, 0]), Err(BadMessage::Kind(9)));
    let malformed: &[&[u8]] = &[
        &[],
        // No partition; a partition past the last; something behind the end.
        &[1, 1, 0, 0],
        &[1, 4, 1, 0x80, 0x20, 0],
        &[1, 4, 1, 0, 0, 0],
        // Served what was not yielded; a number spelt too long.
        &[1, 2, 0, 1, 0, 0, 1, 1, 0],
        &[1, 1, 0x80, 0, 1, 0, 0],
        // More runs than there are bytes.
        &[1, 4, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ];
    for bytes in malformed {
        assert_eq!(decode(bytes), Err(BadMessage::Malformed), "{bytes:?}");
    }
}

#[test]
fn the_longest_message_fits_the_bound() {
    let promises = (0..MAX_PARTITIONS).map(|id| {
        let hlc = Hlc(u64::MAX - 5000 + u64::from(id));
        let node = NodeId(u128::MAX);
        (Epoch { hlc, node }, set(&[id]))
    });
    let message = Message::Promised {
        promises: promises.collect(),
    };
    assert!(bytes(&message).len() <= MAX_MESSAGE_BYTES);
    assert_eq!(decode(&bytes(&message)), Ok(message));
}
