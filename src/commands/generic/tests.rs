//! Keys through the dispatcher: answers and error texts. The expectations are those of redis-server.

mod cold;
mod expiry;
mod value;
mod walks;

use crate::commands::testing::Bench;

const SYNTAX: &str = "-ERR syntax error";
const NOT_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_KEY: &str = "-ERR no such key";
const SAME: &str = "-ERR source and destination objects are the same";
const NO_DATABASE: &str = "-ERR DB index is out of range";
const NOT_INT: &str = "-ERR value is out of range, value must between -2147483648 and 2147483647";

#[test]
fn del_unlink_exists_and_touch_count_live_keys() {
    let mut bench = Bench::new();
    bench.check(&[
        ("MSET a 1 b 2 c 3 d 4", "+OK"),
        ("SET brief x PX 100", "+OK"),
        ("EXISTS a a b nosuch", ":3"),
        ("TOUCH a a nosuch", ":2"),
        ("DEL a a nosuch", ":1"),
        ("UNLINK b c c", ":2"),
        ("EXISTS a b c d brief", ":2"),
        ("DEL", "-ERR wrong number of arguments for 'del' command"),
        (
            "EXISTS",
            "-ERR wrong number of arguments for 'exists' command",
        ),
    ]);
    bench.pass(100);
    bench.check(&[
        ("EXISTS brief", ":0"),
        ("TOUCH brief", ":0"),
        ("DEL brief", ":0"),
        ("DEL d", ":1"),
        ("SET a again", "+OK"),
        ("DBSIZE", ":2"), // `brief` has not been reaped
    ]);
}

#[test]
fn type_names_the_type() {
    let mut bench = Bench::new();
    bench.check(&[
        ("TYPE k", "+none"),
        ("SET k v PX 10", "+OK"),
        ("TYPE k", "+string"),
    ]);
    bench.pass(10);
    bench.check(&[("TYPE k", "+none")]);
}

#[test]
fn rename_takes_value_and_deadline_along() {
    Bench::new().check(&[
        ("RENAME nosuch k", NO_KEY),
        ("RENAME nosuch nosuch", NO_KEY),
        ("RENAMENX nosuch k", NO_KEY),
        ("SET a 1 PX 5000", "+OK"),
        ("SET b 2", "+OK"),
        ("RENAME a b", "+OK"),
        ("EXISTS a", ":0"),
        ("GET b", "1"),
        ("PTTL b", ":5000"),
        ("SET c 3", "+OK"),
        ("RENAME c b", "+OK"),
        ("PTTL b", ":-1"),
        ("RENAME b b", "+OK"),
        ("GET b", "3"),
        ("RENAMENX b b", ":0"),
        ("SET d 4", "+OK"),
        ("RENAMENX b d", ":0"),
        ("GET d", "4"),
        ("RENAMENX b e", ":1"),
        ("GET e", "3"),
        ("DBSIZE", ":2"),
    ]);
}

#[test]
fn renamenx_to_an_expired_key_renames() {
    let mut bench = Bench::new();
    bench.check(&[("SET old x PX 10", "+OK"), ("SET k v", "+OK")]);
    bench.pass(10);
    bench.check(&[("RENAMENX k old", ":1"), ("GET old", "v"), ("DBSIZE", ":1")]);
}

#[test]
fn copy_leaves_the_source() {
    Bench::new().check(&[
        ("COPY nosuch k", ":0"),
        ("SET a 1 PX 5000", "+OK"),
        ("COPY a b", ":1"),
        ("GET b", "1"),
        ("PTTL b", ":5000"),
        ("GET a", "1"),
        ("SET c 3", "+OK"),
        ("COPY c b", ":0"),
        ("COPY c b replace", ":1"),
        ("GET b", "3"),
        ("PTTL b", ":-1"),
        ("COPY c c DB 1", ":1"),
        ("COPY c c DB 1", ":0"),
        ("COPY a c REPLACE DB 1", ":1"),
        ("SELECT 1", "+OK"),
        ("GET c", "1"),
        ("PTTL c", ":5000"),
        ("DBSIZE", ":1"),
        ("SELECT 0", "+OK"),
        ("DBSIZE", ":3"),
    ]);
}

#[test]
fn move_leaves_nothing_behind() {
    Bench::new().check(&[
        ("MOVE nosuch 1", ":0"),
        ("SET k v PX 5000", "+OK"),
        ("MOVE k 1", ":1"),
        ("EXISTS k", ":0"),
        ("DBSIZE", ":0"),
        ("SET k w", "+OK"),
        ("MOVE k 1", ":0"),
        ("GET k", "w"),
        ("SELECT 1", "+OK"),
        ("GET k", "v"),
        ("PTTL k", ":5000"),
        ("DBSIZE", ":1"),
    ]);
}

#[test]
fn copy_and_move_check_where_to() {
    Bench::new().check(&[
        ("SET k v", "+OK"),
        ("COPY k k", SAME),
        ("COPY k k DB 0 REPLACE", SAME),
        ("COPY k j DB 16", NO_DATABASE),
        ("COPY k j DB -1", NO_DATABASE),
        ("COPY k j DB x", NOT_INTEGER),
        ("COPY k j DB 99999999999", NOT_INT),
        ("COPY k j DB", SYNTAX),
        ("COPY k j SOON", SYNTAX),
        (
            "COPY k",
            "-ERR wrong number of arguments for 'copy' command",
        ),
        ("MOVE k 0", SAME),
        ("MOVE k 16", NO_DATABASE),
        ("MOVE k x", NOT_INTEGER),
        ("MOVE k 99999999999", NOT_INT),
        ("DBSIZE", ":1"),
    ]);
}

#[test]
fn what_comes_with_later_types_is_unknown() {
    let mut bench = Bench::new();
    for line in ["SORT k", "SORT_RO k", "MIGRATE h 1 k 0 1"] {
        let reply = bench.run(line);
        assert!(reply.starts_with("-ERR unknown command"), "{reply}");
    }
}
