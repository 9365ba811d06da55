//! Commands on a few keys that have several seats and cannot be taken apart key by key: MSETNX, RENAME,
//! RENAMENX, COPY, BITOP, LCS. Their keys are read with R, the command runs on these copies alone
//! ([`Scratch`]), then what it has changed is written with W at each key's seat: first what it set, then,
//! when that stands, what it removed, and of that no more than was read. Not atomic: another client may
//! see the one without the other, and a failure in between leaves a copy, never a loss.

use super::Connection;
use super::asking::tell;
use super::replies::Told;
use super::settle::request_of;
use crate::commands::scratch::{Held, Scratch, Touched, keys_of};
use crate::commands::{Command, scratch};
use crate::resp::{OwnedArgv, Reply};
use crate::types::Database;

/// A key as it was read.
struct Copied {
    held: Held,
    /// The context of what was read.
    context: Vec<u8>,
}

fn request(words: &[&[u8]]) -> Vec<u8> {
    request_of(words.iter().copied())
}

/// The first that is an error.
fn refused(told: &[Told]) -> Option<Told> {
    let error = told.iter().find(|one| matches!(one, Told::Error(_)));
    error.cloned()
}

impl Connection {
    /// MSETNX: looks whether any of the keys is there, then sets them all. Somebody else may set one in
    /// between.
    pub(super) async fn set_all_or_none(&mut self, words: &[Box<[u8]>]) -> Told {
        let pairs = words.get(1..).unwrap_or_default();
        if pairs.len() % 2 != 0 {
            return Told::Error(
                b"-ERR wrong number of arguments for 'msetnx' command\r\n".to_vec(),
            );
        }
        let keys = pairs.iter().step_by(2).map(|key| &**key);
        let look: Vec<&[u8]> = std::iter::once(&b"EXISTS"[..]).chain(keys).collect();
        let database = self.session.database;
        let told = self.run_in(database, vec![request(&look)]).await;
        match told.into_iter().next() {
            Some(Told::Integer(0)) => {}
            Some(Told::Integer(_)) => return Told::Integer(0),
            Some(other) => return other,
            None => return lost(),
        }
        let pairs = pairs.iter().map(|word| &**word);
        let set: Vec<&[u8]> = std::iter::once(&b"MSET"[..]).chain(pairs).collect();
        let told = self.run_in(database, vec![request(&set)]).await;
        match told.into_iter().next() {
            Some(Told::Simple(_)) => Told::Integer(1),
            Some(other) => other,
            None => lost(),
        }
    }

    /// Any other command: see the module's head.
    pub(super) async fn scratch(
        &mut self,
        command: &'static Command,
        words: &[Box<[u8]>],
    ) -> Vec<u8> {
        let argv = OwnedArgv::from_words(words.iter().map(|word| &**word));
        let names = keys_of(command, argv.argv(), self.session.database);
        let mut copies = Vec::new();
        for (database, key) in names {
            match self.copy(database, key).await {
                Ok(copy) => copies.push(copy),
                Err(told) => return self.told(&told),
            }
        }
        let held: Vec<Held> = copies.iter().map(|copy| copy.held.clone()).collect();
        let worker = std::rc::Rc::clone(&self.worker);
        let made = Scratch::run(
            (&worker.node, &worker.stats),
            &mut self.session,
            (command, argv.argv()),
            &held,
        );
        let scratch::Made { reply, touched } = match made {
            Ok(made) => made,
            Err(text) => return self.told(&Told::Error(format!("-{text}\r\n").into_bytes())),
        };
        let (set, gone): (Vec<_>, Vec<_>) = touched
            .into_iter()
            .partition(|one| matches!(one, Touched::Set { .. }));
        for one in set.into_iter().chain(gone) {
            if let Err(told) = self.ship(one, &copies).await {
                return self.told(&told);
            }
        }
        reply
    }

    fn told(&self, told: &Told) -> Vec<u8> {
        let mut out = Vec::new();
        tell(&mut Reply::new(&mut out, self.session.protocol), told);
        out
    }

    /// Reads a key with R, all of it at one moment: its value, its deadline, its context.
    async fn copy(&mut self, database: Database, key: Box<[u8]>) -> Result<Copied, Told> {
        let requests = [
            request(&[b"MULTI"]),
            request(&[b"DUMP", &key]),
            request(&[b"PEXPIRETIME", &key]),
            request(&[b"GETVERSIONS", &key]),
            request(&[b"EXEC"]),
        ];
        // This EXEC is not the one that the client's WATCH is for.
        let watched = std::mem::take(&mut self.session.watched);
        let mut told = self.run_in(database, requests.to_vec()).await;
        self.session.watched = watched;
        if let Some(error) = refused(&told) {
            return Err(error);
        }
        let Some(Told::Array(read)) = told.pop() else {
            return Err(lost());
        };
        if let Some(error) = refused(&read) {
            return Err(error);
        }
        let Ok(
            [
                Told::Bulk(payload),
                Told::Integer(deadline),
                Told::Array(versions),
            ],
        ) = <[Told; 3]>::try_from(read)
        else {
            return Err(lost());
        };
        let Some(Told::Bulk(Some(context))) = versions.into_iter().next() else {
            return Err(lost());
        };
        let held = Held {
            database,
            key,
            payload,
            deadline_ms: deadline.max(0) as u64,
        };
        Ok(Copied { held, context })
    }

    /// Writes at its seat what became of a key.
    async fn ship(&mut self, touched: Touched, copies: &[Copied]) -> Result<(), Told> {
        let (database, request) = match &touched {
            Touched::Set {
                database,
                key,
                payload,
                deadline_ms,
            } => {
                let at = deadline_ms.to_string();
                let words: [&[u8]; 6] = [
                    b"RESTORE",
                    key,
                    at.as_bytes(),
                    payload,
                    b"REPLACE",
                    b"ABSTTL",
                ];
                (*database, request(&words))
            }
            Touched::Gone { database, key } => {
                let context = copies
                    .iter()
                    .find(|copy| copy.held.database == *database && copy.held.key == *key)
                    .map(|copy| copy.context.as_slice());
                let words: [&[u8]; 3] = [b"DELCTX", key, context.unwrap_or_default()];
                (*database, request(&words))
            }
        };
        let told = self.run_in(database, vec![request]).await;
        match refused(&told) {
            Some(error) => Err(error),
            None if told.is_empty() => Err(lost()),
            None => Ok(()),
        }
    }
}

fn lost() -> Told {
    Told::Error(b"-ERR a part of this command was answered with something else\r\n".to_vec())
}
