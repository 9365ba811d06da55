//! Values that the tests share, plain and generated.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::membership::{Fact, Item, Layout, MemberEntry, Status};
use crate::types::{Actor, Hlc, NodeId};

/// The id of the node that the tests call `number`.
pub(super) fn id(number: u8) -> NodeId {
    NodeId(u128::from(number) << 120 | u128::from(number))
}

/// A member's entry, as the tests' nodes have them.
pub(super) fn entry(number: u8) -> MemberEntry {
    MemberEntry {
        id: id(number),
        first_seen: Hlc(u64::from(number) << 16),
        incarnation: 1,
        status: Status::Member,
        name: format!("n{number}"),
        zone: "default".to_owned(),
        capacity_thousandths: 1000,
        peer_address: format!("10.0.0.{number}:16379"),
        client_address: format!("10.0.0.{number}:6379"),
        http_address: format!("10.0.0.{number}:8379"),
        actor: Actor(u64::from(number)),
        later_fields: Bytes::new(),
    }
}

/// A fact said at a time by a node.
pub(super) fn fact(hlc: u64, by: u8, value: &'static [u8]) -> Fact {
    Fact {
        stamp: (Hlc(hlc), id(by)),
        value: Bytes::from_static(value),
    }
}

/// A layout whose hash starts with a byte.
pub(super) fn layout(number: u64, hash: u8) -> Layout {
    Layout {
        number,
        hash: [hash; 16],
        bytes: Bytes::copy_from_slice(&[hash, number as u8]),
    }
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Joining),
        Just(Status::Member),
        Just(Status::Leaving),
        Just(Status::Left),
        Just(Status::Lost),
    ]
}

/// Entries of few nodes with few values, so that they collide.
pub(super) fn any_entry() -> impl Strategy<Value = MemberEntry> {
    let who = (0..3u8, 0..3u64, 0..3u64, status());
    let what = (0..3u8, 0..2u32, 0..2u64, vec(any::<u8>(), 0..2));
    (who, what).prop_map(|((number, seen, incarnation, status), what)| MemberEntry {
        first_seen: Hlc(seen),
        incarnation,
        status,
        name: format!("n{}", what.0),
        capacity_thousandths: what.1,
        actor: Actor(what.2),
        later_fields: Bytes::from(what.3),
        ..entry(number)
    })
}

/// Items that collide, of every kind.
pub(super) fn any_item() -> impl Strategy<Value = Item> {
    let fact =
        (0..3u8, 0..3u64, 0..3u8, vec(any::<u8>(), 0..3)).prop_map(|(name, hlc, by, value)| {
            let stamp = (Hlc(hlc), id(by));
            let value = Bytes::from(value);
            Item::Fact(Bytes::from(vec![name]), Fact { stamp, value })
        });
    prop_oneof![
        any_entry().prop_map(Item::Member),
        fact,
        (0..6u64, 0..3u8).prop_map(|(number, hash)| Item::Layout(layout(number, hash))),
    ]
}

/// Some of them.
pub(super) fn any_items() -> impl Strategy<Value = Vec<Item>> {
    vec(any_item(), 0..12)
}
