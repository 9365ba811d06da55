//! What strangers may send: nothing of it crashes the server, makes it grow, or keeps others from
//! being served.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test of sockets lives in real time and uses threads; a panic is how it fails"
)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::server::{Launch, Server};
use common::wire::{Reply, Wire, encode};

/// How long a stranger may keep a connection without a password.
const UNAUTHENTICATED: Duration = Duration::from_secs(10);
/// How much unauthenticated bytes may make the process grow.
const GROWTH: u64 = 64 << 20;
const PASSWORD: &str = "a long password";

fn open_server() -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let server = Launch::memory(&directory.path().join("data")).start();
    (server, directory)
}

fn closed_server() -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::memory(&directory.path().join("data"));
    let server = launch.set(&format!("client.password={PASSWORD}")).start();
    (server, directory)
}

fn authenticated(server: &Server) -> Wire {
    let mut wire = server.connect();
    assert_eq!(
        wire.call(&[b"AUTH", PASSWORD.as_bytes()]).unwrap(),
        Reply::ok()
    );
    wire
}

/// Sends bytes and waits for the server to close; what it said before.
fn expect_closed(server: &Server, bytes: &[u8], limit: Duration) -> String {
    let mut wire = server.connect();
    wire.timeout(limit).unwrap();
    // A server that has seen enough may close before all is sent.
    let _ = wire.send(bytes);
    let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
    match wire.until_closed() {
        Ok(said) => String::from_utf8_lossy(&said).into_owned(),
        Err(error) => panic!("{begin:?} did not end the connection within {limit:?}: {error}"),
    }
}

#[test]
fn http_verbs_end_the_connection_and_nothing_is_executed() {
    let (server, _directory) = open_server();
    for verb in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "GET"] {
        let request = format!(
            "{verb} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\nSET smuggled 1\r\n"
        );
        expect_closed(&server, request.as_bytes(), Duration::from_secs(5));
    }
    let mut wire = server.connect();
    assert_eq!(wire.ask("EXISTS smuggled").unwrap(), Reply::Integer(0));
}

#[test]
fn lengths_are_checked_before_they_are_believed() {
    let (mut server, _directory) = open_server();
    let resident = server.resident();
    let count = "-ERR Protocol error: invalid multibulk length\r\n";
    let length = "-ERR Protocol error: invalid bulk length\r\n";
    for (bytes, said) in [
        ("*2000000000\r\n", count),
        ("*99999999999999999999\r\n", count),
        ("*1\r\n$9000000000\r\n", length),
        ("*1\r\n$-5\r\n", length),
        ("*1\r\n$99999999999999999999\r\n", length),
        (
            "*1\r\n:1\r\n",
            "-ERR Protocol error: expected '$', got ':'\r\n",
        ),
    ] {
        let found = expect_closed(&server, bytes.as_bytes(), Duration::from_secs(5));
        assert_eq!(found, said, "{bytes:?}");
    }
    // An array of a negative length is no command, and no reason to close.
    let mut wire = server.connect();
    wire.send(b"*-5\r\nPING\r\n").unwrap();
    assert_eq!(wire.read().unwrap(), Reply::Simple("PONG".to_owned()));
    assert!(server.resident() < resident + (16 << 20));
    assert!(server.is_running());
}

#[test]
fn eighty_kilobytes_of_nested_arrays_are_an_error() {
    let (mut server, _directory) = open_server();
    let said = expect_closed(&server, &b"*1\r\n".repeat(20_000), Duration::from_secs(5));
    assert!(
        said.starts_with("-ERR Protocol error") || said.is_empty(),
        "{said}"
    );
    assert!(server.is_running());
}

#[test]
fn a_huge_inline_command_ends_the_connection() {
    let (server, _directory) = open_server();
    let resident = server.resident();
    let said = expect_closed(&server, &vec![b'a'; 8 << 20], Duration::from_secs(10));
    assert!(
        said == "-ERR Protocol error: too big inline request\r\n" || said.is_empty(),
        "{said}"
    );
    assert!(server.resident() < resident + (16 << 20));
}

