//! PING ECHO SELECT QUIT RESET.

use crate::commands::args::integer;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::resp::{Argv, Protocol};
use crate::session::{Quorum, ReplyMode};
use crate::types::Database;

pub(super) fn ping(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 2 {
        return Err(CommandError::Arity("ping".into()));
    }
    let message = argv.get(1);
    let subscribed = context.session.subscriptions() > 0;
    if subscribed && context.session.protocol == Protocol::Resp2 {
        context.reply.array(2);
        context.reply.bulk(b"pong");
        context.reply.bulk(message.unwrap_or_default());
    } else if let Some(message) = message {
        context.reply.bulk(message);
    } else {
        context.reply.simple("PONG");
    }
    Ok(Flow::Done)
}

pub(super) fn echo(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    context.reply.bulk(argv.get(1).unwrap_or_default());
    Ok(Flow::Done)
}

pub(super) fn select(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let index = integer(argv.get(1).unwrap_or_default())?;
    if i32::try_from(index).is_err() {
        return Err(CommandError::OUT_OF_INT);
    }
    let databases = context.node.config.load().client.databases;
    let Some(database) = u8::try_from(index).ok().filter(|index| *index < databases) else {
        return Err(CommandError::text("ERR DB index is out of range"));
    };
    context.session.database = Database(database);
    context.keys.database = Database(database);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn quit(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.ok();
    Ok(Flow::Close)
}

/// Everything but the connection itself is as it was at the beginning.
pub(super) fn reset(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    use std::sync::atomic::Ordering::Relaxed;
    let session = &mut *context.session;
    session.queue = None;
    session.watched.clear();
    session.database = Database(0);
    session.protocol = Protocol::Resp2;
    session.reply_mode = ReplyMode::On;
    session.no_touch = false;
    session.quorum = Quorum::default();
    session.quorum_once = None;
    session.authenticated = context.node.config.load().client.password.is_empty();
    let id = session.handle.id;
    for channel in std::mem::take(&mut session.channels) {
        context.node.pubsub.unsubscribe(&channel, id);
    }
    for pattern in std::mem::take(&mut session.patterns) {
        context.node.pubsub.punsubscribe(&pattern, id);
    }
    context.node.stop_monitoring(id);
    session.monitor = false;
    let handle = &session.handle;
    handle.channels.store(0, Relaxed);
    handle.patterns.store(0, Relaxed);
    handle.monitor.store(false, Relaxed);
    handle.no_evict.store(false, Relaxed);
    handle.no_touch.store(false, Relaxed);
    handle.resp.store(2, Relaxed);
    handle.names.lock().name.clear();
    context.reply.set_protocol(Protocol::Resp2);
    context.reply.simple("RESET");
    Ok(Flow::Done)
}

/// The database that a queued SELECT will choose, if it is a number at all.
pub(crate) fn database_of(argv: Argv<'_>) -> Option<Database> {
    integer(argv.get(1)?)
        .ok()
        .and_then(|index| u8::try_from(index).ok())
        .map(Database)
}
