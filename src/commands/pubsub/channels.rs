//! SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE PUBLISH. One reply for each channel named.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;

use crate::commands::{Context, Flow, Outcome};
use crate::resp::Argv;

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Channel,
    Pattern,
}

fn confirm(context: &mut Context<'_>, word: &[u8], name: Option<&[u8]>) {
    let count = context.session.subscriptions() as i64;
    let reply = &mut context.reply;
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(count);
}

fn publish_counts(context: &Context<'_>) {
    let handle = &context.session.handle;
    handle
        .channels
        .store(context.session.channels.len() as u32, Relaxed);
    handle
        .patterns
        .store(context.session.patterns.len() as u32, Relaxed);
}

fn listen(context: &mut Context<'_>, argv: Argv<'_>, what: What) -> Outcome {
    for name in argv.from(1).iter() {
        let bytes = Bytes::copy_from_slice(name);
        let handle = &context.session.handle;
        if what == What::Channel {
            if context.session.channels.insert(bytes.clone()) {
                context.node.pubsub.subscribe(bytes, handle);
            }
            confirm(context, b"subscribe", Some(name));
        } else {
            if context.session.patterns.insert(bytes.clone()) {
                context.node.pubsub.psubscribe(bytes, handle);
            }
            confirm(context, b"psubscribe", Some(name));
        }
    }
    publish_counts(context);
    Ok(Flow::Done)
}

fn leave(context: &mut Context<'_>, argv: Argv<'_>, what: What) -> Outcome {
    let word: &[u8] = if what == What::Channel {
        b"unsubscribe"
    } else {
        b"punsubscribe"
    };
    let session = &*context.session;
    let names: Vec<Bytes> = if argv.len() > 1 {
        argv.from(1).iter().map(Bytes::copy_from_slice).collect()
    } else if what == What::Channel {
        session.channels.iter().cloned().collect()
    } else {
        session.patterns.iter().cloned().collect()
    };
    if names.is_empty() {
        confirm(context, word, None);
    }
    let id = context.session.handle.id;
    for name in names {
        if what == What::Channel {
            context.session.channels.remove(&name);
            context.node.pubsub.unsubscribe(&name, id);
        } else {
            context.session.patterns.remove(&name);
            context.node.pubsub.punsubscribe(&name, id);
        }
        confirm(context, word, Some(&name));
    }
    publish_counts(context);
    Ok(Flow::Done)
}

pub(super) fn subscribe(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    listen(context, argv, What::Channel)
}

pub(super) fn psubscribe(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    listen(context, argv, What::Pattern)
}

pub(super) fn unsubscribe(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    leave(context, argv, What::Channel)
}

pub(super) fn punsubscribe(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    leave(context, argv, What::Pattern)
}

pub(super) fn publish(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (channel, message) = (
        argv.get(1).unwrap_or_default(),
        argv.get(2).unwrap_or_default(),
    );
    let listeners = context.node.pubsub.publish(channel, message);
    context.reply.integer(listeners as i64);
    Ok(Flow::Done)
}
