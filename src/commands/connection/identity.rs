//! CLIENT ID GETNAME SETNAME SETINFO NO-EVICT NO-TOUCH TRACKINGINFO REPLY HELP.

use std::sync::atomic::Ordering::Relaxed;

use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::resp::Argv;
use crate::session::ReplyMode;

pub(super) fn client_id(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.reply.integer(context.session.handle.id as i64);
    Ok(Flow::Done)
}

pub(super) fn client_getname(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let names = context.session.handle.names.lock();
    if names.name.is_empty() {
        context.reply.null();
    } else {
        context.reply.bulk(&names.name);
    }
    Ok(Flow::Done)
}

fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// A name as CLIENT SETNAME and HELLO take it.
pub(super) fn checked_name(name: &[u8]) -> Result<&[u8], CommandError> {
    if is_plain(name) {
        Ok(name)
    } else {
        Err(CommandError::text(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ))
    }
}

pub(super) fn client_setname(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let name = checked_name(argv.get(2).unwrap_or_default())?;
    context.session.handle.names.lock().name = name.to_vec();
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn client_setinfo(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (option, value) = (
        argv.get(2).unwrap_or_default(),
        argv.get(3).unwrap_or_default(),
    );
    let shown = String::from_utf8_lossy(option).into_owned();
    let mut names = context.session.handle.names.lock();
    let (field, name) = if option.eq_ignore_ascii_case(b"lib-name") {
        (&mut names.lib_name, "lib-name")
    } else if option.eq_ignore_ascii_case(b"lib-ver") {
        (&mut names.lib_ver, "lib-ver")
    } else {
        return Err(format!("ERR Unrecognized option '{shown}'").into());
    };
    if !is_plain(value) {
        return Err(
            format!("ERR {name} cannot contain spaces, newlines or special characters.").into(),
        );
    }
    *field = value.to_vec();
    context.reply.ok();
    Ok(Flow::Done)
}

fn on_or_off(argument: &[u8]) -> Result<bool, CommandError> {
    if argument.eq_ignore_ascii_case(b"on") {
        Ok(true)
    } else if argument.eq_ignore_ascii_case(b"off") {
        Ok(false)
    } else {
        Err(CommandError::Syntax)
    }
}

pub(super) fn client_no_evict(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let on = on_or_off(argv.get(2).unwrap_or_default())?;
    context.session.handle.no_evict.store(on, Relaxed);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn client_no_touch(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let on = on_or_off(argv.get(2).unwrap_or_default())?;
    context.session.no_touch = on;
    context.session.handle.no_touch.store(on, Relaxed);
    context.reply.ok();
    Ok(Flow::Done)
}

/// Client-side caching is not offered, so tracking is always off.
pub(super) fn client_trackinginfo(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let reply = &mut context.reply;
    reply.map(3);
    reply.bulk(b"flags");
    reply.set(1);
    reply.bulk(b"off");
    reply.bulk(b"redirect");
    reply.integer(-1);
    reply.bulk(b"prefixes");
    reply.array(0);
    Ok(Flow::Done)
}

pub(super) fn client_reply(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mode = argv.get(2).unwrap_or_default();
    if mode.eq_ignore_ascii_case(b"on") {
        context.session.reply_mode = ReplyMode::On;
        context.reply.ok();
    } else if mode.eq_ignore_ascii_case(b"off") {
        context.session.reply_mode = ReplyMode::Off;
    } else if mode.eq_ignore_ascii_case(b"skip") {
        if context.session.reply_mode != ReplyMode::Off {
            context.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    Ok(Flow::Done)
}

pub(super) fn client_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "client")
}
