//! EXEC whose keys have several seats, and WATCH of keys that others keep. Such an EXEC is a batch in
//! order, not an atom: what is watched is compared first, at each key's seat, then the commands run one
//! after the other, each as it would by itself.

use super::Connection;
use super::asking::tell;
use super::replies::Told;
use super::settle::request_of;
use crate::cluster::{Question, inner};
use crate::resp::Reply;
use crate::session::Watched;
use crate::types::Database;

const NO_SEAT: &[u8] =
    b"-CLUSTERDOWN no node that keeps this key can be reached; nothing was written\r\n";

impl Connection {
    /// What a key is at its seat, as WATCH remembers it.
    async fn print(&mut self, database: Database, key: &[u8]) -> Option<u64> {
        let to = {
            let plane = self.worker.plane.borrow();
            let place = self.worker.node.keyspace.place(key);
            plane.seat(place.partition)?
        };
        let question = Question {
            to,
            inner: true,
            words: vec![inner::PRINT.into(), key.into()],
        };
        let before = std::mem::replace(&mut self.session.database, database);
        let told = self.ask(&[question]).await.pop().flatten();
        self.session.database = before;
        match told {
            Some(Told::Integer(print)) => Some(print as u64),
            _ => None,
        }
    }

    /// WATCH.
    pub(super) async fn watch_apart(&mut self, words: &[Box<[u8]>]) -> Told {
        if self.session.queue.is_some() {
            return Told::Error(b"-ERR WATCH inside MULTI is not allowed\r\n".to_vec());
        }
        let database = self.session.database;
        for key in words.iter().skip(1) {
            let watched = &self.session.watched;
            if watched
                .iter()
                .any(|one| one.database == database && one.key == *key)
            {
                continue;
            }
            let Some(fingerprint) = self.print(database, key).await else {
                return Told::Error(NO_SEAT.to_vec());
            };
            self.session.watched.push(Watched {
                database,
                key: key.clone(),
                fingerprint,
            });
        }
        Told::Simple(b"OK".to_vec())
    }

    /// EXEC.
    pub(super) async fn exec_apart(&mut self) -> Vec<u8> {
        let Some(queue) = self.session.queue.take() else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for watched in std::mem::take(&mut self.session.watched) {
            let now = self.print(watched.database, &watched.key).await;
            let mut reply = Reply::new(&mut out, self.session.protocol);
            match now {
                None => {
                    tell(&mut reply, &Told::Error(NO_SEAT.to_vec()));
                    return out;
                }
                Some(now) if now != watched.fingerprint => {
                    reply.null_array();
                    return out;
                }
                Some(_) => {}
            }
        }
        let commands = queue.commands.iter();
        let requests: Vec<_> = commands
            .map(|words| request_of(words.argv().iter()))
            .collect();
        Reply::new(&mut out, self.session.protocol).array(requests.len());
        self.session.in_exec = true;
        out.extend_from_slice(&self.aside(requests).await);
        self.session.in_exec = false;
        out
    }
}
