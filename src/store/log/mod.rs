//! The commit log: append-only segments of groups, each group one write call and one checksum.
//!
//! What was acknowledged is here before anything else knows it; the tree gets it later. A group
//! carries resulting state, never operations, so that replaying twice is replaying once. Sequence
//! numbers of groups are consecutive across segments. `docs/log-format.md` has every byte.
//!
//! What is always true: a torn tail is cut only at the very end of the last segment, where nothing
//! valid stands behind it; anything else that does not verify is [`Damage`], and [`Log::open`]
//! refuses it. Once an append or a sync has failed, the log is failed for good: nobody knows what
//! the kernel still holds, and a second fsync would say "done" for bytes that are gone.
//!
//! ```text
//!  log-0000000000000001.seg                       log-0000000000000002.seg
//!  | header | group 1 | group 2 | ... | seal |    | header | group 41 | ... | (torn tail)
//! ```

mod entry;
mod format;
mod recovery;
mod report;
mod salvage;
mod scan;
mod sync;
mod writer;

use std::fmt;
use std::io;

use super::high_water::Mark;
use crate::types::WallMs;

pub use entry::{
    APPEARED, Body, Entries, EntryKind, EntryRef, MalformedEntry, VANISHED, append_opaque,
    append_record, append_record_parts, append_record_with,
};
pub use format::{MAX_GROUP_BYTES, VERSION};
pub use recovery::Recovery;
pub use report::{Report, SegmentReport, report};
pub use salvage::{LostRange, SetAside, set_aside};
pub use scan::{replay, segment_name};
pub use sync::{Prepared, Rotation, SyncHandle, Synced};
pub use writer::Log;

/// How a log is opened.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// A segment is full beyond this. Small enough to be dropped soon after the tree has it, large
    /// enough that sealing is rare.
    pub segment_bytes: u64,
    /// Random bits that stand before each group of the segments made from now on. A client cannot
    /// know them, so no value it stores can pass for a group when a damaged segment is searched.
    pub salt: u32,
    /// The wall clock, for the header of a segment made by opening.
    pub now: WallMs,
    /// The high-water mark, when there is one: a log that ends before it is damaged.
    pub mark: Option<Mark>,
    /// The last segment whose records are all in the tree, as the tree says; 0: none. Earlier
    /// segments may be gone, later ones may not.
    pub applied: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            salt: 0,
            now: WallMs(0),
            mark: None,
            applied: 0,
        }
    }
}

/// What is wrong with a log, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment's number.
    pub segment: u64,
    /// The first byte that is not good.
    pub offset: u64,
    /// What is wrong there.
    pub reason: Reason,
    /// The wall time of the last good group before it; 0 when there is none.
    pub last_good_time: WallMs,
}

/// Kinds of damage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The segment's header does not verify.
    #[error("bad segment header")]
    BadHeader,
    /// Written by a version of this program that knows more.
    #[error("segment format version {0} is unknown here")]
    UnknownVersion(u32),
    /// A file that calls itself another segment.
    #[error("the header says segment {0}")]
    WrongSegment(u64),
    /// A group that does not verify, with good ones behind it.
    #[error("bad group before good ones")]
    BadGroup,
    /// A group that verifies but holds what no writer writes.
    #[error("malformed entry in a group")]
    MalformedEntry,
    /// Groups are missing between two that verify.
    #[error("sequence gap: expected {expected}, found {found}")]
    SequenceGap {
        /// The sequence that had to come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// A segment is not there.
    #[error("segment is missing")]
    MissingSegment,
    /// A segment before the last does not end with a seal.
    #[error("sealed segment without a good seal")]
    NotSealed,
    /// The counts or the checksum of a seal are not those of its segment.
    #[error("seal does not fit its segment")]
    WrongSeal,
    /// Bytes behind a seal.
    #[error("bytes after the seal")]
    AfterSeal,
    /// The log ends before what was fsynced.
    #[error("shortened: group {sequence} of segment {segment} was fsynced, the log ends before it")]
    Shortened {
        /// The segment of the high-water mark.
        segment: u64,
        /// The sequence of the high-water mark.
        sequence: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            segment,
            offset,
            reason,
            last_good_time,
        } = self;
        let name = segment_name(*segment);
        write!(
            f,
            "{name}, offset {offset}: {reason}; last good group at {} ms",
            last_good_time.0
        )
    }
}

/// Why the log refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log is damaged before its end. Nothing was changed.
    #[error("the log is damaged: {0}")]
    Damaged(Damage),
    /// An earlier append or sync failed, or this one did. What it was to write may or may not be
    /// found after a restart; it must not be acknowledged, and neither may anything later.
    #[error("the log has failed: {0}")]
    Failed(String),
    /// The group is too large for its length field. Nothing was written.
    #[error("a group of {0} bytes is too large")]
    TooLarge(usize),
    /// A rotation is under way already. Nothing was written.
    #[error("a rotation is under way")]
    Rotating,
    /// Reading, opening or unlinking failed; the log itself is as it was.
    #[error("{0}")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests;
