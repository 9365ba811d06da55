//! Mutated command streams through the dispatcher, on a node without a disk and two connections: no
//! stream may panic, every command is answered by whole replies of its protocol, and the sums that
//! the node keeps stay those of its keys.
//!
//! First byte below 128: the rest is what a client sends, inline or not. From 128 on it is a program:
//! each command is drawn from the table, its arguments from the command's own documentation, now and
//! then with one too many, one too few, or one of another kind. A string that was answered may come
//! back as an argument: so contexts and DUMP's payloads find their way into PUTCTX and RESTORE.

#![no_main]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dynamo::commands::dispatch::{Dispatch, Ended};
use dynamo::commands::{Arg, ArgKind, Command, Registry};
use dynamo::config::{Config, Engine};
use dynamo::env::Clock;
use dynamo::node::expire::{advance_floor, forget, reap_due};
use dynamo::node::stats::WorkerStats;
use dynamo::node::{Node, Stage};
use dynamo::resp::{Argv, Limits, Progress, Request, RequestReader};
use dynamo::session::{ClientHandle, ReplyMode, Session};
use dynamo::types::Database;
use libfuzzer_sys::fuzz_target;

const COMMANDS_MAX: usize = 200;

const KEYS: &[&[u8]] = &[b"a", b"b", b"{a}c", b"d", b"", b"cart:1", b"key:000000000001"];

const STRINGS: &[&[u8]] = &[
    b"", b"1", b"-7", b"3.25", b"1e3", b"abc", b"foobar", b"\0\xff\r\n", b"u8", b"i64", b"#1",
    b"GET", b"INCRBY", b"default", b"*", b"[a-c]?\\", b"client.*", b"timeout", b"maxmemory",
    b"noeviction", b"allkeys-lfu", b"100kb", b"string", b"2", b"3", b"cart:", b"nx", b"xx",
];

const NUMBERS: &[&[u8]] = &[
    b"0", b"1", b"2", b"3", b"7", b"8", b"9", b"15", b"16", b"63", b"64", b"100", b"1000", b"4095",
    b"-1", b"-2", b"-100", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808",
    b"1.5", b"-0.0", b"nan", b"inf", b"1700000000", b"1700000000500", b"99999999999999",
];

/// What the fuzzer chooses by.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.next() % all.len()]
    }

    fn literal(&mut self) -> &'a [u8] {
        let (head, rest) = self.0.split_at((self.next() % 24).min(self.0.len()));
        self.0 = rest;
        head
    }
}

