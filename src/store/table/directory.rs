//! The table of one database in one partition: small tables ("pages") under an extendible directory
//! indexed by the token's top bits. A page splits by itself when it is full, so that no command ever
//! pays for rehashing more than a few hundred keys, and SCAN sorts one page at a time.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as HashEntry;

use super::entry::{DIRTY, Entry};
use crate::types::Token;

/// A page splits beyond this: 7/8 of 512 buckets, what hashbrown fills before it grows.
const PAGE_KEYS: usize = 448;

/// A directory is never wider than 2^24 pages (some six thousand million keys in one partition).
const MAX_BITS: u32 = 24;

/// A key's place: its token beside the entry, so that probing and splitting do not touch the entry.
#[derive(Debug)]
pub struct Slot {
    /// Hash of the key: bucket, page and order.
    pub token: Token,
    /// Key and record.
    pub entry: Entry,
}

#[derive(Debug, Default)]
struct Page {
    /// How many top bits of the token all keys of this page share.
    depth: u32,
    /// An entry of this page may be dirty.
    dirty: bool,
    slots: HashTable<Slot>,
}

/// Keys and records of one database in one partition.
#[derive(Debug)]
pub struct Directory {
    bits: u32,
    index: Vec<u32>,
    pages: Vec<Page>,
    len: usize,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            bits: 0,
            index: vec![0],
            pages: vec![Page::default()],
            len: 0,
        }
    }
}

/// hashbrown takes its bucket from the low bits and its tag from the top seven; pages take the
/// token's top bits, so those are rotated away.
#[inline]
fn hash(token: Token) -> u64 {
    token.0.rotate_left(32)
}

impl Directory {
    #[inline]
    fn page_number(&self, token: Token) -> usize {
        let position = if self.bits == 0 {
            0
        } else {
            (token.0 >> (64 - self.bits)) as usize
        };
        self.index.get(position).map_or(0, |page| *page as usize)
    }

    /// Entries in the table, markers included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there no entry at all?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry of a key.
    #[inline]
    pub fn get(&self, token: Token, key: &[u8]) -> Option<&Entry> {
        let page = self.pages.get(self.page_number(token))?;
        page.slots
            .find(hash(token), |slot| {
                slot.token == token && slot.entry.key() == key
            })
            .map(|slot| &slot.entry)
    }

    /// The entry of a key, to change it. The page counts as dirty from now on when `dirty`.
    #[inline]
    pub fn get_mut(&mut self, token: Token, key: &[u8], dirty: bool) -> Option<&mut Entry> {
        let number = self.page_number(token);
        let page = self.pages.get_mut(number)?;
        page.dirty |= dirty;
        page.slots
            .find_mut(hash(token), |slot| {
                slot.token == token && slot.entry.key() == key
            })
            .map(|slot| &mut slot.entry)
    }

    /// Puts an entry for a key that has none.
    pub fn insert(&mut self, token: Token, entry: Entry) {
        let mut number = self.page_number(token);
        while self
            .pages
            .get(number)
            .is_some_and(|page| page.slots.len() >= PAGE_KEYS)
        {
            if !self.split(number) {
                break;
            }
            number = self.page_number(token);
        }
        let Some(page) = self.pages.get_mut(number) else {
            return;
        };
        page.dirty |= entry.is(DIRTY);
        page.slots
            .insert_unique(hash(token), Slot { token, entry }, |slot| hash(slot.token));
        self.len += 1;
    }

    /// The slots with this token: nearly always one.
    pub fn slots_of(&self, token: Token) -> impl Iterator<Item = &Slot> {
        let page = self.pages.get(self.page_number(token));
        page.into_iter()
            .flat_map(move |page| page.slots.iter_hash(hash(token)))
            .filter(move |slot| slot.token == token)
    }

    /// The keys with this token.
    pub fn keys_of(&self, token: Token) -> Vec<Box<[u8]>> {
        self.slots_of(token)
            .map(|slot| slot.entry.key().into())
            .collect()
    }

    /// Takes an entry out.
    pub fn remove(&mut self, token: Token, key: &[u8]) -> Option<Entry> {
        let number = self.page_number(token);
        let page = self.pages.get_mut(number)?;
        match page.slots.entry(
            hash(token),
            |slot| slot.token == token && slot.entry.key() == key,
            |slot| hash(slot.token),
        ) {
            HashEntry::Occupied(found) => {
                self.len -= 1;
                Some(found.remove().0.entry)
            }
            HashEntry::Vacant(_) => None,
        }
    }

    /// Splits a full page in two by its next token bit. False when the tokens cannot tell its keys
    /// apart: then the page grows instead.
    fn split(&mut self, number: usize) -> bool {
        let Some(depth) = self.pages.get(number).map(|page| page.depth) else {
            return false;
        };
        if depth == MAX_BITS {
            return false;
        }
        if depth == self.bits {
            self.index = self.index.iter().flat_map(|&page| [page, page]).collect();
            self.bits += 1;
        }
        let new_number = self.pages.len() as u32;
        let Some(page) = self.pages.get_mut(number) else {
            return false;
        };
        let bit = 63 - depth;
        let expected = page.slots.len() / 2 + 16;
        let old = std::mem::replace(&mut page.slots, HashTable::with_capacity(expected));
        let mut upper = HashTable::with_capacity(expected);
        for slot in old {
            let half = if slot.token.0 >> bit & 1 == 0 {
                &mut page.slots
            } else {
                &mut upper
            };
            half.insert_unique(hash(slot.token), slot, |slot| hash(slot.token));
        }
        page.depth += 1;
        let dirty = page.dirty;
        self.pages.push(Page {
            depth: depth + 1,
            dirty,
            slots: upper,
        });
        let mut position_bit = 0;
        if let Some(shift) = self.bits.checked_sub(depth + 1) {
            position_bit = 1usize << shift;
        }
        for (position, page) in self.index.iter_mut().enumerate() {
            if *page as usize == number && position & position_bit != 0 {
                *page = new_number;
            }
        }
        true
    }

