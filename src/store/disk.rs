//! Files of one directory, as the log needs them: a trait small enough to be simulated whole.
//!
//! What a caller may rely on, on every implementation: bytes are durable once [`DiskFile::sync`] has
//! returned for the file; a name is durable once [`Disk::create`] or, after a rename or an unlink,
//! [`Disk::sync_directory`] has returned; [`Disk::truncate`] is durable by itself. Nothing else is.
//! A failed append may have left any prefix of its bytes, and after a failed sync nothing is known.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub mod simulated;

/// The files of one directory. Cheap to clone; clones speak of the same directory.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;

    /// The names of all plain files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes a new empty file; refuses if the name is taken. The name is durable on return.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Opens an existing file; appends go to its end.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// The length of a file.
    fn length(&self, name: &str) -> io::Result<u64>;
    /// At most `length` bytes from `offset`; fewer at the end of the file.
    fn read_range(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// The whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Cuts a file that nobody has open to `length`, durably.
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;
    /// Renames over whatever had the new name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    fn unlink(&self, name: &str) -> io::Result<()>;
    /// Makes renames and unlinks durable.
    fn sync_directory(&self) -> io::Result<()>;
    /// Bytes that may still be written.
    fn free_space(&self) -> io::Result<u64>;
}

/// An open file. Clones share it, so that one thread can sync while another appends.
pub trait DiskFile: Clone + Send + Sync + 'static {
    /// Appends both parts, one after the other, in one system call when the kernel takes them whole.
    fn append(&self, parts: [&[u8]; 2]) -> io::Result<()>;
    /// Writes at a place; the end that appends go to does not move.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// `fdatasync`: what was written before the call is durable on return.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of the machine's file system.
#[derive(Clone, Debug)]
pub struct RealDisk {
    directory: Arc<Path>,
}

/// A file of a [`RealDisk`].
#[derive(Clone, Debug)]
pub struct RealFile {
    file: Arc<File>,
}

impl RealDisk {
    /// Opens a directory, making it (and its parents) if it is not there.
    pub fn open_directory(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        if !directory.is_dir() {
            std::fs::create_dir_all(&directory)?;
            if let Some(parent) = directory.parent().filter(|p| !p.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Self {
            directory: directory.into(),
        })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Disk for RealDisk {
    type File = RealFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<RealFile> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(name))?;
        self.sync_directory()?;
        Ok(RealFile {
            file: Arc::new(file),
        })
    }

    fn open(&self, name: &str) -> io::Result<RealFile> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.path(name))?;
        file.seek(SeekFrom::End(0))?;
        Ok(RealFile {
            file: Arc::new(file),
        })
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(std::fs::metadata(self.path(name))?.len())
    }

    fn read_range(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(name))?;
        let left = file.metadata()?.len().saturating_sub(offset);
        file.seek(SeekFrom::Start(offset))?;
        let wanted = left.min(length as u64);
        let mut bytes = Vec::with_capacity(wanted as usize);
        file.take(wanted).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.path(name))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(name))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn free_space(&self) -> io::Result<u64> {
        let figures = rustix::fs::statvfs(&*self.directory)?;
        Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
    }
}

impl DiskFile for RealFile {
    fn append(&self, parts: [&[u8]; 2]) -> io::Result<()> {
        let mut slices = parts.map(IoSlice::new);
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match (&*self.file).write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests;