struct Bench {
    node: Arc<Node>,
    time: Arc<AtomicU64>,
    sessions: [Session; 2],
    stage: Stage,
    stats: Arc<WorkerStats>,
    last_bulk: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let mut config = Config::default();
        config.storage.engine = Engine::Memory;
        config.cluster.partitions = 64;
        config.client.databases = 3;
        config.client.max_bulk_bytes = 1 << 20;
        let time = Arc::new(AtomicU64::new(1_700_000_000_000));
        let node = Node::open(config, Clock::Manual(Arc::clone(&time))).expect("opens nothing");
        let stats = Arc::new(WorkerStats::new(Registry::get().len()));
        node.stats.add_worker(Arc::clone(&stats));
        let nowhere = "127.0.0.1:1".parse().expect("an address");
        let session = |id| {
            let handle = Arc::new(ClientHandle::new(id, nowhere, nowhere, 0, 0));
            node.clients.add(Arc::clone(&handle));
            Session::new(handle, true)
        };
        let sessions = [session(1), session(2)];
        Self {
            node,
            time,
            sessions,
            stage: Stage::new(false),
            stats,
            last_bulk: Vec::new(),
        }
    }

    /// Runs a command and looks at what it answers.
    fn run(&mut self, client: usize, argv: Argv<'_>) {
        if is_huge(argv) {
            return;
        }
        let session = &mut self.sessions[client];
        let answers = session.reply_mode == ReplyMode::On;
        let mut dispatch = Dispatch {
            node: &self.node,
            stage: &mut self.stage,
            stats: &self.stats,
            now: self.node.clock.wall(),
            instant: self.node.clock.now(),
        };
        let mut out = Vec::new();
        let ended = dispatch.execute(session, argv, &mut out);
        match ended {
            Ended::Replied | Ended::Close => {
                let replies = self.replies(&out);
                let mode = self.sessions[client].reply_mode;
                let silenced = !answers || mode != ReplyMode::On;
                // UNSUBSCRIBE and its kin answer once a channel, a skipped command never.
                assert!(silenced || replies >= 1, "no reply to {argv:?}");
            }
            Ended::Hold => self.pass(60_000),
            Ended::Wait(_) => assert!(out.is_empty(), "{argv:?} waits and has answered"),
            Ended::Load(..) => panic!("no key is cold without a disk"),
        }
        let (table, dirty) = (self.stage.table_bytes, self.stage.dirty_bytes);
        (self.stage.table_bytes, self.stage.dirty_bytes) = (0, 0);
        self.node.keyspace.add_sums(table, dirty);
        for client in 0..2 {
            let mut pushed = Vec::new();
            let whole = self.sessions[client].handle.mailbox.drain(&mut pushed);
            assert!(whole, "so little does not overflow");
            self.replies(&pushed);
        }
    }

    /// Lets time pass, and does what a worker does between commands.
    fn pass(&mut self, millis: u64) {
        let now = self.time.fetch_add(millis, Ordering::Relaxed) + millis;
        let (node, now) = (&self.node, dynamo::types::WallMs(now));
        reap_due(&node.keyspace, &mut self.stage, now, 100);
        if millis > 10_000 {
            advance_floor(&node.keyspace, node.keyspace.clock.last());
            forget(&node.keyspace, &mut self.stage, now, 100);
        }
    }

    /// Counts whole replies; there must be nothing else.
    fn replies(&mut self, mut bytes: &[u8]) -> usize {
        let mut count = 0;
        while !bytes.is_empty() {
            bytes = self.reply(bytes);
            count += 1;
        }
        count
    }

    /// What stands behind one reply.
    fn reply<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n").expect("a line");
        let (line, rest) = (&bytes[1..end], &bytes[end + 2..]);
        let number = || std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok());
        match bytes[0] {
            b'+' | b'-' | b'_' | b'#' | b',' | b'(' => rest,
            b':' => {
                number().expect("an integer");
                rest
            }
            b'$' | b'=' => match number().expect("a length") {
                -1 => rest,
                length => {
                    let (body, rest) = rest.split_at(length as usize);
                    self.last_bulk = body.to_vec();
                    rest.strip_prefix(b"\r\n").expect("the end of a string")
                }
            },
            kind @ (b'*' | b'~' | b'>' | b'%') => {
                let length = number().expect("a length").max(0) as usize;
                let items = if kind == b'%' { 2 * length } else { length };
                (0..items).fold(rest, |rest, _| self.reply(rest))
            }
            other => panic!("no reply begins with {:?}", char::from(other)),
        }
    }

    /// The table's bytes, summed up command by command, are those of its entries; and who exists is
    /// counted.
    fn check_sums(&mut self) {
        let keyspace = &self.node.keyspace;
        let (table, dirty) = (self.stage.table_bytes, self.stage.dirty_bytes);
        keyspace.add_sums(table, dirty);
        let (mut bytes, mut keys) = (0, [0; 3]);
        for id in keyspace.partition_ids() {
            for (database, space) in keyspace.lock(id).spaces() {
                bytes += space.table.iter().map(|slot| slot.entry.bytes()).sum::<usize>();
                keys[usize::from(database.0)] += space.keys;
            }
        }
        assert_eq!(keyspace.sums.table_bytes.load(Ordering::Relaxed), bytes as i64);
        for (index, keys) in keys.into_iter().enumerate() {
            assert_eq!(keyspace.count(Database(index as u8)), keys);
        }
    }
}

