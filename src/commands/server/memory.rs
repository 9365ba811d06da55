//! MEMORY.

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::resp::Argv;

pub(super) fn memory_usage(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 3);
    while !args.is_done() {
        if !(args.left() >= 2 && args.take("SAMPLES")) {
            return Err(CommandError::Syntax);
        }
        if integer(args.bytes()?)? < 0 {
            return Err(CommandError::Syntax);
        }
    }
    let key = argv.get(2).unwrap_or_default();
    let exists = context.keys.exists(key)?;
    match context.keys.memory(key).filter(|_| exists) {
        Some(bytes) => context.reply.integer(bytes as i64),
        None => context.reply.null(),
    }
    Ok(Flow::Done)
}

pub(super) fn memory_doctor(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let used = crate::node::memory::figures(context.node).table;
    let storage = &context.node.config.load().storage;
    let (bound, setting) = if context.node.is_logged() {
        (storage.cache_bytes, "storage.cache_bytes")
    } else {
        (storage.max_memory, "storage.max_memory")
    };
    let text = if bound == 0 {
        format!("The table holds {used} bytes of records and has no bound: see {setting}.")
    } else if used <= bound {
        format!("The table is within its bound: {used} of {bound} bytes ({setting}).")
    } else {
        format!(
            "The table holds {used} bytes of records, more than {setting} = {bound}: what it may \
             evict does not suffice, or eviction has not come to it yet. See INFO dynamo."
        )
    };
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Flow::Done)
}

pub(super) fn memory_malloc_stats(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let figures = crate::node::memory::figures(context.node);
    let text = format!(
        "allocated {} active {} resident {}\n",
        figures.allocated, figures.active, figures.resident
    );
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Flow::Done)
}

/// The allocator gives pages back by itself; there is nothing to hurry.
pub(super) fn memory_purge(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn memory_stats(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let figures = crate::node::memory::figures(context.node);
    let keys: u64 = context
        .keys
        .summaries()
        .iter()
        .map(|(_, summary)| summary.keys)
        .sum();
    let rows = [
        ("peak.allocated", figures.peak),
        ("total.allocated", figures.allocated),
        ("startup.allocated", 0),
        ("keys.count", keys),
        ("dataset.bytes", figures.table),
        ("allocator.allocated", figures.allocated),
        ("allocator.active", figures.active),
        ("allocator.resident", figures.resident),
    ];
    context.reply.map(rows.len());
    for (name, value) in rows {
        context.reply.bulk(name.as_bytes());
        context.reply.integer(value as i64);
    }
    Ok(Flow::Done)
}

pub(super) fn memory_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "memory")
}
