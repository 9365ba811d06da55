//! The one writer: appends groups, seals full segments, drops those that the tree has.

use std::collections::VecDeque;
use std::io;

use super::format::{
    Chain, GroupKind, HEADER_BYTES, MAX_GROUP_BYTES, Seal, SegmentHeader, group_header,
};
use super::recovery::{Examination, Recovery, examine};
use super::scan::{End, segment_name};
use super::sync::{Failure, Prepared, Rotation, SyncHandle, Synced};
use super::{LogConfig, LogError};
use crate::store::disk::{Disk, DiskFile};
use crate::types::WallMs;

/// The commit log, open for writing. Stands behind one lock of its owner; fsyncs need not be made
/// under it ([`Log::sync_handle`], [`Log::rotation`]).
pub struct Log<D: Disk> {
    disk: D,
    config: LogConfig,
    failure: Failure,
    current: Current<D::File>,
    next_sequence: u64,
    last_time: WallMs,
    sealed: VecDeque<(u64, u64)>,
    sealed_bytes: u64,
    rotating: bool,
    head: Vec<u8>,
}

/// The segment in use.
struct Current<F> {
    file: F,
    header: SegmentHeader,
    groups: u64,
    entries: u64,
    length: u64,
    chain: Chain,
}

impl<D: Disk> Log<D> {
    /// Opens the log, cuts a torn tail, and syncs what it found. A damaged log is refused and left
    /// as it is.
    pub fn open(disk: D, config: LogConfig) -> Result<(Self, Recovery), LogError> {
        let found = examine(&disk, &config)?;
        if let Some(damage) = found.damage.first() {
            return Err(LogError::Damaged(damage.clone()));
        }
        if let Some(stillborn) = found.stillborn {
            disk.unlink(&segment_name(stillborn))?;
            disk.sync_directory()?;
        }
        let recovery = found.recovery.clone();
        let log = Self::over(disk, config, found)?;
        Ok((log, recovery))
    }

    fn over(disk: D, config: LogConfig, found: Examination) -> Result<Self, LogError> {
        let next_sequence = found.recovery.last_sequence + 1;
        let mut sealed: VecDeque<(u64, u64)> = found.applied.into_iter().collect();
        let mut open = None;
        let mut last = sealed.back().map_or(0, |&(number, _)| number);
        let mut salt_of_last = None;
        for (number, (length, scan)) in found.scans {
            last = number;
            salt_of_last = scan.header;
            if scan.end == End::Sealed {
                sealed.push_back((number, length));
            } else {
                open = Some((number, length, scan));
            }
        }
        let current = if let (Some((number, length, scan)), Some(header)) = (open, salt_of_last) {
            let name = segment_name(number);
            let good = scan.good as u64;
            if good < length {
                disk.truncate(&name, good)?;
            }
            let file = disk.open(&name)?;
            let (groups, entries, chain) = (scan.groups, scan.entries, scan.chain);
            Current {
                file,
                header,
                groups,
                entries,
                length: good,
                chain,
            }
        } else {
            let segment = last.saturating_add(1); // were it taken, creating it fails
            let file = disk.create(&segment_name(segment))?;
            Self::begin(&config, file, segment, next_sequence, config.now)?
        };
        // What is served from now on must not depend on what the kernel held before the restart.
        current.file.sync()?;
        let sealed_bytes = sealed.iter().map(|(_, length)| length).sum();
        Ok(Self {
            disk,
            config,
            failure: Failure::default(),
            current,
            next_sequence,
            last_time: found.recovery.last_good_time,
            sealed,
            sealed_bytes,
            rotating: false,
            head: Vec::new(),
        })
    }

    fn begin(
        config: &LogConfig,
        file: D::File,
        segment: u64,
        first_sequence: u64,
        created: WallMs,
    ) -> io::Result<Current<D::File>> {
        let header = SegmentHeader {
            salt: config.salt,
            segment,
            first_sequence,
            created,
        };
        file.append([&header.encode(), &[]])?;
        let length = HEADER_BYTES as u64;
        Ok(Current {
            file,
            header,
            groups: 0,
            entries: 0,
            length,
            chain: Chain::default(),
        })
    }

    /// Appends one group of `count` entries in one write, and gives its sequence. After an error
    /// the group must not be acknowledged, though a restart may find it.
    pub fn append_group(
        &mut self,
        now: WallMs,
        count: u32,
        payload: &[u8],
    ) -> Result<u64, LogError> {
        let sequence = self.next_sequence;
        self.append(GroupKind::Data, sequence, now, count, payload)?;
        self.next_sequence += 1;
        self.current.groups += 1;
        self.current.entries += u64::from(count);
        Ok(sequence)
    }

