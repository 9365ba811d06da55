//! RING: what an operator asks about the cluster. Every answer is this node's own view of this moment;
//! none of these asks another node.

mod cut;
mod explain;
mod status;
mod table;

pub(super) use table::COMMANDS;

use crate::node::view::{Known, NodeIndex, View};
use crate::resp::Reply;
use crate::types::{NodeId, WallMs};

/// A node's name; its id where it has none yet.
fn name(known: &Known) -> String {
    if known.name.is_empty() {
        known.id.to_string()
    } else {
        known.name.clone()
    }
}

fn name_at(view: &View, index: NodeIndex) -> String {
    view.node(index).map_or_else(String::new, name)
}

/// Of a node that may not be in the view any more.
fn name_of(view: &View, id: NodeId) -> String {
    let known = view.nodes.iter().find(|known| known.id == id);
    known.map_or_else(|| id.to_string(), name)
}

fn text(reply: &mut Reply<'_>, field: &str, value: &str) {
    reply.bulk(field.as_bytes());
    reply.bulk(value.as_bytes());
}

fn number(reply: &mut Reply<'_>, field: &str, value: u64) {
    reply.bulk(field.as_bytes());
    reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
}

fn texts(reply: &mut Reply<'_>, field: &str, values: &[String]) {
    reply.bulk(field.as_bytes());
    reply.array(values.len());
    values.iter().for_each(|value| reply.bulk(value.as_bytes()));
}

fn age_ms(now: WallMs, since: WallMs) -> u64 {
    now.0.saturating_sub(since.0)
}

#[cfg(test)]
mod tests;
