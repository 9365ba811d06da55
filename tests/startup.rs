//! Starting, refusing to start, and stopping, with real processes: what an operator meets first.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test of processes lives in real time; a panic is how it fails"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use common::server::{Launch, binary};
use common::wire::Reply;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn dynamo(args: &[&str]) -> Output {
    Command::new(binary()).args(args).output().unwrap()
}

/// Lines that tell why it did not start: not the log's.
fn reasons(output: &str) -> Vec<&str> {
    let told = |line: &&str| line.starts_with("dynamo: ");
    output.lines().filter(told).collect()
}

/// Status and body of a page.
fn page(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[test]
fn a_start_prints_five_lines_and_serves() {
    let data = directory();
    let launch = Launch::fjall(data.path(), "everysec");
    let server = launch.start();
    let port = launch.port;
    let output = server.output();
    for line in [
        format!(
            "dynamo {} serves redis://127.0.0.1:{port}",
            env!("CARGO_PKG_VERSION")
        ),
        "metrics  off".to_owned(),
        format!("data     {} (fjall, everysec)", data.path().display()),
        "ring     256 partitions, n=3 r=2 w=2, clipped to 1 by the one member".to_owned(),
        format!("next     redis-cli -p {port}"),
    ] {
        assert!(
            output.lines().any(|found| found == line),
            "{line}:\n{output}"
        );
    }
    let reply = server.connect().ask("SET a 1").unwrap();
    assert_eq!(reply, Reply::ok());
}

#[test]
fn a_port_that_is_taken_is_one_line_and_touches_no_data() {
    let data = directory();
    let server = Launch::memory(data.path()).start();
    let other = data.path().join("other");
    let mut second = Launch::fjall(&other, "everysec");
    second.port = server.port;
    let (status, output) = second.start_refused();
    assert_eq!(status.code(), Some(1));
    let said = reasons(&output);
    assert_eq!(said.len(), 1, "{output}");
    assert!(
        said[0].starts_with("dynamo: cannot listen on 127.0.0.1:"),
        "{output}"
    );
    assert!(!other.exists(), "the refused node made a data directory");
}

#[test]
fn every_problem_of_a_configuration_is_told_at_once() {
    let data = directory();
    let file = data.path().join("dynamo.toml");
    fs::write(
        &file,
        "[storage]\nengin = 'memory'\n[client]\ndatabases = 99\n",
    )
    .unwrap();
    let (status, output) = Launch::memory(data.path())
        .flag("--config")
        .flag(&file)
        .environment("DYNAMO_CLIENT_TIMEOUT_SECONDS", "soon")
        .start_refused();
    assert_eq!(status.code(), Some(1));
    let file = file.display();
    assert_eq!(
        reasons(&output),
        [
            format!(
                "dynamo: {file}:2: unknown setting storage.engin; did you mean storage.engine?"
            ),
            format!("dynamo: {file}:4: client.databases = 99: must be a whole number from 1 to 16"),
            "dynamo: environment: DYNAMO_CLIENT_TIMEOUT_SECONDS=soon: must be a whole number from \
             0 to 2147483647"
                .to_owned(),
        ],
        "{output}"
    );
    let checked = dynamo(&["check", "--config", &file.to_string()]);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(reasons(&String::from_utf8_lossy(&checked.stderr)).len(), 2);
}

#[test]
fn a_peer_port_open_to_others_needs_a_secret() {
    let data = directory();
    let launch = Launch::memory(data.path())
        .flag("--set")
        .flag("peer.bind=0.0.0.0");
    let (status, output) = launch.start_refused();
    assert_eq!(status.code(), Some(1));
    assert!(reasons(&output)[0].contains("peer.secret"));
}

#[test]
fn a_directory_serves_one_process() {
    let data = directory();
    let _first = Launch::fjall(data.path(), "everysec").start();
    let (status, output) = Launch::fjall(data.path(), "everysec").start_refused();
    assert_eq!(status.code(), Some(1));
    let said = reasons(&output);
    assert_eq!(said.len(), 1, "{output}");
    assert!(said[0].contains("in use by another process"), "{output}");
    let checked = dynamo(&["check", "--data-dir", data.path().to_str().unwrap()]);
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(1));
    assert!(told.contains("in use by another process"), "{told}");
}

#[test]
fn a_directory_that_cannot_be_made_is_one_line() {
    let data = directory();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    let (status, output) = Launch::fjall(&file, "everysec").start_refused();
    assert_eq!(status.code(), Some(1));
    let said = reasons(&output);
    assert_eq!(said.len(), 1, "{output}");
    assert!(said[0].contains(file.to_str().unwrap()), "{output}");
}

#[test]
fn flags_win_over_environment_over_file() {
    let data = directory();
    let file = data.path().join("dynamo.toml");
    fs::write(
        &file,
        "[client]\ntimeout_seconds = 1111\nmax_clients = 111\n[slowlog]\nmax_len = 11\n",
    )
    .unwrap();
    let server = Launch::memory(data.path())
        .flag("--config")
        .flag(&file)
        .environment("DYNAMO_CLIENT_TIMEOUT_SECONDS", "2222")
        .environment("DYNAMO_CLIENT_MAX_CLIENTS", "222")
        .set("client.timeout_seconds=3333")
        .start();
    let mut wire = server.connect();
    for (name, wanted) in [
        ("timeout", "3333"),
        ("maxclients", "222"),
        ("slowlog-max-len", "11"),
    ] {
        let Reply::Array(found) = wire.ask(&format!("CONFIG GET {name}")).unwrap() else {
            panic!("CONFIG GET answers an array");
        };
        assert_eq!(found[1], Reply::Bulk(Some(wanted.into())), "{name}");
    }
}

