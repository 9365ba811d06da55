//! Redis's commands: one folder per family, its table on top. Code here sees keys, sessions and
//! replies; it knows no socket, and nothing of how keys are stored or replicated.

pub mod args;
pub mod context;
pub mod dispatch;
pub mod error;
pub mod registry;
pub mod spec;

mod connection;
pub mod generic;
mod string;
mod transaction;

pub use context::{Context, Flow, Outcome, Wait};
pub use error::CommandError;
pub use registry::{Command, Registry};
pub use spec::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

use crate::resp::Argv;

/// Every family's table, in the order of the documentation.
pub const FAMILIES: &[&[CommandSpec]] = &[
    string::COMMANDS,
    generic::KEYS,
    generic::EXPIRY,
    generic::VALUES,
    connection::COMMANDS,
    transaction::COMMANDS,
];

/// What runs a container called without a known subcommand; dispatch answers that before.
pub fn container(_context: &mut Context<'_>, _argv: Argv<'_>) -> Outcome {
    Err(CommandError::Syntax)
}
