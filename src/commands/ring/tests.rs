//! The ring of one node, through the dispatcher.

use crate::commands::testing::Bench;

#[test]
fn a_cluster_of_one_is_told_with_its_clipped_quorums() {
    let mut bench = Bench::new();
    let status = bench.run("RING STATUS");
    assert!(status.contains("members, :1, reachable, :1"), "{status}");
    assert!(status.contains("clipped from 3"), "{status}");
    assert!(status.contains("owned, :16, seated, :16"), "{status}");
    let map = bench.run("RING MAP");
    assert!(
        map.starts_with("[[partition, :0, slots, 0-1023, owners, ["),
        "{map}"
    );
    assert_eq!(bench.run("RING HINTS"), "[]");
}

#[test]
fn a_key_is_explained_from_slot_to_siblings() {
    let mut bench = Bench::new();
    let explained = bench.run("RING EXPLAIN foo");
    assert!(
        explained.contains("slot, :12182, partition, :11"),
        "{explained}"
    );
    assert!(explained.contains("siblings, []"), "{explained}");
    bench.run("PUTCTX foo '' one");
    bench.run("PUTCTX foo '' three");
    let explained = bench.run("RING EXPLAIN foo");
    assert!(explained.contains("bytes, :3") && explained.contains("bytes, :5"));
    assert_eq!(explained.matches("shown, :1").count(), 1, "{explained}");
    bench.run("DEL foo");
    assert!(bench.run("RING EXPLAIN foo").contains("tombstone, :1"));
}

#[test]
fn links_are_cut_only_where_that_was_allowed_at_the_start() {
    let mut bench = Bench::new();
    assert!(
        bench
            .run("RING CUT b")
            .starts_with("-ERR RING CUT not allowed")
    );
    bench.node.faults.allow();
    assert_eq!(bench.run("RING CUT b"), "-ERR no other node is called 'b'");
    assert_eq!(bench.run("RING CUT"), "+OK");
}