/// Half a gigabyte is a legal value and would only cost time here.
fn is_huge(argv: Argv<'_>) -> bool {
    let name = argv.get(0).unwrap_or_default().to_ascii_lowercase();
    let grows: [&[u8]; 3] = [b"setbit", b"setrange", b"bitfield"];
    let is_far = |argument: &[u8]| {
        let digits = argument.strip_prefix(b"#").unwrap_or(argument);
        let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<i64>().ok());
        number.is_some_and(|number| number > 1 << 16)
    };
    grows.contains(&name.as_slice()) && argv.iter().any(is_far)
}

fn plain(choices: &mut Choices<'_>, last_bulk: &[u8]) -> Vec<u8> {
    match choices.next() % 8 {
        0 => choices.literal().to_vec(),
        1 | 2 => last_bulk.to_vec(),
        3 => choices.of(NUMBERS).to_vec(),
        4 => choices.of(KEYS).to_vec(),
        _ => choices.of(STRINGS).to_vec(),
    }
}

/// Arguments as the command's documentation has them.
fn documented(args: &[Arg], choices: &mut Choices<'_>, last: &[u8], out: &mut Vec<Vec<u8>>) {
    for arg in args {
        if arg.optional && choices.next() % 3 == 0 {
            continue;
        }
        let times = if arg.multiple { 1 + choices.next() % 3 } else { 1 };
        for _ in 0..times {
            out.extend(arg.token.map(|token| token.as_bytes().to_vec()));
            match arg.kind {
                ArgKind::PureToken => {}
                ArgKind::Block => documented(arg.children, choices, last, out),
                ArgKind::OneOf => {
                    let child = arg.children.get(choices.next() % arg.children.len().max(1));
                    documented(child.map_or(&[], std::slice::from_ref), choices, last, out);
                }
                ArgKind::Key => out.push(choices.of(KEYS).to_vec()),
                ArgKind::Integer | ArgKind::Double | ArgKind::UnixTime => {
                    out.push(choices.of(NUMBERS).to_vec());
                }
                ArgKind::String | ArgKind::Pattern => out.push(plain(choices, last)),
            }
        }
    }
}

fn call(command: &Command, choices: &mut Choices<'_>, last: &[u8]) -> Vec<Vec<u8>> {
    let names = command.full_name.split('|');
    let mut words: Vec<Vec<u8>> = names.map(|name| name.as_bytes().to_vec()).collect();
    documented(command.spec.args, choices, last, &mut words);
    match choices.next() {
        0..=15 => drop(words.pop()),
        16..=31 => words.push(plain(choices, last)),
        32..=47 => {
            let at = choices.next() % words.len();
            words[at] = plain(choices, last);
        }
        _ => {}
    }
    words
}

fn wire(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Runs what one client sends, up to its first protocol error.
fn send(bench: &mut Bench, client: usize, stream: &[u8]) {
    let (mut reader, mut request) = (RequestReader::new(), Request::new());
    let limits = Limits::trusted(1 << 20);
    let mut at = 0;
    for _ in 0..COMMANDS_MAX {
        let rest = &stream[at..];
        let Ok(Progress::Complete { consumed }) = reader.next(rest, &limits, &mut request) else {
            return;
        };
        let argv = request.argv(rest);
        if !argv.is_empty() {
            bench.run(client, argv);
        }
        at += consumed;
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let mut bench = Bench::new();
    if choice < 128 {
        send(&mut bench, 0, rest);
    } else {
        let all = Registry::get().all();
        let mut choices = Choices(rest);
        for _ in 0..COMMANDS_MAX {
            if choices.0.is_empty() {
                break;
            }
            let step = choices.next();
            if step >= 240 {
                bench.pass([1, 100, 5_000, 60_000][step % 4]);
                continue;
            }
            let command = &all[choices.next() % all.len()];
            let words = call(command, &mut choices, &bench.last_bulk);
            send(&mut bench, step % 2, &wire(&words));
        }
    }
    bench.check_sums();
});
