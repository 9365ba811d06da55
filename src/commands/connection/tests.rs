//! The connection's own commands through the dispatcher.

use crate::commands::dispatch::Ended;
use crate::commands::testing::Bench;

/// Words apart by blanks, as bytes.
fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

#[test]
fn a_skipped_reply_is_that_of_the_command_that_runs_and_not_of_its_first_try() {
    let mut bench = Bench::new();
    bench.check(&[("CLIENT PAUSE 1000 WRITE", "+OK")]);
    let silent = (Ended::Replied, Vec::new());
    assert_eq!(bench.end(&words("CLIENT REPLY SKIP")), silent);
    // Held back by the pause, it runs again: what is skipped is the reply to come.
    assert_eq!(bench.end(&words("SET a 1")), (Ended::Hold, Vec::new()));
    bench.pass(1_001);
    assert_eq!(bench.end(&words("SET a 1")), silent);
    bench.check(&[("GET a", "1")]);
    assert_eq!(bench.end(&words("CLIENT REPLY OFF")), silent);
    assert_eq!(bench.end(&words("GET a")), silent);
    assert_eq!(bench.end(&words("CLIENT REPLY SKIP")), silent);
    bench.check(&[("CLIENT REPLY ON", "+OK"), ("GET a", "1")]);
}

#[test]
fn reset_puts_everything_back() {
    let mut bench = Bench::new();
    bench.check(&[
        ("CLIENT SETNAME me", "+OK"),
        ("SELECT 3", "+OK"),
        ("CLIENT NO-TOUCH ON", "+OK"),
        ("WATCH a", "+OK"),
        ("MULTI", "+OK"),
        ("RESET", "+RESET"),
        ("EXEC", "-ERR EXEC without MULTI"),
        ("CLIENT GETNAME", "nil"),
    ]);
    let line = bench.run("CLIENT INFO");
    assert!(
        line.contains(" db=0 ") && line.contains(" flags=N "),
        "{line}"
    );
}

#[test]
fn databases_are_those_of_the_setting() {
    let mut bench = Bench::new();
    bench.check(&[
        ("SELECT 15", "+OK"),
        ("SELECT 16", "-ERR DB index is out of range"),
        ("SELECT -1", "-ERR DB index is out of range"),
        (
            "SELECT 2147483648",
            "-ERR value is out of range, value must between -2147483648 and 2147483647",
        ),
        ("SELECT x", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn subscribers_of_resp2_are_told_what_they_may_do() {
    let mut bench = Bench::new();
    bench.check(&[("SUBSCRIBE c", "[subscribe, c, :1]")]);
    let told = bench.run("CLIENT GETNAME");
    assert!(
        told.starts_with("-ERR Can't execute 'client|getname': only (P|S)SUBSCRIBE"),
        "{told}"
    );
    bench.check(&[("PING", "[pong, ]"), ("RESET", "+RESET"), ("GET c", "nil")]);
}

#[test]
fn names_and_facts_of_a_client_are_plain_texts() {
    let mut bench = Bench::new();
    bench.check(&[
        ("CLIENT SETINFO LIB-NAME lib", "+OK"),
        ("CLIENT SETINFO lib-ver 1.2", "+OK"),
        (
            "CLIENT SETINFO colour red",
            "-ERR Unrecognized option 'colour'",
        ),
        ("CLIENT KILL ID 99", ":0"),
        ("CLIENT KILL 1.2.3.4:5", "-ERR No such client"),
        ("CLIENT UNBLOCK 99", ":0"),
        (
            "client unblock 1 timeout x",
            "-ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP.",
        ),
        // The last argument is looked at first, as in Redis.
        (
            "CLIENT UNBLOCK x y",
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
        ),
        (
            "CLIENT PAUSE x y",
            "-ERR CLIENT PAUSE mode must be WRITE or ALL",
        ),
        (
            "CLIENT TRACKINGINFO",
            "[flags, [off], redirect, :-1, prefixes, []]",
        ),
    ]);
    let spaced = bench.run_words(&["CLIENT", "SETNAME", "a b"]);
    let refusal = "-ERR Client names cannot contain spaces, newlines or special characters.";
    assert_eq!(spaced, refusal);
    let line = bench.run("CLIENT INFO");
    assert!(line.contains("lib-name=lib lib-ver=1.2"), "{line}");
}
