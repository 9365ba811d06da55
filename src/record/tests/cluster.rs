//! Replicas of one key that exchange records by hand, and the wrong rules that the scenarios and
//! the random schedules must catch.

use bytes::Bytes;

use crate::record::{Kind, Payload, Record, codec};
use crate::types::{Actor, ActorIndex, Hlc, WallMs};
use crate::version::{ActorTable, Dot, Floor, History, Interval, Mint, may_extend, mint};

/// Every scenario runs under the rules as they are, and under one that is wrong.
#[allow(
    clippy::struct_excessive_bools,
    reason = "a list of wrong rules, each on or off"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Histories are plain version vectors: each actor's intervals become one from 0.
    pub(super) flattened: bool,
    /// An interval always reaches down to its actor's top.
    pub(super) always_extend: bool,
    /// It does so when the actor's top is present, whoever brought it.
    pub(super) extend_if_top_is_present: bool,
    /// A write returns all of the record's history.
    pub(super) return_all: bool,
    /// Nobody tells a coordinator that its write is hidden.
    pub(super) ignore_hidden: bool,
    /// A hidden write is minted again over all that the replica showed.
    pub(super) remint_over_all: bool,
    /// EXPIRE takes a stamp of its own time.
    pub(super) expire_stamps: bool,
    /// A removal mints nothing.
    pub(super) removal_without_dot: bool,
    /// Merges leave the floors out.
    pub(super) no_floor: bool,
}

pub(super) const RIGHT: Rules = Rules {
    flattened: false,
    always_extend: false,
    extend_if_top_is_present: false,
    return_all: false,
    ignore_hidden: false,
    remint_over_all: false,
    expire_stamps: false,
    removal_without_dot: false,
    no_floor: false,
};

/// Nothing expires in these scenarios unless it says so.
pub(super) const NOW: WallMs = WallMs(1_000);

/// A record on its way, with the floor of its sender.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) record: Record,
    pub(super) floor: Floor,
}

/// One node's copy of the key, and what it needs in order to mint.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) actor: ActorIndex,
    pub(super) record: Record,
    pub(super) floor: Floor,
    pub(super) mine: bool,
    pub(super) last_dropped: Option<Hlc>,
    pub(super) rules: Rules,
}

/// The table of actors; a node's index is its place here.
pub(super) fn actors() -> ActorTable {
    ActorTable::from_entries([Actor(30), Actor(10), Actor(20)]).unwrap()
}

pub(super) fn replicas(rules: Rules) -> [Replica; 3] {
    [0, 1, 2].map(|actor| Replica {
        actor: ActorIndex(actor),
        record: Record::default(),
        floor: Floor::default(),
        mine: false,
        last_dropped: None,
        rules,
    })
}

impl Replica {
    pub(super) fn mint(&self, hlc: u64) -> Mint {
        let top = self.record.history().top(self.actor);
        let held = may_extend(self.mine, self.last_dropped, self.floor.get(self.actor));
        let extend = held
            || self.rules.always_extend
            || self.rules.extend_if_top_is_present && top.is_some();
        mint(self.record.history(), self.actor, Hlc(hlc), extend)
    }

    /// PUTCTX: the write's dot and the context that the client gets.
    pub(super) fn put(&mut self, hlc: u64, seen: &History, value: &str) -> (Dot, History) {
        let mint = self.mint(hlc);
        let value = Payload::value(value.to_owned());
        self.record
            .write(seen, mint, Kind::String, Bytes::new(), value);
        self.minted();
        let mut returned = self.record.returned_context(seen, mint.dot, &self.floor);
        if self.rules.return_all {
            returned = self.record.context(&self.floor);
        }
        (mint.dot, returned)
    }

    /// SET.
    pub(super) fn set(&mut self, hlc: u64, value: &str) -> Dot {
        let mint = self.mint(hlc);
        let value = Payload::value(value.to_owned());
        self.record
            .overwrite(mint, Kind::String, Bytes::new(), value);
        self.minted();
        mint.dot
    }

