//! `dynamo check --accept-loss`: makes a damaged log open again, keeping all that verifies.
//!
//! Each damaged segment is written anew from the groups in it that verify, before the damage and
//! after it; a *skip* group stands where sequences are lost, so that the gap is on record and never
//! taken for damage again. The damaged file stays beside it as `*.damaged`. May be killed and run
//! again at any point.

use std::collections::BTreeSet;
use std::io;

use super::format::{
    Chain, GroupKind, HEADER_BYTES, Seal, SegmentHeader, find_group, group_header, parse_group,
};
use super::recovery::{TOO_MUCH_DAMAGE, examine};
use super::scan::{
    End, count_entries, salt_of_first_group, scan_segment, segment_name, segment_of,
};
use super::{Damage, LogConfig, LogError, Reason};
use crate::store::disk::{Disk, DiskFile};
use crate::types::WallMs;

/// What was set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    /// All that was wrong.
    pub damage: Vec<Damage>,
    /// The damaged files, under their new names.
    pub renamed: Vec<String>,
    /// Groups kept in the segments written anew.
    pub kept_groups: u64,
    /// Sequences of groups that are gone.
    pub lost: Vec<LostRange>,
}

/// Sequences that are gone, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A segment being written anew.
struct Image {
    salt: u32,
    out: Vec<u8>,
    head: Vec<u8>,
    groups: u64,
    entries: u64,
    chain: Chain,
    next: u64,
    time: WallMs,
}

/// Sets damage aside. A log without damage is left as it is; one of a later version is refused.
pub fn set_aside<D: Disk>(disk: &D, config: &LogConfig) -> Result<SetAside, LogError> {
    finish_interrupted(disk)?;
    let found = examine(disk, config)?;
    let unknown = |damage: &&Damage| matches!(damage.reason, Reason::UnknownVersion(_));
    if let Some(damage) = found.damage.iter().find(unknown) {
        return Err(LogError::Damaged(damage.clone()));
    }
    if found.damage.len() > TOO_MUCH_DAMAGE {
        return Err(io::Error::other("too many segments are missing to go on").into());
    }
    let mut done = SetAside {
        damage: found.damage,
        ..SetAside::default()
    };
    if done.damage.is_empty() {
        return Ok(done);
    }
    let mut present = BTreeSet::new();
    for number in disk.list()?.iter().filter_map(|name| segment_of(name)) {
        if found.stillborn == Some(number) {
            disk.unlink(&segment_name(number))?;
        } else if number > config.applied || found.scans.contains_key(&number) {
            present.insert(number);
        }
    }
    let headers = found.scans.values().filter_map(|(_, scan)| scan.header);
    let salts = headers.map(|header| header.salt).collect();
    rewrite(disk, config, &present, &salts, &mut done)?;
    Ok(done)
}

/// Goes through all segments that there must be and writes those anew that are not whole.
fn rewrite<D: Disk>(
    disk: &D,
    config: &LogConfig,
    present: &BTreeSet<u64>,
    salts: &BTreeSet<u32>,
    done: &mut SetAside,
) -> io::Result<()> {
    let mark = config.mark.unwrap_or_default();
    let first = present
        .first()
        .map_or(1, |&first| first.min(config.applied + 1));
    let newest = present.last().copied().unwrap_or(0);
    let last = newest.max(mark.segment).max(config.applied + 1);
    let mut next = first_sequence(disk, present, salts)?;
    for number in first..=last {
        let is_last = number == last;
        let is_present = present.contains(&number);
        let bytes = if is_present {
            disk.read(&segment_name(number))?
        } else {
            Vec::new()
        };
        let scan = scan_segment(&bytes, number, Some(next), &mut |_| {});
        let whole = match scan.end {
            End::Sealed => true,
            End::Open | End::Torn => is_last && scan.header.is_some(),
            End::Bad(_) => false,
        };
        if whole && !(is_last && mark.sequence >= scan.next_sequence) {
            next = scan.next_sequence;
            continue;
        }
        let salt = salt_of(&bytes, salts).unwrap_or(config.salt);
        let mut image = Image::new(salt, number, next, scan.last_time);
        image.salvage(&bytes, done);
        if is_last {
            image.skip_to(mark.sequence.saturating_add(1), &mut done.lost);
        } else {
            let follower = header_of(disk, present, number + 1)?;
            image.skip_to(
                follower.map_or(0, |header| header.first_sequence),
                &mut done.lost,
            );
            image.seal();
        }
        next = image.next;
        replace(disk, number, is_present, &image.out, done)?;
    }
    Ok(())
}

/// Completes what an earlier run was doing when it was killed.
fn finish_interrupted<D: Disk>(disk: &D) -> io::Result<()> {
    let names = disk.list()?;
    for name in names.iter().filter(|name| name.ends_with(".salvage")) {
        let Some(segment) = name.strip_suffix(".salvage") else {
            continue;
        };
        if names.iter().any(|name| name == segment) {
            disk.unlink(name)?;
        } else {
            // The damaged file is renamed only once its successor is written and synced.
            disk.rename(name, segment)?;
        }
    }
    disk.sync_directory()
}

