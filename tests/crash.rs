//! What was acknowledged survives: kill -9 under load again and again, damage in the log, a torn
//! tail, a full disk, a disk that fails to sync; and what cannot be kept is said.
//!
//! These tests run the real program on a real directory. Power loss needs a disk that forgets and
//! is the simulator's business.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test of processes lives in real time and uses threads; a panic is how it fails"
)]

mod common;
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/model.rs"]
mod model;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use common::server::{Launch, Server};
use common::wire::{Reply, encode};
use model::{Client, SHARED};

/// How often the server is killed on one directory.
const LIVES: usize = 10;
const CLIENTS: u64 = 4;

#[test]
fn kill_nine_under_load_loses_nothing_acknowledged_at_everysec() {
    kill_again_and_again("everysec");
}

#[test]
fn kill_nine_under_load_loses_nothing_acknowledged_at_always() {
    kill_again_and_again("always");
}

fn kill_again_and_again(durability: &str) {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::fjall(&directory.path().join("data"), durability);
    let mut clients: Vec<Client> = (0..CLIENTS).map(Client::new).collect();
    let mut bounds = (0, 0);
    for life in 0..LIVES {
        let server = launch.start();
        bounds = verify(&server, &mut clients, bounds, life);
        let before: u64 = clients.iter().map(|client| client.acknowledged).sum();
        let stop = AtomicBool::new(false);
        let port = server.port;
        thread::scope(|scope| {
            for client in &mut clients {
                let stop = &stop;
                scope.spawn(move || client.load(port, stop));
            }
            // Another moment in each life: during the first writes, within a second, after a sync.
            sleep(Duration::from_millis(150 + 230 * life as u64 % 1500));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        let acknowledged = clients
            .iter()
            .map(|client| client.acknowledged)
            .sum::<u64>()
            - before;
        assert!(
            acknowledged > 0,
            "life {life} acknowledged nothing: no test"
        );
    }
    let server = launch.start();
    verify(&server, &mut clients, bounds, LIVES);
    let acknowledged: u64 = clients.iter().map(|client| client.acknowledged).sum();
    let unknown: u64 = clients.iter().map(|client| client.unknown).sum();
    eprintln!("{durability}: {LIVES} kills, {acknowledged} acknowledged, {unknown} unknown");
    assert!(server.terminate().0.success());
}

/// Checks every client's keys and the shared counter, which must be within what was acknowledged
/// and what may have happened. `counted` is its value at the last start and the acknowledged
/// increments until then; the new pair is returned.
fn verify(server: &Server, clients: &mut [Client], counted: (i64, i64), life: usize) -> (i64, i64) {
    let mut wire = server.connect();
    for client in clients.iter_mut() {
        client.verify(&mut wire, life);
    }
    let value = match wire.call(&[b"GET", SHARED]).unwrap().bytes() {
        Some(text) => String::from_utf8(text).unwrap().parse().unwrap(),
        None => 0,
    };
    let acknowledged: i64 = clients.iter().map(|client| client.shared.0).sum();
    let unknown: i64 = clients.iter().map(|client| client.shared.1).sum();
    let least = counted.0 + acknowledged - counted.1;
    assert!(
        (least..=least + unknown).contains(&value),
        "after crash {life}: the shared counter is {value}, not {least} to {}",
        least + unknown,
    );
    for client in clients.iter_mut() {
        client.shared.1 = 0;
    }
    (value, acknowledged)
}

#[test]
fn sigterm_ends_with_status_zero_and_everything_there() {
    for durability in ["everysec", "os"] {
        let directory = tempfile::tempdir().unwrap();
        let launch = Launch::fjall(&directory.path().join("data"), durability);
        let server = launch.start();
        fill(&server, 5000);
        let (status, output) = server.terminate();
        assert_eq!(status.code(), Some(0), "{output}");
        let server = launch.start();
        check(&server, 5000);
    }
}

#[test]
fn a_second_start_on_the_same_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let first = Launch::fjall(&data, "everysec").start();
    fill(&first, 10);
    let (status, output) = Launch::fjall(&data, "everysec").start_refused();
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("in use"), "{output}");
    assert!(output.contains(&*data.to_string_lossy()), "{output}");
    // The first did not notice.
    check(&first, 10);
}

#[test]
fn a_damaged_byte_in_the_middle_of_the_log_refuses_the_start_and_names_the_place() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::fjall(&directory.path().join("data"), "always");
    let server = launch.start();
    fill(&server, 400);
    server.kill();
    let segment = last_segment(&launch.data);
    let mut bytes = fs::read(&segment).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[written / 2] ^= 0x10;
    fs::write(&segment, &bytes).unwrap();
    let (status, output) = launch.start_refused();
    assert_eq!(status.code(), Some(1), "{output}");
    let name = segment.file_name().unwrap().to_string_lossy().into_owned();
    assert!(output.contains(&name), "which segment? {output}");
    let offset = offset_in(&output).unwrap_or_else(|| panic!("at which offset? {output}"));
    assert!(
        offset <= written / 2 && written / 2 - offset < 1024,
        "damaged at {}, reported at {offset}: {output}",
        written / 2,
    );
    // Refusing has changed nothing: with the byte put back the log is whole.
    bytes[written / 2] ^= 0x10;
    fs::write(&segment, &bytes).unwrap();
    check(&launch.start(), 400);
}

