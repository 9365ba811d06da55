//! Commands that concern several nodes. One on many keys becomes one for each key, all of them started
//! before any is waited for; their replies make the command's own.

use super::asking::tell;
use super::settle::request_of;
use super::{Connection, Step};
use crate::commands::dispatch::Ended;
use crate::commands::{Command, Registry, Wait};
use crate::resp::{Limits, OwnedArgv, Progress, Reply, Request, RequestReader, reply_length};
use crate::session::ReplyMode;
use crate::types::MAX_BULK_BYTES;

/// How the replies for single keys become the whole command's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    /// An array of the elements of arrays.
    Concat,
    /// A sum of integers.
    Sum,
    /// OK when all are.
    Ok,
}

fn join_of(command: &Command) -> Option<(Join, usize)> {
    Some(match command.full_name.as_str() {
        "mget" | "mgetversions" => (Join::Concat, 1),
        "del" | "unlink" | "exists" | "touch" => (Join::Sum, 1),
        "mset" => (Join::Ok, 2),
        _ => return None,
    })
}

impl Connection {
    /// Runs the request at the front of what is not executed, which concerns several nodes.
    pub(super) async fn split(&mut self) {
        let Some((argv, consumed)) = self.front() else {
            return;
        };
        let words: Vec<Box<[u8]>> = argv.argv().iter().map(Box::from).collect();
        // QUORUM ONCE governs every part; CLIENT REPLY OFF and SKIP the whole.
        let quorum = self.session.quorum;
        self.session.quorum = self.session.quorum_once.take().unwrap_or(quorum);
        let mode = std::mem::take(&mut self.session.reply_mode);
        let joined = self.whole(&words).await;
        self.session.quorum = quorum;
        self.session.reply_mode = match mode {
            ReplyMode::Off => ReplyMode::Off,
            ReplyMode::On | ReplyMode::SkipNext | ReplyMode::Skipping => ReplyMode::On,
        };
        self.executed += consumed;
        if matches!(mode, ReplyMode::On | ReplyMode::SkipNext) {
            self.output.extend_from_slice(&joined);
        }
    }

    async fn whole(&mut self, words: &[Box<[u8]>]) -> Vec<u8> {
        let registry = Registry::get();
        let found = words.first().and_then(|name| registry.find(name));
        let sub = found.zip(words.get(1));
        let sub = sub.and_then(|(command, word)| registry.find_subcommand(command, word));
        let Some(command) = sub.or(found) else {
            return Vec::new();
        };
        if let Some((join, step)) = join_of(command) {
            return self.each(words, join, step).await;
        }
        let told = match command.full_name.as_str() {
            "scan" => self.scan(words).await,
            "keys" => self.keys(words).await,
            "randomkey" => self.random_key().await,
            "dbsize" => self.size().await,
            "flushdb" => self.flush_all(words, false).await,
            "flushall" => self.flush_all(words, true).await,
            "publish" => self.publish(words).await,
            "policy|set" | "policy|del" => self.on_all(words).await,
            "exec" => return self.exec_apart().await,
            "watch" => self.watch_apart(words).await,
            "msetnx" => self.set_all_or_none(words).await,
            _ => return self.scratch(command, words).await,
        };
        let mut out = Vec::new();
        tell(&mut Reply::new(&mut out, self.session.protocol), &told);
        out
    }

    fn front(&self) -> Option<(OwnedArgv, usize)> {
        let pending = self.input.get(self.executed..)?;
        let mut request = Request::new();
        let limits = Limits::trusted(MAX_BULK_BYTES);
        match RequestReader::new().next(pending, &limits, &mut request) {
            Ok(Progress::Complete { consumed }) => {
                Some((OwnedArgv::from(request.argv(pending)), consumed))
            }
            _ => None,
        }
    }

    async fn each(&mut self, words: &[Box<[u8]>], join: Join, step: usize) -> Vec<u8> {
        let Some((name, rest)) = words.split_first() else {
            return Vec::new();
        };
        let requests = rest.chunks(step).map(|part| {
            let words: Vec<&[u8]> = std::iter::once(name).chain(part).map(|w| &**w).collect();
            request_of(words.into_iter())
        });
        let replies = self.aside(requests.collect()).await;
        let mut out = Vec::new();
        combine(
            &replies,
            join,
            &mut Reply::new(&mut out, self.session.protocol),
        );
        out
    }

    /// Runs requests beside the connection's own input and output; the replies, in order.
    pub(super) async fn aside(&mut self, requests: Vec<Vec<u8>>) -> Vec<u8> {
        let input = std::mem::replace(&mut self.input, requests.concat());
        let executed = std::mem::take(&mut self.executed);
        let output = std::mem::take(&mut self.output);
        let reader = std::mem::replace(&mut self.reader, RequestReader::new());
        loop {
            let step = self.pass();
            self.commit().await;
            if !self.pass.is_empty() {
                self.settle().await;
            }
            match step {
                Step::Write => {}
                // As in any EXEC nothing waits for time or for others.
                Step::Wait(Ended::Wait(Wait::Replicas { .. })) if self.session.in_exec => {
                    Reply::new(&mut self.output, self.session.protocol).integer(0);
                }
                Step::Wait(ended) => Box::pin(self.wait(ended)).await,
                Step::Read | Step::Close => break,
            }
        }
        self.input = input;
        self.executed = executed;
        self.reader = reader;
        std::mem::replace(&mut self.output, output)
    }
}

/// One reply out of many; the first error among them stands for all.
fn combine(replies: &[u8], join: Join, reply: &mut Reply<'_>) {
    let mut elements = Vec::new();
    let (mut sum, mut count) = (0, 0);
    let mut left = replies;
    while let Some((first, rest)) = split_line(left) {
        if first.starts_with(b"-") {
            return reply.raw(&[first, b"\r\n"].concat());
        }
        match join {
            Join::Ok => left = rest,
            Join::Sum => {
                sum += number(first);
                left = rest;
            }
            Join::Concat => {
                let Some(length) = reply_length(rest) else {
                    break;
                };
                elements.extend_from_slice(rest.get(..length).unwrap_or_default());
                count += 1;
                left = rest.get(length..).unwrap_or_default();
            }
        }
    }
    match join {
        Join::Ok => reply.ok(),
        Join::Sum => reply.integer(sum),
        Join::Concat => {
            reply.array(count);
            reply.raw(&elements);
        }
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memmem::find(bytes, b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

fn number(line: &[u8]) -> i64 {
    let digits = line
        .get(1..)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    fn combined(replies: &[u8], join: Join) -> Vec<u8> {
        let mut out = Vec::new();
        combine(replies, join, &mut Reply::new(&mut out, Protocol::Resp2));
        out
    }

    #[test]
    fn replies_for_single_keys_become_one() {
        let values = b"*1\r\n$1\r\na\r\n*1\r\n$-1\r\n*1\r\n$2\r\n\r\n\r\n";
        let joined: &[u8] = b"*3\r\n$1\r\na\r\n$-1\r\n$2\r\n\r\n\r\n";
        assert_eq!(combined(values, Join::Concat), joined);
        assert_eq!(combined(b":1\r\n:0\r\n:1\r\n", Join::Sum), b":2\r\n");
        assert_eq!(combined(b"+OK\r\n+OK\r\n", Join::Ok), b"+OK\r\n");
        let failed = b"+OK\r\n-NOQUORUM W=2\r\n+OK\r\n";
        assert_eq!(combined(failed, Join::Ok), b"-NOQUORUM W=2\r\n");
    }
}
