//! A command on copies of its keys: a keyspace of one partition that holds nothing else, made for one
//! run. What the command replies, and what it has changed, is then the caller's to carry out: the way
//! for commands whose keys live on several nodes.

use std::time::Instant;

use super::context::Context;
use super::dispatch::run;
use super::generic;
use super::registry::Command;
use crate::node::stats::WorkerStats;
use crate::node::{Deadline, Founding, Keyspace, Locked, Node, Stage};
use crate::rdb::{self, Restored};
use crate::resp::{Argv, Reply};
use crate::session::Session;
use crate::types::{Database, WallMs};
use crate::version::Floor;

/// A key as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where.
    pub database: Database,
    /// Its name.
    pub key: Box<[u8]>,
    /// As DUMP gives it; `None`: there is none.
    pub payload: Option<Vec<u8>>,
    /// When it ends, in Unix milliseconds; 0: never.
    pub deadline_ms: u64,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It was written.
    Set {
        /// Where.
        database: Database,
        /// Its name.
        key: Box<[u8]>,
        /// As DUMP gives it.
        payload: Vec<u8>,
        /// When it ends, in Unix milliseconds; 0: never.
        deadline_ms: u64,
    },
    /// It was there and is no more.
    Gone {
        /// Where.
        database: Database,
        /// Its name.
        key: Box<[u8]>,
    },
}

/// What a run has made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The command's reply.
    pub reply: Vec<u8>,
    /// What it changed; nothing, when it replied with an error.
    pub touched: Vec<Touched>,
}

/// See the module's head.
pub struct Scratch;

/// The keys of a command, each once, in the databases that they are in: COPY may name another one.
pub fn keys_of(
    command: &Command,
    argv: Argv<'_>,
    database: Database,
) -> Vec<(Database, Box<[u8]>)> {
    let mut named: Vec<(Database, Box<[u8]>)> = Vec::new();
    let elsewhere = if command.crosses_databases {
        generic::destination(argv)
    } else {
        None
    };
    let here = command.keys(argv).map(|key| (database, key));
    for (database, key) in here.chain(elsewhere) {
        if !named.iter().any(|one| one.0 == database && *one.1 == *key) {
            named.push((database, key.into()));
        }
    }
    named
}

impl Scratch {
    /// Runs a command on copies. The error is its reply: a copy that does not parse.
    pub fn run(
        (node, stats): (&Node, &WorkerStats),
        session: &mut Session,
        (command, argv): (&'static Command, Argv<'_>),
        held: &[Held],
    ) -> Result<Made, String> {
        let real = &node.keyspace;
        let keyspace = Keyspace::new(Founding {
            partitions: 1,
            token_key: [0; 16],
            context_key: real.context_key,
            actor: real.actor,
            actors: real.actors.lock().clone(),
            clock_from: real.clock.last(),
            ceiling: crate::types::Hlc(u64::MAX >> 1),
            floor: Floor::default(),
            complete: true,
        });
        keyspace.policies.store(real.policies.load_full());
        let mut stage = Stage::new(false);
        let now = node.clock.wall();
        let before = fill(&keyspace, now, &mut stage, held)?;
        let mut reply = Vec::new();
        let mut keys = Locked::new(&keyspace, session.database, now, &mut stage);
        keys.lock_all();
        let mut context = Context {
            keys,
            reply: Reply::new(&mut reply, session.protocol),
            session,
            node,
            stats,
        };
        let mut instant: Instant = node.clock.now();
        run(command, &mut context, argv, &mut instant);
        drop(context);
        let touched = if reply.starts_with(b"-") {
            Vec::new()
        } else {
            changed(&keyspace, now, &mut stage, held, &before)
        };
        Ok(Made { reply, touched })
    }
}

