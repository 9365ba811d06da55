//! The high-water mark: how far the log was fsynced, in a file apart from log and tree, so that one
//! of them cut short or put back from an old copy is noticed.
//!
//! The mark may lag behind (it is written about once a second, after an fsync), never lead. Two
//! slots are written in turn, each with a checksum: a torn write spoils the older one.

use std::io;

use super::disk::{Disk, DiskFile};
use super::log::Synced;

/// The file's name.
pub const HIGH_WATER_FILE: &str = "high-water";

const MAGIC: [u8; 8] = *b"dynamark";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 48;
/// Slots lie in different pages and sectors, so that no single write touches both.
const SLOT_STRIDE: u64 = 4096;

/// How far log and tree have come for certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The segment of the last fsynced group.
    pub segment: u64,
    /// The sequence of the last fsynced group.
    pub sequence: u64,
    /// The last segment whose records are all durably in the tree.
    pub applied: u64,
}

/// The mark's file, open.
pub struct HighWater<D: Disk> {
    file: D::File,
    mark: Mark,
    generation: u64,
}

/// Why there is no mark.
#[derive(Debug, thiserror::Error)]
pub enum HighWaterError {
    /// Neither slot verifies; both were written whole once.
    #[error("{HIGH_WATER_FILE}: both slots of the high-water mark are damaged")]
    Damaged,
    /// A later version of this program wrote it.
    #[error("{HIGH_WATER_FILE}: format version {0} is unknown here")]
    UnknownVersion(u32),
    /// The disk failed.
    #[error("{HIGH_WATER_FILE}: {0}")]
    Io(#[from] io::Error),
}

impl Mark {
    /// Whether a tree that says it has everything through segment `applied` is older than it was.
    pub fn tree_is_shortened(&self, applied: u64) -> bool {
        applied < self.applied
    }
}

impl<D: Disk> HighWater<D> {
    /// Opens the mark, making a fresh one if there is no file.
    pub fn open(disk: &D) -> Result<Self, HighWaterError> {
        let found = read(disk)?;
        if found.is_none() {
            replace(disk, Mark::default())?;
        }
        let (generation, mark) = found.unwrap_or((1, Mark::default()));
        Ok(Self {
            file: disk.open(HIGH_WATER_FILE)?,
            mark,
            generation,
        })
    }

    /// The mark as it is on disk.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Raises the mark to what was fsynced and applied, durably. Never lowers it. Record `applied`
    /// before dropping segments. An error is as grave as a failed sync of the log.
    pub fn record(&mut self, synced: Synced, applied: u64) -> io::Result<()> {
        let mark = Mark {
            segment: self.mark.segment.max(synced.segment),
            sequence: self.mark.sequence.max(synced.sequence),
            applied: self.mark.applied.max(applied),
        };
        if mark == self.mark {
            return Ok(());
        }
        let generation = self.generation + 1;
        self.file
            .write_at((generation % 2) * SLOT_STRIDE, &slot(generation, mark))?;
        self.file.sync()?;
        self.generation = generation;
        self.mark = mark;
        Ok(())
    }
}

/// The mark of a stopped node; none when there is no file.
pub fn read_mark<D: Disk>(disk: &D) -> Result<Option<Mark>, HighWaterError> {
    Ok(read(disk)?.map(|(_, mark)| mark))
}

/// Puts a new mark there, whatever stood before: after an accepted loss of the tree, or when the
/// mark itself is damaged.
pub fn replace_mark<D: Disk>(disk: &D, mark: Mark) -> Result<(), HighWaterError> {
    Ok(replace(disk, mark)?)
}

fn replace<D: Disk>(disk: &D, mark: Mark) -> io::Result<()> {
    let fresh = format!("{HIGH_WATER_FILE}.new");
    if disk.list()?.contains(&fresh) {
        disk.unlink(&fresh)?;
    }
    let file = disk.create(&fresh)?;
    file.write_at(0, &slot(0, mark))?;
    file.write_at(SLOT_STRIDE, &slot(1, mark))?;
    file.sync()?;
    disk.rename(&fresh, HIGH_WATER_FILE)?;
    disk.sync_directory()
}

fn read<D: Disk>(disk: &D) -> Result<Option<(u64, Mark)>, HighWaterError> {
    if !disk.list()?.iter().any(|name| name == HIGH_WATER_FILE) {
        return Ok(None);
    }
    let mut best = None;
    for place in [0, SLOT_STRIDE] {
        let bytes = disk.read_range(HIGH_WATER_FILE, place, SLOT_BYTES)?;
        let Some((version, generation, mark)) = parse(&bytes) else {
            continue;
        };
        if version != VERSION {
            return Err(HighWaterError::UnknownVersion(version));
        }
        if best.is_none_or(|(newest, _)| generation > newest) {
            best = Some((generation, mark));
        }
    }
    best.map(Some).ok_or(HighWaterError::Damaged)
}

fn slot(generation: u64, mark: Mark) -> Vec<u8> {
    let mut out = Vec::with_capacity(SLOT_BYTES);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    for number in [generation, mark.segment, mark.sequence, mark.applied] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn parse(bytes: &[u8]) -> Option<(u32, u64, Mark)> {
    let (signed, crc) = bytes.split_last_chunk::<4>()?;
    if signed.len() != SLOT_BYTES - 4 || crc32fast::hash(signed) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (version, rest) = signed.strip_prefix(&MAGIC)?.split_first_chunk::<4>()?;
    let (numbers, _) = rest.as_chunks::<8>();
    let &[generation, segment, sequence, applied] = numbers else {
        return None;
    };
    let [generation, segment, sequence, applied] =
        [generation, segment, sequence, applied].map(u64::from_le_bytes);
    Some((
        u32::from_le_bytes(*version),
        generation,
        Mark {
            segment,
            sequence,
            applied,
        },
    ))
}

#[cfg(test)]
mod tests;
