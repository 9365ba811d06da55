//! MULTI, EXEC, DISCARD, WATCH, UNWATCH: queued commands run as one, with all their partitions locked.

use std::time::Instant;

use super::context::{Context, Flow, Outcome, Wait};
use super::dispatch::{Dispatch, Ended, run};
use super::elsewhere::Elsewhere;
use super::error::CommandError;
use super::registry::{Command, Registry};
use super::spec::{Acl, Arg, CommandSpec, Flag, Group, KeySpec, Semantics};
use crate::node::stats::WorkerStats;
use crate::node::{Locked, Node};
use crate::resp::{Argv, Protocol, Reply};
use crate::session::{Queue, Session, Watched};
use crate::types::Database;

/// The family's table.
pub(super) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "multi",
        group: Group::Transactions,
        since: "1.2.0",
        arity: 1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Transaction],
        summary: "Begins a transaction: the commands that follow are queued.",
        run: multi,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "exec",
        group: Group::Transactions,
        since: "1.2.0",
        arity: 1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::SkipSlowlog,
        ],
        acl: &[Acl::Transaction],
        summary: "Runs the queued commands as one.",
        complexity: "Depends on commands in the transaction",
        semantics: Semantics::ReadModifyWrite,
        run: exec_without_multi,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "discard",
        group: Group::Transactions,
        since: "2.0.0",
        arity: 1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Transaction],
        summary: "Forgets the queued commands.",
        complexity: "O(N), when N is the number of queued commands",
        run: discard,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "watch",
        group: Group::Transactions,
        since: "2.2.0",
        arity: -2,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::AllowBusy,
        ],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RO"],
        },
        acl: &[Acl::Transaction],
        summary: "Makes the next EXEC depend on keys staying as they are.",
        complexity: "O(1) for every key.",
        args: &[Arg::key("key").many()],
        run: watch,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "unwatch",
        group: Group::Transactions,
        since: "2.2.0",
        arity: 1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Transaction],
        summary: "Forgets all watched keys.",
        run: unwatch,
        ..CommandSpec::DEFAULT
    },
];

/// Is this EXEC itself?
pub(super) fn is_exec(command: &Command) -> bool {
    command.spec.name == "exec"
}

/// Commands that run at once although MULTI is open.
pub(super) fn runs_inside_multi(command: &Command) -> bool {
    command.container.is_none()
        && matches!(
            command.spec.name,
            "exec" | "discard" | "multi" | "watch" | "quit" | "reset"
        )
}

/// Refused while queueing.
pub(super) fn may_be_queued(command: &Command) -> Result<(), CommandError> {
    if command.spec.has(Flag::NoMulti) {
        return Err(CommandError::text(
            "ERR Command not allowed inside a transaction",
        ));
    }
    Ok(())
}

/// RESP2 subscribers may only change their subscriptions.
pub(super) fn allowed_while_subscribed(
    session: &Session,
    command: &Command,
    name: &[u8],
) -> Result<(), CommandError> {
    if session.protocol == Protocol::Resp3 || session.subscriptions() == 0 {
        return Ok(());
    }
    let allowed = [
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ping",
        "quit",
        "reset",
    ];
    if command.container.is_none() && allowed.contains(&command.spec.name) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Err(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
         are allowed in this context"
    )
    .into())
}

fn multi(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    if context.session.queue.is_some() {
        return Err(CommandError::text("ERR MULTI calls can not be nested"));
    }
    context.session.queue = Some(Queue::default());
    context.reply.ok();
    Ok(Flow::Done)
}

fn exec_without_multi(_context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    Err(CommandError::text("ERR EXEC without MULTI"))
}

fn discard(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    if context.session.queue.take().is_none() {
        return Err(CommandError::text("ERR DISCARD without MULTI"));
    }
    context.session.watched.clear();
    context.reply.ok();
    Ok(Flow::Done)
}

fn watch(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if context.session.queue.is_some() {
        return Err(CommandError::text("ERR WATCH inside MULTI is not allowed"));
    }
    let database = context.session.database;
    for key in argv.from(1).iter() {
        let watched = &mut context.session.watched;
        if watched
            .iter()
            .any(|w| w.database == database && *w.key == *key)
        {
            continue;
        }
        let fingerprint = context.keys.fingerprint(key);
        watched.push(Watched {
            database,
            key: key.into(),
            fingerprint,
        });
    }
    context.reply.ok();
    Ok(Flow::Done)
}

fn unwatch(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.session.watched.clear();
    context.reply.ok();
    Ok(Flow::Done)
}

