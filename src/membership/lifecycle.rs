//! How a node gets into a cluster: it founds one, waits for one, joins one, serves. And how members take
//! others in: who admits, who commits.
//!
//! ```text
//!   empty directory, no seeds ──▶ found ──▶ Alone ──────────────┐ others join
//!   empty directory, seeds ─────▶ Waiting ──▶ Joining ──────────┴─▶ Serving
//!                                  asks        admitted, not in     in the layout
//!                                              a layout yet
//! ```
//!
//! A cluster is founded once. A node that was given seeds never founds by itself: two nodes that seed
//! each other with empty directories wait, and say so, since otherwise a slow start makes two
//! clusters of one. `--found` is the operator's word that this is the first node; with seeds it asks them
//! first, and yields to a cluster that answers.
//!
//! Members are admitted one at a time by whoever is asked, and enter the layout together: one second
//! after the last arrival the member with the smallest id, of those it believes up, claims a layout for
//! all. Two sides of a partition may both do so; the smaller hash wins (`facts`). Until records can be moved
//! to a new owner, nobody joins a cluster that holds any.

mod admit;

use std::collections::BTreeSet;

use super::member::{MemberEntry, Members, Status};
use super::message::{JoinAnswer, Refusal};
use crate::types::{ClusterId, Hlc, MonoMs, NodeId};

/// Time between two rounds of asking the seeds.
const ASK_MS: u64 = 1000;

/// Time between two rounds after a refusal: what is refused is mended by people.
const ASK_REFUSED_MS: u64 = 10_000;

/// Time between two times that a waiting node says so.
const SAY_MS: u64 = 10_000;

/// `auto_join` commits so long after the last arrival.
const CLAIM_MS: u64 = 1000;

/// `--found` with seeds: how long they have to name a cluster.
const FOUND_MS: u64 = 3000;

/// Where the node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The only member of its cluster.
    Alone,
    /// In no cluster; asks its seeds.
    Waiting,
    /// Admitted, and in no layout yet.
    Joining,
    /// A member among others.
    Serving,
    /// Not to go on: removed, or started in a way that contradicts itself.
    Stopped,
}

/// What the node remembers of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The cluster.
    pub cluster: ClusterId,
    /// How far the node had come in it.
    pub status: Status,
}

/// How a node starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The node as it is configured, with the actor of this life.
    pub me: MemberEntry,
    /// Addresses of its seeds.
    pub seeds: Vec<String>,
    /// Whether `--found` was given.
    pub found: bool,
    /// Whether joins are committed without being asked for.
    pub auto_join: bool,
    /// What it remembers.
    pub saved: Option<Saved>,
    /// Whether its directory holds records, of whatever cluster.
    pub holds_records: bool,
}

/// The world as it is at a step.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What gossip knows; before there is a cluster, nothing.
    pub members: &'a Members,
    /// Whom the detector believes up.
    pub reachable: &'a BTreeSet<NodeId>,
    /// Whether any member holds a record, as far as members could be asked.
    pub holds_records: bool,
    /// The time of this node's hybrid clock.
    pub hlc: Hlc,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deadline passed.
    Ticked,
    /// A seed answered what it was asked.
    SeedAnswered {
        /// Who answered: this node itself, when a seed is its own address.
        from: NodeId,
        /// What.
        answer: JoinAnswer,
    },
    /// A node asks to be admitted.
    JoinAsked {
        /// It, as it describes itself.
        entry: Box<MemberEntry>,
    },
    /// Members, or whom the detector believes up, have changed.
    MembersChanged,
    /// `cluster.auto_join` was changed.
    AutoJoinSet(bool),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Draw a cluster id, make it durable with this entry, and start gossip.
    Found {
        /// The node's entry.
        entry: Box<MemberEntry>,
    },
    /// Ask whoever is at this address to be admitted.
    AskSeed {
        /// The address, as it was configured.
        address: String,
        /// The node's entry.
        entry: Box<MemberEntry>,
    },
    /// Make the cluster's id durable with this entry, and start gossip.
    Join {
        /// The cluster.
        cluster: ClusterId,
        /// The node's entry as it was admitted.
        entry: Box<MemberEntry>,
    },
    /// Have gossip admit this node, durably, then answer it.
    Admit {
        /// Its entry.
        entry: Box<MemberEntry>,
    },
    /// The node is in the cluster already: answer it with the entry that is known.
    AnswerAdmitted {
        /// The node.
        to: NodeId,
    },
    /// Answer a node that asked.
    Answer {
        /// The node.
        to: NodeId,
        /// What.
        answer: JoinAnswer,
    },
    /// Claim a layout for these and commit it; all of them become members.
    ClaimLayout {
        /// Members and those that join, by id.
        members: Vec<NodeId>,
    },
    /// Serve clients.
    Serve,
    /// Say this in the log and in RING STATUS.
    Say(String),
    /// End the process with this reason.
    Stop {
        /// In words.
        reason: String,
    },
}

