//! Tests of hints: whole effect lists, the codec and its fixtures, and a model with random
//! failures, layouts and restarts.

mod codec;
mod model;
mod scenarios;

use bytes::Bytes;
use smallvec::smallvec;

use super::*;
use crate::record::{Cell, Kind, Record, Version, encode};
use crate::types::{ActorIndex, MonoMs, WallMs};
use crate::version::{Dot, History};

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);
const D: NodeId = NodeId(4);

const LAYOUT: u64 = 7;

fn dot(hlc: u64) -> Dot {
    Dot::new(ActorIndex(0), Hlc(hlc))
}

/// A record that knows of one write only.
fn record(hlc: u64, value: &str) -> Bytes {
    let mut history = History::default();
    history.insert_dot(dot(hlc));
    let cell = Cell {
        kind: Kind::String,
        element: Bytes::new(),
        versions: smallvec![Version {
            dot: dot(hlc),
            stamp: Hlc(hlc),
            expiry: None,
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
        }],
    };
    let mut bytes = Vec::new();
    encode(&Record::from_parts(history, vec![cell]), &mut bytes);
    bytes.into()
}

fn at_ms(ms: u64) -> Hlc {
    Hlc::from_wall(WallMs(ms))
}

fn hint(owner: NodeId, key: &str, hlc: u64) -> Hint {
    Hint {
        owner,
        partition: PartitionId(0),
        database: Database(0),
        token: Token(77),
        key: Bytes::copy_from_slice(key.as_bytes()),
        record: record(hlc, "v"),
        layout: LAYOUT,
        taken: at_ms(1_000),
    }
}

fn owners(layout: u64, nodes: &[NodeId]) -> Owners {
    Owners::new(layout, [nodes.to_vec()])
}

fn limits() -> HintLimits {
    HintLimits {
        max_bytes: 1 << 20,
        window_bytes: 1 << 20,
        alarm_age_ms: 60_000,
    }
}

fn book() -> HintBook {
    HintBook::new(limits(), owners(LAYOUT, &[A, B, C]))
}

fn stored(taken: Taken) -> Entry {
    match taken {
        Taken::Stored(entry) => entry,
        Taken::Refused(why) => panic!("refused: {why:?}"),
    }
}

fn step(book: &mut HintBook, now: u64, input: Input) -> Vec<Effect> {
    let mut effects = Vec::new();
    book.step(MonoMs(now), input, &mut effects);
    effects
}

fn deliver(delivery: u64, to: NodeId, hint: &Hint) -> Effect {
    Effect::Deliver {
        delivery: Delivery(delivery),
        to,
        hint: hint.clone(),
    }
}

fn delivered(delivery: u64, to: NodeId) -> Input {
    Input::Delivered {
        delivery: Delivery(delivery),
        to,
    }
}

fn failed(delivery: u64, to: NodeId) -> Input {
    Input::Failed {
        delivery: Delivery(delivery),
        to,
    }
}

fn remove(hint: &Hint, version: u64) -> Effect {
    Effect::Remove(Removed {
        owner: hint.owner,
        partition: hint.partition,
        database: hint.database,
        token: hint.token,
        key: hint.key.clone(),
        version,
    })
}
