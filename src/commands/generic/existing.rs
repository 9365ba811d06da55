//! DEL UNLINK EXISTS TYPE TOUCH RENAME RENAMENX COPY MOVE.

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Deadline;
use crate::resp::Argv;
use crate::types::Database;

pub(super) fn del(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut deleted = 0;
    for key in argv.from(1).iter() {
        deleted += i64::from(context.keys.delete(key)?);
    }
    context.reply.integer(deleted);
    Ok(Flow::Done)
}

pub(super) fn unlink(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    del(context, argv)
}

pub(super) fn exists(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut found = 0;
    for key in argv.from(1).iter() {
        let exists = context.keys.exists(key)?;
        found += i64::from(exists);
        let counter = if exists {
            &context.stats.hits
        } else {
            &context.stats.misses
        };
        counter.add(1);
    }
    context.reply.integer(found);
    Ok(Flow::Done)
}

/// Marks the keys as used; answers how many there are.
pub(super) fn touch(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut found = 0;
    for key in argv.from(1).iter() {
        found += i64::from(context.keys.touch(key)?);
    }
    context.reply.integer(found);
    Ok(Flow::Done)
}

pub(super) fn type_of(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let kind = context.keys.kind(argv.get(1).unwrap_or_default())?;
    context
        .reply
        .simple(kind.map_or("none", |kind| kind.name()));
    Ok(Flow::Done)
}

pub(super) fn rename(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    rename_to(context, argv, true)?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn renamenx(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let renamed = rename_to(context, argv, false)?;
    context.reply.integer(i64::from(renamed));
    Ok(Flow::Done)
}

/// First the destination, then the source goes: a failure in between leaves a copy, never a loss.
fn rename_to(
    context: &mut Context<'_>,
    argv: Argv<'_>,
    replace: bool,
) -> Result<bool, CommandError> {
    let (from, to) = (
        argv.get(1).unwrap_or_default(),
        argv.get(2).unwrap_or_default(),
    );
    let Some(shown) = context.keys.get(from)? else {
        return Err(CommandError::NoSuchKey);
    };
    let (value, expiry) = (shown.value.to_vec(), shown.expiry);
    if from == to {
        return Ok(replace);
    }
    if !replace && context.keys.exists(to)? {
        return Ok(false);
    }
    context
        .keys
        .set(to, &value, expiry.map_or(Deadline::Never, Deadline::At))?;
    context.keys.delete(from)?;
    Ok(true)
}

pub(super) fn copy(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (from, to) = (args.bytes()?, args.bytes()?);
    let here = context.keys.database;
    let (mut database, mut replace) = (here, false);
    while !args.is_done() {
        if args.take("REPLACE") {
            replace = true;
        } else if args.take("DB") {
            database = database_in(context, args.bytes()?)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if from == to && database == here {
        return Err(CommandError::text(
            "ERR source and destination objects are the same",
        ));
    }
    let copied = transfer(context, from, to, database, replace)?;
    context.reply.integer(i64::from(copied));
    Ok(Flow::Done)
}

pub(super) fn move_key(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    let here = context.keys.database;
    let database = database_in(context, argv.get(2).unwrap_or_default())?;
    if database == here {
        return Err(CommandError::text(
            "ERR source and destination objects are the same",
        ));
    }
    let moved = transfer(context, key, key, database, false)?;
    if moved {
        context.keys.delete(key)?;
    }
    context.reply.integer(i64::from(moved));
    Ok(Flow::Done)
}

/// The key that a COPY or MOVE writes in a database it names; `None` when it names none, or when its
/// arguments are wrong, as the command will say itself.
pub(in crate::commands) fn destination(argv: Argv<'_>) -> Option<(Database, &[u8])> {
    let database = |text| u8::try_from(integer(text).ok()?).ok().map(Database);
    if argv.get(0)?.eq_ignore_ascii_case(b"move") {
        return Some((database(argv.get(2)?)?, argv.get(1)?));
    }
    let mut named = None;
    let mut args = Args::new(argv, 3);
    while !args.is_done() {
        if args.take("DB") {
            named = database(args.bytes().ok()?);
        } else if !args.take("REPLACE") {
            return None;
        }
    }
    Some((named?, argv.get(2)?))
}

fn database_in(context: &Context<'_>, text: &[u8]) -> Result<Database, CommandError> {
    let index = integer(text)?;
    if i32::try_from(index).is_err() {
        return Err(CommandError::OUT_OF_INT);
    }
    let databases = context.node.config.load().client.databases;
    u8::try_from(index)
        .ok()
        .filter(|index| *index < databases)
        .map(Database)
        .ok_or(CommandError::text("ERR DB index is out of range"))
}

/// Copies a value with its deadline, perhaps into another database of the same partition's lock.
fn transfer(
    context: &mut Context<'_>,
    from: &[u8],
    to: &[u8],
    database: Database,
    replace: bool,
) -> Result<bool, CommandError> {
    let here = context.keys.database;
    let Some(shown) = context.keys.get(from)? else {
        return Ok(false);
    };
    let (value, expiry) = (shown.value.to_vec(), shown.expiry);
    context.keys.database = database;
    let copied = if !replace && context.keys.exists(to)? {
        false
    } else {
        context
            .keys
            .set(to, &value, expiry.map_or(Deadline::Never, Deadline::At))?;
        true
    };
    context.keys.database = here;
    Ok(copied)
}
