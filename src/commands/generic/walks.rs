//! SCAN KEYS RANDOMKEY: walks over the keyspace. When keys may be in the tree only, the walk runs on a
//! thread where it may block, and the connection waits.

use crate::commands::args::{Args, integer};
use crate::commands::context::Walk;
use crate::commands::{CommandError, Context, Flow, Outcome, Wait};
use crate::glob;
use crate::node::durable::Durable;
use crate::node::view::View;
use crate::node::{Locked, Node, Stage};
use crate::resp::{Argv, Reply};
use crate::types::{Database, PartitionId, WallMs};

/// Keys that a step of KEYS gathers under one lock.
const KEYS_STEP: usize = 1_000;

/// SCAN's COUNT when none is given.
const SCAN_COUNT: usize = 10;

pub(super) fn randomkey(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    walk(context, Walk::RandomKey)
}

pub(super) fn keys(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    walk(
        context,
        Walk::Keys {
            pattern: argv.get(1).unwrap_or_default().to_vec(),
        },
    )
}

pub(super) fn scan(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let cursor =
        cursor(argv.get(1).unwrap_or_default()).ok_or(CommandError::text("ERR invalid cursor"))?;
    let (mut pattern, mut kind, mut count) = (None, None, SCAN_COUNT);
    let mut args = Args::new(argv, 2);
    while !args.is_done() {
        if args.take("MATCH") {
            pattern = Some(args.bytes()?.to_vec());
        } else if args.take("TYPE") {
            kind = Some(args.bytes()?.to_vec());
        } else if args.take("COUNT") {
            let wanted = integer(args.bytes()?)?;
            count = usize::try_from(wanted)
                .ok()
                .filter(|n| *n > 0)
                .ok_or(CommandError::Syntax)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    walk(
        context,
        Walk::Scan {
            cursor,
            pattern,
            kind,
            count,
        },
    )
}

/// As `strtoul` reads it: a sign is allowed, and a negative cursor is one far behind the end.
fn cursor(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        // Redis takes the empty text for 0.
        return text.is_empty().then_some(0);
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    Some(if negative {
        number.wrapping_neg()
    } else {
        number
    })
}

fn walk(context: &mut Context<'_>, walk: Walk) -> Outcome {
    if context.node.may_be_cold() && context.keys.is_unlocked() {
        return Ok(Flow::Wait(Wait::Walk {
            walk,
            database: context.keys.database,
        }));
    }
    let durable = context
        .node
        .durable
        .as_deref()
        .filter(|_| context.node.may_be_cold());
    let view = context.node.view.load();
    run(&walk, &mut context.keys, durable, &view, &mut context.reply);
    Ok(Flow::Done)
}

/// Runs a walk on a thread where it may block, and gives its reply.
pub fn run_blocking(
    node: &Node,
    walk: &Walk,
    database: Database,
    now: WallMs,
    reply: &mut Reply<'_>,
) {
    let mut stage = Stage::new(node.is_logged());
    let mut locked = Locked::new(&node.keyspace, database, now, &mut stage);
    let view = node.view.load();
    run(walk, &mut locked, node.durable.as_deref(), &view, reply);
}

/// KEYS and SCAN take `*` for every key, the empty one too.
fn fits(pattern: &[u8], key: &[u8]) -> bool {
    pattern == b"*" || glob::matches(pattern, key)
}

/// Over what this node owns: the walk of a cluster goes from one to the next.
fn run(
    walk: &Walk,
    locked: &mut Locked<'_>,
    durable: Option<&Durable>,
    view: &View,
    reply: &mut Reply<'_>,
) {
    let mine = |id: PartitionId| view.route(id).mine;
    match walk {
        Walk::RandomKey => match locked.random_key(durable, &mine) {
            Some(key) => reply.bulk(&key),
            None => reply.null(),
        },
        Walk::Keys { pattern } => {
            let mut found = Vec::new();
            let mut cursor = 0;
            loop {
                let step = locked.scan(cursor, KEYS_STEP, durable);
                found.extend(step.keys.into_iter().filter(|key| fits(pattern, key)));
                cursor = step.cursor;
                if cursor == 0 {
                    break;
                }
            }
            reply.array(found.len());
            found.iter().for_each(|key| reply.bulk(key));
        }
        Walk::Scan {
            cursor,
            pattern,
            kind,
            count,
        } => {
            let mut step = locked.scan_of(*cursor, *count, durable, &mine);
            if let Some(pattern) = pattern {
                step.keys.retain(|key| fits(pattern, key));
            }
            if let Some(kind) = kind {
                // Collections come with their commands; until then every key is a string.
                let strings = kind.eq_ignore_ascii_case(b"string");
                step.keys.retain(|_| strings);
            }
            reply.array(2);
            reply.bulk(step.cursor.to_string().as_bytes());
            reply.array(step.keys.len());
            step.keys.iter().for_each(|key| reply.bulk(key));
        }
    }
}
