//! SLOWLOG: the last commands that took longer than the limit, as Redis keeps them: at most 32
//! arguments of at most 128 bytes each.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::Node;
use crate::resp::Argv;
use crate::session::Session;

const ARGUMENTS_MAX: usize = 32;
const ARGUMENT_BYTES_MAX: usize = 128;

/// One slow command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowCommand {
    /// Ever growing.
    pub id: u64,
    /// Unix seconds.
    pub at_seconds: u64,
    /// How long it ran.
    pub micros: u64,
    /// Shortened arguments.
    pub arguments: Vec<Vec<u8>>,
    /// Who asked.
    pub peer: String,
    /// Their CLIENT SETNAME.
    pub client_name: Vec<u8>,
}

/// The log.
#[derive(Debug, Default)]
pub struct SlowLog(Mutex<(u64, VecDeque<SlowCommand>)>);

impl SlowLog {
    /// Newest first.
    pub fn newest(&self, count: usize) -> Vec<SlowCommand> {
        self.0.lock().1.iter().take(count).cloned().collect()
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.0.lock().1.len()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all entries; ids go on.
    pub fn reset(&self) {
        self.0.lock().1.clear();
    }
}

impl Node {
    /// May a command of this duration have to be noted?
    #[inline]
    pub fn may_be_slow(&self, nanos: u64) -> bool {
        // The least limit anyone would set; below it not even the configuration is read.
        const NEVER_SLOW_NANOS: u64 = 20_000;
        nanos >= NEVER_SLOW_NANOS || self.slowlog_all()
    }

    /// Notes a command if it took longer than `slowlog.slower_than_us`.
    pub fn note_slow(&self, session: &Session, argv: Argv<'_>, micros: u64) {
        let config = self.config.load();
        let limit = config.slowlog.slower_than_us;
        if u64::try_from(limit).map_or(true, |limit| micros < limit) {
            return;
        }
        let mut log = self.slowlog.0.lock();
        let (next_id, entries) = &mut *log;
        entries.push_front(SlowCommand {
            id: *next_id,
            at_seconds: self.clock.wall().0 / 1_000,
            micros,
            arguments: shortened(argv),
            peer: session.handle.peer.to_string(),
            client_name: session.handle.names.lock().name.clone(),
        });
        *next_id += 1;
        entries.truncate(config.slowlog.max_len as usize);
    }
}

fn shortened(argv: Argv<'_>) -> Vec<Vec<u8>> {
    let mut arguments: Vec<Vec<u8>> = Vec::new();
    for (index, argument) in argv.iter().enumerate() {
        if index == ARGUMENTS_MAX - 1 && argv.len() > ARGUMENTS_MAX {
            let more = argv.len() - ARGUMENTS_MAX + 1;
            arguments.push(format!("... ({more} more arguments)").into_bytes());
            break;
        }
        arguments.push(match argument.get(..ARGUMENT_BYTES_MAX) {
            Some(head) if argument.len() > ARGUMENT_BYTES_MAX => {
                let more = argument.len() - ARGUMENT_BYTES_MAX;
                [head, format!("... ({more} more bytes)").as_bytes()].concat()
            }
            _ => argument.to_vec(),
        });
    }
    arguments
}
