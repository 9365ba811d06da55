//! Gossip: every node's state reaches every node (paper, sections 4.8.1 and 4.8.2).
//!
//! ```text
//!   A, once a second                     B, picked at random
//!   summary (8 bytes)          ──▶       equal: the round is over
//!                              ◀──       digest: what B has of a range of keys
//!   delta: A's items, wants    ──▶       joins the items
//!   joins                      ◀──       items that A wanted; the next digest, if A's delta says so
//! ```
//!
//! News does not wait for a round: who changes something, or learns something new, passes it on to a
//! few others at once, each once. That reaches nearly all in a few hops; the rounds reach the rest,
//! and carry whatever was lost. Every tenth round also goes to a seed, member or not known at all, so
//! that two halves that never heard of each other meet.
//!
//! What is always true: `Persist` stands before every effect that rests on what it holds, and the
//! driver carries effects out in order. Nothing but joins changes the state. Only this node raises its
//! incarnation; whoever says something else of it is answered with a greater one.

mod apply;
mod chance;

use std::collections::BTreeSet;

use bytes::Bytes;

use self::chance::Chance;
use super::facts::Layout;
use super::member::{MemberEntry, Status};
use super::message::Message;
use super::state::{Item, Key, State};
use crate::types::{Hlc, MonoMs, NodeId};

/// Time between rounds: the paper's one peer a second.
pub const ROUND_MS: u64 = 1000;

/// Seeds that are kept; more are not needed to meet.
pub const MAX_SEEDS: usize = 32;

/// Every so many rounds one goes to a seed, too. Ten seconds to heal a split cluster is soon enough,
/// and a seed of 200 nodes hears twenty of them a second.
const SEED_EVERY: u64 = 10;

/// Peers to whom news is passed on at once. Of n nodes all but some e^-3 hear it so, in log3(n) hops.
const PUSH_TO: usize = 3;

/// News that comes sooner than this after other news waits and goes along: a bound on messages when
/// hundreds of nodes start at once.
const PUSH_GAP_MS: u64 = 50;

/// A change that this node makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What the node says of itself; incarnation, id, status and first sight in it are not looked at.
    Described(Box<MemberEntry>),
    /// A node that asked was admitted.
    Admitted(Box<MemberEntry>),
    /// A node has come further.
    Advanced {
        /// The node.
        node: NodeId,
        /// How far.
        status: Status,
    },
    /// A fact was set, or deleted with an empty value.
    FactSet {
        /// Its name.
        name: Bytes,
        /// Its value.
        value: Bytes,
        /// The time of this node's hybrid clock.
        hlc: Hlc,
    },
    /// A layout was committed.
    LayoutCommitted(Layout),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deadline passed.
    Ticked,
    /// A message came.
    Received {
        /// From whom; the link has proved it.
        from: NodeId,
        /// What.
        message: Message,
    },
    /// This node changed something.
    Changed(Change),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make these items durable before the next effect is carried out.
    Persist(Vec<Item>),
    /// Send to a member.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// Send to whoever answers at a seed's address.
    SendSeed {
        /// The address, as it was configured.
        address: String,
        /// What.
        message: Message,
    },
    /// Look at these entries again.
    MembersChanged(Vec<NodeId>),
    /// Look at these facts again.
    FactsChanged(Vec<Bytes>),
    /// A layout is new here.
    LayoutChanged(Layout),
    /// Two layouts have one number: stage the loser's changes again, if it was committed here.
    LayoutDisputed {
        /// The one that every node keeps.
        kept: Layout,
        /// The other.
        lost: Layout,
    },
    /// The node's name belongs to another one; it goes by its default name now.
    LoseName {
        /// The name.
        name: String,
        /// Who keeps it.
        keeper: NodeId,
    },
    /// This node was removed: it takes no part from now on.
    Retire(Status),
    /// An own change was not made, or an item was not taken in.
    Refuse {
        /// Of what.
        key: Key,
        /// Why.
        reason: Reason,
    },
}

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bound on its kind is reached.
    Full,
    /// It is larger than its own bound.
    TooLarge,
    /// It speaks of a node that is no member, or of a layout older than those kept.
    Unknown,
}

/// What a node starts with.
#[derive(Clone, Debug)]
pub struct Start {
    /// The node as it is configured, with the actor of this life. When the state does not know it, its
    /// status and first sight count as well.
    pub me: MemberEntry,
    /// What it remembers.
    pub state: State,
    /// Addresses of seeds. The first [`MAX_SEEDS`] count, and the node's own does not.
    pub seeds: Vec<String>,
}

/// A node's part in the gossip.
#[derive(Clone, Debug)]
pub struct Gossip {
    pub(super) state: State,
    /// What the node wants to say of itself.
    me: MemberEntry,
    seeds: Vec<String>,
    retired: bool,
    rounds: u64,
    next_round: MonoMs,
    /// Where the next digest begins: where the last chain of digests broke off.
    cursor: Option<Key>,
    /// What is to be passed on.
    news: BTreeSet<Key>,
    push_from: MonoMs,
    /// Losers of disputes that have been reported.
    reported: BTreeSet<(u64, [u8; 16])>,
}

