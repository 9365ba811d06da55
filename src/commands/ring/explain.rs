//! RING OWNERS EXPLAIN: one key, from its slot to this node's record of it.

use super::{age_ms, name_at, name_of, number, text, texts};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::handoff::OfKey;
use crate::node::view::{NodeIndex, Route, View};
use crate::record::{Record, Version};
use crate::resp::{Argv, Reply};
use crate::types::{NodeId, WallMs, slot_of};
use crate::version::ActorTable;

pub(super) fn owners(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(2).ok_or(CommandError::Syntax)?;
    let view = context.node.view.load_full();
    let route = view.route(context.node.keyspace.place(key).partition);
    context.reply.array(route.owners.len());
    for owner in &route.owners {
        context.reply.bulk(name_at(&view, *owner).as_bytes());
    }
    Ok(Flow::Done)
}

pub(super) fn explain(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(2).ok_or(CommandError::Syntax)?;
    let record = context.keys.record(key)?;
    let node = context.node;
    let view = node.view.load_full();
    let place = node.keyspace.place(key);
    let route = view.route(place.partition);
    let ids: Vec<NodeId> = view.nodes.iter().map(|known| known.id).collect();
    let database = context.keys.database;
    let kept = node.keyspace.handoff.kept_of(&ids, database, key, place);
    let now = context.keys.now;
    let reply = &mut context.reply;
    reply.map(12);
    reply.bulk(b"key");
    reply.bulk(key);
    number(reply, "slot", u64::from(slot_of(key).0));
    number(reply, "partition", u64::from(place.partition.0));
    text(reply, "token", &format!("{:016x}", place.token.0));
    number(reply, "layout", view.layout);
    let names = |all: &[NodeIndex]| -> Vec<String> {
        all.iter().map(|index| name_at(&view, *index)).collect()
    };
    texts(reply, "owners", &names(&route.owners));
    reply.bulk(b"seat");
    match route.seat {
        Some(seat) => reply.bulk(name_at(&view, seat).as_bytes()),
        None => reply.null(),
    }
    targets(reply, &view, route);
    texts(reply, "nobody_stands_in_for", &names(&route.missed));
    text(reply, "node", &name_at(&view, NodeIndex::ME));
    reply.bulk(b"record");
    describe(reply, &record, &node.keyspace.actors.lock(), now);
    reply.bulk(b"kept");
    owed(reply, &view, &kept, now);
    Ok(Flow::Done)
}

/// Where a write coordinated by this node would go beside its own table.
fn targets(reply: &mut Reply<'_>, view: &View, route: &Route) {
    reply.bulk(b"targets");
    reply.array(route.targets.len());
    for target in &route.targets {
        let to = name_at(view, target.to);
        let said = match target.stands_for {
            Some(owner) => format!("{to} in place of {}", name_at(view, owner)),
            None => to,
        };
        reply.bulk(said.as_bytes());
    }
}

fn describe(reply: &mut Reply<'_>, record: &Record, actors: &ActorTable, now: WallMs) {
    let named = |index| {
        let actor = actors.actor(index);
        actor.map_or_else(String::new, |actor| actor.to_string())
    };
    reply.map(2);
    let history: Vec<String> = record
        .history()
        .iter()
        .map(|(actor, interval)| {
            let actor = named(actor);
            if interval.from.0 == 0 {
                format!("{actor}:{}", interval.to.0)
            } else {
                format!("{actor}:{}-{}", interval.from.0, interval.to.0)
            }
        })
        .collect();
    texts(reply, "history", &history);
    let winner = record.winner(actors).map(|version| version.dot);
    let versions: Vec<&Version> = record.cells().iter().flat_map(|c| &c.versions).collect();
    reply.bulk(b"siblings");
    reply.array(versions.len());
    for version in versions {
        reply.map(6);
        let dot = version.dot;
        text(reply, "dot", &format!("{}:{}", named(dot.actor), dot.hlc.0));
        number(reply, "age_ms", age_ms(now, dot.hlc.wall()));
        let bytes = version.value.as_ref().map_or(0, |value| value.len() as u64);
        number(reply, "bytes", bytes);
        reply.bulk(b"ttl_ms");
        reply.integer(
            version
                .expiry
                .map_or(-1, |at| at.0.saturating_sub(now.0) as i64),
        );
        number(reply, "tombstone", u64::from(version.value.is_none()));
        number(reply, "shown", u64::from(winner == Some(dot)));
    }
}

/// Hints that this node keeps of the key, and owners that it knows to lack it.
fn owed(reply: &mut Reply<'_>, view: &View, kept: &OfKey, now: WallMs) {
    reply.map(2);
    let hints: Vec<String> = kept
        .hints
        .iter()
        .map(|(owner, bytes, taken)| {
            let age = age_ms(now, taken.wall());
            format!("{}: {bytes} bytes, {age} ms old", name_of(view, *owner))
        })
        .collect();
    texts(reply, "hints_for", &hints);
    let missed: Vec<String> = kept.missed.iter().map(|id| name_of(view, *id)).collect();
    texts(reply, "missed_by", &missed);
}
