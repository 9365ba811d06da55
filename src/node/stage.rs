//! What the commands of one worker have changed since its last group commit: entries for the log,
//! and the sums that other threads see only per group. Filled under partition locks, without one of
//! its own.

use super::fanout::{Fanout, Named};
use crate::env::rng::Sampler;
use crate::store::log::{EntryKind, append_opaque, append_record};
use crate::types::{Database, Hlc, PartitionId, Token};

/// A key appeared (+1) or vanished (−1) with the write of this hybrid time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub partition: PartitionId,
    /// In which database.
    pub database: Database,
    /// +1 or −1.
    pub by: i8,
    /// When: a flush after it makes it void.
    pub at: Hlc,
}

/// Staged writes of one worker.
#[derive(Debug)]
pub struct Stage {
    /// Entries for the log, encoded; stays empty when there is no log.
    pub log: Vec<u8>,
    /// How many entries.
    pub entries: u32,
    /// Counts to be kept beside them.
    pub changes: Vec<Change>,
    /// Change of the table's logical bytes.
    pub table_bytes: isize,
    /// Change of the dirty records' logical bytes.
    pub dirty_bytes: isize,
    /// Writes since the stage was made: tells a caller whether its command wrote.
    pub writes: u64,
    /// Is there a log?
    pub logged: bool,
    /// Chance for sampling: eviction, RANDOMKEY, LFU.
    pub sampler: Sampler,
    /// What goes to other nodes; `None` in a cluster of one.
    pub fanout: Option<Box<Fanout>>,
}

impl Stage {
    /// An empty stage, for a node with or without a log.
    pub fn new(logged: bool) -> Self {
        Self {
            log: Vec::new(),
            entries: 0,
            changes: Vec::new(),
            table_bytes: 0,
            dirty_bytes: 0,
            writes: 0,
            logged,
            sampler: Sampler::from_system(),
            fanout: None,
        }
    }

    /// Notes one record as it now is.
    #[inline]
    #[allow(
        clippy::too_many_arguments,
        reason = "one entry of the log, field by field"
    )]
    pub fn record(
        &mut self,
        partition: PartitionId,
        database: Database,
        token: Token,
        key: &[u8],
        record: &[u8],
        change: i8,
        at: Hlc,
    ) {
        self.writes += 1;
        if let Some(fanout) = &mut self.fanout {
            let named = Named {
                partition,
                database,
                token,
                key,
            };
            fanout.record(named, record);
        }
        if !self.logged {
            return;
        }
        let flags = match change {
            1 => 1,
            -1 => 2,
            _ => 0,
        };
        append_record(
            &mut self.log,
            flags,
            partition,
            database,
            token,
            key,
            record,
        );
        self.entries += 1;
        if change != 0 {
            self.changes.push(Change {
                partition,
                database,
                by: change,
                at,
            });
        }
    }

    /// Adds an entry that is no record of this node's own: a hint, a note.
    pub fn own(&mut self, kind: EntryKind, bytes: &[u8]) {
        self.writes += 1;
        if self.logged {
            append_opaque(&mut self.log, kind, bytes);
            self.entries += 1;
        }
    }

    /// Is there something to commit?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }
}

impl Stage {
    /// Empties the stage and keeps its memory, unless a burst made it large.
    pub fn clear(&mut self) {
        const KEPT_BYTES: usize = 1 << 20;
        if self.log.capacity() > KEPT_BYTES {
            self.log = Vec::new();
        }
        self.log.clear();
        self.entries = 0;
        self.changes.clear();
    }
}