#[test]
fn sigterm_and_shutdown_end_well_and_keep_what_was_acknowledged() {
    let data = directory();
    let launch = Launch::fjall(data.path(), "os");
    let server = launch.start();
    let mut idle = server.connect();
    assert_eq!(server.connect().ask("SET a 1").unwrap(), Reply::ok());
    let (status, output) = server.terminate();
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(output.contains("SIGTERM: stopping"), "{output}");
    // Whoever is idle is let go at once.
    assert!(!output.contains("do not finish"), "{output}");
    assert!(idle.until_closed().unwrap().is_empty());
    let mut server = launch.start();
    let mut wire = server.connect();
    assert_eq!(wire.ask("GET a").unwrap().bytes().unwrap(), b"1");
    // SHUTDOWN has no reply.
    assert!(wire.ask("SHUTDOWN").is_err());
    assert_eq!(server.wait().code(), Some(0));
    let path = data.path().to_str().unwrap();
    let checked = dynamo(&["check", "--data-dir", path]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(0), "{told}");
    assert!(told.contains("the log is whole"), "{told}");
}

#[test]
fn check_makes_nothing() {
    let data = directory();
    let nowhere = data.path().join("slip");
    let checked = dynamo(&["check", "--data-dir", nowhere.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(!nowhere.exists());
}

#[test]
fn the_http_port_tells_health_and_every_metric_of_the_catalog() {
    let data = directory();
    let launch = Launch::fjall(data.path(), "everysec").set("http.enabled=true");
    let server = launch.start();
    server.connect().ask("SET a 1").unwrap();
    server.connect().ask("SETBIT a x 1").unwrap();
    let port = launch.port + 2_000;
    assert_eq!(page(port, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(page(port, "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(page(port, "/elsewhere").0, 404);
    let (status, text) = page(port, "/metrics");
    assert_eq!(status, 200);
    let typed: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE dynamo_")?.split(' ').next())
        .collect();
    let catalog = dynamo::metrics::METRICS.iter().map(|metric| metric.name);
    assert_eq!(typed, catalog.collect::<BTreeSet<_>>());
    for line in [
        "dynamo_command_calls_total{command=\"set\"} 1",
        "dynamo_errors_total{error=\"ERR\"} 1",
        "dynamo_log_failed 0",
        "dynamo_ready 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
    }
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    for sample in samples {
        let (name, value) = sample.rsplit_once(' ').unwrap();
        assert!(name.starts_with("dynamo_"), "{sample}");
        assert!(value.parse::<f64>().is_ok(), "{sample}");
    }
}

#[test]
fn a_closed_http_port_is_closed() {
    let data = directory();
    let launch = Launch::memory(data.path());
    let _server = launch.start();
    assert!(TcpStream::connect(("127.0.0.1", launch.port + 2_000)).is_err());
}

#[test]
fn admin_asks_a_running_node() {
    let data = directory();
    let server = Launch::memory(data.path())
        .set("client.password=secret")
        .start();
    let address = format!("127.0.0.1:{}", server.port);
    let ask = |args: &[&str]| {
        let mut all = vec!["admin", "--addr", &address];
        all.extend(args);
        let output = dynamo(&all);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = ask(&["ping"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("dynamo: NOAUTH"), "{text}");
    let pong = ask(&["--password", "secret", "ping"]);
    assert_eq!(pong, (Some(0), "PONG\n".to_owned()));
    let (code, text) = ask(&["--password", "secret", "--json", "info", "server"]);
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("{\"Server\":{\"redis_version\":"),
        "{text}"
    );
    let (code, text) = ask(&["--password", "secret", "nosuch"]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("dynamo: ERR unknown command"), "{text}");
}

#[test]
fn policies_of_the_file_are_those_of_new_data() {
    let data = directory();
    let file = data.path().join("dynamo.toml");
    let write = |conflict: &str| {
        fs::write(
            &file,
            format!("[policy.'cart:']\nconflict = '{conflict}'\n"),
        )
        .unwrap();
    };
    write("siblings");
    let store = data.path().join("data");
    let launch = Launch::fjall(Path::new(&store), "everysec")
        .flag("--config")
        .flag(&file);
    let conflict = |server: &common::server::Server| {
        let mut wire = server.connect();
        wire.call(&[b"PUTCTX", b"cart:1", b"", b"milk"]).unwrap();
        wire.call(&[b"PUTCTX", b"cart:1", b"", b"bread"]).unwrap();
        wire.ask("GET cart:1").unwrap()
    };
    let server = launch.start();
    assert!(matches!(conflict(&server), Reply::Error(text) if text.starts_with("CONFLICT")));
    server.kill();
    write("lww");
    let server = launch.start();
    assert!(matches!(conflict(&server), Reply::Error(text) if text.starts_with("CONFLICT")));
    assert!(server.output().contains("differs from the kept one"));
}
