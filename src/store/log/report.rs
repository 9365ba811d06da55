//! `dynamo check --data-dir`: what stands in a log, and every problem at once.

use std::fmt;
use std::io;

use super::recovery::{Recovery, examine};
use super::scan::{End, segment_name};
use super::{Damage, LogConfig};
use crate::store::disk::Disk;

/// The state of a log that nobody has open.
#[derive(Clone, Debug)]
pub struct Report {
    /// The segments that matter, in order.
    pub segments: Vec<SegmentReport>,
    /// Segments that the tree has already.
    pub applied_segments: u64,
    /// All in all.
    pub recovery: Recovery,
    /// Everything that is wrong. Empty: the log opens.
    pub damage: Vec<Damage>,
}

/// The state of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub segment: u64,
    /// Its length.
    pub bytes: u64,
    /// Its good groups, up to the first that is not.
    pub groups: u64,
    /// Entries in those.
    pub entries: u64,
    /// Whether it ends with a good seal.
    pub sealed: bool,
}

/// Examines a log and changes nothing.
pub fn report<D: Disk>(disk: &D, config: &LogConfig) -> io::Result<Report> {
    let found = examine(disk, config)?;
    let segments = found
        .scans
        .iter()
        .map(|(&segment, (bytes, scan))| SegmentReport {
            segment,
            bytes: *bytes,
            groups: scan.groups,
            entries: scan.entries,
            sealed: scan.end == End::Sealed,
        });
    Ok(Report {
        segments: segments.collect(),
        applied_segments: found.applied.len() as u64,
        recovery: found.recovery,
        damage: found.damage,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.segments {
            let SegmentReport {
                segment,
                bytes,
                groups,
                entries,
                sealed,
            } = part;
            let end = if *sealed { "sealed" } else { "open" };
            let name = segment_name(*segment);
            writeln!(
                f,
                "{name}: {bytes} bytes, {groups} groups, {entries} entries, {end}"
            )?;
        }
        let Recovery {
            groups,
            entries,
            torn_bytes,
            last_good_time,
            accepted_losses,
            ..
        } = &self.recovery;
        writeln!(
            f,
            "log: {groups} groups, {entries} entries to replay, last good group at {} ms",
            last_good_time.0
        )?;
        if self.applied_segments > 0 {
            writeln!(
                f,
                "{} segments are in the tree already",
                self.applied_segments
            )?;
        }
        if *torn_bytes > 0 {
            writeln!(
                f,
                "torn tail: the last {torn_bytes} bytes will be cut at the next start"
            )?;
        }
        if *accepted_losses > 0 {
            writeln!(f, "{accepted_losses} groups were accepted as lost earlier")?;
        }
        for damage in &self.damage {
            writeln!(f, "damage: {damage}")?;
        }
        Ok(())
    }
}