/// A node's way into the cluster, and its part in taking others in.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    me: MemberEntry,
    seeds: Vec<String>,
    phase: Phase,
    auto_join: bool,
    cluster: Option<ClusterId>,
    /// When seeds are asked next.
    ask_at: MonoMs,
    /// When the node says next what it waits for.
    say_at: MonoMs,
    /// When it founds, unless a cluster answers: only with `--found`.
    found_at: Option<MonoMs>,
    heard: Heard,
    /// Who is joining, as of the last look; a change is an arrival.
    arrivals: BTreeSet<NodeId>,
    claim_at: Option<MonoMs>,
}

/// What seeds have answered since the node last said what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heard {
    itself: bool,
    waiting: BTreeSet<NodeId>,
    refused: Option<Refusal>,
}

impl Lifecycle {
    /// A node that starts.
    pub fn start(now: MonoMs, setup: Setup, view: View<'_>, effects: &mut Vec<Effect>) -> Self {
        let mut seeds = setup.seeds;
        seeds.truncate(super::gossip::MAX_SEEDS);
        let mut machine = Self {
            me: setup.me,
            seeds,
            phase: Phase::Waiting,
            auto_join: setup.auto_join,
            cluster: setup.saved.map(|saved| saved.cluster),
            ask_at: now,
            say_at: MonoMs(now.0 + SAY_MS),
            found_at: None,
            heard: Heard::default(),
            arrivals: BTreeSet::new(),
            claim_at: None,
        };
        match setup.saved {
            Some(saved) if saved.status.is_removed() => {
                machine.stop(Refusal::Removed.text(), effects);
            }
            Some(_) => machine.look(now, view, effects),
            None if machine.seeds.is_empty() => machine.found(now, view, effects),
            None if setup.holds_records => machine.stop(
                "the data directory holds records but belongs to no cluster, so this node cannot \
                 join one; start it without seeds, or with an empty directory"
                    .to_owned(),
                effects,
            ),
            None => {
                machine.found_at = setup.found.then_some(MonoMs(now.0 + FOUND_MS));
                machine.ask(now, effects);
            }
        }
        machine
    }

    /// Where the node stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When to step with [`Input::Ticked`].
    pub fn deadline(&self) -> Option<MonoMs> {
        match self.phase {
            Phase::Stopped => None,
            Phase::Waiting => {
                let next = self.ask_at.min(self.say_at);
                Some(self.found_at.map_or(next, |found| found.min(next)))
            }
            Phase::Joining => Some(self.say_at),
            Phase::Alone | Phase::Serving => self.claim_at,
        }
    }

