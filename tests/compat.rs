//! Runs `compat/`: redis-cli, redis-benchmark, redis-py, ioredis, node-redis, valkey-glide and
//! applications on them, all unmodified, against the binary that cargo just built; and random commands
//! against a real redis-server. The first run installs them into `target/compat`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test of processes lives in real time; a panic is how it fails, people read it"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Enough for every command of the generator many times over, and over in a minute.
const COMMANDS: &str = "30000";

/// The same sequences every time, so that a change is judged by what it changes. `DIFFERENTIAL_SEED`
/// draws others.
const SEED: &str = "148921384";

#[test]
fn real_clients_and_applications_pass() {
    set_up();
    run(Command::new("python3")
        .arg(compat().join("run.py"))
        .arg("--binary")
        .arg(common::server::binary()));
}

/// The same random commands to Debian's redis-server and to both engines: every byte of every reply
/// is compared. A difference is printed with the commands that show it.
#[test]
fn random_commands_are_answered_as_redis_answers_them() {
    set_up();
    let seed = std::env::var("DIFFERENTIAL_SEED").unwrap_or_else(|_| SEED.to_owned());
    for engine in ["memory", "fjall"] {
        run(Command::new("python3")
            .arg(compat().join("differential").join("run.py"))
            .arg("--oracle")
            .arg(root().join("target/compat/bin/redis-server"))
            .arg("--binary")
            .arg(common::server::binary())
            .args(["--engine", engine, "--commands", COMMANDS])
            .args(["--seed", &seed]));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compat() -> PathBuf {
    root().join("compat")
}

/// What is installed already is left alone; who comes second waits for the first.
fn set_up() {
    run(Command::new("python3").arg(compat().join("setup.py")));
}

/// Runs a command to its end; what it printed is the reason when it fails.
fn run(command: &mut Command) {
    let done = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let output = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "{command:?}: {}\n{output}\n{errors}",
        done.status
    );
    println!("{output}");
}
