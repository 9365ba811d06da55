//! WAIT and WAITAOF: "raise W (or DW) for what this connection wrote".

use std::time::Duration;

use crate::commands::args::integer;
use crate::commands::{CommandError, Context, Flow, Outcome, Wait};
use crate::resp::Argv;

fn timeout(argument: &[u8]) -> Result<Option<Duration>, CommandError> {
    let millis = crate::resp::number::parse_i64(argument).ok_or(CommandError::text(
        "ERR timeout is not an integer or out of range",
    ))?;
    let millis =
        u64::try_from(millis).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}

pub(super) fn wait(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let count = integer(argv.get(1).unwrap_or_default())?;
    let timeout = timeout(argv.get(2).unwrap_or_default())?;
    let count = u64::try_from(count).unwrap_or(0);
    if count == 0 {
        context.reply.integer(0);
        return Ok(Flow::Done);
    }
    Ok(Flow::Wait(Wait::Replicas { count, timeout }))
}

pub(super) fn waitaof(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    const RANGE: CommandError = CommandError::text("ERR value is out of range, must be positive");
    let local = integer(argv.get(1).unwrap_or_default())?;
    if !(0..=1).contains(&local) {
        return Err(CommandError::text(
            "ERR value is out of range, value must between 0 and 1",
        ));
    }
    let others = u64::try_from(integer(argv.get(2).unwrap_or_default())?).map_err(|_| RANGE)?;
    let timeout = timeout(argv.get(3).unwrap_or_default())?;
    if local == 1 && !context.node.is_logged() {
        return Err(CommandError::text(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    Ok(Flow::Wait(Wait::Fsync {
        local: local as u64,
        others,
        timeout,
    }))
}
