//! EXEC: the queued commands, planned, checked and run under one hold of their partitions' locks.

use std::time::Instant;

use crate::commands::context::{Context, Wait};
use crate::commands::dispatch::{Dispatch, Ended, run};
use crate::commands::elsewhere::Elsewhere;
use crate::commands::registry::{Command, Registry};
use crate::commands::spec::KeySpec;
use crate::node::stats::WorkerStats;
use crate::node::{Locked, Node, is_as_it_was};
use crate::resp::{Argv, Reply};
use crate::session::Session;
use crate::types::Database;

/// EXEC: all partitions of all queued keys are locked in order, so nobody sees half of it.
pub(in crate::commands) fn exec<E: Elsewhere>(
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

/// What a command that would wait answers inside EXEC: what holds now, as far as that is known.
fn answer_at_once(wait: &Wait, reply: &mut Reply<'_>) {
    match wait {
        Wait::Replicas { .. } => reply.integer(0),
        // Whether this transaction is on the disk is not known before it is committed.
        Wait::Fsync { .. } => {
            reply.array(2);
            reply.integer(0);
            reply.integer(0);
        }
        // None of these is let into a transaction, or it holds locks and does not wait.
        Wait::Drain | Wait::Walk { .. } | Wait::Sleep(_) | Wait::Shutdown { .. } => {
            reply.error("ERR Command not allowed inside a transaction");
        }
    }
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
            && let Some(database) = crate::commands::connection::database_of(*argv)
        {
            locked.database = database;
        }
        let (database, key) = crate::commands::dispatch::first_cold(node, locked, command, *argv)?;
        Some((database, key.into()))
    });
    locked.database = session.database;
    cold
}

fn unchanged(locked: &mut Locked<'_>, session: &Session) -> bool {
    let same = session.watched.iter().all(|watched| {
        locked.database = watched.database;
        is_as_it_was(watched.fingerprint, locked.fingerprint(&watched.key))
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
            Ended::Wait(wait) => answer_at_once(&wait, &mut context.reply),
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
