//! Redis's commands: one folder per family, its table on top. Code here sees keys, sessions and
//! replies; it knows no socket, and nothing of how keys are stored or replicated.

pub mod args;
pub mod context;
pub mod dispatch;
pub mod docs;
pub mod elsewhere;
pub mod error;
pub mod registry;
pub mod scratch;
pub mod spec;

mod bitmap;
mod causal;
mod connection;
pub mod generic;
mod pubsub;
mod redact;
mod ring;
mod server;
mod string;
#[cfg(test)]
mod testing;
mod transaction;

pub use context::{Context, Flow, Outcome, Wait};
pub use error::CommandError;
pub use registry::{Command, Registry};
pub use spec::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

use crate::resp::Argv;

/// Every family's table, in the order of the documentation.
pub const FAMILIES: &[&[CommandSpec]] = &[
    string::COMMANDS,
    bitmap::COMMANDS,
    generic::KEYS,
    generic::EXPIRY,
    generic::VALUES,
    connection::COMMANDS,
    pubsub::COMMANDS,
    server::ABOUT,
    server::ADMIN,
    causal::COMMANDS,
    ring::COMMANDS,
    transaction::COMMANDS,
];

/// What runs a container called without a known subcommand; dispatch answers that before.
pub fn container(_context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    Err(CommandError::Syntax)
}

/// HELP of a container: its subcommands with their summaries, from the table.
fn help(context: &mut Context<'_>, container: &str) -> Outcome {
    let registry = Registry::get();
    let mut lines = vec![format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        container.to_uppercase()
    )];
    if let Some(command) = registry.find(container.as_bytes()) {
        for sub in command
            .subcommands
            .iter()
            .filter_map(|number| registry.by_number(*number))
        {
            lines.push(sub.spec.name.to_uppercase());
            lines.push(format!("    {}", sub.spec.summary));
        }
    }
    context.reply.array(lines.len());
    lines.iter().for_each(|line| context.reply.simple(line));
    Ok(Flow::Done)
}
