//! Clients that remember what was acknowledged, and what a key may hold after a crash.
//!
//! A client owns its keys, so the order of its own writes is the order of the server. A write that
//! was sent and not answered has an unknown outcome: the key may be as before or as after it. So a
//! key has a set of possible states; an acknowledged write maps the set, an unknown one adds to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::wire::{Reply, Wire, encode};

/// Commands of one thread in flight at once.
const BATCH: usize = 16;
/// Keys that a thread overwrites again and again.
const HOT_KEYS: u64 = 24;

/// A key's content; none: the key is absent.
type State = Option<Vec<u8>>;

/// What a write does.
#[derive(Clone, Debug)]
enum Change {
    Set(Vec<u8>),
    Append(Vec<u8>),
    Increment,
    Delete,
}

impl Change {
    fn apply(&self, state: &State) -> State {
        match self {
            Self::Set(value) => Some(value.clone()),
            Self::Append(tail) => {
                let mut value = state.clone().unwrap_or_default();
                value.extend_from_slice(tail);
                Some(value)
            }
            Self::Increment => {
                let text = state.clone().unwrap_or_else(|| b"0".to_vec());
                let number: i64 = String::from_utf8(text).unwrap().parse().unwrap();
                Some((number + 1).to_string().into_bytes())
            }
            Self::Delete => None,
        }
    }

    fn command(&self, key: &[u8]) -> Vec<u8> {
        match self {
            Self::Set(value) => encode(&[b"SET", key, value]),
            Self::Append(tail) => encode(&[b"APPEND", key, tail]),
            Self::Increment => encode(&[b"INCR", key]),
            Self::Delete => encode(&[b"DEL", key]),
        }
    }
}

/// What one client knows, over all lives of the server.
#[derive(Debug)]
pub(crate) struct Client {
    number: u64,
    /// A counter that makes every value unique, and chance.
    tick: u64,
    keys: BTreeMap<Vec<u8>, BTreeSet<State>>,
    /// Increments of the shared counter: acknowledged, and of unknown outcome.
    pub(crate) shared: (i64, i64),
    pub(crate) acknowledged: u64,
    pub(crate) unknown: u64,
}

/// The counter that all clients increment.
pub(crate) const SHARED: &[u8] = b"shared";

