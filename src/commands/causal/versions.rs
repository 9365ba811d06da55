//! GETVERSIONS MGETVERSIONS PUTCTX DELCTX (design, section 5): reply shapes are the same arrays in
//! RESP2 and RESP3, and a key that is missing is an empty answer, never nil.

use std::sync::atomic::Ordering::Relaxed;

use crate::commands::args::Args;
use crate::commands::string::{Until, until};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Refusal;
use crate::record::{Kind, Record, Version};
use crate::resp::Argv;
use crate::types::WallMs;
use crate::version::{ContextKey, History, decode_context, encode_context, lww_order};

/// The token of a history of this key.
fn token(context: &Context<'_>, key: &[u8], history: &History) -> String {
    let keyspace = &context.node.keyspace;
    let actors = keyspace.actors.lock();
    let secret = ContextKey(keyspace.context_key);
    encode_context(history, context.keys.database, key, &actors, &secret)
}

/// The history that a client's token stands for; a foreign or forged one changes nothing.
fn seen(context: &Context<'_>, key: &[u8], token: &[u8]) -> Result<History, CommandError> {
    let keyspace = &context.node.keyspace;
    let secret = ContextKey(keyspace.context_key);
    // An actor that is new here is kept before a record names it; a log that has failed takes no
    // write that would.
    let intern = |actor| {
        let kept = context.node.intern_actor(actor);
        kept.unwrap_or_else(|_| keyspace.actors.lock().intern(actor).0)
    };
    decode_context(token, context.keys.database, key, &secret, intern).map_err(|error| {
        keyspace.sums.contexts_rejected.fetch_add(1, Relaxed);
        CommandError::from(format!("BADCTX {error}"))
    })
}

/// The versions whose values may be seen, the one that GET shows first.
fn shown(context: &Context<'_>, record: &Record) -> Vec<Version> {
    let actors = context.node.keyspace.actors.lock();
    let mut versions: Vec<Version> = record.live_siblings(context.keys.now).cloned().collect();
    versions.sort_by(|a, b| lww_order((b.stamp, b.dot), (a.stamp, a.dot), &actors));
    versions
}

fn write_versions(context: &mut Context<'_>, key: &[u8], record: &Record, history: &History) {
    let token = token(context, key, history);
    let versions = shown(context, record);
    context.reply.array(2);
    context.reply.bulk(token.as_bytes());
    context.reply.array(versions.len());
    for version in versions {
        context
            .reply
            .bulk(version.value.as_deref().unwrap_or_default());
    }
}

/// Every version with what is known of it, tombstones too.
fn write_meta(context: &mut Context<'_>, key: &[u8], record: &Record, history: &History) {
    let token = token(context, key, history);
    let now = context.keys.now;
    let mut versions = shown(context, record);
    let dead = record
        .siblings()
        .iter()
        .filter(|version| !version.is_live(now));
    versions.extend(dead.cloned());
    context.reply.array(2);
    context.reply.bulk(token.as_bytes());
    context.reply.array(versions.len());
    for version in versions {
        let actor = context.node.keyspace.actors.lock().actor(version.dot.actor);
        let actor = actor.map_or_else(String::new, |actor| actor.to_string());
        let live = version.is_live(now);
        let ttl = match version.expiry {
            Some(at) => at.0.saturating_sub(now.0) as i64,
            None => -1,
        };
        let reply = &mut context.reply;
        reply.map(6);
        reply.bulk(b"value");
        match version.value.as_deref().filter(|_| live) {
            Some(value) => reply.bulk(value),
            None => reply.null(),
        }
        reply.bulk(b"dot");
        reply.bulk(format!("{actor}:{}", version.dot.hlc.0).as_bytes());
        reply.bulk(b"hlc");
        reply.integer(version.stamp.0 as i64);
        reply.bulk(b"actor");
        reply.bulk(actor.as_bytes());
        reply.bulk(b"ttl");
        reply.integer(ttl);
        reply.bulk(b"tombstone");
        reply.integer(i64::from(!live));
    }
}

/// A key's record, and the context that goes with it.
fn read(context: &mut Context<'_>, key: &[u8]) -> Result<(Record, History), CommandError> {
    let record = context.keys.record(key)?;
    if record.cells().iter().any(|cell| cell.kind != Kind::String) {
        return Err(Refusal::WrongType.into());
    }
    let history = record.context(&context.node.keyspace.floor.load());
    Ok((record, history))
}

pub(super) fn getversions(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let key = args.bytes()?;
    let mut meta = false;
    while !args.is_done() {
        if args.take("WITHMETA") {
            meta = true;
        } else if !args.take("LOCAL") {
            return Err(CommandError::Syntax);
        }
    }
    let (record, history) = read(context, key)?;
    if meta {
        write_meta(context, key, &record, &history);
    } else {
        write_versions(context, key, &record, &history);
    }
    Ok(Flow::Done)
}

pub(super) fn mgetversions(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    context.reply.array(argv.len() - 1);
    for key in argv.from(1).iter() {
        let (record, history) = read(context, key)?;
        write_versions(context, key, &record, &history);
    }
    Ok(Flow::Done)
}

pub(super) fn putctx(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, token, value) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let (mut named, mut keep, mut full) = (None, false, false);
    while !args.is_done() {
        if args.take("RETURN") {
            full = true;
        } else if named.is_none() && args.take("KEEPTTL") {
            keep = true;
        } else if named.is_none()
            && !keep
            && let Some(until) = Until::take(&mut args)?
        {
            named = Some(until);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    let expiry = match named {
        Some((unit, amount)) => Some(until(unit, amount, context.keys.now, "putctx")?),
        None if keep => match context.keys.peek(key)? {
            Some(shown) => shown.expiry,
            None => context.keys.policy_expiry(key),
        },
        None => context.keys.policy_expiry(key),
    };
    write(context, key, token, Some(value), expiry, full)
}

pub(super) fn delctx(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, token) = (args.bytes()?, args.bytes()?);
    let full = args.take("RETURN");
    args.finish()?;
    write(context, key, token, None, None, full)
}

fn write(
    context: &mut Context<'_>,
    key: &[u8],
    token_bytes: &[u8],
    value: Option<&[u8]>,
    expiry: Option<WallMs>,
    full: bool,
) -> Outcome {
    let seen = seen(context, key, token_bytes)?;
    let (record, dot) = context.keys.write_with_context(key, &seen, value, expiry)?;
    let floor = context.node.keyspace.floor.load();
    if full {
        let history = record.context(&floor);
        write_versions(context, key, &record, &history);
        return Ok(Flow::Done);
    }
    let returned = record.returned_context(&seen, dot, &floor);
    let token = token(context, key, &returned);
    let siblings = record.live_siblings(context.keys.now).count();
    context.reply.array(2);
    context.reply.bulk(token.as_bytes());
    context.reply.integer(siblings as i64);
    Ok(Flow::Done)
}