    fn append(
        &mut self,
        kind: GroupKind,
        sequence: u64,
        now: WallMs,
        count: u32,
        payload: &[u8],
    ) -> Result<(), LogError> {
        self.failure.check()?;
        if payload.len() > MAX_GROUP_BYTES {
            return Err(LogError::TooLarge(payload.len()));
        }
        let Current {
            header,
            file,
            length,
            chain,
            ..
        } = &mut self.current;
        let crc = group_header(
            header.salt,
            kind,
            sequence,
            now,
            count,
            payload,
            &mut self.head,
        );
        if let Err(error) = file.append([&self.head, payload]) {
            return self
                .failure
                .fail("append to", &segment_name(header.segment), &error);
        }
        *length += (self.head.len() + payload.len()) as u64;
        chain.add(crc);
        self.last_time = now;
        Ok(())
    }

    /// The last appended group.
    pub fn position(&self) -> Synced {
        Synced {
            segment: self.current.header.segment,
            sequence: self.next_sequence - 1,
        }
    }

    /// A handle that syncs, off the lock, all that has been appended by now.
    pub fn sync_handle(&self) -> SyncHandle<D::File> {
        let (file, failure) = (self.current.file.clone(), self.failure.clone());
        SyncHandle {
            file,
            synced: self.position(),
            failure,
        }
    }

    /// Makes all appended groups durable.
    pub fn sync(&mut self) -> Result<Synced, LogError> {
        self.sync_handle().sync()
    }

    /// Whether the segment in use is full and no rotation is under way.
    pub fn is_full(&self) -> bool {
        !self.rotating && self.current.length >= self.config.segment_bytes
    }

    /// Begins a rotation, one at a time: [`Rotation::prepare`] without the lock, then
    /// [`Log::rotate`] with it.
    pub fn rotation(&mut self) -> Result<Rotation<D>, LogError> {
        self.failure.check()?;
        if self.rotating {
            return Err(LogError::Rotating);
        }
        self.rotating = true;
        Ok(Rotation {
            disk: self.disk.clone(),
            sync: self.sync_handle(),
        })
    }

    /// Ends a rotation: seals the segment in use, syncs the little that came since
    /// [`Rotation::prepare`], and goes on in the next. Gives the number of the sealed segment.
    ///
    /// Nothing is ever written to a segment before the one before it is sealed and durable; so
    /// whatever survives a crash is a prefix of the log.
    pub fn rotate(&mut self, prepared: Prepared<D>, now: WallMs) -> Result<u64, LogError> {
        let Current {
            header,
            groups,
            entries,
            length,
            chain,
            ..
        } = &self.current;
        let sealed = header.segment;
        assert!(
            prepared.segment == sealed + 1,
            "one rotation at a time, in order"
        );
        let (groups, entries, bytes) = (*groups, *entries, *length);
        let seal = Seal {
            groups,
            entries,
            bytes,
            chain: chain.value(),
        }
        .encode();
        let last = self.next_sequence - 1;
        self.append(GroupKind::Seal, last, now, 0, &seal)?;
        self.sync()?;
        let first = self.next_sequence;
        let begun = Self::begin(&self.config, prepared.file, prepared.segment, first, now);
        match begun {
            Err(error) => self
                .failure
                .fail("append to", &segment_name(sealed + 1), &error),
            Ok(current) => {
                self.sealed.push_back((sealed, self.current.length));
                self.sealed_bytes += self.current.length;
                self.current = current;
                self.rotating = false;
                Ok(sealed)
            }
        }
    }

    /// A whole rotation under the lock.
    pub fn seal(&mut self) -> Result<u64, LogError> {
        let prepared = self.rotation()?.prepare()?;
        self.rotate(prepared, self.last_time)
    }

    /// A whole rotation under the lock, if the segment in use is full.
    pub fn seal_if_full(&mut self) -> Result<Option<u64>, LogError> {
        if self.is_full() {
            self.seal().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Unlinks sealed segments up to this one, whose records are all durably in the tree. An error
    /// leaves the rest for the next call.
    pub fn drop_through(&mut self, segment: u64) -> Result<u64, LogError> {
        let mut dropped = 0;
        while let Some(&(number, length)) = self.sealed.front().filter(|(n, _)| *n <= segment) {
            match self.disk.unlink(&segment_name(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            self.sealed.pop_front();
            self.sealed_bytes -= length;
            dropped += 1;
        }
        Ok(dropped)
    }

    /// Why the log has failed, if it has.
    pub fn failed(&self) -> Option<&str> {
        self.failure.0.get().map(String::as_str)
    }

    /// The wall time of the last group.
    pub fn last_time(&self) -> WallMs {
        self.last_time
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.sealed_bytes + self.current.length
    }

    /// Segments on disk.
    pub fn segments(&self) -> u64 {
        self.sealed.len() as u64 + 1
    }

    /// Sealed segments, oldest first, with their lengths: what waits for the tree.
    pub fn sealed(&self) -> impl Iterator<Item = (u64, u64)> {
        self.sealed.iter().copied()
    }
}
