//! DUMP and RESTORE, in Redis's own format.

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Deadline;
use crate::rdb::{self, Restored};
use crate::resp::Argv;
use crate::types::WallMs;

const BAD_IDLE: CommandError = CommandError::text("ERR Invalid IDLETIME value, must be >= 0");
const BAD_FREQUENCY: CommandError =
    CommandError::text("ERR Invalid FREQ value, must be >= 0 and <= 255");

pub(super) fn dump(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    match context.keys.get(argv.get(1).unwrap_or_default())? {
        None => context.reply.null(),
        Some(shown) => context.reply.bulk(&rdb::dump_string(shown.value)),
    }
    Ok(Flow::Done)
}

pub(super) fn restore(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    let (key, ttl, payload) = (args.bytes()?, args.bytes()?, args.bytes()?);
    let (mut replace, mut absolute) = (false, false);
    let (mut idle, mut frequency) = (None, None);
    while !args.is_done() {
        if args.take("REPLACE") {
            replace = true;
        } else if args.take("ABSTTL") {
            absolute = true;
        } else if args.left() >= 2 && frequency.is_none() && args.take("IDLETIME") {
            let seconds = u64::try_from(integer(args.bytes()?)?).map_err(|_| BAD_IDLE)?;
            idle = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        } else if args.left() >= 2 && idle.is_none() && args.take("FREQ") {
            let count = integer(args.bytes()?)?;
            frequency = Some(u8::try_from(count).map_err(|_| BAD_FREQUENCY)?);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if !replace && context.keys.exists(key)? {
        return Err(CommandError::text(
            "BUSYKEY Target key name already exists.",
        ));
    }
    let ttl = integer(ttl)?;
    if ttl < 0 {
        return Err(CommandError::text("ERR Invalid TTL value, must be >= 0"));
    }
    let Restored::String(value) =
        rdb::restore(payload).map_err(|error| CommandError::from(error.to_string()))?;
    let deadline = if ttl == 0 {
        None
    } else {
        let base = if absolute { 0 } else { context.keys.now.0 };
        // Beyond the end of time it is in the past, as in Redis.
        let at = (base as i64).wrapping_add(ttl);
        Some(WallMs(u64::try_from(at).unwrap_or(0)))
    };
    if deadline.is_some_and(|at| at <= context.keys.now) {
        context.keys.delete(key)?;
    } else {
        context
            .keys
            .set(key, &value, deadline.map_or(Deadline::Never, Deadline::At))?;
        context.keys.set_usage(key, idle, frequency);
    }
    context.reply.ok();
    Ok(Flow::Done)
}
