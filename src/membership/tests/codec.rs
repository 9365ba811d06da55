//! Formats: frozen by fixtures, total, canonical, bounded; and a version 2 that exists only here, to
//! show that it can talk to version 1 in both directions.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use proptest::prelude::*;

use super::values::{any_items, entry, fact, id, layout};
use crate::membership::{
    CodecError, Delta, Digest, Item, JoinAnswer, Key, MAX_MESSAGE_BYTES, MAX_TEXT_BYTES,
    MemberEntry, Message, Persisted, Refusal, State,
};
use crate::types::ClusterId;

fn from_hex(text: &str) -> Vec<u8> {
    let text = text.trim();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn sample_items() -> Vec<Item> {
    let later = MemberEntry {
        later_fields: Bytes::from_static(b"\x01later"),
        ..entry(2)
    };
    vec![
        Item::Member(entry(1)),
        Item::Member(later),
        Item::Layout(layout(300, 4)),
        Item::Fact(
            Bytes::from_static(b"cluster.n"),
            fact(0x1234_5678_9abc, 1, b"3"),
        ),
    ]
}

fn sample_keys() -> Vec<Key> {
    sample_items().iter().map(Item::key).collect()
}

fn samples() -> Vec<(&'static str, Message)> {
    let versions: BTreeMap<Key, u64> = sample_keys().into_iter().zip(7..).collect();
    let digest = Digest {
        from: Some(Key::Member(id(1))),
        until: Some(Key::Fact(Bytes::from_static(b"cluster.r"))),
        versions,
    };
    let delta = Delta {
        items: sample_items(),
        wanted: sample_keys(),
        resume: Some(Key::Layout(200)),
    };
    let admitted = JoinAnswer::Admitted {
        cluster: ClusterId(77),
        entry: Box::new(entry(3)),
    };
    let refusal = Refusal::NameTaken {
        name: "n1".to_owned(),
    };
    vec![
        (
            include_str!("../../../tests/fixtures/gossip_v1_summary.hex"),
            Message::Summary(0xfeed),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_digest.hex"),
            Message::Digest(digest),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_delta.hex"),
            Message::Delta(delta),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_items.hex"),
            Message::Items(sample_items()),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_ask.hex"),
            Message::Ask(entry(3)),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_admitted.hex"),
            Message::Answer(admitted),
        ),
        (
            include_str!("../../../tests/fixtures/gossip_v1_refused.hex"),
            Message::Answer(JoinAnswer::Refused(refusal)),
        ),
    ]
}

#[test]
fn messages_of_version_1_open_and_are_written_the_same() {
    for (hex, message) in samples() {
        assert_eq!(to_hex(&message.encode()), hex.trim(), "{message:?}");
        assert_eq!(Message::decode(&from_hex(hex)), Ok(message));
    }
}

fn sample_state(items: &[Item]) -> Persisted {
    let mut state = State::default();
    for item in items {
        state.merge_item(item.clone());
    }
    Persisted {
        cluster: ClusterId(77),
        node: id(1),
        state,
    }
}

#[test]
fn a_saved_state_of_version_1_opens_and_is_written_the_same() {
    let hex = include_str!("../../../tests/fixtures/membership_v1.hex");
    let saved = sample_state(&sample_items());
    assert_eq!(to_hex(&saved.encode()), hex.trim());
    assert_eq!(Persisted::decode(&from_hex(hex)), Ok(saved));
}

#[test]
fn every_refusal_travels() {
    let refusals = [
        Refusal::HoldsRecords,
        Refusal::NameTaken {
            name: "n1".to_owned(),
        },
        Refusal::Removed,
        Refusal::Full,
        Refusal::Malformed,
        Refusal::Other {
            code: 200,
            text: "zone unknown".to_owned(),
        },
    ];
    for refusal in refusals {
        assert!(!refusal.text().is_empty());
        let message = Message::Answer(JoinAnswer::Refused(refusal));
        assert_eq!(Message::decode(&message.encode()), Ok(message));
    }
    let waiting = Message::Answer(JoinAnswer::Waiting);
    assert_eq!(Message::decode(&waiting.encode()), Ok(waiting));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    let long = MemberEntry {
        zone: "z".repeat(MAX_TEXT_BYTES + 1),
        ..entry(1)
    };
    let nameless = MemberEntry {
        name: String::new(),
        ..entry(1)
    };
    for wrong in [long, nameless] {
        let bytes = Message::Ask(wrong).encode();
        assert_eq!(Message::decode(&bytes), Err(CodecError::TooLarge));
    }
    let huge = vec![1; MAX_MESSAGE_BYTES + 1];
    assert_eq!(Message::decode(&huge), Err(CodecError::TooLarge));
    // Items out of order, and twice.
    let mut items = sample_items();
    items.reverse();
    let bytes = Message::Items(items).encode();
    assert_eq!(Message::decode(&bytes), Err(CodecError::NotCanonical));
    let twice = vec![Item::Member(entry(1)), Item::Member(entry(1))];
    let bytes = Message::Items(twice).encode();
    assert_eq!(Message::decode(&bytes), Err(CodecError::NotCanonical));
    // A count without its items allocates nothing.
    let bytes = [1, 4, 0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(Message::decode(&bytes), Err(CodecError::Truncated));
    assert_eq!(Message::decode(&[0, 1]), Err(CodecError::UnknownFormat(0)));
    assert_eq!(Message::decode(&[1, 99]), Err(CodecError::Unknown));
}

/// Version 2, as it may come to be: members have a field more, messages end in one more, and there is a
/// kind of item more.
mod version_2 {
    use super::{Bytes, Item, MemberEntry, Message};

    /// A member of version 2: one of version 1, and how many cores the node has.
    pub(super) fn member(entry: MemberEntry, cores: u8) -> MemberEntry {
        MemberEntry {
            later_fields: Bytes::copy_from_slice(&[cores]),
            ..entry
        }
    }

    pub(super) fn cores(entry: &MemberEntry) -> Option<u8> {
        entry.later_fields.first().copied()
    }

    /// A message as version 2 writes it, with a new field at its end.
    pub(super) fn encode(message: &Message, urgency: u8) -> Vec<u8> {
        let mut bytes = message.encode();
        bytes[0] = 2;
        bytes.push(urgency);
        bytes
    }

    /// Items as version 2 writes them, one of a kind that version 1 does not have among them.
    pub(super) fn encode_with_new_kind(items: &[Item]) -> Vec<u8> {
        let mut bytes = Message::Items(items.to_vec()).encode();
        bytes[0] = 2;
        bytes[2] += 1;
        bytes.extend_from_slice(&[4, 9, b'n', b'e', b'w']);
        bytes
    }

    /// A message as version 2 reads it: the new field is 0 when version 1 wrote it.
    pub(super) fn decode(bytes: &[u8]) -> (Message, u8) {
        match bytes.split_last() {
            Some((&urgency, head)) if bytes[0] == 2 => {
                let mut head = head.to_vec();
                head[0] = 1;
                (Message::decode(&head).unwrap(), urgency)
            }
            _ => (Message::decode(bytes).unwrap(), 0),
        }
    }
}

#[test]
fn version_1_reads_version_2_and_the_other_way() {
    for (_, message) in samples() {
        let newer = version_2::encode(&message, 5);
        assert_eq!(Message::decode(&newer), Ok(message.clone()));
        assert_eq!(version_2::decode(&newer), (message.clone(), 5));
        assert_eq!(version_2::decode(&message.encode()), (message.clone(), 0));
        // In version 1 itself the same byte is left over.
        let mut left_over = message.encode();
        left_over.push(5);
        assert_eq!(Message::decode(&left_over), Err(CodecError::NotCanonical));
    }
    let items = sample_items();
    let newer = version_2::encode_with_new_kind(&items);
    assert_eq!(Message::decode(&newer), Ok(Message::Items(items)));
}

#[test]
fn version_1_carries_the_fields_of_version_2_along() {
    let newer = version_2::member(entry(1), 16);
    let Ok(Message::Items(items)) = Message::decode(&version_2::encode(
        &Message::Items(vec![Item::Member(newer)]),
        5,
    )) else {
        panic!("a message of items")
    };
    // The node of version 1 joins it with what it had from before the upgrade, and passes it on.
    let mut state = State::default();
    state.merge_item(Item::Member(entry(1)));
    for item in items {
        state.merge_item(item);
    }
    let bytes = Message::Items(state.items().collect()).encode();
    let (Message::Items(items), _) = version_2::decode(&bytes) else {
        panic!("a message of items")
    };
    let Some(Item::Member(entry)) = items.first() else {
        panic!("a member")
    };
    assert_eq!(version_2::cores(entry), Some(16));
}

proptest! {
    #[test]
    fn states_and_messages_survive_the_trip(items in any_items()) {
        let saved = sample_state(&items);
        prop_assert_eq!(Persisted::decode(&saved.encode()), Ok(saved.clone()));
        let message = Message::Items(saved.state.items().collect());
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        let message = Message::Digest(saved.state.digest(None));
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn anything_may_come_and_has_one_spelling(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        sample in 0..7usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        // Pure noise, and messages that were damaged.
        let mut damaged = samples()[sample].1.encode();
        for (at, byte) in flips {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        for bytes in [bytes, damaged] {
            if let Ok(message) = Message::decode(&bytes)
                && bytes[0] == 1
            {
                prop_assert_eq!(message.encode(), bytes.clone());
            }
            if let Ok(saved) = Persisted::decode(&bytes) {
                prop_assert_eq!(saved.encode(), bytes);
            }
        }
    }

    #[test]
    fn a_cut_message_is_truncated(sample in 0..7usize, at in any::<prop::sample::Index>()) {
        let bytes = samples()[sample].1.encode();
        let cut = at.index(bytes.len());
        prop_assert!(Message::decode(&bytes[..cut]).is_err());
    }
}
