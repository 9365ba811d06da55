//! CONFIG: the settings of `dynamo.toml` under their own names and under Redis's.

use std::sync::atomic::Ordering::Relaxed;

use crate::commands::{CommandError, Context, Flow, Outcome, help};
use crate::config;
use crate::config::settings::{SETTINGS, find};
use crate::glob;
use crate::resp::Argv;

/// What tools ask Redis for and we answer with a constant: things that this server does not have.
const CONSTANTS: &[(&str, &str)] = &[
    ("save", ""),
    ("replica-read-only", "yes"),
    ("slave-read-only", "yes"),
    ("notify-keyspace-events", ""),
    ("hz", "10"),
    ("tcp-keepalive", "300"),
    ("latency-tracking", "yes"),
    ("lfu-log-factor", "10"),
    ("lfu-decay-time", "1"),
    ("maxmemory-samples", "5"),
    ("lazyfree-lazy-user-del", "no"),
    ("lazyfree-lazy-user-flush", "no"),
];

/// CONFIG GET's rows: our names, Redis's names, and the constants.
fn rows(context: &Context<'_>) -> Vec<(&'static str, String)> {
    let config = context.node.config.load();
    let mut rows = Vec::new();
    for setting in SETTINGS {
        let value = setting.get(&config);
        rows.extend(setting.aliases.iter().map(|alias| (*alias, value.clone())));
        rows.push((setting.name, value));
    }
    let logged = if context.node.is_logged() {
        "yes"
    } else {
        "no"
    };
    rows.push(("appendonly", logged.to_owned()));
    rows.extend(
        CONSTANTS
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    rows.sort_unstable();
    rows
}

pub(super) fn config_get(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let patterns = argv.from(2);
    let mut found = rows(context);
    found.retain(|(name, _)| {
        patterns
            .iter()
            .any(|pattern| glob::matches_ignoring_case(pattern, name.as_bytes()))
    });
    context.reply.map(found.len());
    for (name, value) in found {
        context.reply.bulk(name.as_bytes());
        context.reply.bulk(value.as_bytes());
    }
    Ok(Flow::Done)
}

/// All or none.
pub(super) fn config_set(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if !argv.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let _one_at_a_time = context.node.changing.lock();
    let mut config = context.node.config.load().as_ref().clone();
    let mut seen = Vec::new();
    let mut arguments = argv.from(2).iter();
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let value = String::from_utf8_lossy(value).into_owned();
        let failed = |reason: &str| {
            CommandError::from(format!(
                "ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"
            ))
        };
        let constant = CONSTANTS
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(&name));
        if constant || name.eq_ignore_ascii_case("appendonly") {
            return Err(failed("can't set immutable config"));
        }
        let Some(setting) = find(&name) else {
            return Err(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )
            .into());
        };
        if seen.contains(&setting.name) {
            return Err(failed("duplicate parameter"));
        }
        seen.push(setting.name);
        if !setting.mutable {
            return Err(failed("can't set immutable config"));
        }
        setting
            .set(&mut config, &value)
            .map_err(|reason| failed(&reason))?;
    }
    context.node.apply(config);
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn config_resetstat(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    context.node.stats.reset();
    let sums = &context.node.keyspace.sums;
    sums.expired_keys.store(0, Relaxed);
    sums.evicted_keys.store(0, Relaxed);
    context.reply.ok();
    Ok(Flow::Done)
}

/// The live settings go to the file that the node was started with: never a path or an address.
pub(super) fn config_rewrite(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    let _one_at_a_time = context.node.changing.lock();
    config::rewrite(&context.node.config.load()).map_err(|error| format!("ERR {error}"))?;
    context.reply.ok();
    Ok(Flow::Done)
}

pub(super) fn config_help(context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    help(context, "config")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::eviction::EvictionPolicy;

    #[test]
    fn the_settings_know_the_eviction_policies() {
        let setting = find("maxmemory-policy").expect("is a setting");
        for name in EvictionPolicy::names() {
            let mut config = config::Config::default();
            assert_eq!(setting.set(&mut config, name), Ok(()));
        }
    }
}
