//! OBJECT, DUMP, RESTORE, WAIT, WAITAOF.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Bench, NOT_INTEGER, SYNTAX};
use crate::commands::Wait;
use crate::commands::dispatch::Ended;
use crate::node::eviction::EvictionPolicy;

#[test]
fn encodings_are_those_that_redis_would_choose() {
    let mut bench = Bench::new();
    for (value, encoding) in [
        ("0", "int"),
        ("-1", "int"),
        ("9223372036854775807", "int"),
        ("-9223372036854775808", "int"),
        ("9223372036854775808", "embstr"),
        ("12345678901234567890", "embstr"),
        ("007", "embstr"),
        ("+1", "embstr"),
        ("", "embstr"),
        (&"x".repeat(44), "embstr"),
        (&"x".repeat(45), "raw"),
    ] {
        bench.run_words(&["SET", "k", value]);
        assert_eq!(bench.run("OBJECT ENCODING k"), encoding, "{value}");
    }
}

#[test]
fn object_answers_nil_for_a_missing_key() {
    let mut bench = Bench::new();
    bench.check(&[("SET gone v PX 1", "+OK")]);
    bench.pass(1);
    for key in ["nosuch", "gone"] {
        for subcommand in ["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"] {
            assert_eq!(bench.run(&format!("OBJECT {subcommand} {key}")), "nil");
        }
    }
}

#[test]
fn object_knows_its_subcommands() {
    let mut bench = Bench::new();
    bench.check(&[
        (
            "OBJECT",
            "-ERR wrong number of arguments for 'object' command",
        ),
        (
            "OBJECT SIZE k",
            "-ERR unknown subcommand 'SIZE'. Try OBJECT HELP.",
        ),
        (
            "OBJECT ENCODING",
            "-ERR wrong number of arguments for 'object|encoding' command",
        ),
        ("SET k 12", "+OK"),
        ("OBJECT REFCOUNT k", ":2147483647"),
        ("SET k text", "+OK"),
        ("OBJECT REFCOUNT k", ":1"),
    ]);
    let help = bench.run("OBJECT HELP");
    assert!(help.starts_with("[+OBJECT <subcommand> ") && help.ends_with("Print this help.]"));
}

#[test]
fn idle_time_and_frequency_each_go_with_their_policies() {
    let mut bench = Bench::new();
    let clock = |bench: &Bench, second| {
        let keyspace = &bench.node.keyspace;
        keyspace.use_clock.store(second, Ordering::Relaxed);
    };
    bench.check(&[("SET k v", "+OK")]);
    clock(&bench, 90);
    bench.check(&[
        ("OBJECT IDLETIME k", ":90"),
        ("STRLEN k", ":1"),
        ("TTL k", ":-1"),
        ("TYPE k", "+string"),
    ]);
    assert!(
        bench
            .run("OBJECT FREQ k")
            .starts_with("-ERR An LFU maxmemory policy is not selected")
    );
    bench.check(&[("TOUCH k", ":1"), ("OBJECT IDLETIME k", ":0")]);
    let eviction = &bench.node.keyspace.eviction;
    eviction.set_policy(EvictionPolicy::AllKeysLfu);
    bench.check(&[("SET k v", "+OK"), ("OBJECT FREQ k", ":5")]);
    assert!(
        bench
            .run("OBJECT IDLETIME k")
            .starts_with("-ERR An LFU maxmemory policy is selected")
    );
}

/// A payload's words: RESTORE takes bytes that are no text.
fn restore(bench: &mut Bench, key: &str, payload: &[u8], rest: &[&str]) -> String {
    let mut words = vec![b"RESTORE".as_slice(), key.as_bytes()];
    let (ttl, options) = rest.split_first().expect("a ttl");
    words.extend([ttl.as_bytes(), payload]);
    words.extend(options.iter().map(|word| word.as_bytes()));
    let reply = bench.run_bytes(&words);
    String::from_utf8(reply)
        .expect("text")
        .trim_end()
        .to_owned()
}

fn dumped(bench: &mut Bench, key: &str) -> Vec<u8> {
    let reply = bench.run_bytes(&[b"DUMP", key.as_bytes()]);
    let head = reply
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a head");
    reply[head + 1..reply.len() - 2].to_vec()
}

#[test]
fn a_dump_restores_to_the_same_value() {
    let mut bench = Bench::new();
    bench.check(&[("DUMP nosuch", "nil")]);
    let long = "abc ".repeat(1_000);
    for value in ["", "12", "-70000", "text", &long] {
        bench.run_words(&["SET", "k", value]);
        let payload = dumped(&mut bench, "k");
        bench.run("DEL copy");
        assert_eq!(restore(&mut bench, "copy", &payload, &["0"]), "+OK");
        assert_eq!(bench.run("GET copy"), value);
        assert_eq!(bench.run("TTL copy"), ":-1");
    }
}

