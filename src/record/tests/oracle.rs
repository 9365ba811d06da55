//! Random schedules of three replicas against an oracle that keeps every dot ever heard of and
//! every write ever executed: writes with contexts of any age, frames that are lost, repeated or
//! late, evictions, floors and forgetting.
//!
//! After each step, at the replica it touched: it covers exactly the dots that it has heard of (no
//! other dot is covered, or an unseen write would die), it shows exactly the live ones, and what it
//! has lost was superseded by an executed write. At the end, when everybody has heard of everything:
//! replicas agree, and hold exactly the writes that nobody superseded. (Tombstones and expired
//! versions at or below the floor may be held or forgotten.)

use std::collections::BTreeSet;

use super::cluster::{Frame, NOW, RIGHT, Replica, Rules, actors, exchange, replicas};
use crate::types::{ActorIndex, Hlc, WallMs};
use crate::version::{Dot, Floor, History};

type Dots = BTreeSet<Dot>;

/// What a copy knows, dot by dot.
#[derive(Clone, Debug, Default)]
struct Naive {
    heard: Dots,
    live: Dots,
}

impl Naive {
    fn merge(&mut self, other: &Self) {
        let keep = |live: &Dots, other: &Self| -> Dots {
            let stays = |dot: &&Dot| other.live.contains(dot) || !other.heard.contains(dot);
            live.iter().filter(stays).copied().collect()
        };
        self.live = &keep(&self.live, other) | &keep(&other.live, self);
        self.heard.extend(&other.heard);
    }

    fn write(&mut self, dot: Dot, seen: &Dots) {
        self.live.retain(|live| !seen.contains(live));
        self.heard.extend(seen);
        self.heard.insert(dot);
        self.live.insert(dot);
    }
}

struct Sent {
    frame: Frame,
    naive: Naive,
    to: usize,
}

struct Schedule {
    random: u64,
    replicas: [Replica; 3],
    naive: [Naive; 3],
    contexts: [(History, Dots); 3],
    sent: Vec<Sent>,
    minted: Dots,
    superseded: Dots,
    /// Minted as tombstones, or expired since.
    dead: Dots,
    hlc: u64,
    evicting: bool,
    forgetting: bool,
}

impl Schedule {
    fn new(seed: u64, rules: Rules) -> Self {
        Self {
            random: seed,
            replicas: replicas(rules),
            naive: Default::default(),
            contexts: Default::default(),
            sent: Vec::new(),
            minted: Dots::new(),
            superseded: Dots::new(),
            dead: Dots::new(),
            hlc: 0,
            // A floor vouches for what its owners hold; a cache that evicts has none.
            evicting: seed.is_multiple_of(3),
            forgetting: seed % 3 == 1,
        }
    }