impl Client {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            number,
            tick: number << 40,
            keys: BTreeMap::new(),
            shared: (0, 0),
            acknowledged: 0,
            unknown: 0,
        }
    }

    /// Writes until the server is gone; `stop` ends it otherwise.
    pub(crate) fn load(&mut self, port: u16, stop: &AtomicBool) {
        let Ok(mut wire) = Wire::connect(port) else {
            return;
        };
        while !stop.load(Ordering::Relaxed) {
            if !self.batch(&mut wire) || !self.put_with_context(&mut wire) {
                return;
            }
        }
    }

    fn batch(&mut self, wire: &mut Wire) -> bool {
        let mut bytes = encode(&[b"INCR", SHARED]);
        let mut sent = Vec::new();
        for _ in 0..BATCH {
            let (key, change) = self.draw();
            bytes.extend_from_slice(&change.command(&key));
            sent.push((key, change));
        }
        let mut alive = wire.send(&bytes).is_ok();
        // Even if the send failed some of it may have arrived.
        match alive.then(|| wire.read().ok()).flatten() {
            Some(Reply::Integer(_)) => self.shared.0 += 1,
            Some(other) => panic!("INCR of the shared counter answered {other:?}"),
            None => {
                alive = false;
                self.shared.1 += 1;
            }
        }
        for (key, change) in sent {
            match alive.then(|| wire.read().ok()).flatten() {
                Some(Reply::Error(text)) => panic!("{change:?} was refused: {text}"),
                Some(_) => self.acknowledge(&key, &change),
                None => {
                    alive = false;
                    self.lose_sight(&key, &change);
                }
            }
        }
        alive
    }

    /// A write under the context it has read: a plain overwrite, by the sibling-aware door.
    fn put_with_context(&mut self, wire: &mut Wire) -> bool {
        self.tick += 1;
        let key = format!("context:{}:{}", self.number, self.tick % HOT_KEYS).into_bytes();
        let context = match wire.call(&[b"GETVERSIONS", &key]) {
            Ok(Reply::Array(parts)) => parts[0].clone().bytes().unwrap(),
            Ok(other) => panic!("GETVERSIONS answered {other:?}"),
            Err(_) => return false,
        };
        let change = Change::Set(self.unique());
        let Change::Set(value) = &change else {
            unreachable!("made above")
        };
        match wire.call(&[b"PUTCTX", &key, &context, value]) {
            Ok(Reply::Array(_)) => {
                self.acknowledge(&key, &change);
                true
            }
            Ok(other) => panic!("PUTCTX answered {other:?}"),
            Err(_) => {
                self.lose_sight(&key, &change);
                false
            }
        }
    }

    fn acknowledge(&mut self, key: &[u8], change: &Change) {
        self.acknowledged += 1;
        let before = self.possible(key);
        let after = before.iter().map(|state| change.apply(state)).collect();
        self.keys.insert(key.to_vec(), after);
    }

    fn lose_sight(&mut self, key: &[u8], change: &Change) {
        self.unknown += 1;
        let before = self.possible(key);
        let mut after: BTreeSet<State> = before.iter().map(|state| change.apply(state)).collect();
        after.extend(before);
        self.keys.insert(key.to_vec(), after);
    }

    fn possible(&mut self, key: &[u8]) -> BTreeSet<State> {
        self.keys
            .remove(key)
            .unwrap_or_else(|| BTreeSet::from([None]))
    }

    /// Asks for every key and panics when one is in no possible state. What is there now is known.
    pub(crate) fn verify(&mut self, wire: &mut Wire, life: usize) {
        let names: Vec<Vec<u8>> = self.keys.keys().cloned().collect();
        for chunk in names.chunks(500) {
            let request: Vec<u8> = chunk
                .iter()
                .flat_map(|key| encode(&[b"GET", key]))
                .collect();
            wire.send(&request).unwrap();
            for key in chunk {
                let found = wire.read().unwrap().bytes();
                let possible = self.keys.get_mut(key).unwrap();
                assert!(
                    possible.contains(&found),
                    "after crash {life}: {:?} is {:?}, and may be {:?}",
                    String::from_utf8_lossy(key),
                    found.as_deref().map(String::from_utf8_lossy),
                    possible
                        .iter()
                        .map(|state| state.as_deref().map(String::from_utf8_lossy))
                        .collect::<Vec<_>>(),
                );
                *possible = BTreeSet::from([found]);
            }
        }
    }

    /// The next write: half of them on keys written once, whose loss nothing later hides.
    fn draw(&mut self) -> (Vec<u8>, Change) {
        self.tick += 1;
        // A full-period mix of the tick: chance enough, and the same in every run.
        let chance = self.tick.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let hot = format!("hot:{}:{}", self.number, (chance >> 8) % HOT_KEYS).into_bytes();
        match chance % 16 {
            0..8 => {
                let key = format!("once:{}:{}", self.number, self.tick).into_bytes();
                let value = self.unique();
                (key, Change::Set(value))
            }
            8..10 => (hot, Change::Set(self.unique())),
            10..13 => (hot, Change::Append(format!("+{}", self.tick).into_bytes())),
            13..15 => {
                let key = format!("count:{}:{}", self.number, (chance >> 8) % 4).into_bytes();
                (key, Change::Increment)
            }
            _ => (hot, Change::Delete),
        }
    }

    fn unique(&mut self) -> Vec<u8> {
        self.tick += 1;
        format!("value {} of client {}", self.tick, self.number).into_bytes()
    }
}
