//! SLOWLOG and LATENCY.

use crate::commands::args::integer;
use crate::commands::dispatch::wrong_subcommand;
use crate::commands::{CommandError, Context, Flow, Outcome, Registry, help};
use crate::resp::Argv;

pub(super) fn slowlog_get(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 3 {
        return Err(wrong_subcommand("SLOWLOG", argv.get(1).unwrap_or_default()));
    }
    let count = match argv.get(2) {
        None => 10,
        Some(count) => match integer(count)? {
            -1 => usize::MAX,
            count => usize::try_from(count).map_err(|_| {
                CommandError::text("ERR count should be greater than or equal to -1")
            })?,
        },
    };
    let entries = context.node.slowlog.newest(count);
    let reply = &mut context.reply;
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.integer(entry.id as i64);
        reply.integer(entry.at_seconds as i64);
        reply.integer(entry.micros as i64);
        reply.array(entry.arguments.len());
        entry
            .arguments
            .iter()
            .for_each(|argument| reply.bulk(argument));
        reply.bulk(entry.peer.as_bytes());
        reply.bulk(&entry.client_name);
    }
    Ok(Flow::Done)
}

pub(super) fn slowlog_len(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.integer(context.node.slowlog.len() as i64);
    Ok(Flow::Done)
}

pub(super) fn slowlog_reset(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.node.slowlog.reset();
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn slowlog_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "slowlog")
}

/// No event is sampled: as in Redis with its default `latency-monitor-threshold` of 0.
pub(super) fn latency_latest(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.array(0);
    Ok(Flow::Done)
}

pub(super) fn latency_history(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.array(0);
    Ok(Flow::Done)
}

pub(super) fn latency_reset(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.integer(0);
    Ok(Flow::Done)
}

pub(super) fn latency_graph(_context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let event = String::from_utf8_lossy(argv.get(2).unwrap_or_default()).into_owned();
    Err(format!("ERR No samples available for event '{event}'").into())
}

pub(super) fn latency_doctor(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.verbatim(
        "txt",
        b"No latency events are sampled. LATENCY HISTOGRAM has the durations of every command, \
          SLOWLOG GET the slowest.",
    );
    Ok(Flow::Done)
}

/// Durations of commands by power of two of microseconds.
pub(super) fn latency_histogram(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let registry = Registry::get();
    let wanted: Vec<String> = argv
        .from(2)
        .iter()
        .map(|name| String::from_utf8_lossy(name).to_lowercase())
        .collect();
    let workers = context.node.stats.workers();
    let mut rows = Vec::new();
    for command in registry.all() {
        let listed = wanted.is_empty()
            || wanted
                .iter()
                .any(|name| *name == command.full_name || command.container == Some(name.as_str()));
        if !listed {
            continue;
        }
        let of = usize::from(command.number);
        let all = || workers.iter().filter_map(|worker| worker.commands.get(of));
        let calls: u64 = all().map(|stats| stats.calls.get()).sum();
        if calls == 0 {
            continue;
        }
        let buckets: Vec<u64> = (0..24)
            .map(|bucket| {
                all()
                    .filter_map(|s| s.buckets.get(bucket))
                    .map(crate::node::stats::Counter::get)
                    .sum()
            })
            .collect();
        rows.push((&command.full_name, calls, buckets));
    }
    context.reply.map(rows.len());
    for (name, calls, buckets) in rows {
        let reply = &mut context.reply;
        reply.bulk(name.as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(calls as i64);
        reply.bulk(b"histogram_usec");
        let mut sum = 0;
        let filled: Vec<(u64, u64)> = buckets
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, count)| {
                sum += count;
                (1u64 << bucket, sum)
            })
            .collect();
        reply.map(filled.len());
        for (upper, cumulated) in filled {
            reply.integer(upper as i64);
            reply.integer(cumulated as i64);
        }
    }
    Ok(Flow::Done)
}

pub(super) fn latency_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "latency")
}
