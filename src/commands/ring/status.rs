//! RING STATUS MAP HINTS: the whole cluster at a glance.

use std::collections::BTreeMap;

use super::{age_ms, name, name_at, name_of, number, text, texts};
use crate::commands::{Context, Flow, Outcome};
use crate::node::handoff::Kept;
use crate::node::view::{Known, NodeIndex, View};
use crate::resp::{Argv, Reply};
use crate::types::{NodeId, SLOTS};

/// Partitions owned and seated, by node.
fn shares(view: &View) -> Vec<(u64, u64)> {
    let mut shares = vec![(0, 0); view.nodes.len()];
    let mut add = |index: NodeIndex, owned, seated| {
        if let Some(share) = shares.get_mut(usize::from(index.0)) {
            *share = (share.0 + owned, share.1 + seated);
        }
    };
    for route in &view.routes {
        route.owners.iter().for_each(|owner| add(*owner, 1, 0));
        if let Some(seat) = route.seat {
            add(seat, 0, 1);
        }
    }
    shares
}

/// A quorum as it holds, and as it was asked for where the members are too few.
fn quorum(reply: &mut Reply<'_>, field: &str, holds: u8, asked: u8) {
    reply.bulk(field.as_bytes());
    if holds < asked {
        let said = format!("{holds} (clipped from {asked} by the members)");
        reply.bulk(said.as_bytes());
    } else {
        reply.integer(i64::from(holds));
    }
}

pub(super) fn status(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let node = context.node;
    let view = node.view.load_full();
    let cluster = &node.config.load().cluster;
    let kept = node.keyspace.handoff.kept();
    let sum = |of: fn(&Kept) -> u64| kept.values().map(of).sum::<u64>();
    let members = view.nodes.iter().filter(|known| known.member).count();
    let reachable = view
        .nodes
        .iter()
        .filter(|known| known.member && known.reachable);
    let unserved = view
        .routes
        .iter()
        .filter(|route| route.seat.is_none())
        .count();
    let shares = shares(&view);
    let reply = &mut context.reply;
    reply.map(14);
    text(reply, "node", &name_at(&view, NodeIndex::ME));
    text(reply, "cluster", &node.cluster.to_string());
    number(reply, "layout", view.layout);
    number(reply, "partitions", view.routes.len() as u64);
    number(reply, "members", members as u64);
    number(reply, "reachable", reachable.count() as u64);
    quorum(reply, "n", view.n, cluster.n);
    quorum(reply, "r", view.r, cluster.r);
    quorum(reply, "w", view.w, cluster.w);
    number(reply, "partitions_without_seat", unserved as u64);
    number(reply, "hints", sum(|kept| kept.hints));
    number(reply, "missed_keys", sum(|kept| kept.missed_keys));
    number(
        reply,
        "missed_partitions",
        sum(|kept| kept.missed_partitions),
    );
    reply.bulk(b"nodes");
    reply.array(view.nodes.len());
    for (index, known) in view.nodes.iter().enumerate() {
        let share = shares.get(index).copied().unwrap_or_default();
        let kept = kept.get(&known.id).copied().unwrap_or_default();
        one(reply, (index, known), share, kept);
    }
    Ok(Flow::Done)
}

fn one(
    reply: &mut Reply<'_>,
    (index, known): (usize, &Known),
    (owned, seated): (u64, u64),
    kept: Kept,
) {
    reply.map(10);
    text(reply, "name", &name(known));
    text(reply, "id", &known.id.to_string());
    text(reply, "zone", &known.zone);
    text(reply, "address", &known.client_address);
    text(reply, "peer_address", &known.peer_address);
    text(reply, "status", state(index, known));
    number(reply, "owned", owned);
    number(reply, "seated", seated);
    number(reply, "hints", kept.hints);
    number(reply, "missed", kept.missed_keys + kept.missed_partitions);
}

fn state(index: usize, known: &Known) -> &'static str {
    match (index, known.member, known.reachable) {
        (0, true, _) => "member, this node",
        (0, false, _) => "this node, owns nothing",
        (_, true, true) => "member, reachable",
        (_, true, false) => "member, unreachable",
        (_, false, true) => "owns nothing, reachable",
        (_, false, false) => "owns nothing, unreachable",
    }
}

pub(super) fn map(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let view = context.node.view.load_full();
    let reply = &mut context.reply;
    let width = usize::from(SLOTS) / view.routes.len().max(1);
    reply.array(view.routes.len());
    for (partition, route) in view.routes.iter().enumerate() {
        let names: Vec<String> = route
            .owners
            .iter()
            .map(|owner| name_at(&view, *owner))
            .collect();
        reply.map(4);
        number(reply, "partition", partition as u64);
        let first = partition * width;
        text(reply, "slots", &format!("{first}-{}", first + width - 1));
        texts(reply, "owners", &names);
        reply.bulk(b"seat");
        match route.seat {
            Some(seat) => reply.bulk(name_at(&view, seat).as_bytes()),
            None => reply.null(),
        }
    }
    Ok(Flow::Done)
}

pub(super) fn hints(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let node = context.node;
    let view = node.view.load_full();
    let kept: BTreeMap<NodeId, Kept> = node.keyspace.handoff.kept();
    let now = context.keys.now;
    let reply = &mut context.reply;
    reply.array(kept.len());
    for (owner, kept) in kept {
        reply.map(6);
        text(reply, "owner", &name_of(&view, owner));
        number(reply, "hints", kept.hints);
        number(reply, "bytes", kept.hint_bytes);
        let oldest = kept.oldest.map_or(0, |taken| age_ms(now, taken.wall()));
        number(reply, "oldest_age_ms", oldest);
        number(reply, "missed_keys", kept.missed_keys);
        number(reply, "missed_partitions", kept.missed_partitions);
    }
    Ok(Flow::Done)
}