impl Gossip {
    /// A node that starts: it says what it is now under a new incarnation.
    pub fn start(now: MonoMs, bits: u64, start: Start, effects: &mut Vec<Effect>) -> Self {
        let Start {
            me,
            state,
            mut seeds,
        } = start;
        seeds.retain(|address| *address != me.peer_address);
        seeds.truncate(MAX_SEEDS);
        let mut gossip = Self {
            state,
            me: me.clone(),
            seeds,
            retired: false,
            rounds: 0,
            next_round: now,
            cursor: None,
            news: BTreeSet::new(),
            push_from: now,
            reported: BTreeSet::new(),
        };
        // The first round comes somewhere in the first second, so that nodes started together spread.
        gossip.next_round.0 += bits % ROUND_MS;
        let mut chance = Chance(bits);
        match gossip.state.members().get(me.id).map(|entry| entry.status) {
            Some(status) if status.is_removed() => {
                gossip.retired = true;
                effects.push(Effect::Retire(status));
            }
            Some(_) => {
                let change = Change::Described(Box::new(me));
                gossip.change(now, &mut chance, change, effects);
            }
            None => {
                let change = Change::Admitted(Box::new(me));
                gossip.change(now, &mut chance, change, effects);
            }
        }
        gossip
    }

    /// What the node knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The node's own entry as it wants it known.
    pub fn me(&self) -> &MemberEntry {
        &self.me
    }

    /// When to step with [`Input::Ticked`]; never, once the node was removed.
    pub fn deadline(&self) -> Option<MonoMs> {
        if self.retired {
            None
        } else if self.news.is_empty() {
            Some(self.next_round)
        } else {
            Some(self.next_round.min(self.push_from))
        }
    }

    /// Takes one input. `bits` are random, new for each step.
    pub fn step(&mut self, now: MonoMs, bits: u64, input: Input, effects: &mut Vec<Effect>) {
        if self.retired {
            return;
        }
        let mut chance = Chance(bits);
        match input {
            Input::Ticked => self.tick(now, &mut chance, effects),
            Input::Received { from, message } => {
                self.receive(now, &mut chance, from, message, effects);
            }
            Input::Changed(change) => self.change(now, &mut chance, change, effects),
        }
    }

    fn tick(&mut self, now: MonoMs, chance: &mut Chance, effects: &mut Vec<Effect>) {
        if now >= self.next_round {
            self.round(chance, effects);
            // After a pause one round is held, not all that were missed.
            self.next_round.0 += ROUND_MS;
            if self.next_round <= now {
                self.next_round = MonoMs(now.0 + ROUND_MS);
            }
        }
        self.push(now, chance, effects);
    }

    fn round(&mut self, chance: &mut Chance, effects: &mut Vec<Effect>) {
        let message = Message::Summary(self.state.summary());
        let peers = self.peers();
        let peer = chance.pick(peers.len()).and_then(|at| peers.get(at));
        if let Some(&to) = peer {
            let message = message.clone();
            effects.push(Effect::Send { to, message });
        }
        if peer.is_none() || self.rounds.is_multiple_of(SEED_EVERY) {
            let seed = chance.pick(self.seeds.len());
            if let Some(address) = seed.and_then(|at| self.seeds.get(at)) {
                effects.push(Effect::SendSeed {
                    address: address.clone(),
                    message,
                });
            }
        }
        self.rounds += 1;
    }

    /// Whom to talk to: all that are not removed, also those that seem to be down.
    fn peers(&self) -> Vec<NodeId> {
        let members = self.state.members().present();
        members
            .map(|entry| entry.id)
            .filter(|id| *id != self.me.id)
            .collect()
    }

    fn receive(
        &mut self,
        now: MonoMs,
        chance: &mut Chance,
        from: NodeId,
        message: Message,
        effects: &mut Vec<Effect>,
    ) {
        let sender = self.state.members().get(from);
        if let Some(sender) = sender.filter(|sender| sender.status.is_removed()) {
            // It must learn that it was removed; what it says counts no more. Only a round is
            // answered, so that two nodes of different opinion do not answer each other for ever.
            if matches!(message, Message::Summary(_)) {
                let message = Message::Items(vec![Item::Member(sender.clone())]);
                effects.push(Effect::Send { to: from, message });
            }
            return;
        }
        match message {
            Message::Summary(summary) => {
                if summary != self.state.summary() {
                    self.send_digest(from, effects);
                }
            }
            Message::Digest(digest) => {
                let delta = self.state.delta(&digest);
                if !delta.is_empty() {
                    let message = Message::Delta(delta);
                    effects.push(Effect::Send { to: from, message });
                }
            }
            Message::Delta(delta) => {
                let has: Vec<(Key, u64)> = delta
                    .items
                    .iter()
                    .map(|item| (item.key(), item.fingerprint()))
                    .collect();
                self.learn(now, chance, delta.items, effects);
                if self.retired {
                    return;
                }
                self.send_wanted(from, &delta.wanted, &has, effects);
                self.cursor = delta.resume;
                if self.cursor.is_some() {
                    self.send_digest(from, effects);
                }
            }
            Message::Items(items) => self.learn(now, chance, items, effects),
            // Between nodes of which one is no member: the business of `lifecycle`.
            Message::Ask(_) | Message::Answer(_) => {}
        }
    }

    fn send_digest(&self, to: NodeId, effects: &mut Vec<Effect>) {
        let message = Message::Digest(self.state.digest(self.cursor.as_ref()));
        effects.push(Effect::Send { to, message });
    }

    /// Sends what is wanted, but for items that the peer turns out to have.
    fn send_wanted(
        &self,
        to: NodeId,
        wanted: &[Key],
        has: &[(Key, u64)],
        effects: &mut Vec<Effect>,
    ) {
        let fingerprints = self.state.fingerprints();
        let mut keys = wanted.iter().filter(|key| {
            let theirs = has.iter().find(|(held, _)| held == *key);
            theirs.map(|(_, fingerprint)| fingerprint) != fingerprints.get(*key)
        });
        loop {
            let items = self.gather(&mut keys);
            if items.is_empty() {
                return;
            }
            let message = Message::Items(items);
            effects.push(Effect::Send { to, message });
        }
    }
}