#[test]
fn a_torn_tail_is_cut_and_the_server_starts() {
    for tail in [&[0_u8; 300][..], &[0xA5; 777], b"x"] {
        let directory = tempfile::tempdir().unwrap();
        let launch = Launch::fjall(&directory.path().join("data"), "always");
        let server = launch.start();
        fill(&server, 200);
        server.kill();
        let segment = last_segment(&launch.data);
        let mut file = fs::File::options().append(true).open(segment).unwrap();
        file.write_all(tail).unwrap();
        drop(file);
        let server = launch.start();
        check(&server, 200);
        // And it goes on from there, across one more crash.
        fill(&server, 300);
        server.kill();
        check(&launch.start(), 300);
    }
}

/// The end of the log is gone, cleanly, as after a restored old copy: nothing in the log itself tells.
/// The high-water mark does; what is left is served only after somebody has accepted the loss.
#[test]
fn a_shortened_log_is_noticed_told_and_served_only_when_the_loss_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::fjall(&directory.path().join("data"), "always");
    let server = launch.start();
    fill(&server, 400);
    wait_for_mark(&launch.data, 400);
    server.kill();
    let segment = last_segment(&launch.data);
    let bytes = fs::read(&segment).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    fs::write(&segment, &bytes[..written / 2]).unwrap();

    let (status, output) = launch.start_refused();
    assert_eq!(status.code(), Some(1), "{output}");
    let name = segment.file_name().unwrap().to_string_lossy().into_owned();
    assert!(output.contains(&name), "which segment? {output}");
    assert!(
        output.contains("dynamo check"),
        "what is to be done? {output}"
    );

    let check_with = |flags: &[&str]| {
        let mut command = std::process::Command::new(common::server::binary());
        command.arg("check").arg("--data-dir").arg(&launch.data);
        let done = command.args(flags).output().unwrap();
        let text = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        (done.status.code(), text)
    };
    let (code, told) = check_with(&[]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains(&name) && told.contains("--accept-loss"),
        "{told}"
    );
    let (code, told) = check_with(&["--accept-loss"]);
    assert_eq!(code, Some(0), "{told}");

    let server = launch.start();
    check(&server, 100);
    let mut wire = server.connect();
    let Reply::Integer(left) = wire.ask("DBSIZE").unwrap() else {
        panic!("DBSIZE is an integer");
    };
    assert!(
        (100..400).contains(&left),
        "{left} keys of a log cut in half"
    );
}

/// Waits until the mark beside the log speaks of this sequence.
fn wait_for_mark(data: &Path, sequence: u64) {
    for _ in 0..3_000 {
        let bytes = fs::read(data.join("high-water")).unwrap_or_default();
        let marked = [0, 4096].into_iter().filter_map(|slot| {
            let field = bytes.get(slot + 28..slot + 36)?;
            Some(u64::from_le_bytes(field.try_into().unwrap()))
        });
        if marked.max().is_some_and(|marked| marked >= sequence) {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("half a minute without a mark");
}

/// Sets `count` keys, one acknowledged write after the other.
fn fill(server: &Server, count: usize) {
    let mut wire = server.connect();
    for number in 0..count {
        let (key, value) = pair(number);
        assert_eq!(wire.call(&[b"SET", &key, &value]).unwrap(), Reply::ok());
    }
}

fn check(server: &Server, count: usize) {
    let mut wire = server.connect();
    let request: Vec<u8> = (0..count)
        .flat_map(|number| encode(&[b"GET", &pair(number).0]))
        .collect();
    wire.send(&request).unwrap();
    for number in 0..count {
        let (key, value) = pair(number);
        let found = wire.read().unwrap().bytes();
        assert_eq!(found, Some(value), "{}", String::from_utf8_lossy(&key));
    }
}

fn pair(number: usize) -> (Vec<u8>, Vec<u8>) {
    let value = format!("value {number} {}", "v".repeat(number % 100));
    (format!("key:{number}").into_bytes(), value.into_bytes())
}

/// The log segment that was written last.
fn last_segment(data: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "seg") {
                found.push(path);
            }
        }
    }
    found.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    found.pop().expect("a log segment in the data directory")
}

/// The number after the word "offset".
fn offset_in(text: &str) -> Option<usize> {
    let rest = &text[text.find("offset")? + "offset".len()..];
    let digits: String = rest
        .chars()
        .skip_while(|character| !character.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}