    /// DEL.
    pub(super) fn delete(&mut self, hlc: u64) -> Dot {
        let mint = self.mint(hlc);
        self.record.delete_all(mint);
        self.minted();
        mint.dot
    }

    /// EXPIRE.
    pub(super) fn expire(&mut self, hlc: u64, expiry: WallMs) -> Option<Dot> {
        let mint = self.mint(hlc);
        if !self.record.expire(mint, Some(expiry), NOW, &actors()) {
            return None;
        }
        if self.rules.expire_stamps {
            let mut cells = self.record.cells().to_vec();
            for version in cells.iter_mut().flat_map(|cell| &mut cell.versions) {
                if version.dot == mint.dot {
                    version.stamp = mint.dot.hlc;
                }
            }
            self.record = Record::from_parts(self.record.history().clone(), cells);
        }
        self.minted();
        Some(mint.dot)
    }

    /// What this node sends about its whole record.
    pub(super) fn frame(&self) -> Frame {
        Frame {
            record: self.record.clone(),
            floor: self.floor.clone(),
        }
    }

    /// A record arrives.
    pub(super) fn take(&mut self, frame: Frame) {
        if self.record.is_empty() {
            self.mine = false;
        }
        let (ours, theirs) = if self.rules.no_floor {
            (Floor::NONE, Floor::NONE)
        } else {
            (&self.floor, &frame.floor)
        };
        self.record.merge_into(ours, frame.record, theirs);
        self.settle();
    }

    /// The entry is dropped without being forgotten: evicted, or a hint that was delivered.
    pub(super) fn drop_record(&mut self, hlc: u64) {
        self.record = Record::default();
        self.mine = false;
        self.last_dropped = Some(Hlc(hlc));
    }

    /// Forgetting, if the floor allows it. `mine` needs no care: nothing was dropped.
    pub(super) fn forget(&mut self) {
        if self.record.is_forgettable(&self.floor, NOW) {
            self.record = Record::default();
            self.mine = false;
        }
    }

    pub(super) fn shown(&self) -> Option<String> {
        let shown = self.record.winner(&actors())?;
        let value = shown.value.clone().filter(|_| shown.is_live(NOW))?;
        Some(String::from_utf8(value.to_vec()).unwrap())
    }

    pub(super) fn values(&self) -> Vec<String> {
        let text = |value: &Bytes| String::from_utf8(value.to_vec()).unwrap();
        let siblings = self.record.live_siblings(NOW);
        let mut values: Vec<_> = siblings
            .filter_map(|v| v.value.as_ref().map(text))
            .collect();
        values.sort();
        values
    }

    pub(super) fn minted(&mut self) {
        self.mine = true;
        self.settle();
    }

    fn settle(&mut self) {
        self.record.trim(&self.floor);
        if self.rules.flattened {
            let tops = self.record.history().iter();
            let flat = tops
                .map(|(actor, span)| (actor, Interval::up_to(span.to)))
                .collect();
            self.record = Record::from_parts(flat, self.record.cells().to_vec());
        }
        let mut bytes = Vec::new();
        codec::encode(&self.record, &mut bytes);
        assert_eq!(codec::decode(&bytes).as_ref(), Ok(&self.record));
    }
}

/// Everybody hears of everything.
pub(super) fn exchange(replicas: &mut [Replica]) {
    for _ in 0..2 {
        for from in 0..replicas.len() {
            let frame = replicas[from].frame();
            for (to, replica) in replicas.iter_mut().enumerate() {
                if to != from {
                    replica.take(frame.clone());
                }
            }
        }
    }
}

/// `Ok` if all replicas hold these siblings.
pub(super) fn all_hold(replicas: &[Replica], values: &[&str]) -> Result<(), String> {
    for replica in replicas {
        if replica.values() != values {
            return Err(format!("{:?} holds {:?}", replica.actor, replica.values()));
        }
    }
    Ok(())
}
