//! What a connection is between two commands: its own state ([`Session`]), what others may see and do
//! of it ([`ClientHandle`]), and who listens to which channel ([`PubSub`]).

mod handle;
mod mailbox;
mod pubsub;
mod registry;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

pub use handle::{ClientHandle, ClientKind};
pub use mailbox::{Mailbox, PUSH_BYTES_MAX};
pub use pubsub::{Message, PubSub};
pub use registry::Clients;

use crate::resp::{OwnedArgv, Protocol};
use crate::types::Database;

/// CLIENT REPLY's three modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// Every command is answered.
    #[default]
    On,
    /// None is.
    Off,
    /// The next one is not.
    SkipNext,
    /// This one is not.
    Skipping,
}

/// Commands queued by MULTI.
#[derive(Debug, Default)]
pub struct Queue {
    /// In order.
    pub commands: Vec<OwnedArgv>,
    /// Their bytes, for the limit.
    pub bytes: usize,
    /// A command was refused while queueing: EXEC aborts.
    pub aborted: bool,
}

/// A key under WATCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// In which database.
    pub database: Database,
    /// The key.
    pub key: Box<[u8]>,
    /// What it was: see [`crate::node::Locked::fingerprint`].
    pub fingerprint: u64,
}

/// Quorums asked for by QUORUM: `None` means the cluster's or the policy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quorum {
    /// Reads.
    pub r: Option<u8>,
    /// Writes.
    pub w: Option<u8>,
    /// Writes acknowledged after an fsync.
    pub dw: Option<u8>,
    /// Milliseconds.
    pub timeout_ms: Option<u64>,
}

/// One connection's own state.
#[derive(Debug)]
pub struct Session {
    /// What others see of it.
    pub handle: Arc<ClientHandle>,
    /// RESP2 until HELLO 3.
    pub protocol: Protocol,
    /// Chosen by SELECT.
    pub database: Database,
    /// May run commands.
    pub authenticated: bool,
    /// MULTI is open.
    pub queue: Option<Queue>,
    /// `WATCHed` keys.
    pub watched: Vec<Watched>,
    /// Channels subscribed to.
    pub channels: BTreeSet<Bytes>,
    /// Patterns subscribed to.
    pub patterns: BTreeSet<Bytes>,
    /// CLIENT REPLY.
    pub reply_mode: ReplyMode,
    /// Reads do not touch the LRU clock (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// MONITOR is on.
    pub monitor: bool,
    /// QUORUM for the connection.
    pub quorum: Quorum,
    /// QUORUM ONCE for the next command.
    pub quorum_once: Option<Quorum>,
    /// EXEC is running.
    pub in_exec: bool,
    /// Close after the replies so far are written.
    pub closing: bool,
    /// The commit ticket of this connection's last write; 0: it wrote nothing.
    pub last_write: u64,
}

impl Session {
    /// A fresh connection.
    pub fn new(handle: Arc<ClientHandle>, authenticated: bool) -> Self {
        Self {
            handle,
            protocol: Protocol::Resp2,
            database: Database(0),
            authenticated,
            queue: None,
            watched: Vec::new(),
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            reply_mode: ReplyMode::On,
            no_touch: false,
            monitor: false,
            quorum: Quorum::default(),
            quorum_once: None,
            in_exec: false,
            closing: false,
            last_write: 0,
        }
    }

    /// A command has been answered from `start` on: its reply stays or goes, as CLIENT REPLY says.
    pub fn settle_reply(&mut self, start: usize, out: &mut Vec<u8>) {
        match self.reply_mode {
            ReplyMode::On => {}
            ReplyMode::SkipNext => self.reply_mode = ReplyMode::Skipping,
            ReplyMode::Off => out.truncate(start),
            ReplyMode::Skipping => {
                out.truncate(start);
                self.reply_mode = ReplyMode::On;
            }
        }
    }

    /// Subscriptions of both kinds.
    pub fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}
