//! The connection itself.

use super::args::integer;
use super::{Acl, Arg, ArgKind, CommandError, CommandSpec, Context, Flag, Flow, Group, Outcome};
use crate::resp::{Argv, Protocol};
use crate::types::Database;

/// The family's table.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "ping",
        group: Group::Connection,
        arity: -1,
        flags: &[Flag::Fast],
        acl: &[Acl::Connection],
        summary: "Answers PONG, or with its argument.",
        args: &[Arg::new("message", ArgKind::String).maybe()],
        run: ping,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "select",
        group: Group::Connection,
        arity: 2,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Acl::Connection],
        summary: "Chooses the database.",
        args: &[Arg::new("index", ArgKind::Integer)],
        run: select,
        ..CommandSpec::DEFAULT
    },
];

fn ping(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 2 {
        return Err(CommandError::Arity("ping".into()));
    }
    let message = argv.get(1);
    let subscribed = context.session.subscriptions() > 0;
    if subscribed && context.session.protocol == Protocol::Resp2 {
        context.reply.array(2);
        context.reply.bulk(b"pong");
        context.reply.bulk(message.unwrap_or_default());
    } else if let Some(message) = message {
        context.reply.bulk(message);
    } else {
        context.reply.simple("PONG");
    }
    Ok(Flow::Done)
}

fn select(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let index = integer(argv.get(1).unwrap_or_default())?;
    let databases = context.node.config.load().client.databases;
    let Some(database) = u8::try_from(index).ok().filter(|index| *index < databases) else {
        return Err(CommandError::text("ERR DB index is out of range"));
    };
    context.session.database = Database(database);
    context.reply.ok();
    Ok(Flow::Done)
}

/// The database that a queued SELECT will choose, if it is a number at all.
pub fn database_of(argv: Argv<'_>) -> Option<Database> {
    integer(argv.get(1)?)
        .ok()
        .and_then(|index| u8::try_from(index).ok())
        .map(Database)
}