#[test]
fn without_a_password_a_connection_lasts_ten_seconds_whatever_it_trickles() {
    let (server, _directory) = closed_server();
    let mut known = authenticated(&server);
    let tricklers: [&[u8]; 3] = [b"", b"*1\r\n$4\r\nPIN", b"PING PING PING PING PING PING"];
    thread::scope(|scope| {
        for bytes in tricklers {
            let server = &server;
            scope.spawn(move || {
                let lasted = trickle(server, bytes);
                assert!(
                    lasted + Duration::from_secs(2) > UNAUTHENTICATED
                        && lasted < UNAUTHENTICATED + Duration::from_secs(5),
                    "{:?} at a byte a second lasted {lasted:?}",
                    String::from_utf8_lossy(bytes)
                );
            });
        }
    });
    // One that has said who it is may idle.
    assert_eq!(known.ask("PING").unwrap(), Reply::Simple("PONG".to_owned()));
}

/// Sends a byte a second, then nothing, and says when the server had enough.
fn trickle(server: &Server, bytes: &[u8]) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut rest = bytes.iter();
    while begun.elapsed() < 3 * UNAUTHENTICATED {
        if let Some(byte) = rest.next()
            && stream.write_all(&[*byte]).is_err()
        {
            return begun.elapsed();
        }
        let second = Instant::now();
        while second.elapsed() < Duration::from_secs(1) {
            match stream.read(&mut [0; 512]) {
                Ok(0) => return begun.elapsed(),
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return begun.elapsed(),
            }
        }
    }
    begun.elapsed()
}

#[test]
fn hundreds_of_half_sent_commands_keep_nobody_waiting() {
    let (server, _directory) = open_server();
    let halves: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            stream
                .write_all(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000\r\nand no mo")
                .unwrap();
            stream
        })
        .collect();
    let mut wire = server.connect();
    for number in 0..200 {
        let begun = Instant::now();
        let text = number.to_string();
        assert_eq!(
            wire.call(&[b"SET", b"other", text.as_bytes()]).unwrap(),
            Reply::ok()
        );
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    drop(halves);
}

#[test]
fn output_that_is_never_read_is_bounded_and_ends_the_connection() {
    const VALUE: usize = 1 << 20;
    const ASKED: usize = 4000;
    let (mut server, _directory) = open_server();
    let mut other = server.connect();
    other.call(&[b"SET", b"large", &vec![b'x'; VALUE]]).unwrap();
    let resident = server.resident();

    let mut greedy = server.connect();
    greedy.timeout(Duration::from_secs(5)).unwrap();
    // The server may stop reading, or close, long before this is sent.
    let _ = greedy.send(&encode(&[b"GET", b"large"]).repeat(ASKED));
    let mut most = 0;
    for _ in 0..50 {
        most = most.max(server.resident());
        assert_eq!(other.ask("PING").unwrap(), Reply::Simple("PONG".to_owned()));
        sleep(Duration::from_millis(200));
    }
    let growth = most.saturating_sub(resident);
    assert!(
        growth < 512 << 20,
        "grew by {} MiB for one reader",
        growth >> 20
    );
    let begun = Instant::now();
    let mut received = 0;
    let mut chunk = vec![0; 1 << 20];
    let mut stream = greedy.stream();
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => received += count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("ten seconds unread and still open, after {received}: {error}"),
        }
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
    assert!(
        received < ASKED * VALUE / 2,
        "it was all kept: {} MiB",
        received >> 20
    );
    assert!(server.is_running());
}

