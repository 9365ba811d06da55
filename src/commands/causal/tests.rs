//! Siblings as an application meets them: made, shown, resolved, refused.

use std::sync::atomic::Ordering::Relaxed;

use crate::commands::testing::Bench;

/// The context at the head of a reply `[context, ...]`.
fn token(reply: &str) -> String {
    let (token, _) = reply
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(", "))
        .expect("a reply with a context");
    if token.is_empty() { "''" } else { token }.to_owned()
}

/// What stands behind the context.
fn rest(reply: &str) -> &str {
    let (_, rest) = reply.split_once(", ").expect("a reply with a context");
    rest.strip_suffix(']').expect("an array")
}

#[test]
fn a_cart_with_two_stale_writers_keeps_both_until_resolved() {
    let mut bench = Bench::new();
    assert_eq!(bench.run("GETVERSIONS cart"), "[, []]");
    let first = bench.run("PUTCTX cart '' milk");
    assert_eq!(rest(&first), ":1");
    let seen = token(&first);
    assert_eq!(
        rest(&bench.run(&format!("PUTCTX cart {seen} milk,eggs"))),
        ":1"
    );
    bench.pass(1);
    // The second writer has not seen the first one's eggs.
    let stale = bench.run(&format!("PUTCTX cart {seen} milk,bread"));
    assert_eq!(rest(&stale), ":2");
    let both = bench.run("GETVERSIONS cart");
    assert_eq!(rest(&both), "[milk,bread, milk,eggs]", "the winner first");
    assert_eq!(bench.run("GET cart"), "milk,bread", "lww shows one");

    bench.check(&[
        ("POLICY SET cart SIBLINGS", "+OK"),
        (
            "GET cart",
            "-CONFLICT 2 concurrent versions of this key; use GETVERSIONS and PUTCTX",
        ),
        (
            "APPEND cart x",
            "-CONFLICT 2 concurrent versions of this key; use GETVERSIONS and PUTCTX",
        ),
        ("STRLEN cart", ":10"),
        ("EXISTS cart", ":1"),
    ]);
    let resolved = bench.run(&format!("PUTCTX cart {} all", token(&both)));
    assert_eq!(rest(&resolved), ":1");
    assert_eq!(bench.run("GET cart"), "all");
    assert_eq!(bench.node.keyspace.sums.siblings_resolved.load(Relaxed), 1);
}

#[test]
fn a_returned_context_does_not_cover_a_sibling_that_was_not_shown() {
    let mut bench = Bench::new();
    let mine = bench.run("PUTCTX k '' mine");
    assert_eq!(rest(&bench.run("PUTCTX k '' theirs")), ":2");
    let again = bench.run(&format!("PUTCTX k {} mine-2", token(&mine)));
    assert_eq!(rest(&again), ":2");
    let third = bench.run(&format!("PUTCTX k {} mine-3", token(&again)));
    assert_eq!(rest(&third), ":2", "theirs was never shown, so it stays");
    assert_eq!(rest(&bench.run("GETVERSIONS k")), "[mine-3, theirs]");
}

#[test]
fn a_delete_supersedes_only_what_it_has_seen() {
    let mut bench = Bench::new();
    let first = token(&bench.run("PUTCTX k '' one"));
    bench.run("PUTCTX k '' two");
    assert_eq!(rest(&bench.run(&format!("DELCTX k {first}"))), ":1");
    let left = bench.run("GETVERSIONS k");
    assert_eq!(rest(&left), "[two]");
    let gone = bench.run(&format!("DELCTX k {} RETURN", token(&left)));
    assert_eq!(rest(&gone), "[]");
    assert_ne!(token(&gone), "''", "deleted is not missing");
    assert_eq!(bench.run("GETVERSIONS k"), gone);
    assert_eq!(bench.run("GET k"), "nil");
}

#[test]
fn a_storm_of_two_writers_ends_with_two_siblings_and_a_short_context() {
    let mut bench = Bench::new();
    let mut contexts = ["''".to_owned(), "''".to_owned()];
    for round in 0..1_000 {
        for (writer, context) in contexts.iter_mut().enumerate() {
            let reply = bench.run(&format!("PUTCTX k {context} w{writer}-{round}"));
            *context = token(&reply);
        }
    }
    let both = bench.run("GETVERSIONS k");
    assert_eq!(rest(&both), "[w1-999, w0-999]");
    for context in [&contexts[0], &contexts[1], &token(&both)] {
        assert!(context.len() < 200, "{} bytes: {context}", context.len());
    }
}

#[test]
fn the_hundred_and_first_sibling_is_refused_and_an_overwrite_resolves_all() {
    let mut bench = Bench::new();
    for i in 1..=100 {
        assert_eq!(
            rest(&bench.run(&format!("PUTCTX k '' v{i}"))),
            format!(":{i}")
        );
    }
    let before = bench.run("GETVERSIONS k");
    bench.check(&[
        (
            "PUTCTX k '' v101",
            "-TOOMANYSIBLINGS 100 concurrent versions of this key; resolve them first",
        ),
        (
            "DELCTX k ''",
            "-TOOMANYSIBLINGS 100 concurrent versions of this key; resolve them first",
        ),
        ("GETVERSIONS k", &before),
        ("SET k one", "+OK"),
    ]);
    assert_eq!(rest(&bench.run("GETVERSIONS k")), "[one]");
}

