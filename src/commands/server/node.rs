//! DBSIZE TIME ROLE MODULE ACL SAVE BGSAVE LASTSAVE FLUSHDB FLUSHALL MONITOR SHUTDOWN LOLWUT DEBUG.

use std::sync::Arc;
use std::time::Duration;

use crate::commands::args::{Args, double};
use crate::commands::dispatch::unknown_subcommand;
use crate::commands::{CommandError, Context, Flow, Outcome, Wait};
use crate::resp::Argv;
use crate::types::Database;

pub(super) fn dbsize(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let (database, mut keys) = (context.keys.database, 0);
    context.keys.for_each_partition(|_, partition| {
        keys += partition.space(database).map_or(0, |space| space.keys);
    });
    context.reply.integer(keys as i64);
    Ok(Flow::Done)
}

pub(super) fn time(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let micros = context.node.clock.wall_micros();
    context.reply.array(2);
    context
        .reply
        .bulk((micros / 1_000_000).to_string().as_bytes());
    context
        .reply
        .bulk((micros % 1_000_000).to_string().as_bytes());
    Ok(Flow::Done)
}

pub(super) fn role(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.array(3);
    context.reply.bulk(b"master");
    context.reply.integer(0);
    context.reply.array(0);
    Ok(Flow::Done)
}

pub(super) fn module_list(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.array(0);
    Ok(Flow::Done)
}

pub(super) fn acl_whoami(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.bulk(b"default");
    Ok(Flow::Done)
}

/// A forced drain: everything logged so far is in the tree when it answers.
pub(super) fn save(_context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    Ok(Flow::Wait(Wait::Drain))
}

pub(super) fn bgsave(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 2
        || argv
            .get(1)
            .is_some_and(|word| !word.eq_ignore_ascii_case(b"schedule"))
    {
        return Err(CommandError::Syntax);
    }
    if let Some(durable) = &context.node.durable {
        durable.drain_soon();
    }
    context.reply.simple("Background saving started");
    Ok(Flow::Done)
}

pub(super) fn lastsave(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let drained = context
        .node
        .durable
        .as_ref()
        .map_or(0, |durable| durable.last_drain().0);
    let at = if drained == 0 {
        context.node.started.0
    } else {
        drained
    };
    context.reply.integer((at / 1_000) as i64);
    Ok(Flow::Done)
}

fn flush(context: &mut Context<'_>, argv: Argv<'_>, database: Option<Database>) -> Outcome {
    let mut args = Args::new(argv, 1);
    // Both are the same here: the keys are gone when the answer comes, their bytes a little later.
    if !(args.is_done() || args.take("SYNC") || args.take("ASYNC")) || !args.is_done() {
        return Err(CommandError::Syntax);
    }
    context
        .node
        .flush(&mut context.keys, database)
        .map_err(CommandError::text)?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn flushdb(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let database = context.keys.database;
    flush(context, argv, Some(database))
}

pub(super) fn flushall(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    flush(context, argv, None)
}

pub(super) fn monitor(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.session.monitor = true;
    context
        .node
        .start_monitoring(&Arc::clone(&context.session.handle));
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn shutdown(_context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (mut save, mut no_save) = (false, false);
    while !args.is_done() {
        if args.take("SAVE") {
            save = true;
        } else if args.take("NOSAVE") {
            no_save = true;
        } else if args.take("ABORT") {
            return Err(CommandError::text("ERR No shutdown in progress."));
        } else if !(args.take("NOW") || args.take("FORCE")) {
            return Err(CommandError::Syntax);
        }
    }
    if save && no_save {
        return Err(CommandError::Syntax);
    }
    Ok(Flow::Wait(Wait::Shutdown { no_save }))
}

/// Redis's subcommands with their arity: a wrong call is refused for what is wrong with it.
const CLUSTER: &[(&str, i64)] = &[
    ("addslots", -3),
    ("addslotsrange", -4),
    ("bumpepoch", 2),
    ("count-failure-reports", 3),
    ("countkeysinslot", 3),
    ("delslots", -3),
    ("delslotsrange", -4),
    ("failover", -2),
    ("flushslots", 2),
    ("forget", 3),
    ("getkeysinslot", 4),
    ("help", 2),
    ("info", 2),
    ("keyslot", 3),
    ("links", 2),
    ("meet", -4),
    ("myid", 2),
    ("myshardid", 2),
    ("nodes", 2),
    ("replicas", 3),
    ("replicate", 3),
    ("reset", -2),
    ("saveconfig", 2),
    ("set-config-epoch", 3),
    ("setslot", -4),
    ("shards", 2),
    ("slaves", 3),
    ("slots", 2),
];

/// Is this a call that Redis would know, whatever it answers to it?
pub(in crate::commands) fn check_cluster(argv: Argv<'_>) -> Result<(), CommandError> {
    let sub = argv.get(1).unwrap_or_default();
    let known = CLUSTER
        .iter()
        .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(sub));
    let Some((name, arity)) = known else {
        return Err(unknown_subcommand("CLUSTER", sub));
    };
    let given = argv.len() as i64;
    if given != *arity && (*arity > 0 || given < -*arity) {
        return Err(CommandError::Arity(format!("cluster|{name}").into()));
    }
    Ok(())
}

pub(super) fn cluster(_context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    Err(CommandError::text(
        "ERR This instance has cluster support disabled",
    ))
}

pub(super) fn lolwut(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    const PICTURE: &str = "\
        \n      .--- k ---.        a ring of 256 partitions,\
        \n   .-'     |     '-.     every key at home on N nodes,\
        \n  A  ------+------  B    and when two writers never met\
        \n   '-.     |     .-'     we keep what each of them said.\
        \n      '--- C ---'\
        \n\nDynamo ver. ";
    let text = format!("{PICTURE}{}\n", env!("CARGO_PKG_VERSION"));
    context.reply.verbatim("txt", text.as_bytes());
    Ok(Flow::Done)
}

/// Nothing but SLEEP, and that only when `client.enable_debug` is set.
pub(super) fn debug(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if !context.node.config.load().client.enable_debug {
        return Err(CommandError::text(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
             you can run it from a local connection, otherwise you need to set this option in the \
             configuration file, and then restart the server.",
        ));
    }
    match (argv.get(1), argv.get(2)) {
        (Some(sub), Some(seconds)) if sub.eq_ignore_ascii_case(b"sleep") => {
            let seconds = double(seconds)?.clamp(0.0, 3_600.0);
            Ok(Flow::Wait(Wait::Sleep(Duration::from_secs_f64(seconds))))
        }
        _ => {
            let sub = String::from_utf8_lossy(argv.get(1).unwrap_or_default()).into_owned();
            Err(format!("ERR unknown subcommand '{sub}'. Try DEBUG HELP.").into())
        }
    }
}