/// One key was gone again before the last was there, and the command was begun again for ever.
#[test]
fn a_command_whose_keys_do_not_fit_the_cache_is_answered() {
    const KEYS: usize = 3_000;
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::fjall(&directory.path().join("data"), "os");
    let server = launch.set("storage.cache_bytes=1mb").start();
    let mut wire = server.connect();
    let names: Vec<String> = (0..KEYS).map(|number| format!("key:{number}")).collect();
    for chunk in names.chunks(500) {
        let mut set: Vec<&[u8]> = vec![b"MSET"];
        for name in chunk {
            set.extend([name.as_bytes(), &[b'x'; 1_000]]);
        }
        assert_eq!(wire.call(&set).unwrap(), Reply::ok());
    }
    assert_eq!(wire.ask("SAVE").unwrap(), Reply::ok());
    let mut get: Vec<&[u8]> = vec![b"MGET"];
    get.extend(names.iter().map(String::as_bytes));
    for _ in 0..2 {
        let Reply::Array(values) = wire.call(&get).unwrap() else {
            panic!("MGET answers an array");
        };
        let whole = Reply::Bulk(Some(vec![b'x'; 1_000]));
        assert!(values.len() == KEYS && values.iter().all(|value| *value == whole));
    }
}

#[test]
fn an_address_has_ten_tries_a_second_at_the_password() {
    const SECONDS: u64 = 4;
    let (server, _directory) = closed_server();
    let port = server.port;
    let tried: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || guess(port, Duration::from_secs(SECONDS))))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    let most = 10 * (SECONDS as usize + 2);
    assert!(tried > 0, "no try was judged at all");
    assert!(
        tried <= most,
        "{tried} passwords were judged in {SECONDS} s, at most {most} may be"
    );
    // A throttle, not a ban.
    sleep(Duration::from_secs(2));
    authenticated(&server);
}

/// Guesses as fast as it can; how often the server said that a password is wrong.
fn guess(port: u16, time: Duration) -> usize {
    let begun = Instant::now();
    let mut judged = 0;
    while begun.elapsed() < time {
        let Ok(mut wire) = Wire::connect(port) else {
            sleep(Duration::from_millis(5));
            continue;
        };
        for number in 0..1000 {
            if begun.elapsed() >= time {
                break;
            }
            match wire.call(&[b"AUTH", number.to_string().as_bytes()]) {
                Ok(Reply::Error(text)) if text.starts_with("WRONGPASS") => judged += 1,
                Ok(Reply::Error(_)) => {}
                Ok(reply) => panic!("a wrong password was answered {reply:?}"),
                Err(_) => break,
            }
        }
    }
    judged
}

#[test]
fn unauthenticated_garbage_does_not_make_the_process_grow() {
    let (mut server, _directory) = closed_server();
    let mut known = authenticated(&server);
    assert_eq!(known.ask("SET mine 1").unwrap(), Reply::ok());
    let resident = server.resident();
    let kinds = [
        random_bytes(1 << 20),
        vec![b'a'; 1 << 20],
        b"*1\r\n".repeat(1 << 18),
        [
            b"*2\r\n$3\r\nGET\r\n$1000000\r\n".to_vec(),
            vec![b'x'; 1_000_000],
        ]
        .concat(),
        [b"*1000000\r\n".to_vec(), b"$1\r\na\r\n".repeat(1 << 17)].concat(),
        b"GET key\r\n".repeat(1 << 16),
        [b"*1\r\n$536870912\r\n".to_vec(), vec![0; 1 << 20]].concat(),
        encode(&[b"NOSUCH", &vec![b'y'; 60_000]]).repeat(16),
    ];
    let mut most = 0;
    for _ in 0..3 {
        // All of them stay open while the memory is measured: what one holds, all hold.
        let streams: Vec<TcpStream> = (0..240)
            .map(|number| throw(server.port, &kinds[number % kinds.len()]))
            .collect();
        most = most.max(server.resident());
        assert_eq!(
            known.ask("GET mine").unwrap(),
            Reply::Bulk(Some(b"1".to_vec()))
        );
        drop(streams);
    }
    most = most.max(server.resident());
    let growth = most.saturating_sub(resident);
    assert!(growth < GROWTH, "grew by {} MiB", growth >> 20);
    assert!(server.is_running());
}

/// Sends as much as the server takes without waiting for it, and reads nothing.
fn throw(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_write_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    // Closed, or full because the server has stopped reading: both are its right.
    let _ = stream.write_all(bytes);
    stream
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}
