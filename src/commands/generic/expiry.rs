//! EXPIRE and its family, TTL and its family, PERSIST.

use crate::commands::args::{Args, integer};
use crate::commands::dispatch::printed;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::resp::Argv;
use crate::types::WallMs;

/// Conditions of EXPIRE.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    /// Only without a deadline.
    nx: bool,
    /// Only with one.
    xx: bool,
    /// Only later than the present one.
    gt: bool,
    /// Only sooner.
    lt: bool,
}

pub(super) fn expire(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set(context, argv, "expire", 1_000, true)
}

pub(super) fn pexpire(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set(context, argv, "pexpire", 1, true)
}

pub(super) fn expireat(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set(context, argv, "expireat", 1_000, false)
}

pub(super) fn pexpireat(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    set(context, argv, "pexpireat", 1, false)
}

fn conditions(mut args: Args<'_>) -> Result<Conditions, CommandError> {
    let mut all = Conditions::default();
    while let Some(next) = args.peek() {
        let flag = if args.take("NX") {
            &mut all.nx
        } else if args.take("XX") {
            &mut all.xx
        } else if args.take("GT") {
            &mut all.gt
        } else if args.take("LT") {
            &mut all.lt
        } else {
            let text: [&[u8]; 2] = [b"ERR Unsupported option ", printed(next, usize::MAX)];
            return Err(CommandError::Quoted(text.concat()));
        };
        *flag = true;
    }
    if all.nx && (all.xx || all.gt || all.lt) {
        return Err(CommandError::text(
            "ERR NX and XX, GT or LT options at the same time are not compatible",
        ));
    }
    if all.gt && all.lt {
        return Err(CommandError::text(
            "ERR GT and LT options at the same time are not compatible",
        ));
    }
    Ok(all)
}

fn set(
    context: &mut Context<'_>,
    argv: Argv<'_>,
    name: &str,
    unit_ms: i64,
    relative: bool,
) -> Outcome {
    let conditions = conditions(Args::new(argv, 3))?;
    let key = argv.get(1).unwrap_or_default();
    let amount = integer(argv.get(2).unwrap_or_default())?;
    let base = if relative {
        context.keys.now.0 as i64
    } else {
        0
    };
    let at = amount
        .checked_mul(unit_ms)
        .and_then(|ms| ms.checked_add(base))
        .ok_or_else(|| format!("ERR invalid expire time in '{name}' command"))?;
    let Some(shown) = context.keys.peek(key)? else {
        context.reply.integer(0);
        return Ok(Flow::Done);
    };
    let present = shown.expiry.map(|at| at.0 as i64);
    let allowed = match present {
        None => !conditions.xx && !conditions.gt,
        Some(present) => {
            !conditions.nx && (!conditions.gt || at > present) && (!conditions.lt || at < present)
        }
    };
    if !allowed {
        context.reply.integer(0);
        return Ok(Flow::Done);
    }
    if at <= context.keys.now.0 as i64 {
        context.keys.delete(key)?;
    } else {
        context.keys.set_expiry(key, Some(WallMs(at as u64)))?;
    }
    context.reply.integer(1);
    Ok(Flow::Done)
}

pub(super) fn persist(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    let had = context
        .keys
        .peek(key)?
        .is_some_and(|shown| shown.expiry.is_some());
    if had {
        context.keys.set_expiry(key, None)?;
    }
    context.reply.integer(i64::from(had));
    Ok(Flow::Done)
}

pub(super) fn ttl(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    tell(context, argv, |at, now| {
        (at.saturating_sub(now) + 500) / 1_000
    })
}

pub(super) fn pttl(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    tell(context, argv, u64::saturating_sub)
}

pub(super) fn expiretime(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    tell(context, argv, |at, _| at.saturating_add(500) / 1_000)
}

pub(super) fn pexpiretime(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    tell(context, argv, |at, _| at)
}

/// −2: no such key; −1: it never expires.
fn tell(context: &mut Context<'_>, argv: Argv<'_>, of: impl FnOnce(u64, u64) -> u64) -> Outcome {
    let now = context.keys.now.0;
    let answer = match context.keys.peek(argv.get(1).unwrap_or_default())? {
        None => -2,
        Some(shown) => shown.expiry.map_or(-1, |at| of(at.0, now) as i64),
    };
    context.reply.integer(answer);
    Ok(Flow::Done)
}
