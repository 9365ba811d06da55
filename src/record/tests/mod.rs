//! Tests of records: the laws of the merge, the codec and its fixtures, scenarios by name.

mod cluster;
mod codec;
mod laws;
mod oracle;
mod scenarios;
mod storm;

use bytes::Bytes;

use super::{Cell, Kind, Record, Version};
use crate::types::{ActorIndex, Hlc};
use crate::version::{Dot, History, Interval};

fn dot(actor: u32, hlc: u64) -> Dot {
    Dot::new(ActorIndex(actor), Hlc(hlc))
}

fn interval(from: u64, to: u64) -> Interval {
    Interval {
        from: Hlc(from),
        to: Hlc(to),
    }
}

fn history(intervals: &[(u32, u64, u64)]) -> History {
    intervals
        .iter()
        .map(|&(actor, from, to)| (ActorIndex(actor), interval(from, to)))
        .collect()
}

fn version(dot: Dot, value: &'static str) -> Version {
    Version {
        dot,
        stamp: dot.hlc,
        expiry: None,
        value: Some(Bytes::from_static(value.as_bytes())),
    }
}

fn cell(kind: Kind, element: &'static str, versions: &[Version]) -> Cell {
    Cell {
        kind,
        element: Bytes::from_static(element.as_bytes()),
        versions: versions.iter().cloned().collect(),
    }
}

fn string(history: History, versions: &[Version]) -> Record {
    Record::from_parts(history, vec![cell(Kind::String, "", versions)])
}
