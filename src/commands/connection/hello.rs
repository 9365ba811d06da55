//! HELLO and AUTH.

use std::sync::atomic::Ordering::Relaxed;

use subtle::ConstantTimeEq as _;

use super::identity::checked_name;
use crate::commands::args::Args;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::REDIS_VERSION;
use crate::resp::number::parse_i64;
use crate::resp::{Argv, Protocol};

const WRONG: CommandError =
    CommandError::text("WRONGPASS invalid username-password pair or user is disabled.");

/// Judges a password; a guesser gets ten tries a second and address.
fn authenticate(
    context: &mut Context<'_>,
    user: &[u8],
    password: &[u8],
) -> Result<(), CommandError> {
    let wanted = context.node.config.load().client.password.clone();
    if user != b"default" {
        return Err(refused(context));
    }
    if wanted.is_empty() || bool::from(wanted.as_bytes().ct_eq(password)) {
        if !context
            .node
            .guesses
            .may_try(context.session.handle.peer.ip(), context.keys.now)
        {
            // As for a wrong one: the answer must not tell them apart.
            context.session.closing = true;
            return Err(TOO_MANY);
        }
        context.session.authenticated = true;
        return Ok(());
    }
    Err(refused(context))
}

const TOO_MANY: CommandError = CommandError::text(
    "ERR too many failed AUTH attempts from this address; try again in a second",
);

fn refused(context: &mut Context<'_>) -> CommandError {
    let peer = context.session.handle.peer.ip();
    if context.node.guesses.failed(peer, context.keys.now) {
        WRONG
    } else {
        context.session.closing = true;
        TOO_MANY
    }
}

pub(super) fn auth(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let (user, password) = match (argv.get(1), argv.get(2), argv.len()) {
        (Some(password), None, _) => {
            if context.node.config.load().client.password.is_empty() {
                return Err(CommandError::text(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            (&b"default"[..], password)
        }
        (Some(user), Some(password), 3) => (user, password),
        _ => return Err(CommandError::Syntax),
    };
    authenticate(context, user, password)?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn hello(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut protocol = context.session.protocol;
    let mut args = Args::new(argv, 1);
    if !args.is_done() {
        let version = parse_i64(args.bytes()?).ok_or(CommandError::text(
            "ERR Protocol version is not an integer or out of range",
        ))?;
        protocol = match version {
            2 => Protocol::Resp2,
            3 => Protocol::Resp3,
            _ => return Err(CommandError::text("NOPROTO unsupported protocol version")),
        };
    }
    let (mut credentials, mut name) = (None, None);
    while !args.is_done() {
        if args.left() >= 3 && args.take("AUTH") {
            credentials = Some((args.bytes()?, args.bytes()?));
        } else if args.left() >= 2 && args.take("SETNAME") {
            name = Some(checked_name(args.bytes()?)?);
        } else {
            let option = String::from_utf8_lossy(args.bytes()?).into_owned();
            return Err(format!("ERR Syntax error in HELLO option '{option}'").into());
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(context, user, password)?;
    }
    if !context.session.authenticated {
        return Err(CommandError::text(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        context.session.handle.names.lock().name = name.to_vec();
    }
    context.session.protocol = protocol;
    context
        .session
        .handle
        .resp
        .store(if protocol == Protocol::Resp3 { 3 } else { 2 }, Relaxed);
    let reply = &mut context.reply;
    reply.set_protocol(protocol);
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"dynamo");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(context.session.handle.id as i64);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
    Ok(Flow::Done)
}