    /// Takes one input.
    pub fn step(&mut self, now: MonoMs, view: View<'_>, input: Input, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Stopped {
            return;
        }
        match input {
            Input::Ticked => self.tick(now, view, effects),
            Input::SeedAnswered { from, answer } => self.answered(now, from, answer, effects),
            Input::JoinAsked { entry } => self.asked(view, *entry, effects),
            Input::MembersChanged => self.look(now, view, effects),
            Input::AutoJoinSet(on) => {
                self.auto_join = on;
                self.look(now, view, effects);
            }
        }
    }

    fn tick(&mut self, now: MonoMs, view: View<'_>, effects: &mut Vec<Effect>) {
        match self.phase {
            Phase::Waiting => {
                if self.found_at.is_some_and(|at| now >= at) {
                    self.found(now, view, effects);
                    return;
                }
                if now >= self.say_at {
                    effects.push(Effect::Say(self.waiting_for()));
                    self.heard = Heard::default();
                    self.say_at = MonoMs(now.0 + SAY_MS);
                }
                if now >= self.ask_at {
                    self.ask(now, effects);
                }
            }
            Phase::Joining if now >= self.say_at => {
                let text = "admitted; waiting for a member to commit a layout with this node";
                effects.push(Effect::Say(text.to_owned()));
                self.say_at = MonoMs(now.0 + SAY_MS);
            }
            Phase::Alone | Phase::Serving if self.claim_at.is_some_and(|at| now >= at) => {
                self.claim(now, view, effects);
            }
            _ => {}
        }
    }

    fn stop(&mut self, reason: String, effects: &mut Vec<Effect>) {
        self.phase = Phase::Stopped;
        effects.push(Effect::Stop { reason });
    }

    fn found(&mut self, now: MonoMs, view: View<'_>, effects: &mut Vec<Effect>) {
        self.me.status = Status::Member;
        self.me.first_seen = view.hlc;
        self.found_at = None;
        self.phase = Phase::Alone;
        self.say_at = MonoMs(now.0 + SAY_MS);
        effects.push(Effect::Found {
            entry: Box::new(self.me.clone()),
        });
        effects.push(Effect::ClaimLayout {
            members: vec![self.me.id],
        });
        effects.push(Effect::Serve);
    }

    fn ask(&mut self, now: MonoMs, effects: &mut Vec<Effect>) {
        for address in &self.seeds {
            effects.push(Effect::AskSeed {
                address: address.clone(),
                entry: Box::new(self.me.clone()),
            });
        }
        let refused = self.heard.refused.is_some();
        let wait = if refused { ASK_REFUSED_MS } else { ASK_MS };
        self.ask_at = MonoMs(now.0 + wait);
    }

    /// A seed's answer; only one that waits listens.
    fn answered(
        &mut self,
        now: MonoMs,
        from: NodeId,
        answer: JoinAnswer,
        effects: &mut Vec<Effect>,
    ) {
        if self.phase != Phase::Waiting {
            return;
        }
        match answer {
            _ if from == self.me.id => self.heard.itself = true,
            JoinAnswer::Waiting => {
                self.heard.waiting.insert(from);
            }
            JoinAnswer::Admitted { cluster, entry } => {
                self.me.describe_as(&entry);
                self.me.status = entry.status;
                self.me.first_seen = entry.first_seen;
                self.cluster = Some(cluster);
                self.phase = Phase::Joining;
                self.found_at = None;
                self.say_at = MonoMs(now.0 + SAY_MS);
                effects.push(Effect::Join { cluster, entry });
            }
            JoinAnswer::Refused(refusal) => {
                let reason = format!("a seed refused this node: {}", refusal.text());
                if refusal == Refusal::Removed || self.found_at.is_some() {
                    // An id never returns; and with a cluster that answers there is nothing to found.
                    self.stop(reason, effects);
                    return;
                }
                if self.heard.refused.as_ref() != Some(&refusal) {
                    effects.push(Effect::Say(reason));
                    self.say_at = MonoMs(now.0 + SAY_MS);
                }
                self.heard.refused = Some(refusal);
                self.ask_at = MonoMs(now.0 + ASK_REFUSED_MS);
            }
        }
    }

    fn waiting_for(&self) -> String {
        let seeds = self.seeds.join(", ");
        if let Some(refusal) = &self.heard.refused {
            return format!("a seed refused this node: {}", refusal.text());
        }
        if !self.heard.waiting.is_empty() {
            return format!(
                "waiting: the seeds that answer ({seeds}) belong to no cluster either; start one \
                 node with --found"
            );
        }
        if self.heard.itself {
            return format!(
                "waiting: of the seeds ({seeds}) only this node itself answers; name another \
                 node, or start this one with --found"
            );
        }
        format!("waiting: no seed answers ({seeds})")
    }
}
