//! A node without a log and one connection to it, for tests of commands: a line of words goes
//! through the dispatcher, its reply comes back as text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Registry;
use super::dispatch::{Dispatch, Ended};
use super::elsewhere::Alone;
use crate::config::{Config, Engine};
use crate::env::Clock;
use crate::node::stats::WorkerStats;
use crate::node::{Node, Stage};
use crate::resp::{Limits, Progress, Request, RequestReader};
use crate::session::{ClientHandle, Session};
use crate::types::MAX_BULK_BYTES;

/// A node with one connection, its clock moved by hand.
pub(super) struct Bench {
    pub(super) node: Arc<Node>,
    pub(super) session: Session,
    time: Arc<AtomicU64>,
    stage: Stage,
    pub(super) stats: Arc<WorkerStats>,
}

impl Bench {
    /// An empty node with the memory engine.
    pub(super) fn new() -> Self {
        let mut config = Config::default();
        config.storage.engine = Engine::Memory;
        config.cluster.partitions = 16;
        let time = Arc::new(AtomicU64::new(1_700_000_000_000));
        let node = Node::open(config, Clock::Manual(Arc::clone(&time)))
            .expect("the memory engine opens nothing");
        let nowhere = "127.0.0.1:1".parse().expect("an address");
        let handle = ClientHandle::new(1, nowhere, nowhere, 0, 0);
        Self {
            node,
            session: Session::new(Arc::new(handle), true),
            time,
            stage: Stage::new(false),
            stats: Arc::new(WorkerStats::new(Registry::get().len())),
        }
    }

    /// Lets milliseconds pass.
    pub(super) fn pass(&self, millis: u64) {
        self.time.fetch_add(millis, Ordering::Relaxed);
    }

    /// Runs words apart by blanks, `''` standing for the empty one, and renders the reply: `+OK`,
    /// `-ERR ...`, `:1`, `nil`, `[a, b]`, and the bytes of a bulk string as they are.
    pub(super) fn run(&mut self, line: &str) -> String {
        let words = line
            .split_whitespace()
            .map(|word| if word == "''" { "" } else { word });
        self.run_words(&words.collect::<Vec<_>>())
    }

    /// The same for words that hold blanks.
    pub(super) fn run_words(&mut self, words: &[&str]) -> String {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let out = self.run_bytes(&bytes);
        let (text, rest) = render(&out);
        assert!(rest.is_empty(), "one reply to {words:?}: {out:?}");
        text
    }

    /// The same for words of any bytes; the reply as it is written.
    pub(super) fn run_bytes(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let (ended, out) = self.end(words);
        assert_eq!(ended, Ended::Replied, "{words:?}");
        out
    }

    /// What became of a command, and what it wrote.
    pub(super) fn end(&mut self, words: &[&[u8]]) -> (Ended, Vec<u8>) {
        let mut wire = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            wire.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            wire.extend_from_slice(word);
            wire.extend_from_slice(b"\r\n");
        }
        let (mut reader, mut request) = (RequestReader::new(), Request::new());
        let limits = Limits::trusted(MAX_BULK_BYTES);
        let read = reader.next(&wire, &limits, &mut request);
        assert!(matches!(read, Ok(Progress::Complete { .. })), "{read:?}");
        let mut dispatch = Dispatch::<Alone> {
            elsewhere: None,
            node: &self.node,
            stage: &mut self.stage,
            stats: &self.stats,
            now: self.node.clock.wall(),
            instant: self.node.clock.now(),
        };
        let mut out = Vec::new();
        let ended = dispatch.execute(&mut self.session, request.argv(&wire), &mut out);
        (ended, out)
    }

    /// Runs each line and compares its reply.
    pub(super) fn check(&mut self, expected: &[(&str, &str)]) {
        for (line, reply) in expected {
            assert_eq!(self.run(line), *reply, "{line}");
        }
    }
}

/// One RESP2 reply as text, and what stands behind it.
fn render(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .expect("a reply begins with a line");
    let (line, rest) = (&bytes[..end], &bytes[end + 2..]);
    let line = String::from_utf8_lossy(line).into_owned();
    let length = || line[1..].parse::<usize>().ok();
    match (line.as_bytes()[0], length()) {
        (b'+' | b'-' | b':', _) => (line, rest),
        (b'$' | b'*', None) => ("nil".to_owned(), rest),
        (b'$', Some(length)) => {
            let text = String::from_utf8_lossy(&rest[..length]).into_owned();
            (text, &rest[length + 2..])
        }
        (b'*', Some(length)) => {
            let (mut all, mut rest) = (Vec::new(), rest);
            for _ in 0..length {
                let (one, behind) = render(rest);
                all.push(one);
                rest = behind;
            }
            (format!("[{}]", all.join(", ")), rest)
        }
        _ => panic!("no RESP2 reply: {line}"),
    }
}