/// EXEC: all partitions of all queued keys are locked in order, so nobody sees half of it.
pub(super) fn exec<E: Elsewhere>(
    dispatch: &mut Dispatch<'_, E>,
    session: &mut Session,
    out: &mut Vec<u8>,
) -> Ended {
    let Some(queue) = session.queue.take() else {
        Reply::new(out, session.protocol).error("ERR EXEC without MULTI");
        return Ended::Replied;
    };
    if queue.aborted {
        session.watched.clear();
        Reply::new(out, session.protocol)
            .error("EXECABORT Transaction discarded because of previous errors.");
        return Ended::Replied;
    }
    let planned: Vec<_> = queue
        .commands
        .iter()
        .filter_map(|argv| Some((resolve(argv.argv())?, argv.argv())))
        .collect();
    if let Some(error) = planned
        .iter()
        .find_map(|(command, _)| dispatch.may_write(command).err())
    {
        session.watched.clear();
        let text = format!("EXECABORT Transaction discarded because of: {error}");
        Reply::new(out, session.protocol).error(&text);
        return Ended::Replied;
    }
    let keyspace = &dispatch.node.keyspace;
    let mut locked = Locked::new(keyspace, session.database, dispatch.now, dispatch.stage);
    if planned
        .iter()
        .any(|(command, _)| command.spec.keys == KeySpec::All)
    {
        locked.lock_all();
    } else {
        let queued = planned
            .iter()
            .flat_map(|(command, argv)| command.keys(*argv));
        let watched = session.watched.iter().map(|watched| &*watched.key);
        locked.lock_many(queued.chain(watched));
    }
    if dispatch.node.may_be_cold()
        && let Some((database, key)) = first_cold(dispatch.node, &mut locked, session, &planned)
    {
        drop(locked);
        session.queue = Some(queue);
        return Ended::Load(database, key);
    }
    if !unchanged(&mut locked, session) {
        session.watched.clear();
        Reply::new(out, session.protocol).null_array();
        return Ended::Replied;
    }
    session.watched.clear();
    Reply::new(out, session.protocol).array(planned.len());
    let writes = locked.stage.writes;
    let after = After {
        elsewhere: dispatch.elsewhere.as_deref_mut(),
        writes,
    };
    run_all(
        (dispatch.node, dispatch.stats),
        locked,
        session,
        &planned,
        out,
        &mut dispatch.instant,
        after,
    )
}

/// What is told of an EXEC that has run.
struct After<'a, E> {
    elsewhere: Option<&'a mut E>,
    /// Writes before it began.
    writes: u64,
}

fn resolve(argv: Argv<'_>) -> Option<&'static Command> {
    let registry = Registry::get();
    let command = registry.find(argv.get(0)?)?;
    let sub = argv
        .get(1)
        .and_then(|sub| registry.find_subcommand(command, sub));
    Some(sub.unwrap_or(command))
}

type Planned<'q> = Vec<(&'static Command, Argv<'q>)>;

/// A cold key among those queued, each in the database that it will be run in: SELECT may be queued
/// too.
fn first_cold(
    node: &Node,
    locked: &mut Locked<'_>,
    session: &Session,
    planned: &Planned<'_>,
) -> Option<(Database, Box<[u8]>)> {
    for watched in &session.watched {
        locked.database = watched.database;
        if let Some(key) = locked.first_cold(std::iter::once(&*watched.key)) {
            return Some((watched.database, key.into()));
        }
    }
    locked.database = session.database;
    let cold = planned.iter().find_map(|(command, argv)| {
        if command.spec.name == "select"
            && let Some(database) = super::connection::database_of(*argv)
        {
            locked.database = database;
        }
        let (database, key) = super::dispatch::first_cold(node, locked, command, *argv)?;
        Some((database, key.into()))
    });
    locked.database = session.database;
    cold
}

fn unchanged(locked: &mut Locked<'_>, session: &Session) -> bool {
    let same = session.watched.iter().all(|watched| {
        locked.database = watched.database;
        locked.fingerprint(&watched.key) == watched.fingerprint
    });
    locked.database = session.database;
    same
}

fn run_all<'a, E: Elsewhere>(
    (node, stats): (&'a Node, &'a WorkerStats),
    locked: Locked<'a>,
    session: &'a mut Session,
    planned: &Planned<'_>,
    out: &'a mut Vec<u8>,
    instant: &mut Instant,
    after: After<'_, E>,
) -> Ended {
    let reply = Reply::new(out, session.protocol);
    let mut context = Context {
        keys: locked,
        session,
        reply,
        node,
        stats,
    };
    context.session.in_exec = true;
    let mut close = false;
    for (command, argv) in planned {
        context.keys.database = context.session.database;
        match run(command, &mut context, *argv, instant) {
            Ended::Close => close = true,
            // Nothing waits inside EXEC: as in Redis, a command that would block answers at once.
            Ended::Wait(Wait::Replicas { .. }) => context.reply.integer(0),
            Ended::Wait(_) => context.reply.null(),
            Ended::Replied | Ended::Load(..) | Ended::Hold | Ended::Sent | Ended::Split => {}
        }
    }
    context.session.in_exec = false;
    if let Some(elsewhere) = after.elsewhere {
        let Context { keys, session, .. } = &mut context;
        let wrote = keys.stage.writes != after.writes;
        let mut read = planned
            .iter()
            .flat_map(|(command, argv)| command.keys(*argv));
        elsewhere.ran(session, keys, &mut read, wrote);
    }
    if close { Ended::Close } else { Ended::Replied }
}
