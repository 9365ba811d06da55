//! SCAN, KEYS and RANDOMKEY as replies; what they find is tested where they walk.

use std::collections::BTreeSet;

use super::{Bench, NOT_INTEGER, SYNTAX};

/// The keys of a whole SCAN with these options, sorted, and how many calls it took.
fn scan(bench: &mut Bench, options: &str) -> (Vec<String>, usize) {
    let (mut cursor, mut keys, mut calls) = ("0".to_owned(), Vec::new(), 0);
    loop {
        let reply = bench.run(&format!("SCAN {cursor} {options}"));
        let inner = reply.strip_prefix('[').and_then(|r| r.strip_suffix("]]"));
        let (next, found) = inner.and_then(|r| r.split_once(", [")).expect("a pair");
        keys.extend(
            found
                .split(", ")
                .filter(|key| !key.is_empty())
                .map(str::to_owned),
        );
        cursor = next.to_owned();
        calls += 1;
        if cursor == "0" {
            keys.sort();
            return (keys, calls);
        }
    }
}

fn names(prefix: &str, from: usize, to: usize) -> BTreeSet<String> {
    (from..to).map(|i| format!("{prefix}{i}")).collect()
}

#[test]
fn scan_filters_by_pattern_and_type_and_goes_by_count() {
    let mut bench = Bench::new();
    assert_eq!(bench.run("SCAN 0"), "[0, []]");
    for i in 0..200 {
        bench.run(&format!("SET user:{i} v"));
        bench.run(&format!("SET order:{i} v"));
    }
    let (keys, calls) = scan(&mut bench, "");
    assert_eq!(keys.len(), 400);
    assert!((20..=60).contains(&calls), "{calls} calls at ten keys each");
    let (keys, calls) = scan(&mut bench, "COUNT 100 MATCH user:*");
    assert_eq!(BTreeSet::from_iter(keys), names("user:", 0, 200));
    assert!((3..=5).contains(&calls), "{calls} calls");
    let (keys, _) = scan(&mut bench, "MATCH order:1? COUNT 1000 type STRING");
    assert_eq!(BTreeSet::from_iter(keys), names("order:", 10, 20));
    assert!(scan(&mut bench, "TYPE hash").0.is_empty());
    assert!(scan(&mut bench, "MATCH nosuch").0.is_empty());
}

#[test]
fn scan_checks_its_arguments() {
    Bench::new().check(&[
        ("SCAN", "-ERR wrong number of arguments for 'scan' command"),
        ("SCAN x", "-ERR invalid cursor"),
        ("SCAN 18446744073709551616", "-ERR invalid cursor"),
        ("SCAN 0 COUNT", SYNTAX),
        ("SCAN 0 COUNT 0", SYNTAX),
        ("SCAN 0 COUNT -1", SYNTAX),
        ("SCAN 0 COUNT x", NOT_INTEGER),
        ("SCAN 0 MATCH", SYNTAX),
        ("SCAN 0 TYPE", SYNTAX),
        ("SCAN 0 SOON 1", SYNTAX),
    ]);
}

#[test]
fn keys_lists_what_matches_in_the_selected_database() {
    let mut bench = Bench::new();
    bench.check(&[
        ("KEYS *", "[]"),
        ("MSET one 1 two 2 three 3", "+OK"),
        ("SET gone v PX 1", "+OK"),
        ("SELECT 1", "+OK"),
        ("SET other v", "+OK"),
        ("KEYS *", "[other]"),
        ("SELECT 0", "+OK"),
        ("KEYS o*", "[one]"),
        ("KEYS t[w]o", "[two]"),
        ("KEYS nosuch", "[]"),
    ]);
    bench.pass(1);
    let reply = bench.run("KEYS *");
    let keys: BTreeSet<&str> = reply.trim_matches(['[', ']']).split(", ").collect();
    assert_eq!(keys, BTreeSet::from(["one", "two", "three"]));
}