fn header_of<D: Disk>(
    disk: &D,
    present: &BTreeSet<u64>,
    number: u64,
) -> io::Result<Option<SegmentHeader>> {
    if !present.contains(&number) {
        return Ok(None);
    }
    let head = disk.read_range(&segment_name(number), 0, HEADER_BYTES)?;
    Ok(SegmentHeader::parse(&head)
        .ok()
        .filter(|header| header.segment == number))
}

/// The sequence that the log begins with, as far as anything says so.
fn first_sequence<D: Disk>(
    disk: &D,
    present: &BTreeSet<u64>,
    salts: &BTreeSet<u32>,
) -> io::Result<u64> {
    for &number in present {
        if let Some(header) = header_of(disk, present, number)? {
            return Ok(header.first_sequence);
        }
        let bytes = disk.read(&segment_name(number))?;
        let group = salt_of(&bytes, salts)
            .and_then(|salt| Some((salt, find_group(salt, &bytes, HEADER_BYTES, 0)?)))
            .and_then(|(salt, offset)| parse_group(salt, bytes.get(offset..)?));
        if let Some(group) = group {
            return Ok(group.sequence.max(1));
        }
    }
    Ok(1)
}

/// The salt of a segment: from its header, its first group, or whichever of the log's fits.
fn salt_of(bytes: &[u8], salts: &BTreeSet<u32>) -> Option<u32> {
    let header = SegmentHeader::parse(bytes).ok().map(|header| header.salt);
    header.or_else(|| salt_of_first_group(bytes)).or_else(|| {
        let fits = |salt: &&u32| find_group(**salt, bytes, HEADER_BYTES, 0).is_some();
        salts.iter().find(fits).copied()
    })
}

/// Writes the new segment, moves the damaged one aside, and puts the new one in its place.
fn replace<D: Disk>(
    disk: &D,
    number: u64,
    is_present: bool,
    bytes: &[u8],
    done: &mut SetAside,
) -> io::Result<()> {
    let name = segment_name(number);
    let fresh = format!("{name}.salvage");
    let file = disk.create(&fresh)?;
    file.append([bytes, &[]])?;
    file.sync()?;
    if is_present {
        let names = disk.list()?;
        let plain = format!("{name}.damaged");
        let numbered = (2..).map(|count| format!("{name}.damaged-{count}"));
        let free = std::iter::once(plain)
            .chain(numbered)
            .find(|name| !names.contains(name));
        let aside = free.expect("some number is free");
        disk.rename(&name, &aside)?;
        disk.sync_directory()?;
        done.renamed.push(aside);
    }
    disk.rename(&fresh, &name)?;
    disk.sync_directory()
}

impl Image {
    fn new(salt: u32, segment: u64, first_sequence: u64, created: WallMs) -> Self {
        let header = SegmentHeader {
            salt,
            segment,
            first_sequence,
            created,
        };
        Self {
            salt,
            out: header.encode(),
            head: Vec::new(),
            groups: 0,
            entries: 0,
            chain: Chain::default(),
            next: first_sequence,
            time: created,
        }
    }

    /// Takes over every group that verifies and comes later than what is here.
    fn salvage(&mut self, bytes: &[u8], done: &mut SetAside) {
        let mut offset = Some(HEADER_BYTES);
        while let Some(at) = offset {
            let group = bytes
                .get(at..)
                .and_then(|rest| parse_group(self.salt, rest));
            let Some(group) = group else {
                offset = find_group(self.salt, bytes, at + 1, self.next);
                continue;
            };
            offset = Some(at + group.length()).filter(|&next| next < bytes.len());
            let sound = count_entries(group.payload) == Some(u64::from(group.count))
                && group.sequence >= self.next
                && group.sequence < u64::MAX;
            if group.kind == GroupKind::Data && sound {
                self.skip_to(group.sequence, &mut done.lost);
                self.time = group.time;
                self.push(GroupKind::Data, group.sequence, group.count, group.payload);
                self.groups += 1;
                self.entries += u64::from(group.count);
                done.kept_groups += 1;
            }
        }
    }

    /// Records that the sequences before `sequence` which are not here are lost.
    fn skip_to(&mut self, sequence: u64, lost: &mut Vec<LostRange>) {
        if sequence > self.next {
            lost.push(LostRange {
                first: self.next,
                last: sequence - 1,
            });
            self.push(GroupKind::Skip, sequence - 1, 0, &[]);
        }
    }

    fn seal(&mut self) {
        let (groups, entries, bytes) = (self.groups, self.entries, self.out.len() as u64);
        let seal = Seal {
            groups,
            entries,
            bytes,
            chain: self.chain.value(),
        }
        .encode();
        let last = self.next - 1;
        self.push(GroupKind::Seal, last, 0, &seal);
    }

    fn push(&mut self, kind: GroupKind, sequence: u64, count: u32, payload: &[u8]) {
        let time = self.time;
        let crc = group_header(
            self.salt,
            kind,
            sequence,
            time,
            count,
            payload,
            &mut self.head,
        );
        self.out.extend_from_slice(&self.head);
        self.out.extend_from_slice(payload);
        self.chain.add(crc);
        self.next = sequence + 1;
    }
}
