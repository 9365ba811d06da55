//! Reading segments back: one walk that verifies, counts and hands out, used by opening, replay,
//! report and salvage alike, so that they cannot disagree about what is good.

use super::entry::{Entries, EntryRef};
use super::format::{
    Chain, Group, GroupKind, HEADER_BYTES, HeaderFault, Seal, SegmentHeader, find_group,
    parse_group,
};
use super::{Damage, LogError, Reason};
use crate::store::disk::Disk;
use crate::types::WallMs;

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
