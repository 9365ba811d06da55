//! MULTI, EXEC, DISCARD, WATCH, UNWATCH: queued commands run as one, with all their partitions locked.

mod exec;

use super::context::{Context, Flow, Outcome};
use super::error::CommandError;
use super::registry::Command;
use super::spec::{Acl, Arg, CommandSpec, Flag, Group, KeySpec, Semantics};
use crate::resp::{Argv, Protocol};
use crate::session::{Queue, Session, Watched};

pub(super) use exec::exec;

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

/// Do these arguments name EXEC, whatever else is wrong with them?
pub(super) fn names_exec(argv: Argv<'_>) -> bool {
    argv.get(0)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"exec"))
}

/// An EXEC that cannot be executed ends its transaction.
pub(super) fn forget(session: &mut Session) {
    session.queue = None;
    session.watched.clear();
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
    Err(format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET \
         are allowed in this context",
        command.full_name
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

#[cfg(test)]
mod tests;
