//! Tests of the seat: whole effect lists, the codec, and a model of clusters under faults, with
//! planted bugs that the model must find.

mod codec;
mod lists;
mod model;
mod scenarios;
mod sim;

use crate::types::NodeId;

/// A bug planted in the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Correct.
    None,
    /// Answers a claim with a yield and goes on as if it had not.
    ServeAfterYield,
    /// Takes a start for a clean slate: what was promised before may be broken.
    TrustAfterRestart,
}

/// The node of a small number.
fn node(id: u8) -> NodeId {
    NodeId(u128::from(id))
}

/// A table whose partition `p` is owned by nodes p + 1, p + 2, ... of `nodes`, `n` of them.
fn table(partitions: u16, nodes: u8, n: u8) -> Vec<Vec<NodeId>> {
    let owners = |p: u16| {
        let places = (0..n).map(move |i| (p as u8 % nodes + i) % nodes + 1);
        places.map(node).collect()
    };
    (0..partitions).map(owners).collect()
}
