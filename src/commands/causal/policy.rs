//! POLICY: what concurrent versions mean, by key prefix.

use std::sync::Arc;

use crate::commands::args::Args;
use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::node::{Conflict, Policy};
use crate::resp::{Argv, Reply};

fn count(args: &mut Args<'_>) -> Result<u8, CommandError> {
    u8::try_from(args.integer()?)
        .ok()
        .filter(|n| *n > 0)
        .ok_or(CommandError::NotInteger)
}

pub(super) fn set(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let mut args = Args::new(argv, 2);
    let prefix = args.bytes()?;
    let conflict = if args.take("LWW") {
        Conflict::Lww
    } else if args.take("SIBLINGS") {
        Conflict::Siblings
    } else {
        return Err(CommandError::Syntax);
    };
    let mut policy = Policy {
        conflict,
        ..Policy::default()
    };
    while !args.is_done() {
        if args.take("R") {
            policy.r = Some(count(&mut args)?);
        } else if args.take("W") {
            policy.w = Some(count(&mut args)?);
        } else if args.take("TTL") {
            let seconds = u64::try_from(args.integer()?).ok().filter(|s| *s > 0);
            policy.ttl_seconds = Some(seconds.ok_or(CommandError::NotInteger)?);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    let _one_at_a_time = context.node.changing.lock();
    let mut policies = context.node.keyspace.policies.load().as_ref().clone();
    policies.set(prefix, policy);
    context.node.keyspace.policies.store(Arc::new(policies));
    context.node.keep_policies().map_err(CommandError::text)?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn del(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let _one_at_a_time = context.node.changing.lock();
    let mut policies = context.node.keyspace.policies.load().as_ref().clone();
    let removed = policies.remove(argv.get(2).unwrap_or_default());
    if removed {
        context.node.keyspace.policies.store(Arc::new(policies));
        context.node.keep_policies().map_err(CommandError::text)?;
    }
    context.reply.integer(i64::from(removed));
    Ok(Flow::Done)
}

fn describe(reply: &mut Reply<'_>, policy: &Policy) {
    let rows: Vec<(&[u8], Option<u64>)> = vec![
        (b"r", policy.r.map(u64::from)),
        (b"w", policy.w.map(u64::from)),
        (b"ttl", policy.ttl_seconds),
    ];
    let set: Vec<_> = rows
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    reply.map(1 + set.len());
    reply.bulk(b"conflict");
    reply.bulk(match policy.conflict {
        Conflict::Lww => b"lww",
        Conflict::Siblings => b"siblings",
    });
    for (name, value) in set {
        reply.bulk(name);
        reply.integer(value as i64);
    }
}

pub(super) fn get(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let policies = context.node.keyspace.policies.load();
    match policies.get(argv.get(2).unwrap_or_default()) {
        Some(policy) => describe(&mut context.reply, &policy),
        None => context.reply.null(),
    }
    Ok(Flow::Done)
}

pub(super) fn list(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let policies = context.node.keyspace.policies.load();
    context.reply.map(policies.iter().len());
    for (prefix, policy) in policies.iter() {
        context.reply.bulk(prefix);
        describe(&mut context.reply, policy);
    }
    Ok(Flow::Done)
}

pub(super) fn help_text(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "policy")
}
