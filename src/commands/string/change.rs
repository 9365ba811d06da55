//! Commands that read a string, change it and write it back: SETRANGE APPEND, INCR and its family.
//! The deadline stays.

use crate::commands::args::integer;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::datatypes::{float, string};
use crate::node::Deadline;
use crate::resp::Argv;

fn text(error: impl std::fmt::Display) -> CommandError {
    error.to_string().into()
}

/// A copy of the value; `None` when the key is missing.
pub(in crate::commands) fn value_of(
    context: &mut Context<'_>,
    key: &[u8],
) -> Result<Option<Vec<u8>>, CommandError> {
    Ok(context.keys.get(key)?.map(|shown| shown.value.to_vec()))
}

pub(super) fn append(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (key, suffix) = (
        argv.get(1).unwrap_or_default(),
        argv.get(2).unwrap_or_default(),
    );
    let mut value = value_of(context, key)?.unwrap_or_default();
    let length = string::append(&mut value, suffix).map_err(text)?;
    context.keys.set(key, &value, Deadline::Keep)?;
    context.reply.integer(length as i64);
    Ok(Flow::Done)
}

pub(super) fn setrange(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    let offset = integer(argv.get(2).unwrap_or_default())?;
    let patch = argv.get(3).unwrap_or_default();
    if offset < 0 {
        return Err(CommandError::text("ERR offset is out of range"));
    }
    let present = value_of(context, key)?;
    if patch.is_empty() {
        context
            .reply
            .integer(present.map_or(0, |value| value.len()) as i64);
        return Ok(Flow::Done);
    }
    let mut value = present.unwrap_or_default();
    let length = string::set_range(&mut value, offset, patch).map_err(text)?;
    context.keys.set(key, &value, Deadline::Keep)?;
    context.reply.integer(length as i64);
    Ok(Flow::Done)
}

fn add(context: &mut Context<'_>, key: &[u8], by: i64) -> Outcome {
    let sum = {
        let shown = context.keys.get(key)?;
        string::increment(shown.map_or(b"0", |shown| shown.value), by).map_err(text)?
    };
    let mut digits = itoa::Buffer::new();
    context
        .keys
        .set(key, digits.format(sum).as_bytes(), Deadline::Keep)?;
    context.reply.integer(sum);
    Ok(Flow::Done)
}

pub(super) fn incr(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    add(context, argv.get(1).unwrap_or_default(), 1)
}

pub(super) fn decr(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    add(context, argv.get(1).unwrap_or_default(), -1)
}

pub(super) fn incrby(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let by = integer(argv.get(2).unwrap_or_default())?;
    add(context, argv.get(1).unwrap_or_default(), by)
}

pub(super) fn decrby(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let by = integer(argv.get(2).unwrap_or_default())?;
    let by = string::negate(by).map_err(text)?;
    add(context, argv.get(1).unwrap_or_default(), by)
}

pub(super) fn incrbyfloat(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (key, by) = (
        argv.get(1).unwrap_or_default(),
        argv.get(2).unwrap_or_default(),
    );
    let sum = {
        let shown = context.keys.get(key)?;
        float::increment_by_float(shown.map_or(b"0", |shown| shown.value), by).map_err(text)?
    };
    context.keys.set(key, &sum, Deadline::Keep)?;
    context.reply.bulk(&sum);
    Ok(Flow::Done)
}
