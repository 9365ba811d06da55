//! CLIENT KILL PAUSE UNPAUSE UNBLOCK: what one client does to others.

use std::sync::atomic::Ordering;

use super::list::kind_of;
use crate::commands::args::{Args, integer};
use crate::commands::dispatch::wrong_subcommand;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::resp::Argv;
use crate::session::{ClientHandle, ClientKind};

/// A type that was asked for; `None`: one that this node never has.
#[derive(Clone, Copy)]
struct Kind(Option<ClientKind>);

#[derive(Default)]
struct Filter {
    id: Option<u64>,
    peer: Option<String>,
    local: Option<String>,
    kind: Option<Kind>,
    other_user: bool,
    include_me: bool,
}

impl Filter {
    fn fits(&self, handle: &ClientHandle) -> bool {
        self.id.is_none_or(|id| id == handle.id)
            && self
                .peer
                .as_ref()
                .is_none_or(|peer| *peer == handle.peer.to_string())
            && self
                .local
                .as_ref()
                .is_none_or(|local| *local == handle.local.to_string())
            && self.kind.is_none_or(|kind| kind.0 == Some(handle.kind()))
            && !self.other_user
    }
}

fn filter(mut args: Args<'_>) -> Result<Filter, CommandError> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut filter = Filter::default();
    while args.left() >= 2 {
        if args.take("ID") {
            let id = integer(args.bytes()?).ok().filter(|id| *id > 0);
            let error = CommandError::text("ERR client-id should be greater than 0");
            filter.id = Some(id.ok_or(error)? as u64);
        } else if args.take("TYPE") {
            filter.kind = Some(Kind(kind_of(args.bytes()?)?));
        } else if args.take("ADDR") {
            filter.peer = Some(text(args.bytes()?));
        } else if args.take("LADDR") {
            filter.local = Some(text(args.bytes()?));
        } else if args.take("USER") {
            let user = text(args.bytes()?);
            if user != "default" {
                return Err(format!("ERR No such user '{user}'").into());
            }
        } else if args.take("SKIPME") {
            let word = args.bytes()?;
            filter.include_me = if word.eq_ignore_ascii_case(b"no") {
                true
            } else if word.eq_ignore_ascii_case(b"yes") {
                false
            } else {
                return Err(CommandError::Syntax);
            };
        } else {
            return Err(CommandError::Syntax);
        }
    }
    args.finish()?;
    Ok(filter)
}

pub(super) fn client_kill(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let me = context.session.handle.id;
    if argv.len() == 3 {
        let address = String::from_utf8_lossy(argv.get(2).unwrap_or_default()).into_owned();
        let filter = Filter {
            peer: Some(address),
            ..Filter::default()
        };
        let found = context
            .node
            .clients
            .all()
            .into_iter()
            .find(|handle| filter.fits(handle));
        let Some(handle) = found else {
            return Err(CommandError::text("ERR No such client"));
        };
        context.reply.ok();
        if handle.id == me {
            return Ok(Flow::Close);
        }
        handle.kill();
        return Ok(Flow::Done);
    }
    let filter = filter(Args::new(argv, 2))?;
    let (mut killed, mut myself) = (0, false);
    for handle in context.node.clients.all() {
        if !filter.fits(&handle) || (handle.id == me && !filter.include_me) {
            continue;
        }
        killed += 1;
        if handle.id == me {
            myself = true;
        } else {
            handle.kill();
        }
    }
    context.reply.integer(killed);
    Ok(if myself { Flow::Close } else { Flow::Done })
}

pub(super) fn client_pause(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 4 {
        return Err(wrong_subcommand("CLIENT", argv.get(1).unwrap_or_default()));
    }
    // In Redis's order: the mode is looked at first.
    let all = match argv.get(3) {
        None => true,
        Some(mode) if mode.eq_ignore_ascii_case(b"all") => true,
        Some(mode) if mode.eq_ignore_ascii_case(b"write") => false,
        Some(_) => {
            return Err(CommandError::text(
                "ERR CLIENT PAUSE mode must be WRITE or ALL",
            ));
        }
    };
    let millis = integer(argv.get(2).unwrap_or_default())
        .map_err(|_| CommandError::text("ERR timeout is not an integer or out of range"))?;
    let millis =
        u64::try_from(millis).map_err(|_| CommandError::text("ERR timeout is negative"))?;
    let until = context.keys.now.0.saturating_add(millis);
    context.node.paused_all.store(all, Ordering::Relaxed);
    context
        .node
        .paused_until
        .fetch_max(until, Ordering::Relaxed);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn client_unpause(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.node.paused_until.store(0, Ordering::Relaxed);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn client_unblock(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if argv.len() > 4 {
        return Err(wrong_subcommand("CLIENT", argv.get(1).unwrap_or_default()));
    }
    let how = match argv.get(3) {
        None => 1,
        Some(how) if how.eq_ignore_ascii_case(b"timeout") => 1,
        Some(how) if how.eq_ignore_ascii_case(b"error") => 2,
        Some(_) => {
            return Err(CommandError::text(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
    };
    let id = integer(argv.get(2).unwrap_or_default())?;
    let blocked = u64::try_from(id)
        .ok()
        .and_then(|id| context.node.clients.get(id))
        .filter(|handle| handle.blocked.load(Ordering::Acquire));
    if let Some(handle) = &blocked {
        handle.unblock.store(how, Ordering::Release);
    }
    context.reply.integer(i64::from(blocked.is_some()));
    Ok(Flow::Done)
}