    /// splitmix64, below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn run(mut self) -> Result<(), String> {
        for _ in 0..60 {
            self.step()?;
        }
        // Late frames may still come, but nothing is lost for good.
        exchange(&mut self.replicas);
        for _ in 0..2 {
            for from in 0..3 {
                let naive = self.naive[from].clone();
                self.naive.iter_mut().for_each(|to| to.merge(&naive));
            }
        }
        for node in 0..3 {
            self.check(node)?;
            let other = &self.replicas[(node + 1) % 3];
            if other.shown() != self.replicas[node].shown() {
                return Err("replicas show different winners".to_owned());
            }
            let unseen = self.remembered(node, &self.minted - &self.superseded);
            if !self.evicting && self.live(node) != unseen {
                return Err(format!(
                    "{:?} live, {unseen:?} not superseded",
                    self.live(node)
                ));
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        self.hlc += 1 + self.below(3) as u64;
        let node = self.below(3);
        let client = self.below(3);
        match self.below(16) {
            0..5 => self.put(node, client),
            5 => self.overwrite(node, false),
            6 => self.overwrite(node, true),
            7 => self.expire(node),
            8 => self.read(node, client),
            9 => self.contexts[client] = Default::default(),
            10 if self.evicting => {
                self.replicas[node].drop_record(self.hlc);
                self.naive[node] = Naive::default();
            }
            10 if self.forgetting => self.raise_floor(),
            _ => return self.deliver(),
        }
        self.send(node);
        self.check(node)
    }

    fn put(&mut self, node: usize, client: usize) {
        let (context, seen) = self.contexts[client].clone();
        let (dot, returned) = self.replicas[node].put(self.hlc, &context, "v");
        self.execute(node, dot, &seen);
        let naive = &self.naive[node];
        let shown =
            |heard: &&Dot| **heard == dot || seen.contains(heard) || !naive.live.contains(heard);
        let shown = naive.heard.iter().filter(shown).copied().collect();
        self.contexts[client] = self.said(returned, shown);
    }

    fn overwrite(&mut self, node: usize, delete: bool) {
        let seen = self.naive[node].live.clone();
        let dot = if delete {
            let dot = self.replicas[node].delete(self.hlc);
            self.dead.insert(dot);
            dot
        } else {
            self.replicas[node].set(self.hlc, "v")
        };
        self.execute(node, dot, &seen);
    }

    fn expire(&mut self, node: usize) {
        let shown = self.replicas[node]
            .record
            .winner(&actors())
            .map(|winner| winner.dot);
        let later = WallMs(NOW.0 + self.below(2) as u64);
        if let Some(dot) = self.replicas[node].expire(self.hlc, later) {
            self.execute(node, dot, &shown.into_iter().collect());
            if later <= NOW {
                self.dead.insert(dot);
            }
        }
    }

    fn execute(&mut self, node: usize, dot: Dot, seen: &Dots) {
        self.naive[node].write(dot, seen);
        self.minted.insert(dot);
        self.superseded.extend(seen);
    }

    /// GETVERSIONS: all siblings and the clock.
    fn read(&mut self, node: usize, client: usize) {
        let replica = &self.replicas[node];
        let context = replica.record.context(&replica.floor);
        let heard = self.naive[node].heard.clone();
        self.contexts[client] = self.said(context, heard);
    }

    /// Below the floor a context may be silent about what is dead everywhere.
    fn said(&self, context: History, mut dots: Dots) -> (History, Dots) {
        if self.forgetting {
            dots.retain(|&dot| context.covers(dot));
        }
        (context, dots)
    }

    fn send(&mut self, from: usize) {
        for to in 0..3 {
            if to != from && self.below(4) > 0 {
                self.sent.push(Sent {
                    frame: self.replicas[from].frame(),
                    naive: self.naive[from].clone(),
                    to,
                });
            }
        }
    }

    fn deliver(&mut self) -> Result<(), String> {
        if self.sent.is_empty() {
            return Ok(());
        }
        let place = self.below(self.sent.len());
        let repeated = self.below(4) == 0;
        let to = self.sent[place].to;
        self.replicas[to].take(self.sent[place].frame.clone());
        self.naive[to].merge(&self.sent[place].naive);
        if !repeated {
            self.sent.swap_remove(place);
        }
        if self.forgetting {
            self.replicas[to].forget();
        }
        self.check(to)
    }

    /// A round that all owners took part in: they exchange, then adopt. Frames sent before are
    /// still on their way.
    fn raise_floor(&mut self) {
        exchange(&mut self.replicas);
        let mut all = Naive::default();
        self.naive.iter().for_each(|naive| all.merge(naive));
        let entries = [0, 1, 2].map(|actor| (ActorIndex(actor), Hlc(self.hlc)));
        let floor: Floor = entries.into_iter().collect();
        for node in 0..3 {
            self.naive[node] = all.clone();
            self.replicas[node].floor = floor.clone();
            self.replicas[node].record.trim(&floor);
            self.replicas[node].forget();
        }
    }

    fn live(&self, node: usize) -> Dots {
        self.remembered(node, self.replicas[node].record.dots().collect())
    }

    /// Dead versions at or below the floor may be kept or forgotten, as it happens.
    fn remembered(&self, node: usize, mut dots: Dots) -> Dots {
        let floor = &self.replicas[node].floor;
        dots.retain(|&dot| !(self.dead.contains(&dot) && floor.covers(dot)));
        dots
    }

    fn check(&self, node: usize) -> Result<(), String> {
        let (replica, naive) = (&self.replicas[node], &self.naive[node]);
        let covers = |dot| replica.record.history().covers(dot) || replica.floor.covers(dot);
        let heard: Dots = self
            .minted
            .iter()
            .filter(|&&dot| covers(dot))
            .copied()
            .collect();
        if heard != naive.heard {
            return Err(format!("covered {heard:?}, heard of {:?}", naive.heard));
        }
        let expected = self.remembered(node, naive.live.clone());
        if self.live(node) != expected {
            return Err(format!(
                "live {:?}, should be {expected:?}",
                self.live(node)
            ));
        }
        if let Some(lost) = (&naive.heard - &naive.live)
            .difference(&self.superseded)
            .next()
        {
            return Err(format!("{lost:?} is gone and was never superseded"));
        }
        Ok(())
    }
}

fn first_failure(seeds: u64, rules: Rules) -> Option<(u64, String)> {
    (0..seeds).find_map(|seed| {
        let failed = Schedule::new(seed, rules).run().err()?;
        Some((seed, failed))
    })
}

#[test]
fn no_write_is_lost_or_resurrected_and_replicas_converge_without_false_siblings() {
    assert_eq!(first_failure(3_000, RIGHT), None);
}

#[test]
fn the_oracle_catches_every_wrong_rule() {
    for wrong in [
        Rules {
            flattened: true,
            ..RIGHT
        },
        Rules {
            always_extend: true,
            ..RIGHT
        },
        Rules {
            extend_if_top_is_present: true,
            ..RIGHT
        },
        Rules {
            return_all: true,
            ..RIGHT
        },
        Rules {
            no_floor: true,
            ..RIGHT
        },
    ] {
        assert!(
            first_failure(3_000, wrong).is_some(),
            "{wrong:?} went unnoticed"
        );
    }
}
