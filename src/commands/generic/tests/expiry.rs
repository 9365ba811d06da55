//! EXPIRE, TTL and their families. The clock begins at 1,700,000,000 seconds.

use super::{Bench, NOT_INTEGER};

#[test]
fn deadlines_are_set_and_told_in_either_unit() {
    Bench::new().check(&[
        ("EXPIRE nosuch 10", ":0"),
        ("TTL nosuch", ":-2"),
        ("PTTL nosuch", ":-2"),
        ("EXPIRETIME nosuch", ":-2"),
        ("PEXPIRETIME nosuch", ":-2"),
        ("SET k v", "+OK"),
        ("TTL k", ":-1"),
        ("PTTL k", ":-1"),
        ("EXPIRETIME k", ":-1"),
        ("PEXPIRETIME k", ":-1"),
        ("EXPIRE k 10", ":1"),
        ("TTL k", ":10"),
        ("PTTL k", ":10000"),
        ("EXPIRETIME k", ":1700000010"),
        ("PEXPIRE k 1499", ":1"),
        ("TTL k", ":1"),
        ("EXPIRETIME k", ":1700000001"),
        ("PEXPIRE k 1500", ":1"),
        ("TTL k", ":2"),
        ("EXPIRETIME k", ":1700000002"),
        ("PEXPIRETIME k", ":1700000001500"),
        ("EXPIREAT k 1700000020", ":1"),
        ("TTL k", ":20"),
        ("PEXPIREAT k 1700000000007", ":1"),
        ("PTTL k", ":7"),
        ("GET k", "v"),
    ]);
}

#[test]
fn a_key_is_gone_from_its_deadline_on() {
    let mut bench = Bench::new();
    bench.check(&[("SET k v", "+OK"), ("PEXPIRE k 100", ":1")]);
    bench.pass(99);
    bench.check(&[("GET k", "v"), ("PTTL k", ":1")]);
    bench.pass(1);
    bench.check(&[
        ("GET k", "nil"),
        ("PTTL k", ":-2"),
        ("EXPIRE k 10", ":0"),
        ("PERSIST k", ":0"),
    ]);
}

#[test]
fn a_deadline_in_the_past_deletes() {
    for line in [
        "EXPIRE k 0",
        "EXPIRE k -1",
        "PEXPIRE k -9223372036854775808",
        "EXPIREAT k 1",
        "EXPIREAT k -1",
        "EXPIREAT k 1700000000",
        "PEXPIREAT k 1699999999999",
    ] {
        Bench::new().check(&[
            ("SET k v", "+OK"),
            (line, ":1"),
            ("EXISTS k", ":0"),
            ("DBSIZE", ":0"),
        ]);
    }
}

#[test]
fn persist_takes_the_deadline_off() {
    let mut bench = Bench::new();
    bench.check(&[
        ("PERSIST nosuch", ":0"),
        ("SET k v PX 100", "+OK"),
        ("PERSIST k", ":1"),
        ("PERSIST k", ":0"),
    ]);
    bench.pass(100);
    bench.check(&[("GET k", "v")]);
}

#[test]
fn conditions_compare_with_the_present_deadline() {
    Bench::new().check(&[
        ("SET k v", "+OK"),
        ("EXPIRE k 10 XX", ":0"),
        ("EXPIRE k 10 GT", ":0"), // no deadline is later than any
        ("EXPIRE k 10 LT", ":1"),
        ("EXPIRE k 20 NX", ":0"),
        ("EXPIRE k 10 GT", ":0"),
        ("EXPIRE k 10 LT", ":0"),
        ("EXPIRE k 20 LT", ":0"),
        ("EXPIRE k 20 gt", ":1"),
        ("EXPIRE k 5 XX LT", ":1"),
        ("EXPIRE k 30 XX GT", ":1"),
        ("EXPIRE k 31 XX", ":1"),
        ("TTL k", ":31"),
        ("EXPIRE k -1 GT", ":0"),
        ("EXPIRE k -1 NX", ":0"),
        ("EXISTS k", ":1"),
        ("PERSIST k", ":1"),
        ("PEXPIRE k 100 NX NX", ":1"),
        ("EXPIREAT k 1700000009 GT", ":1"),
        ("PEXPIREAT k 1700000008000 LT", ":1"),
        ("TTL k", ":8"),
    ]);
}

#[test]
fn errors_come_before_the_key_is_looked_at() {
    let exclusive = "-ERR NX and XX, GT or LT options at the same time are not compatible";
    let both = "-ERR GT and LT options at the same time are not compatible";
    Bench::new().check(&[
        (
            "EXPIRE k",
            "-ERR wrong number of arguments for 'expire' command",
        ),
        ("EXPIRE k x", NOT_INTEGER),
        ("EXPIRE k 1.5", NOT_INTEGER),
        ("EXPIRE k 1 NX XX", exclusive),
        ("EXPIRE k 1 NX GT", exclusive),
        ("EXPIRE k 1 LT NX", exclusive),
        ("EXPIRE k 1 GT LT", both),
        ("EXPIRE k 1 SOON", "-ERR Unsupported option SOON"),
        ("EXPIRE k x SOON", "-ERR Unsupported option SOON"),
        (
            "EXPIRE k 9223372036854775807",
            "-ERR invalid expire time in 'expire' command",
        ),
        (
            "EXPIRE k -9223372036854775808",
            "-ERR invalid expire time in 'expire' command",
        ),
        (
            "PEXPIRE k 9223372036854775807",
            "-ERR invalid expire time in 'pexpire' command",
        ),
        (
            "EXPIREAT k 9223372036854775807",
            "-ERR invalid expire time in 'expireat' command",
        ),
        ("PEXPIREAT k 9223372036854775807", ":0"),
    ]);
}
