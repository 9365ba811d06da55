//! MSET and MSETNX: all partitions of the keys are locked, so both are atomic on one node.

use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::Deadline;
use crate::resp::Argv;

fn set_all(context: &mut Context<'_>, argv: Argv<'_>) -> Result<(), CommandError> {
    let mut arguments = argv.from(1).iter();
    while let (Some(key), Some(value)) = (arguments.next(), arguments.next()) {
        context.keys.set(key, value, Deadline::Unset)?;
    }
    Ok(())
}

fn in_pairs(argv: Argv<'_>, name: &'static str) -> Result<(), CommandError> {
    if argv.len().is_multiple_of(2) {
        Err(CommandError::Arity(name.into()))
    } else {
        Ok(())
    }
}

pub(super) fn mset(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    in_pairs(argv, "mset")?;
    set_all(context, argv)?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn msetnx(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    in_pairs(argv, "msetnx")?;
    for key in argv.from(1).iter().step_by(2) {
        if context.keys.exists(key)? {
            context.reply.integer(0);
            return Ok(Flow::Done);
        }
    }
    set_all(context, argv)?;
    context.reply.integer(1);
    Ok(Flow::Done)
}
