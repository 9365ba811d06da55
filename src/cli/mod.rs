//! The command line.

mod admin;
mod check;
mod limits;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

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
    /// Asks a running node. Exit code 0: well; 1: error; 2: answered, and the node is degraded.
    Admin(AdminArgs),
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
    /// A node of the cluster to join.
    #[arg(long, value_name = "HOST:PORT")]
    seed: Vec<String>,
    /// Found a cluster in an empty directory, whatever the seeds say.
    #[arg(long)]
    found: bool,
    /// Any setting, as section.key=value.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    /// RING CUT may cut links of this process: for demonstrations and tests.
    #[arg(long, hide = true)]
    allow_faults: bool,
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

/// Flags of `dynamo admin`.
#[derive(Clone, Debug, Args)]
pub struct AdminArgs {
    /// The node's client port.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:6379")]
    addr: String,
    /// The node's password; else the variable `REDISCLI_AUTH`, as redis-cli reads it.
    #[arg(long)]
    password: Option<String>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    /// A verb of RING, or any command: `info`, `ping`, `config get 'storage.*'`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    verb: Vec<String>,
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.verb {
        None => serve::serve(&cli.server)?,
        Some(Verb::Server(args)) => serve::serve(&serve::merged(cli.server, args))?,
        Some(Verb::Check(args)) => check::check(&args)?,
        Some(Verb::Admin(args)) => return admin::admin(&args),
    }
    Ok(ExitCode::SUCCESS)
}
