//! The command line.

mod check;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A Redis-protocol server that is a Dynamo inside.
#[derive(Debug, Parser)]
#[command(name = "dynamo", version)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Runs a node (also without a verb).
    Server(ServerArgs),
    /// Validates a configuration, or the log of a stopped node.
    Check(CheckArgs),
}

/// Flags of `dynamo server`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServerArgs {
    /// A dynamo.toml.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The client port.
    #[arg(long)]
    port: Option<u16>,
    /// Directory of log and tree.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Any setting, as section.key=value.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
}

/// Flags of `dynamo check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// A dynamo.toml.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The data directory of a stopped node.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Set what is damaged aside and go on with the rest.
    #[arg(long, requires = "data_dir")]
    accept_loss: bool,
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.verb {
        None => serve::serve(&cli.server),
        Some(Verb::Server(args)) => serve::serve(&args),
        Some(Verb::Check(args)) => check::check(&args),
    }
}
