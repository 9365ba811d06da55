//! QUORUM READONLY READWRITE: how many must answer this connection. On one node every quorum is
//! clipped to one; what is asked for is kept for when there are more.

use crate::commands::args::Args;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::resp::Argv;
use crate::session::Quorum;

fn numbers(args: &mut Args<'_>, mut quorum: Quorum) -> Result<Quorum, CommandError> {
    let count = |args: &mut Args<'_>| -> Result<Option<u8>, CommandError> {
        let n = u8::try_from(args.integer()?).ok().filter(|n| *n > 0);
        n.map(Some).ok_or(CommandError::NotInteger)
    };
    while !args.is_done() {
        if args.take("R") {
            quorum.r = count(args)?;
        } else if args.take("W") {
            quorum.w = count(args)?;
        } else if args.take("DW") {
            let n = u8::try_from(args.integer()?).map_err(|_| CommandError::NotInteger)?;
            quorum.dw = Some(n);
        } else if args.take("TIMEOUT") {
            let ms = u64::try_from(args.integer()?).map_err(|_| CommandError::NotInteger)?;
            quorum.timeout_ms = Some(ms);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    Ok(quorum)
}

pub(super) fn quorum(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 1);
    if args.is_done() {
        return Err(CommandError::Syntax);
    }
    if args.take("DEFAULT") {
        args.finish()?;
        context.session.quorum = Quorum::default();
        context.session.quorum_once = None;
    } else if args.take("ONCE") {
        if !context.keys.is_unlocked() || context.session.in_exec {
            return Err(CommandError::text(
                "ERR QUORUM ONCE inside MULTI is not allowed",
            ));
        }
        if args.is_done() {
            return Err(CommandError::Syntax);
        }
        context.session.quorum_once = Some(numbers(&mut args, Quorum::default())?);
    } else {
        context.session.quorum = numbers(&mut args, context.session.quorum)?;
    }
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn readonly(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.session.quorum.r = Some(1);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn readwrite(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.session.quorum.r = None;
    context.reply.ok();
    Ok(Flow::Done)
}
