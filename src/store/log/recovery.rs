//! Judging a whole log: which segments matter, what is a torn tail, what is damage.

use std::collections::BTreeMap;
use std::io;

use super::scan::{End, Scan, scan_segment, segment_name, segment_of};
use super::{Damage, LogConfig, Reason};
use crate::store::disk::Disk;
use crate::types::WallMs;

/// Beyond this the list is long enough: some file has a wild number.
pub(super) const TOO_MUCH_DAMAGE: usize = 1000;

/// What opening found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments that hold something not known to be in the tree.
    pub segments: u64,
    /// Groups in them.
    pub groups: u64,
    /// Entries in those.
    pub entries: u64,
    /// Sequences that an operator once accepted as lost.
    pub accepted_losses: u64,
    /// Bytes cut from the end of the last segment.
    pub torn_bytes: u64,
    /// The last sequence; 0: none.
    pub last_sequence: u64,
    /// The wall time of the last good group.
    pub last_good_time: WallMs,
    /// The first damage. A log with one does not open.
    pub damage: Option<Damage>,
}

/// The segments of a log, as found, with everything that is wrong.
pub(super) struct Examination {
    /// Scans of the segments that matter, by number.
    pub(super) scans: BTreeMap<u64, (u64, Scan)>,
    /// Segments that the tree has already and nobody has unlinked yet, with their lengths.
    pub(super) applied: BTreeMap<u64, u64>,
    /// A last file that was made but never began: prepared, or torn within its header.
    pub(super) stillborn: Option<u64>,
    pub(super) damage: Vec<Damage>,
    pub(super) recovery: Recovery,
}

/// Reads all segments and judges them. Changes nothing.
pub(super) fn examine<D: Disk>(disk: &D, config: &LogConfig) -> io::Result<Examination> {
    let mut numbers: Vec<u64> = disk
        .list()?
        .iter()
        .filter_map(|name| segment_of(name))
        .collect();
    let mut found = Examination {
        scans: BTreeMap::new(),
        applied: BTreeMap::new(),
        stillborn: None,
        damage: Vec::new(),
        recovery: Recovery::default(),
    };
    if let Some(&last) = numbers.last() {
        let bytes = disk.read(&segment_name(last))?;
        let scan = scan_segment(&bytes, last, None, &mut |_| {});
        if scan.header.is_none() && scan.end == End::Torn {
            found.stillborn = Some(last);
            found.recovery.torn_bytes = bytes.len() as u64;
            numbers.pop();
        }
    }
    let last = numbers.last().copied().unwrap_or(0);
    let mut previous = None;
    for number in numbers {
        if number <= config.applied && number != last {
            found
                .applied
                .insert(number, disk.length(&segment_name(number))?);
            continue;
        }
        let before = previous.map_or(config.applied, |(number, _)| number);
        for missing in before.saturating_add(1)..number {
            found.note(missing, 0, Reason::MissingSegment);
            if found.damage.len() > TOO_MUCH_DAMAGE {
                break;
            }
        }
        let expected = previous.filter(|&(before, _)| before + 1 == number);
        let next = found.add(disk, number, expected.map(|(_, next)| next), number == last)?;
        previous = Some((number, next));
    }
    found.judge_end(config, last);
    found.recovery.damage = found.damage.first().cloned();
    Ok(found)
}

impl Examination {
    fn note(&mut self, segment: u64, offset: u64, reason: Reason) {
        let last_good_time = self.recovery.last_good_time;
        self.damage.push(Damage {
            segment,
            offset,
            reason,
            last_good_time,
        });
    }

    /// Takes in one segment; gives the sequence that the next has to begin with.
    fn add<D: Disk>(
        &mut self,
        disk: &D,
        number: u64,
        expected: Option<u64>,
        is_last: bool,
    ) -> io::Result<u64> {
        let bytes = disk.read(&segment_name(number))?;
        let scan = scan_segment(&bytes, number, expected, &mut |_| {});
        let total = &mut self.recovery;
        total.segments += 1;
        total.groups += scan.groups;
        total.entries += scan.entries;
        total.accepted_losses += scan.skipped;
        total.last_good_time = total.last_good_time.max(scan.last_time);
        total.last_sequence = scan.next_sequence.saturating_sub(1);
        match &scan.end {
            End::Bad(reason) => self.note(number, scan.good as u64, reason.clone()),
            // A file behind this one that has begun: this one was synced whole before.
            End::Open | End::Torn if !is_last || self.begun_behind() => {
                let reason = if scan.header.is_some() {
                    Reason::NotSealed
                } else {
                    Reason::BadHeader
                };
                self.note(number, scan.good as u64, reason);
            }
            End::Torn => self.recovery.torn_bytes += (bytes.len() - scan.good) as u64,
            End::Open | End::Sealed => {}
        }
        let next = scan.next_sequence;
        self.scans.insert(number, (bytes.len() as u64, scan));
        Ok(next)
    }

    /// Whether the stillborn last file has bytes: its header was being written, which happens only
    /// once the segment before it is sealed and synced.
    fn begun_behind(&self) -> bool {
        self.stillborn.is_some() && self.recovery.torn_bytes > 0
    }

    fn judge_end(&mut self, config: &LogConfig, last: u64) {
        if last <= config.applied && !self.scans.contains_key(&config.applied) {
            // The segment in use is never dropped, so that some file is later than the applied one
            // unless the applied one is the last, sealed, with its successor not yet made.
            if config.applied > 0 {
                self.note(config.applied, 0, Reason::MissingSegment);
            }
        }
        let Some(mark) = config.mark else { return };
        let end = self
            .scans
            .get(&last)
            .map_or(0, |(_, scan)| scan.good as u64);
        if mark.segment > last || mark.sequence > self.recovery.last_sequence {
            let (segment, sequence) = (mark.segment, mark.sequence);
            self.note(last.max(1), end, Reason::Shortened { segment, sequence });
        }
    }
}
