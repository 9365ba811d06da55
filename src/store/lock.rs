//! One process per data directory: an advisory lock that the kernel drops with the process, however
//! it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file's name.
pub const LOCK_FILE: &str = "LOCK";

/// The lock, held as long as this lives.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the data directory {0} is in use by another process")]
    Held(PathBuf),
    /// The directory or its lock file cannot be made or opened.
    #[error("cannot lock the data directory {directory}: {source}")]
    Io {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DirectoryLock {
    /// Takes the lock of a directory, making the directory if it is not there. Does not wait.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            directory: directory.to_owned(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK_FILE))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("data");
        let lock = DirectoryLock::acquire(&directory).unwrap();
        let refused = DirectoryLock::acquire(&directory).unwrap_err();
        assert!(matches!(refused, LockError::Held(_)));
        assert!(refused.to_string().contains(directory.to_str().unwrap()));
        drop(lock);
        DirectoryLock::acquire(&directory).unwrap();
    }
}
