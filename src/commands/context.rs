//! What a command's code is given, and how it ends.

use std::time::Duration;

use super::error::CommandError;
use crate::node::stats::WorkerStats;
use crate::node::{Locked, Node};
use crate::resp::Reply;
use crate::session::Session;
use crate::types::Database;

/// What a command works with. Its keys are locked and resident; it writes exactly one reply.
pub struct Context<'a> {
    /// The keys of the command.
    pub keys: Locked<'a>,
    /// The connection.
    pub session: &'a mut Session,
    /// Where the reply goes.
    pub reply: Reply<'a>,
    /// The node.
    pub node: &'a Node,
    /// The worker's counters.
    pub stats: &'a WorkerStats,
}

/// How a command ended; an error becomes its reply.
pub type Outcome = Result<Flow, CommandError>;

/// What the connection does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The reply is written.
    Done,
    /// The reply is written by the connection once this has come to pass.
    Wait(Wait),
    /// The reply is written; close the connection after it.
    Close,
}

/// What a connection may wait for without holding anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// WAIT: acknowledgements by other nodes of this connection's writes, or the time-out (`None`:
    /// for ever).
    Replicas {
        /// Wanted.
        count: u64,
        /// At most so long.
        timeout: Option<Duration>,
    },
    /// WAITAOF: an fsync here, and on other nodes.
    Fsync {
        /// Wanted here, 0 or 1.
        local: u64,
        /// Wanted on others.
        others: u64,
        /// At most so long.
        timeout: Option<Duration>,
    },
    /// SAVE: everything logged so far is in the tree.
    Drain,
    /// A walk that may have to read the tree.
    Walk {
        /// Which.
        walk: Walk,
        /// In which database.
        database: Database,
    },
    /// DEBUG SLEEP.
    Sleep(Duration),
    /// SHUTDOWN: the node stops.
    Shutdown {
        /// NOSAVE: without a drain.
        no_save: bool,
    },
}

/// A walk over the keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// RANDOMKEY.
    RandomKey,
    /// KEYS.
    Keys {
        /// Which.
        pattern: Vec<u8>,
    },
    /// SCAN.
    Scan {
        /// From where.
        cursor: u64,
        /// MATCH.
        pattern: Option<Vec<u8>>,
        /// TYPE.
        kind: Option<Vec<u8>>,
        /// COUNT.
        count: usize,
    },
}
