//! Reading segments back: one walk that verifies, counts and hands out, used by opening, replay,
//! report and salvage alike, so that they cannot disagree about what is good.

use std::collections::BTreeMap;
use std::io;

use super::entry::{Entries, EntryRef};
use super::format::{
    Chain, Group, GroupKind, HEADER_BYTES, HeaderFault, Seal, SegmentHeader, find_group,
    parse_group,
};
use super::{Damage, LogConfig, LogError, Reason};
use crate::store::disk::Disk;
use crate::types::WallMs;

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

/// How the bytes of a segment end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With a seal.
    Sealed,
    /// After a whole group: the segment is still being written.
    Open,
    /// Within something that does not verify, with nothing behind it that does.
    Torn,
    /// With damage at `good`.
    Bad(Reason),
}

/// What a walk over one segment found.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) header: Option<SegmentHeader>,
    pub(super) groups: u64,
    pub(super) entries: u64,
    pub(super) skipped: u64,
    pub(super) next_sequence: u64,
    pub(super) last_time: WallMs,
    pub(super) chain: Chain,
    /// Bytes up to here are good.
    pub(super) good: usize,
    pub(super) end: End,
}

/// The name of a segment's file.
pub fn segment_name(segment: u64) -> String {
    format!("log-{segment:016x}.seg")
}

/// The segment that a file name names.
pub(super) fn segment_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?.strip_suffix(".seg")?;
    let segment = u64::from_str_radix(digits, 16).ok()?;
    (segment_name(segment) == name).then_some(segment)
}

