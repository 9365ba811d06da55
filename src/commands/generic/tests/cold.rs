//! Keys that only the tree may have: a command asks for each of them, in its own database, before it
//! does anything. Here there is no tree: a key is brought in by a write.

use std::sync::atomic::Ordering;

use super::Bench;
use crate::commands::dispatch::Ended;
use crate::types::Database;

impl Bench {
    /// From now on what is not in the table may be elsewhere.
    fn grow_cold(&self) {
        let keyspace = &self.node.keyspace;
        keyspace.may_be_cold.store(true, Ordering::Relaxed);
        for id in keyspace.partition_ids() {
            keyspace.lock(id).complete = false;
        }
    }

    /// Marks a key as known to be missing, as a load does that finds nothing.
    fn load_nothing(&self, database: u8, key: &str) {
        use crate::store::table::{Entry, entry};
        let place = self.node.keyspace.place(key.as_bytes());
        let mut partition = self.node.keyspace.lock(place.partition);
        let space = partition.space_mut(Database(database));
        let marker = Entry::marker(key.as_bytes(), entry::ABSENT);
        space.table.insert(place.token, marker);
    }

    fn wants(&mut self, line: &str, database: u8, key: &str) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let (ended, out) = self.end(&words);
        let expected = Ended::Load(Database(database), key.as_bytes().into());
        assert_eq!((ended, out), (expected, Vec::new()), "{line}");
    }
}

#[test]
fn every_key_of_a_command_is_asked_for() {
    let mut bench = Bench::new();
    bench.check(&[("SET a 1", "+OK")]);
    bench.grow_cold();
    bench.check(&[("GET a", "1")]);
    bench.wants("GET b", 0, "b");
    bench.wants("DEL a b", 0, "b");
    bench.wants("RENAME a b", 0, "b");
    bench.load_nothing(0, "b");
    bench.check(&[("RENAME a b", "+OK"), ("GET b", "1"), ("DBSIZE", ":1")]);
}

#[test]
fn copy_and_move_ask_in_the_other_database_too() {
    let mut bench = Bench::new();
    bench.check(&[("SET k v", "+OK")]);
    bench.grow_cold();
    bench.wants("MOVE k 1", 1, "k");
    bench.wants("COPY k k DB 2", 2, "k");
    bench.wants("COPY k j DB 2 REPLACE", 0, "j");
    bench.load_nothing(0, "j");
    bench.wants("COPY k j REPLACE DB 2", 2, "j");
    bench.check(&[
        ("MOVE k 99", "-ERR DB index is out of range"),
        ("COPY k j DB 99", "-ERR DB index is out of range"),
        ("COPY k j DB 2 SOON", "-ERR syntax error"),
    ]);
    bench.load_nothing(1, "k");
    bench.check(&[("MOVE k 1", ":1"), ("SELECT 1", "+OK"), ("GET k", "v")]);
}

/// A load in the selected database brought nothing that EXEC asked for, and the client hung.
#[test]
fn exec_asks_in_the_database_of_each_key() {
    let mut bench = Bench::new();
    bench.grow_cold();
    bench.load_nothing(3, "watched");
    bench.check(&[
        ("SELECT 3", "+OK"),
        ("WATCH watched", "+OK"),
        ("SELECT 0", "+OK"),
        ("MULTI", "+OK"),
        ("SELECT 1", "+QUEUED"),
        ("GET k", "+QUEUED"),
        ("COPY k j DB 2", "+QUEUED"),
    ]);
    bench.wants("EXEC", 1, "k");
    bench.load_nothing(1, "k");
    bench.wants("EXEC", 1, "j");
    bench.load_nothing(1, "j");
    bench.wants("EXEC", 2, "j");
    bench.load_nothing(2, "j");
    bench.check(&[("EXEC", "[+OK, nil, :0]")]);
}

#[test]
fn a_watched_key_that_went_cold_is_asked_for_where_it_was_watched() {
    let mut bench = Bench::new();
    bench.check(&[
        ("SELECT 3", "+OK"),
        ("WATCH k", "+OK"),
        ("SELECT 0", "+OK"),
        ("MULTI", "+OK"),
        ("PING", "+QUEUED"),
    ]);
    bench.grow_cold();
    bench.wants("EXEC", 3, "k");
    bench.load_nothing(3, "k");
    bench.check(&[("EXEC", "[+PONG]")]);
}
