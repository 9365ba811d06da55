//! Runs `compat/`: redis-cli, redis-benchmark, redis-py, ioredis, node-redis, valkey-glide and
//! applications on them, all unmodified, against the binary that cargo just built. The first run
//! installs them into `target/compat`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test of processes lives in real time; a panic is how it fails, people read it"
)]

mod common;

use std::path::Path;
use std::process::Command;

#[test]
fn real_clients_and_applications_pass() {
    let compat = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat");
    run(Command::new("python3").arg(compat.join("setup.py")));
    let runner = compat.join("run.py");
    let binary = common::server::binary();
    run(Command::new("python3")
        .arg(runner)
        .arg("--binary")
        .arg(binary));
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