/// Puts the copies in; what each is like, to see whether it changes.
fn fill(
    keyspace: &Keyspace,
    now: WallMs,
    stage: &mut Stage,
    held: &[Held],
) -> Result<Vec<u64>, String> {
    let mut keys = Locked::new(keyspace, Database(0), now, stage);
    keys.lock_all();
    for one in held {
        keys.database = one.database;
        let Some(payload) = &one.payload else {
            continue;
        };
        let Restored::String(value) = rdb::restore(payload).map_err(|error| error.to_string())?;
        let deadline = match one.deadline_ms {
            0 => Deadline::Never,
            at => Deadline::At(WallMs(at)),
        };
        keys.set(&one.key, &value, deadline)
            .map_err(|error| error.to_string())?;
    }
    let print = |one: &Held| {
        keys.database = one.database;
        keys.fingerprint(&one.key)
    };
    Ok(held.iter().map(print).collect())
}

fn changed(
    keyspace: &Keyspace,
    now: WallMs,
    stage: &mut Stage,
    held: &[Held],
    before: &[u64],
) -> Vec<Touched> {
    let mut keys = Locked::new(keyspace, Database(0), now, stage);
    keys.lock_all();
    let mut touched = Vec::new();
    for (one, before) in held.iter().zip(before) {
        keys.database = one.database;
        if keys.fingerprint(&one.key) == *before {
            continue;
        }
        let (database, key) = (one.database, one.key.clone());
        touched.push(match keys.peek(&one.key) {
            Ok(Some(shown)) => Touched::Set {
                database,
                key,
                payload: rdb::dump_string(shown.value),
                deadline_ms: shown.expiry.map_or(0, |at| at.0),
            },
            _ => Touched::Gone { database, key },
        });
    }
    touched
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Registry;
    use crate::commands::testing::Bench;
    use crate::resp::OwnedArgv;

    fn held(key: &str, value: Option<&str>, deadline_ms: u64) -> Held {
        Held {
            database: Database(0),
            key: key.as_bytes().into(),
            payload: value.map(|value| rdb::dump_string(value.as_bytes())),
            deadline_ms,
        }
    }

    fn ran(line: &str, held: &[Held]) -> Made {
        let mut bench = Bench::new();
        let words = OwnedArgv::from_words(line.split(' ').map(str::as_bytes));
        let name = words.argv().get(0).unwrap();
        let command = Registry::get().find(name).unwrap();
        let stats = WorkerStats::new(Registry::get().len());
        let node = std::sync::Arc::clone(&bench.node);
        Scratch::run(
            (&node, &stats),
            &mut bench.session,
            (command, words.argv()),
            held,
        )
        .unwrap()
    }

    fn set(key: &str, value: &str, deadline_ms: u64) -> Touched {
        Touched::Set {
            database: Database(0),
            key: key.as_bytes().into(),
            payload: rdb::dump_string(value.as_bytes()),
            deadline_ms,
        }
    }

    #[test]
    fn a_rename_sets_one_and_removes_one() {
        let at = 1_900_000_000_000;
        let made = ran(
            "RENAME a b",
            &[held("a", Some("1"), at), held("b", None, 0)],
        );
        let gone = Touched::Gone {
            database: Database(0),
            key: b"a"[..].into(),
        };
        assert_eq!(made.reply, b"+OK\r\n");
        assert_eq!(made.touched, [gone, set("b", "1", at)]);
    }

    #[test]
    fn what_fails_or_only_reads_touches_nothing() {
        let none = [held("a", None, 0), held("b", Some("x"), 0)];
        let made = ran("RENAME a b", &none);
        assert_eq!(made.reply, b"-ERR no such key\r\n");
        assert_eq!(made.touched, []);
        let both = [
            held("a", Some("ohmytext"), 0),
            held("b", Some("mynewtext"), 0),
        ];
        let made = ran("LCS a b", &both);
        assert_eq!(made.reply, b"$6\r\nmytext\r\n");
        assert_eq!(made.touched, []);
        let made = ran("RENAMENX a b", &both);
        assert_eq!(
            (made.reply.as_slice(), made.touched),
            (&b":0\r\n"[..], vec![])
        );
    }

    #[test]
    fn bitop_writes_its_destination_alone() {
        let keys = [
            held("to", None, 0),
            held("a", Some("\x03"), 0),
            held("b", Some("\x05"), 0),
        ];
        let made = ran("BITOP AND to a b", &keys);
        assert_eq!(made.reply, b":1\r\n");
        assert_eq!(made.touched, [set("to", "\x01", 0)]);
    }
}
