//! Strings through the dispatcher: answers, error texts, options that exclude each other. The
//! expectations are Redis's.

use crate::commands::testing::Bench;

const SYNTAX: &str = "-ERR syntax error";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";

#[test]
fn set_takes_conditions_and_deadlines() {
    let mut bench = Bench::new();
    bench.check(&[
        ("SET k a XX", "nil"),
        ("SET k a NX EX 10", "+OK"),
        ("TTL k", ":10"),
        ("SET k b NX", "nil"),
        ("SET k b XX GET KEEPTTL", "a"),
        ("TTL k", ":10"),
        ("SET k c NX GET", "b"),
        ("GET k", "b"),
        ("SET k c GET", "b"),
        ("TTL k", ":-1"),
        ("SET new x GET", "nil"),
        ("SET k d px 1500", "+OK"),
        ("PTTL k", ":1500"),
        ("SET k e EXAT 1700000005", "+OK"),
        ("PTTL k", ":5000"),
        ("SET k f PXAT 1700000000250", "+OK"),
        ("PTTL k", ":250"),
    ]);
    bench.pass(250);
    bench.check(&[("GET k", "nil"), ("EXISTS k", ":0")]);
}

#[test]
fn set_refuses_options_that_exclude_each_other() {
    let invalid = "-ERR invalid expire time in 'set' command";
    Bench::new().check(&[
        ("SET k", "-ERR wrong number of arguments for 'set' command"),
        ("SET k v NX XX", SYNTAX),
        ("SET k v EX 1 PX 1", SYNTAX),
        ("SET k v EX 1 KEEPTTL", SYNTAX),
        ("SET k v KEEPTTL PXAT 1", SYNTAX),
        ("SET k v EX", SYNTAX),
        ("SET k v SOON", SYNTAX),
        ("SET k v EX x", NOT_INTEGER),
        ("SET k v EX 0", invalid),
        ("SET k v PX -1", invalid),
        ("SET k v EX 9223372036854775807", invalid),
        ("SET k v PX 9223372036854775807", invalid),
        ("EXISTS k", ":0"),
    ]);
}

#[test]
fn a_deadline_in_the_past_deletes() {
    Bench::new().check(&[
        ("SET k v", "+OK"),
        ("SET k w EXAT 1", "+OK"),
        ("EXISTS k", ":0"),
        ("SET k v", "+OK"),
        ("GETEX k PXAT 1", "v"),
        ("EXISTS k", ":0"),
    ]);
}

#[test]
fn the_older_forms_of_set() {
    Bench::new().check(&[
        ("SETNX k a", ":1"),
        ("SETNX k b", ":0"),
        ("SETEX k 10 b", "+OK"),
        ("TTL k", ":10"),
        ("PSETEX k 10 c", "+OK"),
        ("PTTL k", ":10"),
        ("SETEX k 0 x", "-ERR invalid expire time in 'setex' command"),
        (
            "PSETEX k -1 x",
            "-ERR invalid expire time in 'psetex' command",
        ),
        ("SETEX k x x", NOT_INTEGER),
        ("GETSET k d", "c"),
        ("TTL k", ":-1"),
        ("GETSET missing d", "nil"),
        ("GETDEL k", "d"),
        ("GETDEL k", "nil"),
    ]);
}

#[test]
fn getex_changes_the_deadline_only() {
    Bench::new().check(&[
        ("GETEX k", "nil"),
        ("SET k v", "+OK"),
        ("GETEX k EX 10", "v"),
        ("TTL k", ":10"),
        ("GETEX k", "v"),
        ("TTL k", ":10"),
        ("GETEX k PERSIST", "v"),
        ("TTL k", ":-1"),
        ("GETEX k PERSIST EX 1", SYNTAX),
        ("GETEX k EX 1 PX 1", SYNTAX),
        ("GETEX k KEEPTTL", SYNTAX),
        (
            "GETEX k EX 0",
            "-ERR invalid expire time in 'getex' command",
        ),
    ]);
}

#[test]
fn parts_of_strings() {
    Bench::new().check(&[
        ("SET k hello", "+OK"),
        ("GETRANGE k 1 -2", "ell"),
        ("SUBSTR k -3 -1", "llo"),
        ("GETRANGE missing 0 -1", ""),
        ("GETRANGE k x 1", NOT_INTEGER),
        ("EXPIRE k 10", ":1"),
        ("SETRANGE k 1 aLL", ":5"),
        ("GET k", "haLLo"),
        ("TTL k", ":10"),
        ("SETRANGE k -1 x", "-ERR offset is out of range"),
        ("SETRANGE missing 5 ''", ":0"),
        ("EXISTS missing", ":0"),
        (
            "SETRANGE k 536870912 x",
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        ("APPEND k !", ":6"),
        ("TTL k", ":10"),
        ("APPEND fresh ab", ":2"),
        ("STRLEN k", ":6"),
        ("STRLEN missing", ":0"),
    ]);
}

#[test]
fn numbers() {
    Bench::new().check(&[
        ("INCR n", ":1"),
        ("INCRBY n 41", ":42"),
        ("EXPIRE n 10", ":1"),
        ("DECR n", ":41"),
        ("DECRBY n 40", ":1"),
        ("TTL n", ":10"),
        ("INCRBYFLOAT n 1.5", "2.5"),
        ("TTL n", ":10"),
        ("INCR n", NOT_INTEGER),
        ("INCRBY n x", NOT_INTEGER),
        ("INCRBYFLOAT n x", "-ERR value is not a valid float"),
        (
            "INCRBYFLOAT n inf",
            "-ERR increment would produce NaN or Infinity",
        ),
        ("SET n 9223372036854775807", "+OK"),
        ("INCR n", "-ERR increment or decrement would overflow"),
        (
            "DECRBY n -9223372036854775808",
            "-ERR decrement would overflow",
        ),
        ("GET n", "9223372036854775807"),
    ]);
}

#[test]
fn several_keys() {
    Bench::new().check(&[
        ("MSET a 1 b 2 a 3", "+OK"),
        ("MGET a missing b", "[3, nil, 2]"),
        ("MSETNX c 1 a 9", ":0"),
        ("EXISTS c", ":0"),
        ("MSETNX c 1 d 2", ":1"),
        (
            "MSET a",
            "-ERR wrong number of arguments for 'mset' command",
        ),
        (
            "MSET a 1 b",
            "-ERR wrong number of arguments for 'mset' command",
        ),
        (
            "MSETNX a 1 b",
            "-ERR wrong number of arguments for 'msetnx' command",
        ),
    ]);
}

#[test]
fn longest_common_subsequences() {
    Bench::new().check(&[
        ("MSET a ohmytext b mynewtext", "+OK"),
        ("LCS a b", "mytext"),
        ("LCS a b LEN", ":6"),
        (
            "LCS a b IDX",
            "[matches, [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], len, :6]",
        ),
        (
            "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
            "[matches, [[[:4, :7], [:5, :8], :4]], len, :6]",
        ),
        ("LCS a missing", ""),
        (
            "LCS a b LEN IDX",
            "-ERR If you want both the length and indexes, please just use IDX.",
        ),
        ("LCS a b MINMATCHLEN", SYNTAX),
    ]);
}
