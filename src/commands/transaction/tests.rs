//! Transactions through the dispatcher.

use crate::commands::testing::Bench;

#[test]
fn queued_commands_run_as_one() {
    let mut bench = Bench::new();
    bench.check(&[
        ("MULTI", "+OK"),
        ("SET a 1", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        (
            "EXEC",
            "-EXECABORT Transaction discarded because of previous errors.",
        ),
        ("GET a", "nil"),
        ("MULTI", "+OK"),
        ("SET a x", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("GET a", "+QUEUED"),
        (
            "EXEC",
            "[+OK, -ERR value is not an integer or out of range, x]",
        ),
        ("DISCARD", "-ERR DISCARD without MULTI"),
    ]);
}

#[test]
fn an_exec_that_cannot_be_executed_ends_the_transaction() {
    let mut bench = Bench::new();
    bench.check(&[
        ("MULTI", "+OK"),
        ("SET a 1", "+QUEUED"),
        (
            "EXEC now",
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' \
             command",
        ),
        ("GET a", "nil"),
        ("EXEC", "-ERR EXEC without MULTI"),
    ]);
}

#[test]
fn whoever_watches_sees_every_write_also_one_that_leaves_no_trace() {
    let mut bench = Bench::new();
    for (before, between, reply) in [
        ("PING", "GET a", "[1]"),
        ("SET a 1", "GET a", "[1]"),
        ("SET a 1", "SET a 1", "nil"),
        ("SET a 1", "PERSIST a", "[1]"),
        ("SET a 1", "EXPIRE a 100", "nil"),
        ("SET a 1", "DEL a", "nil"),
        ("DEL a", "DEL a", "nil-key"),
        ("DEL a", "SET a 2", "nil"),
    ] {
        let first = if before == "PING" { "SET a 1" } else { before };
        bench.run(first);
        bench.check(&[("WATCH a", "+OK")]);
        bench.run(between);
        bench.check(&[("MULTI", "+OK"), ("GET a", "+QUEUED")]);
        let wanted = if reply == "nil-key" { "[nil]" } else { reply };
        assert_eq!(bench.run("EXEC"), wanted, "{before}, WATCH, {between}");
    }
    // Set and deleted again; set with a deadline that has passed.
    bench.check(&[
        ("DEL a", ":1"),
        ("WATCH a", "+OK"),
        ("SET a 3", "+OK"),
        ("DEL a", ":1"),
    ]);
    bench.check(&[("MULTI", "+OK"), ("GET a", "+QUEUED"), ("EXEC", "nil")]);
    bench.check(&[("WATCH a", "+OK"), ("SET a 3 PX 5", "+OK")]);
    bench.pass(10);
    bench.check(&[("MULTI", "+OK"), ("GET a", "+QUEUED"), ("EXEC", "nil")]);
    // What was dead when it was watched may be forgotten meanwhile.
    bench.check(&[
        ("WATCH a nosuch", "+OK"),
        ("MULTI", "+OK"),
        ("GET a", "+QUEUED"),
    ]);
    bench.check(&[("EXEC", "[nil]")]);
}

#[test]
fn a_key_that_expires_under_watch_has_changed() {
    let mut bench = Bench::new();
    bench.check(&[("SET a 1 PX 50", "+OK"), ("WATCH a", "+OK")]);
    bench.pass(60);
    bench.check(&[("MULTI", "+OK"), ("SET b 1", "+QUEUED"), ("EXEC", "nil")]);
    // Expired before it was watched, it is a missing key.
    bench.check(&[("WATCH a", "+OK"), ("MULTI", "+OK"), ("SET b 1", "+QUEUED")]);
    bench.check(&[("EXEC", "[+OK]")]);
}

/// INFO counts keys in partitions whose keys the transaction does not name.
#[test]
fn info_inside_a_transaction_sees_every_partition() {
    let mut bench = Bench::new();
    bench.check(&[
        ("MULTI", "+OK"),
        ("INFO keyspace", "+QUEUED"),
        ("SET a 1", "+QUEUED"),
    ]);
    let reply = bench.run("EXEC");
    assert!(reply.contains("# Keyspace"), "{reply}");
}
