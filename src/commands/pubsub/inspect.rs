//! PUBSUB: who listens.

use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::resp::Argv;

pub(super) fn pubsub_channels(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 3 {
        let name = argv.get(1).unwrap_or_default();
        let text: [&[u8]; 3] = [
            b"ERR unknown subcommand or wrong number of arguments for '",
            name,
            b"'. Try PUBSUB HELP.",
        ];
        return Err(CommandError::Quoted(text.concat()));
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
