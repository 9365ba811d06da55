//! SET and what became of its variants: SETEX PSETEX SETNX GETSET GETEX GETDEL.

use super::expiry::{Until, until};
use crate::commands::args::Args;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Deadline;
use crate::resp::Argv;

#[derive(Default)]
struct Options<'a> {
    only_new: bool,
    only_existing: bool,
    get: bool,
    keep: bool,
    until: Option<(Until, &'a [u8])>,
}

fn options(mut args: Args<'_>) -> Result<Options<'_>, CommandError> {
    let mut options = Options::default();
    while !args.is_done() {
        if !options.only_existing && args.take("NX") {
            options.only_new = true;
        } else if !options.only_new && args.take("XX") {
            options.only_existing = true;
        } else if args.take("GET") {
            options.get = true;
        } else if options.until.is_none() && args.take("KEEPTTL") {
            options.keep = true;
        } else if !options.keep
            && let Some((unit, amount)) = Until::take(&mut args)?
            && options.until.is_none_or(|(named, _)| named == unit)
        {
            options.until = Some((unit, amount));
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(options)
}

pub(super) fn set(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, value) = (args.bytes()?, args.bytes()?);
    if args.is_done() {
        context.keys.set(key, value, Deadline::Unset)?;
        context.reply.ok();
        return Ok(Flow::Done);
    }
    let options = options(args)?;
    let deadline = match options.until {
        _ if options.keep => Deadline::Keep,
        None => Deadline::Unset,
        Some((unit, amount)) => Deadline::At(until(unit, amount, context.keys.now, "set")?),
    };
    // The old value is the reply, so it is written before it is replaced.
    let replied = context.reply.len();
    if options.get {
        match context.keys.get(key)? {
            Some(shown) => context.reply.bulk(shown.value),
            None => context.reply.null(),
        }
    }
    if options.only_new || options.only_existing {
        context.keys.check(key)?;
        if context.keys.exists(key)? == options.only_new {
            if !options.get {
                context.reply.null();
            }
            return Ok(Flow::Done);
        }
    }
    put(context, key, value, deadline)?;
    if context.reply.len() == replied {
        context.reply.ok();
    }
    Ok(Flow::Done)
}

/// A deadline that has passed deletes, as in Redis.
fn put(
    context: &mut Context<'_>,
    key: &[u8],
    value: &[u8],
    deadline: Deadline,
) -> Result<(), CommandError> {
    match deadline {
        Deadline::At(at) if at <= context.keys.now => {
            context.keys.delete(key)?;
        }
        deadline => context.keys.set(key, value, deadline)?,
    }
    Ok(())
}

fn set_expiring(context: &mut Context<'_>, argv: Argv<'_>, unit: Until, name: &str) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, amount, value) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let at = until(unit, amount, context.keys.now, name)?;
    context.keys.set(key, value, Deadline::At(at))?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn setex(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set_expiring(context, argv, Until::Seconds, "setex")
}

pub(super) fn psetex(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set_expiring(context, argv, Until::Millis, "psetex")
}

pub(super) fn setnx(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, value) = (args.bytes()?, args.bytes()?);
    context.keys.check(key)?;
    let set = !context.keys.exists(key)?;
    if set {
        context.keys.set(key, value, Deadline::Unset)?;
    }
    context.reply.integer(i64::from(set));
    Ok(Flow::Done)
}

pub(super) fn getset(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, value) = (args.bytes()?, args.bytes()?);
    match context.keys.get(key)? {
        Some(shown) => context.reply.bulk(shown.value),
        None => context.reply.null(),
    }
    context.keys.set(key, value, Deadline::Unset)?;
    Ok(Flow::Done)
}

pub(super) fn getdel(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    if let Some(shown) = context.keys.get(key)? {
        context.reply.bulk(shown.value);
    } else {
        context.reply.null();
        return Ok(Flow::Done);
    }
    context.keys.delete(key)?;
    Ok(Flow::Done)
}

pub(super) fn getex(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let key = args.bytes()?;
    let (mut persist, mut named) = (false, None);
    while !args.is_done() {
        if named.is_none() && args.take("PERSIST") {
            persist = true;
        } else if !persist
            && let Some((unit, amount)) = Until::take(&mut args)?
            && named.is_none_or(|(other, _)| other == unit)
        {
            named = Some((unit, amount));
        } else {
            return Err(CommandError::Syntax);
        }
    }
    context.keys.check(key)?;
    if !context.keys.exists(key)? {
        context.reply.null();
        return Ok(Flow::Done);
    }
    let deadline = match named {
        None => None,
        Some((unit, amount)) => Some(until(unit, amount, context.keys.now, "getex")?),
    };
    let had_deadline = if let Some(shown) = context.keys.get(key)? {
        context.reply.bulk(shown.value);
        shown.expiry.is_some()
    } else {
        context.reply.null();
        return Ok(Flow::Done);
    };
    match deadline {
        Some(at) if at <= context.keys.now => {
            context.keys.delete(key)?;
        }
        Some(at) => {
            context.keys.set_expiry(key, Some(at))?;
        }
        None if persist && had_deadline => {
            context.keys.set_expiry(key, None)?;
        }
        None => {}
    }
    Ok(Flow::Done)
}
