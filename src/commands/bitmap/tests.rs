//! Bits through the dispatcher. The expectations are those of Redis 7.0.15.

use crate::commands::testing::Bench;

const SYNTAX: &str = "-ERR syntax error";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
const OFFSET: &str = "-ERR bit offset is not an integer or out of range";

#[test]
fn single_bits() {
    Bench::new().check(&[
        ("SETBIT k 7 1", ":0"),
        ("SETBIT k 7 0", ":1"),
        ("SETBIT k 17 0", ":0"),
        ("STRLEN k", ":3"),
        ("EXPIRE k 10", ":1"),
        ("SETBIT k 1 1", ":0"),
        ("TTL k", ":10"),
        ("GETBIT k 1", ":1"),
        ("GETBIT k 100", ":0"),
        ("GETBIT missing 0", ":0"),
        ("SETBIT k -1 1", OFFSET),
        ("SETBIT k 4294967296 1", OFFSET),
        ("GETBIT k x", OFFSET),
        ("SETBIT k 0 2", "-ERR bit is not an integer or out of range"),
    ]);
}

#[test]
fn counting() {
    Bench::new().check(&[
        ("SET k foobar", "+OK"),
        ("BITCOUNT k", ":26"),
        ("BITCOUNT k 1 1", ":6"),
        ("BITCOUNT k 5 30 BIT", ":17"),
        ("BITCOUNT k -2 -1 byte", ":7"),
        ("BITCOUNT missing", ":0"),
        ("BITCOUNT missing x y z", ":0"),
        ("BITCOUNT k 1", SYNTAX),
        ("BITCOUNT k 1 2 NIBBLE", SYNTAX),
        ("BITCOUNT k x 2", NOT_INTEGER),
        // Empty by its signs alone: answered before the unit is looked at, as Redis 7.0 does.
        ("BITCOUNT k -1 -2 NIBBLE", ":0"),
        ("BITCOUNT k 2 1 NIBBLE", SYNTAX),
    ]);
}

#[test]
fn positions() {
    Bench::new().check(&[
        ("SETBIT k 10 1", ":0"),
        ("BITPOS k 1", ":10"),
        ("BITPOS k 0", ":0"),
        ("BITPOS k 1 0 0", ":-1"),
        ("BITPOS k 1 8 -1 BIT", ":10"),
        ("BITPOS missing 0", ":0"),
        ("BITPOS k 1 0 x NIBBLE", SYNTAX),
        ("BITPOS k 1 x 0 NIBBLE", NOT_INTEGER),
        ("BITPOS missing 1", ":-1"),
        ("BITPOS missing 0 x", ":0"),
        ("BITPOS k 2", "-ERR The bit argument must be 1 or 0."),
        ("BITPOS k x", NOT_INTEGER),
        ("BITPOS k 1 0 1 NIBBLE", SYNTAX),
        ("BITPOS k 1 x", NOT_INTEGER),
    ]);
}

#[test]
fn combinations() {
    Bench::new().check(&[
        ("MSET a abc b ab", "+OK"),
        ("SETEX target 10 old", "+OK"),
        ("BITOP OR target a b", ":3"),
        ("GET target", "abc"),
        ("TTL target", ":-1"),
        ("BITOP xor target a a", ":3"),
        ("BITCOUNT target", ":0"),
        ("BITOP AND target a missing", ":3"),
        ("BITOP NOT target b", ":2"),
        ("BITOP AND target missing missing", ":0"),
        ("EXISTS target", ":0"),
        (
            "BITOP NOT target a b",
            "-ERR BITOP NOT must be called with a single source key.",
        ),
        ("BITOP NAND target a b", SYNTAX),
    ]);
}

#[test]
fn fields() {
    Bench::new().check(&[
        (
            "BITFIELD k SET u8 0 255 GET u4 #1 INCRBY i8 8 -1",
            "[:0, :15, :-1]",
        ),
        ("STRLEN k", ":2"),
        ("BITFIELD k OVERFLOW SAT INCRBY u8 0 10", "[:255]"),
        ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 10", "[nil]"),
        ("BITFIELD k INCRBY u8 0 10", "[:9]"),
        ("BITFIELD_RO k GET u8 0", "[:9]"),
        ("BITFIELD missing GET u8 0", "[:0]"),
        ("EXISTS missing", ":0"),
        ("BITFIELD k", "[]"),
        (
            "BITFIELD_RO k SET u8 0 1",
            "-ERR BITFIELD_RO only supports the GET subcommand",
        ),
        (
            "BITFIELD k GET u64 0",
            "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
             supported but i64 is.",
        ),
        ("BITFIELD k GET u8 -1", OFFSET),
        (
            "BITFIELD k OVERFLOW NEVER",
            "-ERR Invalid OVERFLOW type specified",
        ),
        ("BITFIELD k SET u8 0", SYNTAX),
        ("BITFIELD k SET u8 0 x", NOT_INTEGER),
    ]);
}