    /// The page that holds `from`, its entries sorted by token then key, and where the next page
    /// begins (`None` after the last).
    pub fn page_sorted(&self, from: Token) -> (Vec<&Slot>, Option<Token>) {
        let number = self.page_number(from);
        let Some(page) = self.pages.get(number) else {
            return (Vec::new(), None);
        };
        let mut slots: Vec<&Slot> = page.slots.iter().filter(|s| s.token >= from).collect();
        slots.sort_unstable_by(|a, b| {
            a.token
                .cmp(&b.token)
                .then_with(|| a.entry.key().cmp(b.entry.key()))
        });
        (slots, Self::after(page, from))
    }

    fn after(page: &Page, inside: Token) -> Option<Token> {
        if page.depth == 0 {
            return None;
        }
        let shift = 64 - page.depth;
        ((inside.0 >> shift) + 1)
            .checked_shl(shift)
            .filter(|next| *next != 0)
            .map(Token)
    }

    /// Entries of one page chosen by `choice`, in no order: what sampling for eviction, expiry and
    /// RANDOMKEY looks at.
    pub fn sample_page(&self, choice: u64) -> impl Iterator<Item = &Slot> {
        let number = (choice % self.pages.len().max(1) as u64) as usize;
        self.pages
            .get(number)
            .into_iter()
            .flat_map(|page| page.slots.iter())
    }

    /// Hands every dirty entry to `collect` in token order, page by page, and clears their dirty
    /// bits. A page without dirty entries costs nothing.
    pub fn collect_dirty(&mut self, epoch: u8, mut collect: impl FnMut(Token, &Entry)) {
        let mut seen = None;
        for position in 0..self.index.len() {
            let Some(number) = self.index.get(position).map(|n| *n as usize) else {
                continue;
            };
            if seen == Some(number) {
                continue;
            }
            seen = Some(number);
            let Some(page) = self.pages.get_mut(number) else {
                continue;
            };
            if !std::mem::take(&mut page.dirty) {
                continue;
            }
            let mut dirty: Vec<&mut Slot> = page
                .slots
                .iter_mut()
                .filter(|slot| slot.entry.is(DIRTY))
                .collect();
            dirty.sort_unstable_by(|a, b| {
                a.token
                    .cmp(&b.token)
                    .then_with(|| a.entry.key().cmp(b.entry.key()))
            });
            for slot in dirty {
                collect(slot.token, &slot.entry);
                slot.entry.change_state(0, DIRTY);
                slot.entry.set_epoch(epoch);
            }
        }
    }

    /// Drops the entries that `drop` picks, everywhere; for background passes.
    pub fn retain(&mut self, mut keep: impl FnMut(Token, &Entry) -> bool) {
        for page in &mut self.pages {
            page.slots.retain(|slot| keep(slot.token, &slot.entry));
        }
        self.len = self.pages.iter().map(|page| page.slots.len()).sum();
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.pages.iter().flat_map(|page| page.slots.iter())
    }

    /// How many pages there are.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(i: u64) -> Token {
        Token(i.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn filled(keys: u64) -> Directory {
        let mut directory = Directory::default();
        for i in 0..keys {
            let key = i.to_be_bytes();
            directory.insert(
                token(i),
                Entry::new(&key, DIRTY, 8, |r| r.copy_from_slice(&key)),
            );
        }
        directory
    }

    #[test]
    fn every_key_is_found_after_any_number_of_splits() {
        let mut directory = filled(20_000);
        assert!(directory.pages() > 40);
        for i in 0..20_000u64 {
            let found = directory
                .get(token(i), &i.to_be_bytes())
                .expect("was inserted");
            assert_eq!(found.record(), i.to_be_bytes());
        }
        assert!(
            directory
                .get(token(20_001), &20_001u64.to_be_bytes())
                .is_none()
        );
        for i in (0..20_000u64).step_by(2) {
            assert!(directory.remove(token(i), &i.to_be_bytes()).is_some());
        }
        assert_eq!(directory.len(), 10_000);
    }

    #[test]
    fn walking_the_pages_gives_each_key_once_in_token_order() {
        let directory = filled(5_000);
        let mut from = Some(Token(0));
        let mut seen = Vec::new();
        while let Some(start) = from {
            let (slots, next) = directory.page_sorted(start);
            seen.extend(slots.iter().map(|slot| slot.token));
            from = next;
        }
        assert_eq!(seen.len(), 5_000);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn dirty_entries_are_collected_once_in_order() {
        let mut directory = filled(3_000);
        let mut tokens = Vec::new();
        directory.collect_dirty(1, |token, _| tokens.push(token));
        assert_eq!(tokens.len(), 3_000);
        assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]));
        directory.collect_dirty(2, |_, _| panic!("nothing is dirty any more"));
    }

    #[test]
    fn keys_with_one_token_share_a_page() {
        let mut directory = Directory::default();
        for i in 0..1_000u64 {
            directory.insert(Token(7), Entry::marker(&i.to_be_bytes(), 0));
        }
        for i in 0..1_000u64 {
            assert!(directory.get(Token(7), &i.to_be_bytes()).is_some());
        }
    }
}
