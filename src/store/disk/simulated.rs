//! A disk in memory that forgets like a real one: what was not synced may be lost, kept or torn.
//!
//! [`SimDisk::crash`] ends a life: open files of that life refuse from then on, and of what was not
//! synced there survives what the [`Survival`] says. Faults are scripted by counting calls, so that a
//! test can fail the n-th call of a run for every n. After a failed sync the file never again becomes
//! durable, though later syncs say that it did: so do ext4, XFS and btrfs.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

mod state;

use super::{Disk, DiskFile};
use state::{Inode, Scripted, State, draw, error_of, torn};

/// Kinds of calls, for scripts that fail the n-th of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `create`.
    Create,
    /// `append` and `write_at`.
    Write,
    /// `sync` of a file.
    Sync,
    /// Any call that only reads.
    Read,
    /// `truncate`, `rename`, `unlink`, `sync_directory`.
    Directory,
}

/// What a scripted call does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Fails with this kind of error, having done nothing.
    Fail(io::ErrorKind),
    /// A write that puts down this many bytes and then fails; any other call does nothing and fails.
    Short(usize),
}

/// What survives a crash of what was never synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing: the power went, and the cache was all in memory.
    Synced,
    /// Everything: only the process was killed.
    All,
    /// For each file some prefix, perhaps with a tail of zeros; chosen by this seed.
    Torn(u64),
}

/// A directory in memory. Clones are the same directory; [`SimDisk::copy`] is another one.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// An open file of a [`SimDisk`].
#[derive(Clone)]
pub struct SimFile {
    state: Arc<Mutex<State>>,
    inode: u64,
    life: u64,
}

impl SimDisk {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fails the `nth` call from now (1 is the next one), of the given kind or of any.
    pub fn script(&self, operation: Option<Operation>, nth: u64, fault: Fault) {
        self.state.lock().script.push(Scripted {
            operation,
            left: nth,
            fault,
        });
    }

    /// Takes back every fault that has not struck yet.
    pub fn clear_script(&self) {
        self.state.lock().script.clear();
    }

    /// Writes beyond this many bytes in all fail with "storage full".
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// An independent copy as things stand: an old backup, or a branch of a test.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            state: Arc::new(Mutex::new(self.state.lock().clone())),
        }
    }

    /// Ends the life of every open file and loses what `survival` does not keep.
    pub fn crash(&self, survival: Survival) {
        let mut state = self.state.lock();
        state.life += 1;
        state.script.clear();
        let mut chance = match survival {
            Survival::Torn(seed) => seed,
            _ => 0,
        };
        let keeps_names = match survival {
            Survival::Synced => false,
            Survival::All => true,
            Survival::Torn(_) => draw(&mut chance, 2) == 0,
        };
        if keeps_names {
            state.durable_names = state.names.clone();
        } else {
            state.names = state.durable_names.clone();
        }
        let named: Vec<u64> = state.names.values().copied().collect();
        state.inodes.retain(|inode, _| named.contains(inode));
        for inode in state.inodes.values_mut() {
            match survival {
                Survival::Synced => inode.live = inode.durable.clone(),
                Survival::All => {}
                Survival::Torn(_) => inode.live = torn(inode, &mut chance),
            }
            inode.durable = inode.live.clone();
            inode.sync_failed = false;
        }
    }

    /// Damages a file in place: flips one bit, counted from its start. Out of range does nothing.
    pub fn flip_bit(&self, name: &str, bit: u64) {
        self.edit(name, |bytes| {
            if let Some(byte) = bytes.get_mut((bit / 8) as usize) {
                *byte ^= 1 << (bit % 8);
            }
        });
    }

    /// Puts a whole file there, durable: an old copy, say.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state.lock();
        let inode = state.new_name(name);
        let bytes = bytes.to_vec();
        state.inodes.insert(
            inode,
            Inode {
                durable: bytes.clone(),
                live: bytes,
                sync_failed: false,
            },
        );
    }

    /// Changes a file in place, durably and behind everybody's back.
    pub fn edit(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        let Some(inode) = state.names.get(name).copied() else {
            return;
        };
        if let Some(inode) = state.inodes.get_mut(&inode) {
            change(&mut inode.live);
            inode.durable = inode.live.clone();
        }
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.call(Operation::Read)?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state.lock();
        state.call(Operation::Create)?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.new_name(name);
        state.inodes.insert(inode, Inode::default());
        Ok(SimFile {
            state: Arc::clone(&self.state),
            inode,
            life: state.life,
        })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state.lock();
        state.call(Operation::Read)?;
        let inode = state
            .names
            .get(name)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile {
            state: Arc::clone(&self.state),
            inode,
            life: state.life,
        })
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.call(Operation::Read)?;
        Ok(state.named(name)?.live.len() as u64)
    }

    fn read_range(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state.lock();
        state.call(Operation::Read)?;
        let bytes = &state.named(name)?.live;
        let start = bytes.len().min(offset as usize);
        let end = bytes.len().min(start.saturating_add(length));
        Ok(bytes.get(start..end).unwrap_or_default().to_vec())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.read_range(name, 0, usize::MAX)
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call(Operation::Directory)?;
        let inode = state.named(name)?;
        inode.live.truncate(length as usize);
        inode.durable = inode.live.clone();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call(Operation::Directory)?;
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call(Operation::Directory)?;
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.call(Operation::Directory)?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn free_space(&self) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.call(Operation::Read)?;
        Ok(state.room())
    }
}

impl SimFile {
    fn write(&self, offset: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.life != self.life {
            return Err(io::Error::other("a file of a life before the crash"));
        }
        let fault = match state.called(Operation::Write) {
            None if bytes.len() as u64 <= state.room() => None,
            None => Some(Fault::Short(state.room() as usize)),
            fault => fault,
        };
        let kept = match fault {
            None => bytes.len(),
            Some(Fault::Short(kept)) => kept.min(bytes.len()),
            Some(Fault::Fail(_)) => 0,
        };
        let inode = state.inodes.entry(self.inode).or_default();
        let start = offset.map_or(inode.live.len(), |offset| offset as usize);
        let kept = bytes.get(..kept).unwrap_or_default();
        if inode.live.len() < start + kept.len() {
            inode.live.resize(start + kept.len(), 0);
        }
        if let Some(place) = inode.live.get_mut(start..start + kept.len()) {
            place.copy_from_slice(kept);
        }
        fault.map_or(Ok(()), |fault| Err(error_of(fault)))
    }
}

impl DiskFile for SimFile {
    fn append(&self, [head, tail]: [&[u8]; 2]) -> io::Result<()> {
        self.write(None, &[head, tail].concat())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(Some(offset), bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.life != self.life {
            return Err(io::Error::other("a file of a life before the crash"));
        }
        let outcome = state.call(Operation::Sync);
        let inode = state.inodes.entry(self.inode).or_default();
        inode.sync_failed |= outcome.is_err();
        if !inode.sync_failed {
            inode.durable = inode.live.clone();
        }
        outcome
    }
}