/// Walks a segment's bytes as far as they are good, and shows each group of entries to `visit`.
/// `expected` is the sequence that has to come first, when it is known.
pub(super) fn scan_segment(
    bytes: &[u8],
    segment: u64,
    expected: Option<u64>,
    visit: &mut dyn FnMut(&Group<'_>),
) -> Scan {
    let mut scan = Scan {
        header: None,
        groups: 0,
        entries: 0,
        skipped: 0,
        next_sequence: expected.unwrap_or(1),
        last_time: WallMs(0),
        chain: Chain::default(),
        good: 0,
        end: End::Open,
    };
    let header = match SegmentHeader::parse(bytes) {
        Ok(header) => header,
        Err(HeaderFault::UnknownVersion(version)) => {
            scan.end = End::Bad(Reason::UnknownVersion(version));
            return scan;
        }
        Err(HeaderFault::Bad) => {
            // A header cut off while it was written has nothing behind it, or zeros.
            let begun = bytes.iter().skip(HEADER_BYTES).any(|&byte| byte != 0);
            scan.end = if begun {
                End::Bad(Reason::BadHeader)
            } else {
                End::Torn
            };
            return scan;
        }
    };
    scan.header = Some(header);
    scan.last_time = header.created;
    if header.segment != segment {
        scan.end = End::Bad(Reason::WrongSegment(header.segment));
        return scan;
    }
    if let Some(expected) = expected.filter(|&expected| expected != header.first_sequence) {
        scan.end = End::Bad(Reason::SequenceGap {
            expected,
            found: header.first_sequence,
        });
        scan.next_sequence = header.first_sequence;
        return scan;
    }
    scan.next_sequence = header.first_sequence;
    scan.good = HEADER_BYTES;
    scan.end = walk(bytes, header.salt, &mut scan, visit);
    scan
}

fn walk(bytes: &[u8], salt: u32, scan: &mut Scan, visit: &mut dyn FnMut(&Group<'_>)) -> End {
    loop {
        let rest = bytes.get(scan.good..).unwrap_or_default();
        if rest.is_empty() {
            return End::Open;
        }
        let Some(group) = parse_group(salt, rest) else {
            let later = find_group(salt, bytes, scan.good + 1, scan.next_sequence);
            return if later.is_some() {
                End::Bad(Reason::BadGroup)
            } else {
                End::Torn
            };
        };
        match group.kind {
            GroupKind::Seal => {
                if group.payload != scan.seal().encode() {
                    return End::Bad(Reason::WrongSeal);
                }
                scan.good += group.length();
                let ends = scan.good == bytes.len();
                return if ends {
                    End::Sealed
                } else {
                    End::Bad(Reason::AfterSeal)
                };
            }
            GroupKind::Skip if group.sequence >= scan.next_sequence => {
                scan.skipped += group.sequence - scan.next_sequence + 1;
            }
            GroupKind::Data if group.sequence == scan.next_sequence => {
                if count_entries(group.payload) != Some(u64::from(group.count)) {
                    return End::Bad(Reason::MalformedEntry);
                }
                visit(&group);
                scan.groups += 1;
                scan.entries += u64::from(group.count);
            }
            GroupKind::Data | GroupKind::Skip => {
                let expected = scan.next_sequence;
                return End::Bad(Reason::SequenceGap {
                    expected,
                    found: group.sequence,
                });
            }
        }
        let Some(next) = group.sequence.checked_add(1) else {
            return End::Bad(Reason::BadGroup);
        };
        scan.next_sequence = next;
        scan.last_time = group.time;
        scan.chain.add(group.crc);
        scan.good += group.length();
    }
}

impl Scan {
    /// The seal that a segment with this content has to end with.
    pub(super) fn seal(&self) -> Seal {
        Seal {
            groups: self.groups,
            entries: self.entries,
            bytes: self.good as u64,
            chain: self.chain.value(),
        }
    }
}

/// How many entries a payload holds, if all of them parse.
pub(super) fn count_entries(payload: &[u8]) -> Option<u64> {
    Entries::new(payload).try_fold(0, |count, entry| entry.ok().map(|_| count + 1))
}

/// The salt of a segment without a header, as its first group shows it.
pub(super) fn salt_of_first_group(bytes: &[u8]) -> Option<u32> {
    let first = bytes.get(HEADER_BYTES..)?;
    let magic = u32::from_le_bytes(*first.first_chunk::<4>()?);
    (0..=GroupKind::Skip as u32)
        .map(|kind| magic.wrapping_sub(kind))
        .find(|&salt| parse_group(salt, first).is_some())
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
            if found.damage.len() > 1000 {
                break; // a file with a wild number; the list is long enough
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

/// Shows every entry from `from_segment` on, with the sequence of its group, in order. Stops with
/// the damage when there is any; a torn tail of the last segment ends it quietly.
pub fn replay<D: Disk>(
    disk: &D,
    from_segment: u64,
    visit: &mut dyn FnMut(u64, EntryRef<'_>),
) -> Result<(), LogError> {
    let names = disk.list()?;
    let numbers = names.iter().filter_map(|name| segment_of(name));
    let numbers: Vec<u64> = numbers.filter(|&number| number >= from_segment).collect();
    let mut last = None;
    for &number in numbers.iter().rev() {
        // Behind a prepared file nothing has begun, so that the one before it may still be open.
        if last.is_none() && disk.length(&segment_name(number))? > 0 {
            last = Some(number);
        }
    }
    let mut previous: Option<(u64, u64)> = None;
    let mut last_good_time = WallMs(0);
    for &number in &numbers {
        let damage = |offset: usize, reason, last_good_time| {
            let offset = offset as u64;
            LogError::Damaged(Damage {
                segment: number,
                offset,
                reason,
                last_good_time,
            })
        };
        if previous.is_some_and(|(before, _)| before + 1 != number) {
            return Err(damage(0, Reason::MissingSegment, last_good_time));
        }
        let bytes = disk.read(&segment_name(number))?;
        let expected = previous.map(|(_, next)| next);
        let scan = scan_segment(&bytes, number, expected, &mut |group| {
            for entry in Entries::new(group.payload).flatten() {
                visit(group.sequence, entry);
            }
        });
        last_good_time = last_good_time.max(scan.last_time);
        previous = Some((number, scan.next_sequence));
        match scan.end {
            End::Sealed => {}
            End::Open | End::Torn if last.is_none_or(|last| number >= last) => return Ok(()),
            End::Open | End::Torn => {
                return Err(damage(scan.good, Reason::NotSealed, last_good_time));
            }
            End::Bad(reason) => return Err(damage(scan.good, reason, last_good_time)),
        }
    }
    Ok(())
}

/// For the fuzzer: reads any bytes as a segment and looks at all it finds. Gives the entries seen.
pub fn fuzz_segment(bytes: &[u8]) -> u64 {
    let mut seen = 0;
    let scan = scan_segment(bytes, 1, None, &mut |group| {
        seen += Entries::new(group.payload).flatten().count() as u64;
    });
    assert!(
        scan.good <= bytes.len() && seen == scan.entries,
        "the walk counts what it shows"
    );
    seen
}
