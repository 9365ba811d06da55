//! COMMAND and its subcommands, all from the table.

use crate::commands::args::Args;
use crate::commands::registry::{Command, Registry};
use crate::commands::spec::{Acl, Arg, ArgKind, Flag, KeySpec};
use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::glob;
use crate::resp::{Argv, Reply};

/// Categories as Redis derives them: from the flags, then those of the table.
fn categories(command: &Command) -> Vec<Acl> {
    let spec = command.spec;
    let mut all = Vec::new();
    let mut add = |wanted: bool, category: Acl| {
        if wanted && !all.contains(&category) {
            all.push(category);
        }
    };
    add(spec.acl.contains(&Acl::Keyspace), Acl::Keyspace);
    add(command.write, Acl::Write);
    add(spec.has(Flag::Readonly), Acl::Read);
    for category in spec.acl {
        add(
            !matches!(category, Acl::Keyspace | Acl::Read | Acl::Write),
            *category,
        );
    }
    add(spec.has(Flag::Pubsub), Acl::Pubsub);
    add(spec.has(Flag::Blocking), Acl::Blocking);
    add(spec.has(Flag::Admin), Acl::Admin);
    add(spec.has(Flag::Admin), Acl::Dangerous);
    add(spec.has(Flag::Fast), Acl::Fast);
    add(!spec.has(Flag::Fast), Acl::Slow);
    all
}

fn describe(command: &Command, reply: &mut Reply<'_>) {
    let spec = command.spec;
    reply.array(10);
    reply.bulk(command.full_name.as_bytes());
    reply.integer(i64::from(spec.arity));
    reply.set(spec.flags.len());
    spec.flags.iter().for_each(|flag| reply.simple(flag.name()));
    let (first, last, step) = match spec.keys {
        KeySpec::Range {
            first, last, step, ..
        } => (first, last, step),
        KeySpec::None | KeySpec::All => (0, 0, 0),
    };
    reply.integer(i64::from(first));
    reply.integer(i64::from(last));
    reply.integer(i64::from(step));
    let categories = categories(command);
    reply.set(categories.len());
    categories
        .iter()
        .for_each(|category| reply.simple(category.name()));
    reply.array(spec.tips.len());
    spec.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    key_specs(spec.keys, reply);
    let subcommands = subcommands(command);
    reply.array(subcommands.len());
    subcommands.iter().for_each(|sub| describe(sub, reply));
}

fn subcommands(command: &Command) -> Vec<&'static Command> {
    let registry = Registry::get();
    command
        .subcommands
        .iter()
        .filter_map(|number| registry.by_number(*number))
        .collect()
}

fn key_specs(keys: KeySpec, reply: &mut Reply<'_>) {
    let KeySpec::Range {
        first,
        last,
        step,
        usage,
    } = keys
    else {
        return reply.array(0);
    };
    reply.array(1);
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(usage.len());
    usage.iter().for_each(|usage| reply.simple(usage));
    reply.bulk(b"begin_search");
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(b"index");
    reply.bulk(b"spec");
    reply.map(1);
    reply.bulk(b"index");
    reply.integer(i64::from(first));
    reply.bulk(b"find_keys");
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(b"range");
    reply.bulk(b"spec");
    reply.map(3);
    reply.bulk(b"lastkey");
    let relative = if last < 0 {
        i64::from(last)
    } else {
        i64::from(last) - i64::from(first)
    };
    reply.integer(relative);
    reply.bulk(b"keystep");
    reply.integer(i64::from(step));
    reply.bulk(b"limit");
    reply.integer(0);
}

pub(super) fn command(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let all: Vec<_> = Registry::get().top_level().collect();
    context.reply.array(all.len());
    all.iter()
        .for_each(|command| describe(command, &mut context.reply));
    Ok(Flow::Done)
}

pub(super) fn command_count(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context
        .reply
        .integer(Registry::get().top_level().count() as i64);
    Ok(Flow::Done)
}

/// `get`, or `client|id`.
fn by_full_name(name: &[u8]) -> Option<&'static Command> {
    let registry = Registry::get();
    match name.iter().position(|byte| *byte == b'|') {
        None => registry.find(name),
        Some(bar) => {
            let container = registry.find(name.get(..bar)?)?;
            registry.find_subcommand(container, name.get(bar + 1..)?)
        }
    }
}

pub(super) fn command_info(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let names = argv.from(2);
    if names.is_empty() {
        return command(context, argv);
    }
    context.reply.array(names.len());
    for name in names.iter() {
        match by_full_name(name) {
            Some(command) => describe(command, &mut context.reply),
            None => context.reply.null(),
        }
    }
    Ok(Flow::Done)
}

