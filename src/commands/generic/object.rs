//! OBJECT: what a value is inside. Our values have one form; the answers are those that Redis would
//! give for the same bytes.

use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::resp::Argv;
use crate::resp::number::parse_i64;

/// Redis keeps strings up to this length in one allocation with their object.
const EMBEDDED_MAX: usize = 44;

pub(super) fn object_encoding(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let encoding = match context.keys.peek(argv.get(2).unwrap_or_default())? {
        None => {
            context.reply.null();
            return Ok(Flow::Done);
        }
        Some(shown) if shown.value.len() <= 20 && parse_i64(shown.value).is_some() => "int",
        Some(shown) if shown.value.len() <= EMBEDDED_MAX => "embstr",
        Some(_) => "raw",
    };
    context.reply.bulk(encoding.as_bytes());
    Ok(Flow::Done)
}

pub(super) fn object_refcount(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    match context.keys.peek(argv.get(2).unwrap_or_default())? {
        None => context.reply.null(),
        // Redis shares small integers between keys and says so.
        Some(shown) if parse_i64(shown.value).is_some_and(|n| (0..10_000).contains(&n)) => {
            context.reply.integer(i64::from(i32::MAX));
        }
        Some(_) => context.reply.integer(1),
    }
    Ok(Flow::Done)
}

pub(super) fn object_idletime(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if !context.keys.exists(argv.get(2).unwrap_or_default())? {
        context.reply.null();
        return Ok(Flow::Done);
    }
    if context.node.keyspace.eviction.policy().counts_frequency() {
        return Err(CommandError::text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    usage(context, argv, |(idle, _)| idle)
}

pub(super) fn object_freq(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if !context.keys.exists(argv.get(2).unwrap_or_default())? {
        context.reply.null();
        return Ok(Flow::Done);
    }
    if !context.node.keyspace.eviction.policy().counts_frequency() {
        return Err(CommandError::text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
             that when switching between policies at runtime LRU and LFU data will take some time \
             to adjust.",
        ));
    }
    usage(context, argv, |(_, frequency)| frequency)
}

fn usage(
    context: &mut Context<'_>,
    argv: Argv<'_>,
    which: impl FnOnce((u32, u32)) -> u32,
) -> Outcome {
    let key = argv.get(2).unwrap_or_default();
    let exists = context.keys.exists(key)?;
    match context.keys.usage(key).filter(|_| exists) {
        None => context.reply.null(),
        Some(usage) => context.reply.integer(i64::from(which(usage))),
    }
    Ok(Flow::Done)
}

pub(super) fn object_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    const HELP: &[&str] = &[
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
        "HELP",
        "    Print this help.",
    ];
    context.reply.array(HELP.len());
    HELP.iter().for_each(|line| context.reply.simple(line));
    Ok(Flow::Done)
}
