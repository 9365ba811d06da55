//! Strings.

use super::args::Args;
use super::{
    Acl, Arg, ArgKind, CommandError, CommandSpec, Context, Flag, Flow, Group, KeySpec, Outcome,
    Semantics,
};
use crate::node::Deadline;
use crate::resp::Argv;

/// The family's table.
pub const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        group: Group::String,
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Answers with the string at a key.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: get,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "set",
        group: Group::String,
        arity: -3,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Sets the string at a key, whatever was there.",
        args: &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        semantics: Semantics::QuorumWrite,
        run: set,
        ..CommandSpec::DEFAULT
    },
];

fn get(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    match context.keys.get(key)? {
        Some(shown) => {
            context.reply.bulk(shown.value);
            context.stats.hits.add(1);
        }
        None => {
            context.reply.null();
            context.stats.misses.add(1);
        }
    }
    Ok(Flow::Done)
}

fn set(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, value) = (args.bytes()?, args.bytes()?);
    if !args.is_done() {
        return Err(CommandError::Syntax);
    }
    context.keys.set(key, value, Deadline::Unset)?;
    context.reply.ok();
    Ok(Flow::Done)
}