#[test]
fn restore_takes_deadlines_and_uses() {
    let mut bench = Bench::new();
    bench.check(&[("SET k v", "+OK")]);
    let payload = dumped(&mut bench, "k");
    assert_eq!(restore(&mut bench, "a", &payload, &["1500"]), "+OK");
    bench.check(&[("PTTL a", ":1500")]);
    let at = ["1700000000007", "REPLACE", "ABSTTL"];
    assert_eq!(restore(&mut bench, "a", &payload, &at), "+OK");
    bench.check(&[("PTTL a", ":7")]);
    // A deadline that has passed restores nothing, and takes away what it would replace.
    assert_eq!(restore(&mut bench, "b", &payload, &["1", "ABSTTL"]), "+OK");
    assert_eq!(
        restore(&mut bench, "a", &payload, &["1", "ABSTTL", "REPLACE"]),
        "+OK"
    );
    bench.check(&[("EXISTS a b", ":0")]);
    assert_eq!(
        restore(&mut bench, "c", &payload, &["0", "IDLETIME", "1000"]),
        "+OK"
    );
    bench.check(&[("OBJECT IDLETIME c", ":1000")]);
    let eviction = &bench.node.keyspace.eviction;
    eviction.set_policy(EvictionPolicy::VolatileLfu);
    assert_eq!(
        restore(&mut bench, "d", &payload, &["0", "FREQ", "200"]),
        "+OK"
    );
    bench.check(&[("OBJECT FREQ d", ":200")]);
}

#[test]
fn restore_refuses_what_it_cannot_read() {
    let mut bench = Bench::new();
    bench.check(&[("SET k v", "+OK")]);
    let payload = dumped(&mut bench, "k");
    let busy = "-BUSYKEY Target key name already exists.";
    let footer = "-ERR DUMP payload version or checksum are wrong";
    assert_eq!(restore(&mut bench, "k", &payload, &["0"]), busy);
    assert_eq!(restore(&mut bench, "k", b"x", &["-1"]), busy);
    let mut damaged = payload.clone();
    damaged[1] ^= 1;
    for (payload, rest, expected) in [
        (&payload, vec!["x"], NOT_INTEGER),
        (&payload, vec!["-1"], "-ERR Invalid TTL value, must be >= 0"),
        (&damaged, vec!["0"], footer),
        (&Vec::new(), vec!["0"], footer),
        (&payload, vec!["0", "SOON"], SYNTAX),
        (&payload, vec!["0", "FREQ"], SYNTAX),
        (&payload, vec!["0", "IDLETIME", "1", "FREQ", "1"], SYNTAX),
        (&payload, vec!["0", "IDLETIME", "x"], NOT_INTEGER),
        (
            &payload,
            vec!["0", "IDLETIME", "-1"],
            "-ERR Invalid IDLETIME value, must be >= 0",
        ),
        (
            &payload,
            vec!["0", "FREQ", "256"],
            "-ERR Invalid FREQ value, must be >= 0 and <= 255",
        ),
    ] {
        assert_eq!(
            restore(&mut bench, "new", payload, &rest),
            expected,
            "{rest:?}"
        );
    }
    // Another type's byte under a right checksum.
    let mut list = vec![1, 0, 10, 0];
    list.extend_from_slice(&crate::rdb::crc64::checksum(&list).to_le_bytes());
    assert_eq!(
        restore(&mut bench, "new", &list, &["0"]),
        "-ERR Bad data format"
    );
    bench.check(&[("DBSIZE", ":1")]);
}

#[test]
fn wait_checks_its_arguments_and_then_waits() {
    let timeout = "-ERR timeout is not an integer or out of range";
    let mut bench = Bench::new();
    bench.check(&[
        ("WAIT x 0", NOT_INTEGER),
        ("WAIT 0 x", timeout),
        ("WAIT 0 -1", "-ERR timeout is negative"),
        ("WAIT 0 1", ":0"),
        ("WAITAOF x 0 0", NOT_INTEGER),
        (
            "WAITAOF 2 0 0",
            "-ERR value is out of range, value must between 0 and 1",
        ),
        (
            "WAITAOF 0 -1 0",
            "-ERR value is out of range, must be positive",
        ),
        ("WAITAOF 0 0 x", timeout),
        ("WAITAOF 0 0 -1", "-ERR timeout is negative"),
        (
            "WAITAOF 1 0 0",
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ),
    ]);
    let (ended, out) = bench.end(&[b"WAIT", b"2", b"100"]);
    let timeout = Some(Duration::from_millis(100));
    assert_eq!(ended, Ended::Wait(Wait::Replicas { count: 2, timeout }));
    let (ended, more) = bench.end(&[b"WAITAOF", b"0", b"1", b"0"]);
    let (local, others, timeout) = (0, 1, None);
    assert_eq!(
        ended,
        Ended::Wait(Wait::Fsync {
            local,
            others,
            timeout
        })
    );
    assert!(out.is_empty() && more.is_empty());
}
