//! Tests of causality: histories against a naive set of dots, clocks, minting, contexts.

mod clock;
mod context;
mod history;

use super::{Dot, Interval};
use crate::types::{ActorIndex, Hlc};

fn dot(actor: u32, hlc: u64) -> Dot {
    Dot::new(ActorIndex(actor), Hlc(hlc))
}

fn interval(from: u64, to: u64) -> Interval {
    Interval {
        from: Hlc(from),
        to: Hlc(to),
    }
}
