//! PUBSUB: who listens.

use crate::commands::dispatch::wrong_subcommand;
use crate::commands::{Context, Flow, Outcome, help};
use crate::resp::Argv;

pub(super) fn pubsub_channels(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 3 {
        return Err(wrong_subcommand("PUBSUB", argv.get(1).unwrap_or_default()));
    }
    let channels = context.node.pubsub.channels(argv.get(2));
    context.reply.array(channels.len());
    channels
        .iter()
        .for_each(|channel| context.reply.bulk(channel));
    Ok(Flow::Done)
}

pub(super) fn pubsub_numsub(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let channels = argv.from(2);
    context.reply.array(channels.len() * 2);
    for channel in channels.iter() {
        context.reply.bulk(channel);
        context
            .reply
            .integer(context.node.pubsub.listeners(channel) as i64);
    }
    Ok(Flow::Done)
}

pub(super) fn pubsub_numpat(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.integer(context.node.pubsub.patterns() as i64);
    Ok(Flow::Done)
}

pub(super) fn pubsub_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "pubsub")
}
