//! DUMP and RESTORE, in Redis's own format.

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Deadline;
use crate::rdb::{self, Restored};
use crate::resp::Argv;
use crate::types::WallMs;

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
    while !args.is_done() {
        if args.take("REPLACE") {
            replace = true;
        } else if args.take("ABSTTL") {
            absolute = true;
        } else if args.left() >= 2 && args.take("IDLETIME") {
            if integer(args.bytes()?)? < 0 {
                return Err(CommandError::text(
                    "ERR Invalid IDLETIME value, must be >= 0",
                ));
            }
        } else if args.left() >= 2 && args.take("FREQ") {
            if !(0..=255).contains(&integer(args.bytes()?)?) {
                return Err(CommandError::text(
                    "ERR Invalid FREQ value, must be >= 0 and <= 255",
                ));
            }
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
        Some(WallMs(base.saturating_add(ttl as u64)))
    };
    if deadline.is_some_and(|at| at <= context.keys.now) {
        context.keys.delete(key)?;
    } else {
        context
            .keys
            .set(key, &value, deadline.map_or(Deadline::Never, Deadline::At))?;
    }
    context.reply.ok();
    Ok(Flow::Done)
}