#[test]
fn randomkey_names_a_key_that_is_there() {
    let mut bench = Bench::new();
    bench.check(&[
        ("RANDOMKEY", "nil"),
        ("SET k v", "+OK"),
        ("RANDOMKEY", "k"),
        ("SELECT 1", "+OK"),
        ("RANDOMKEY", "nil"),
    ]);
}

#[test]
fn walks_run_inside_a_transaction_too() {
    Bench::new().check(&[
        ("MULTI", "+OK"),
        ("SET k v", "+QUEUED"),
        ("KEYS *", "+QUEUED"),
        ("SCAN 0", "+QUEUED"),
        ("RANDOMKEY", "+QUEUED"),
        ("FLUSHDB", "+QUEUED"),
        ("DBSIZE", "+QUEUED"),
        ("EXEC", "[+OK, [k], [0, [k]], k, +OK, :0]"),
    ]);
}

#[test]
fn flushes_take_one_database_or_all() {
    Bench::new().check(&[
        ("SET k v", "+OK"),
        ("SELECT 1", "+OK"),
        ("SET k v", "+OK"),
        ("FLUSHDB", "+OK"),
        ("DBSIZE", ":0"),
        ("GET k", "nil"),
        ("SET k w", "+OK"),
        ("SELECT 0", "+OK"),
        ("DBSIZE", ":1"),
        ("FLUSHALL ASYNC", "+OK"),
        ("DBSIZE", ":0"),
        ("SELECT 1", "+OK"),
        ("DBSIZE", ":0"),
        ("SET k x", "+OK"),
        ("GET k", "x"),
        ("FLUSHALL SOON", SYNTAX),
        ("FLUSHDB SYNC", "+OK"),
        ("EXISTS k", ":0"),
    ]);
}

#[test]
fn a_full_table_refuses_writes_or_evicts() {
    use std::sync::atomic::Ordering::Relaxed;
    let oom = "-OOM command not allowed when used memory > 'maxmemory'.";
    let mut bench = Bench::new();
    bench.check(&[("SET k v", "+OK")]);
    bench.node.keyspace.eviction.bound.store(1, Relaxed);
    bench.check(&[
        ("SET k w", oom),
        ("COPY k j", oom),
        ("GET k", "v"),
        ("EXPIRE k 100", ":1"),
        ("DEL k", ":1"),
    ]);
    let mut config = bench.node.config.load().as_ref().clone();
    config.storage.max_memory = 3_000;
    config.storage.eviction = "allkeys-lru".to_owned();
    bench.node.apply(config);
    for i in 0..500 {
        assert_eq!(bench.run(&format!("SET key:{i} value")), "+OK");
    }
    let kept: usize = bench.run("DBSIZE")[1..].parse().expect("a number");
    assert!((5..100).contains(&kept), "{kept} keys kept");
    assert_eq!(bench.run("GET key:499"), "value");
    let evicted = bench.node.keyspace.sums.evicted_keys.load(Relaxed);
    assert_eq!(evicted as usize, 500 - kept);
}

#[test]
fn a_cursor_is_read_as_strtoul_reads_it() {
    let mut bench = Bench::new();
    bench.check(&[
        ("SET '' 1", "+OK"),
        ("SCAN 0 MATCH *", "[0, []]"),
        ("SCAN -1", "[0, []]"),
        ("SCAN 18446744073709551615", "[0, []]"),
        ("SCAN 18446744073709551616", "-ERR invalid cursor"),
        ("SCAN 1x", "-ERR invalid cursor"),
        ("SCAN -", "-ERR invalid cursor"),
        ("SCAN ++1", "-ERR invalid cursor"),
    ]);
    // The empty key is there; only `*` and the empty pattern match it.
    assert_eq!(bench.run_bytes(&[b"KEYS", b"*"]), b"*1\r\n$0\r\n\r\n");
    assert_eq!(bench.run_bytes(&[b"KEYS", b"**"]), b"*0\r\n");
}