#[test]
fn contexts_of_other_keys_databases_and_clusters_write_nothing() {
    let mut bench = Bench::new();
    let honest = token(&bench.run("PUTCTX k '' one"));
    let foreign = token(&Bench::new().run("PUTCTX k '' one"));
    let mut damaged = honest.clone().into_bytes();
    damaged[10] = if damaged[10] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).expect("ASCII");
    let long = "A".repeat(70_000);
    for (command, error) in [
        (format!("PUTCTX other {honest} x"), "belongs to another key"),
        (
            format!("PUTCTX k {foreign} x"),
            "was not made by this cluster",
        ),
        (
            format!("DELCTX k {damaged}"),
            "was not made by this cluster",
        ),
        (format!("DELCTX k {}", &honest[..8]), "BADCTX"),
        ("PUTCTX k !!! x".to_owned(), "is not one"),
        (format!("PUTCTX k {long} x"), "is too long"),
    ] {
        let reply = bench.run(&command);
        assert!(
            reply.starts_with("-BADCTX ") && reply.contains(error),
            "{reply}"
        );
    }
    bench.check(&[
        ("GET k", "one"),
        ("EXISTS other", ":0"),
        ("SELECT 1", "+OK"),
    ]);
    let reply = bench.run(&format!("PUTCTX k {honest} x"));
    assert_eq!(reply, "-BADCTX the context belongs to another key");
    assert_eq!(bench.run("EXISTS k"), ":0");
    assert_eq!(bench.node.keyspace.sums.contexts_rejected.load(Relaxed), 7);
}

#[test]
fn expiries_of_versions_are_their_own() {
    let mut bench = Bench::new();
    let brief = token(&bench.run("PUTCTX k '' brief PX 500"));
    bench.run("PUTCTX k '' lasting");
    bench.pass(500);
    assert_eq!(rest(&bench.run("GETVERSIONS k")), "[lasting]");
    bench.check(&[
        (
            "PUTCTX k '' x EX 0",
            "-ERR invalid expire time in 'putctx' command",
        ),
        ("PUTCTX k '' x EX 1 PX 1", "-ERR syntax error"),
        ("PUTCTX k '' x KEEPTTL EX 1", "-ERR syntax error"),
        ("PUTCTX k '' x EX", "-ERR syntax error"),
        ("DELCTX k '' NOW", "-ERR syntax error"),
        ("GETVERSIONS k OTHER", "-ERR syntax error"),
        (
            "PUTCTX k ''",
            "-ERR wrong number of arguments for 'putctx' command",
        ),
    ]);
    assert_eq!(
        rest(&bench.run(&format!("PUTCTX k {brief} next RETURN"))),
        "[next, lasting]"
    );
    let meta = bench.run("GETVERSIONS k WITHMETA LOCAL");
    assert!(meta.contains("value, lasting, dot, "), "{meta}");
    assert!(meta.contains("ttl, :-1, tombstone, :0"), "{meta}");
}

#[test]
fn several_keys_answer_in_order() {
    let mut bench = Bench::new();
    bench.run("SET b two");
    let reply = bench.run("MGETVERSIONS a b");
    assert!(
        reply.starts_with("[[, []], [") && reply.ends_with(", [two]]]"),
        "{reply}"
    );
}

#[test]
fn a_policys_time_to_live_holds_for_versions_too() {
    let mut bench = Bench::new();
    bench.check(&[("POLICY SET cart: SIBLINGS TTL 60", "+OK")]);
    bench.run("PUTCTX cart:1 '' x");
    bench.run("PUTCTX cart:2 '' x EX 5");
    bench.check(&[("TTL cart:1", ":60"), ("TTL cart:2", ":5")]);
}

#[test]
fn policies_are_set_shown_and_removed() {
    Bench::new().check(&[
        ("POLICY GET cart:", "nil"),
        ("POLICY SET cart: siblings R 2 W 2 TTL 60", "+OK"),
        (
            "POLICY GET cart:",
            "[conflict, siblings, r, :2, w, :2, ttl, :60]",
        ),
        ("SET cart:1 x", "+OK"),
        ("TTL cart:1", ":60"),
        // Whoever makes a key without naming an expiry, and nobody who finds one.
        ("INCR cart:2", ":1"),
        ("TTL cart:2", ":60"),
        ("PERSIST cart:2", ":1"),
        ("INCR cart:2", ":2"),
        ("TTL cart:2", ":-1"),
        (
            "POLICY LIST",
            "[cart:, [conflict, siblings, r, :2, w, :2, ttl, :60]]",
        ),
        ("PTTL cart:3", ":-2"),
        ("POLICY SET cart: OTHER", "-ERR syntax error"),
        (
            "POLICY SET cart: LWW R 0",
            "-ERR value is not an integer or out of range",
        ),
        ("POLICY DEL cart:", ":1"),
        ("POLICY DEL cart:", ":0"),
        ("POLICY LIST", "[]"),
    ]);
}

#[test]
fn quorums_are_kept_for_the_connection() {
    let mut bench = Bench::new();
    bench.check(&[
        ("QUORUM", "-ERR syntax error"),
        ("QUORUM R 1 W 2 DW 1 TIMEOUT 250", "+OK"),
        ("QUORUM W 0", "-ERR value is not an integer or out of range"),
    ]);
    let quorum = bench.session.quorum;
    assert_eq!(
        (quorum.r, quorum.w, quorum.dw, quorum.timeout_ms),
        (Some(1), Some(2), Some(1), Some(250))
    );
    bench.check(&[
        ("READONLY", "+OK"),
        ("QUORUM DEFAULT", "+OK"),
        ("QUORUM ONCE W 3", "+OK"),
    ]);
    assert_eq!(bench.session.quorum.r, None);
    assert_eq!(bench.session.quorum_once.and_then(|once| once.w), Some(3));
    bench.check(&[
        ("MULTI", "+OK"),
        ("QUORUM ONCE R 1", "+QUEUED"),
        ("EXEC", "[-ERR QUORUM ONCE inside MULTI is not allowed]"),
        ("READWRITE", "+OK"),
    ]);
}