pub(super) fn command_list(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let registry = Registry::get();
    let mut args = Args::new(argv, 2);
    let mut found: Vec<&Command> = registry.top_level().collect();
    if args.left() == 3 && args.take("FILTERBY") {
        if args.take("MODULE") {
            found.clear();
        } else if args.take("ACLCAT") {
            let category = [b"@", args.bytes()?].concat();
            found = registry.all().iter().collect();
            found.retain(|command| {
                categories(command)
                    .iter()
                    .any(|of| of.name().as_bytes().eq_ignore_ascii_case(&category))
            });
        } else if args.take("PATTERN") {
            let pattern = args.bytes()?;
            found = registry.all().iter().collect();
            found.retain(|command| {
                glob::matches_ignoring_case(pattern, command.full_name.as_bytes())
            });
        } else {
            return Err(CommandError::Syntax);
        }
    } else if !args.is_done() {
        return Err(CommandError::Syntax);
    }
    context.reply.array(found.len());
    found
        .iter()
        .for_each(|command| context.reply.bulk(command.full_name.as_bytes()));
    Ok(Flow::Done)
}

fn keys_of(argv: Argv<'_>) -> Result<(&'static Command, Vec<&[u8]>), CommandError> {
    let registry = Registry::get();
    let invalid = CommandError::text("ERR Invalid command specified");
    let mut command = registry
        .find(argv.get(0).unwrap_or_default())
        .ok_or_else(|| invalid.clone())?;
    if let Some(sub) = argv.get(1).filter(|_| !command.subcommands.is_empty()) {
        command = registry.find_subcommand(command, sub).ok_or(invalid)?;
    }
    if !matches!(command.spec.keys, KeySpec::Range { .. }) {
        return Err(CommandError::text("ERR The command has no key arguments"));
    }
    if !command.spec.fits(argv.len()) {
        return Err(CommandError::text(
            "ERR Invalid number of arguments specified for command",
        ));
    }
    Ok((command, command.keys(argv).collect()))
}

pub(super) fn command_getkeys(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (_, keys) = keys_of(argv.from(2))?;
    context.reply.array(keys.len());
    keys.iter().for_each(|key| context.reply.bulk(key));
    Ok(Flow::Done)
}

pub(super) fn command_getkeysandflags(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (command, keys) = keys_of(argv.from(2))?;
    let KeySpec::Range { usage, .. } = command.spec.keys else {
        return Ok(Flow::Done);
    };
    context.reply.array(keys.len());
    for key in keys {
        context.reply.array(2);
        context.reply.bulk(key);
        context.reply.set(usage.len());
        usage.iter().for_each(|usage| context.reply.simple(usage));
    }
    Ok(Flow::Done)
}

pub(super) fn command_docs(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let names = argv.from(2);
    let found: Vec<&Command> = if names.is_empty() {
        Registry::get().top_level().collect()
    } else {
        names.iter().filter_map(by_full_name).collect()
    };
    context.reply.map(found.len());
    found
        .iter()
        .for_each(|command| document(command, &mut context.reply));
    Ok(Flow::Done)
}

fn document(command: &Command, reply: &mut Reply<'_>) {
    let spec = command.spec;
    let subcommands = subcommands(command);
    reply.bulk(command.full_name.as_bytes());
    let rows = 4 + usize::from(!spec.args.is_empty()) + usize::from(!subcommands.is_empty());
    reply.map(rows);
    for (name, value) in [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group.name()),
        ("complexity", spec.complexity),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    if !spec.args.is_empty() {
        reply.bulk(b"arguments");
        arguments(spec.args, reply);
    }
    if !subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        subcommands.iter().for_each(|sub| document(sub, reply));
    }
}

fn arguments(args: &[Arg], reply: &mut Reply<'_>) {
    reply.array(args.len());
    for arg in args {
        let flags: Vec<&str> = [(arg.optional, "optional"), (arg.multiple, "multiple")]
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| *name)
            .collect();
        let is_key = arg.kind == ArgKind::Key;
        let shows_text = !matches!(
            arg.kind,
            ArgKind::OneOf | ArgKind::Block | ArgKind::PureToken
        );
        let rows = 2
            + usize::from(shows_text)
            + usize::from(is_key)
            + usize::from(arg.token.is_some())
            + usize::from(arg.since.is_some())
            + usize::from(!flags.is_empty())
            + usize::from(!arg.children.is_empty());
        reply.map(rows);
        let mut row = |name: &str, value: &str| {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
        };
        row("name", arg.name);
        row("type", arg.kind.name());
        if shows_text {
            row("display_text", arg.name);
        }
        if let Some(token) = arg.token {
            row("token", token);
        }
        if let Some(since) = arg.since {
            row("since", since);
        }
        if is_key {
            reply.bulk(b"key_spec_index");
            reply.integer(0);
        }
        if !flags.is_empty() {
            reply.bulk(b"flags");
            reply.set(flags.len());
            flags.iter().for_each(|flag| reply.simple(flag));
        }
        if !arg.children.is_empty() {
            reply.bulk(b"arguments");
            arguments(arg.children, reply);
        }
    }
}

pub(super) fn command_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "command")
}
