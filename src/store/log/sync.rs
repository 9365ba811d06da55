//! What is done with the log off its lock: fsyncs, and the slow half of a rotation.

use std::io;
use std::sync::{Arc, OnceLock};

use super::LogError;
use super::scan::segment_name;
use crate::store::disk::{Disk, DiskFile};

/// A place in the log: all groups up to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Synced {
    /// The segment in use.
    pub segment: u64,
    /// The last sequence; 0: none.
    pub sequence: u64,
}

/// Why the log failed; set once, seen by every handle.
#[derive(Clone, Default)]
pub(super) struct Failure(pub(super) Arc<OnceLock<String>>);

/// Syncs, from any thread, all groups that were appended when the handle was taken.
#[derive(Clone)]
pub struct SyncHandle<F: DiskFile> {
    pub(super) file: F,
    pub(super) synced: Synced,
    pub(super) failure: Failure,
}

/// A rotation that has begun: the slow half, to be done without the log's lock.
pub struct Rotation<D: Disk> {
    pub(super) disk: D,
    pub(super) sync: SyncHandle<D::File>,
}

/// A rotation whose slow half is done.
pub struct Prepared<D: Disk> {
    pub(super) file: D::File,
    pub(super) segment: u64,
}

impl Failure {
    pub(super) fn check(&self) -> Result<(), LogError> {
        self.0
            .get()
            .map_or(Ok(()), |reason| Err(LogError::Failed(reason.clone())))
    }

    /// Fails the log for good; the first reason stays.
    pub(super) fn fail<T>(&self, what: &str, name: &str, error: &io::Error) -> Result<T, LogError> {
        let reason = self.0.get_or_init(|| format!("{what} {name}: {error}"));
        Err(LogError::Failed(reason.clone()))
    }
}

impl<F: DiskFile> SyncHandle<F> {
    /// Up to where [`SyncHandle::sync`] will make the log durable.
    pub fn synced(&self) -> Synced {
        self.synced
    }

    /// Makes durable what was appended when the handle was taken, and says up to where. An error
    /// fails the log.
    pub fn sync(&self) -> Result<Synced, LogError> {
        self.failure.check()?;
        match self.file.sync() {
            Ok(()) => Ok(self.synced),
            Err(error) => self
                .failure
                .fail("sync of", &segment_name(self.synced.segment), &error),
        }
    }
}

impl<D: Disk> Rotation<D> {
    /// Syncs what the full segment holds so far and makes the next one's file, durably. Groups go on
    /// to the full segment meanwhile, so that only a short sync is left to do under the lock.
    pub fn prepare(self) -> Result<Prepared<D>, LogError> {
        let Synced { segment, .. } = self.sync.sync()?;
        let segment = segment.saturating_add(1);
        let name = segment_name(segment);
        match self.disk.create(&name) {
            Ok(file) => Ok(Prepared { file, segment }),
            Err(error) => self.sync.failure.fail("creation of", &name, &error),
        }
    }
}
