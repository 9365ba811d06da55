//! What a simulated directory holds: names and bytes, each as it is and as it would survive.

use std::collections::BTreeMap;
use std::io;

use super::{Fault, Operation};

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) names: BTreeMap<String, u64>,
    pub(super) durable_names: BTreeMap<String, u64>,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) next_inode: u64,
    pub(super) life: u64,
    pub(super) calls: u64,
    pub(super) script: Vec<Scripted>,
    pub(super) capacity: Option<u64>,
}

#[derive(Clone, Default)]
pub(super) struct Inode {
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) sync_failed: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Scripted {
    pub(super) operation: Option<Operation>,
    pub(super) left: u64,
    pub(super) fault: Fault,
}

impl State {
    pub(super) fn new_name(&mut self, name: &str) -> u64 {
        self.next_inode += 1;
        self.names.insert(name.to_owned(), self.next_inode);
        self.durable_names.insert(name.to_owned(), self.next_inode);
        self.next_inode
    }

    /// Counts a call, and says which fault strikes it.
    pub(super) fn called(&mut self, operation: Operation) -> Option<Fault> {
        self.calls += 1;
        let mut struck = None;
        self.script.retain_mut(|scripted| {
            if scripted.operation.is_some_and(|only| only != operation) {
                return true;
            }
            scripted.left = scripted.left.saturating_sub(1);
            if scripted.left == 0 {
                struck = Some(scripted.fault);
            }
            scripted.left > 0
        });
        struck
    }

    pub(super) fn call(&mut self, operation: Operation) -> io::Result<()> {
        match self.called(operation) {
            None => Ok(()),
            Some(fault) => Err(error_of(fault)),
        }
    }

    pub(super) fn named(&mut self, name: &str) -> io::Result<&mut Inode> {
        let inode = self
            .names
            .get(name)
            .copied()
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(self.inodes.entry(inode).or_default())
    }

    pub(super) fn used(&self) -> u64 {
        self.inodes
            .values()
            .map(|inode| inode.live.len() as u64)
            .sum()
    }

    pub(super) fn room(&self) -> u64 {
        self.capacity
            .map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()))
    }
}

pub(super) fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::Fail(kind) => kind.into(),
        Fault::Short(_) => io::ErrorKind::StorageFull.into(),
    }
}

/// What is left of a file that was being written when the power went: what was durable, then some
/// of what came after, which may read as zeros at its end.
pub(super) fn torn(inode: &Inode, chance: &mut u64) -> Vec<u8> {
    let same = inode
        .live
        .iter()
        .zip(&inode.durable)
        .take_while(|(a, b)| a == b)
        .count();
    let kept = same + draw(chance, (inode.live.len() - same) as u64 + 1) as usize;
    let mut bytes = inode.live.get(..kept).unwrap_or_default().to_vec();
    bytes.extend_from_slice(inode.durable.get(kept..).unwrap_or_default());
    if draw(chance, 3) == 0 && same == inode.durable.len() {
        let zeros = draw(chance, (kept - same) as u64 + 1) as usize;
        bytes.truncate(kept - zeros);
        bytes.resize(inode.live.len(), 0);
    }
    bytes
}

/// The next number below `bound` of a splitmix64 sequence.
pub(super) fn draw(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % bound.max(1)
}
