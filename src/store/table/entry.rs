//! One record in the table: key and record bytes in one allocation, as valkey and the paper's object
//! buffer keep them, so that a hit costs one cache miss for the slot and one for the bytes.
//!
//! ```text
//! used u32 | state u8 | epoch u8 | key length u8 (255: u32 follows) | key | record
//! ```
//!
//! `used` is the clock of the last access, or the LFU counter; `state` says what the entry is to the
//! tree and to the minting of dots; `epoch` is the ingestion that last collected it.

/// The record was minted here and held since: the next mint may extend its interval (design,
/// "Minting").
pub const MINE: u8 = 0x01;
/// The tree does not have this version yet: never evicted.
pub const DIRTY: u8 = 0x02;
/// A load from the tree is under way: commands on the key wait for it, nothing else may touch it.
pub const LOADING: u8 = 0x04;
/// Known to be missing: the tree was asked, or the record was forgotten.
pub const ABSENT: u8 = 0x08;
/// Counted as a key: appeared, and not vanished since.
pub const COUNTED: u8 = 0x10;

const FIXED: usize = 7;
const LONG_KEY: u8 = 255;

/// Key, record and their bookkeeping in one boxed slice.
#[derive(Debug)]
pub struct Entry(Box<[u8]>);

impl Entry {
    /// An entry with room for `record_len` bytes, which `fill` writes.
    pub fn new(key: &[u8], state: u8, record_len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let key_header = if key.len() < usize::from(LONG_KEY) {
            0
        } else {
            4
        };
        let mut bytes = vec![0; FIXED + key_header + key.len() + record_len].into_boxed_slice();
        let (fixed, rest) = bytes.split_at_mut(FIXED + key_header);
        if let Some(byte) = fixed.get_mut(4) {
            *byte = state;
        }
        if let Some((length, long)) = fixed.get_mut(6..).and_then(<[u8]>::split_first_mut) {
            if long.is_empty() {
                *length = key.len() as u8;
            } else {
                *length = LONG_KEY;
                long.copy_from_slice(&(key.len() as u32).to_le_bytes());
            }
        }
        let (stored_key, record) = rest.split_at_mut(key.len());
        stored_key.copy_from_slice(key);
        fill(record);
        Self(bytes)
    }

    /// An entry that only says something about its key: loading, or absent.
    pub fn marker(key: &[u8], state: u8) -> Self {
        Self::new(key, state, 0, |_| {})
    }

    #[inline]
    fn key_range(&self) -> (usize, usize) {
        match self.0.get(6) {
            Some(&LONG_KEY) => {
                let length = self
                    .0
                    .get(FIXED..FIXED + 4)
                    .and_then(|b| b.try_into().ok())
                    .map_or(0, |b| u32::from_le_bytes(b) as usize);
                (FIXED + 4, FIXED + 4 + length)
            }
            Some(&length) => (FIXED, FIXED + usize::from(length)),
            None => (0, 0),
        }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        let (from, to) = self.key_range();
        self.0.get(from..to).unwrap_or_default()
    }

    /// The encoded record; empty for a marker.
    #[inline]
    pub fn record(&self) -> &[u8] {
        let (_, from) = self.key_range();
        self.0.get(from..).unwrap_or_default()
    }

    /// Replaces the record, in place when the length allows it.
    #[inline]
    pub fn set_record(&mut self, record_len: usize, fill: impl FnOnce(&mut [u8])) {
        let (_, from) = self.key_range();
        if self.0.len() == from + record_len {
            fill(self.0.get_mut(from..).unwrap_or_default());
            return;
        }
        let (used, state, epoch) = (self.used(), self.state(), self.epoch());
        let mut next = Self::new(self.key(), state, record_len, fill);
        next.set_used(used);
        next.set_epoch(epoch);
        *self = next;
    }

    /// The state bits.
    #[inline]
    pub fn state(&self) -> u8 {
        self.0.get(4).copied().unwrap_or_default()
    }

    /// Is any of these bits set?
    #[inline]
    pub fn is(&self, bits: u8) -> bool {
        self.state() & bits != 0
    }

    /// Sets and clears state bits.
    #[inline]
    pub fn change_state(&mut self, set: u8, clear: u8) {
        if let Some(state) = self.0.get_mut(4) {
            *state = (*state & !clear) | set;
        }
    }

    /// The ingestion that last collected this entry, mod 256.
    pub fn epoch(&self) -> u8 {
        self.0.get(5).copied().unwrap_or_default()
    }

    /// Notes the ingestion that collects this entry.
    pub fn set_epoch(&mut self, epoch: u8) {
        if let Some(byte) = self.0.get_mut(5) {
            *byte = epoch;
        }
    }

    /// When (or how often) the entry was last used, as the eviction policy counts it.
    #[inline]
    pub fn used(&self) -> u32 {
        self.0
            .first_chunk::<4>()
            .map_or(0, |b| u32::from_le_bytes(*b))
    }

    /// Notes a use.
    #[inline]
    pub fn set_used(&mut self, used: u32) {
        if let Some(bytes) = self.0.first_chunk_mut::<4>() {
            *bytes = used.to_le_bytes();
        }
    }

    /// Logical bytes of the entry with its slot in the table.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.0.len() + SLOT_BYTES
    }
}

/// What a slot costs beside the entry: token, pointer and length, control byte, and the table's slack.
pub const SLOT_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_come_back() {
        for length in [0, 1, 16, 254, 255, 256, 70_000] {
            let key = vec![7; length];
            let mut entry = Entry::new(&key, MINE | DIRTY, 3, |r| r.copy_from_slice(b"abc"));
            assert_eq!(
                (entry.key(), entry.record()),
                (key.as_slice(), b"abc".as_slice())
            );
            entry.set_used(99);
            entry.set_epoch(4);
            entry.set_record(5, |r| r.copy_from_slice(b"12345"));
            assert_eq!(
                (entry.key(), entry.record()),
                (key.as_slice(), b"12345".as_slice())
            );
            assert_eq!(
                (entry.used(), entry.epoch(), entry.state()),
                (99, 4, MINE | DIRTY)
            );
        }
    }

    #[test]
    fn a_marker_has_no_record() {
        let entry = Entry::marker(b"k", LOADING);
        assert!(entry.is(LOADING) && entry.record().is_empty());
    }
}
