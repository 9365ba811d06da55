//! Who seems to be down: this node's own opinion, from its own traffic first and probes second (paper,
//! section 4.8.3). It steers requests and nothing else: no opinion is gossiped, none changes a status
//! or a layout.
//!
//! ```text
//!            silent 200 ms,            silent 400 ms,
//!            connection lost           connect refused
//!     ┌── Up ──────────────▶ Suspect ───────────────▶ Down ◀─┐ a probe is not answered:
//!     │    ▲   heard            │  probes at once       │    ─┘ the next one later, to 4 s
//!     │    └────────────────────┘                       │
//!     └────◀──────────── enough answers in a row, over a time that grows with each relapse
//! ```
//!
//! *Silent* is: something was asked, and since then no answer or acknowledgement of anything was heard. A
//! node that is slow answers one thing late but is heard, so it is never down (that is for hedged
//! requests). A suspected node is probed, because what it was asked may be slow while its link is well.
//! Requests of its own prove nothing: they come through a link that is cut in one direction, too. A node that seemed down and
//! seems up again is believed the first time soon, later ever more slowly: writes that hop between an
//! owner and its fallbacks leave hints behind each time.
//!
//! When this process itself stood still, everybody seems silent at once. A deadline that is met very
//! late says so, and every silence begins anew.

use std::collections::BTreeMap;

use crate::types::{MonoMs, NodeId};

/// Silence after which a node is probed and no longer first choice.
const SUSPECT_AFTER_MS: u64 = 200;

/// Silence after which a node is down. With a timer that is 100 ms late it is under half a second.
pub const DOWN_AFTER_MS: u64 = 400;

/// Probes of a suspect: two before it is down.
const SUSPECT_PROBE_MS: u64 = 100;

/// Probes of a node that nothing is asked of.
const IDLE_PROBE_MS: u64 = 1000;

/// Probes of a node that is down: from this, doubling,
const DOWN_PROBE_MS: u64 = 250;

/// to this. A restarted node is noticed so soon even if it says nothing itself.
const DOWN_PROBE_MAX_MS: u64 = 4000;

/// Time over which answers must come in a row: from this, doubling with each relapse,
const HOLD_MS: u64 = 100;

/// to this.
const HOLD_MAX_MS: u64 = 30_000;

/// Answers in a row that are ever asked for.
const ANSWERS_MAX: u32 = 6;

/// One relapse is forgiven for so long a time up.
const FORGIVE_MS: u64 = 60_000;

/// A deadline met so late means that this process stood still.
const STALL_MS: u64 = 200;

/// What is thought of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It answers.
    Up,
    /// It has been silent for a while; ask another first if there is a choice.
    Suspect,
    /// It does not answer; a fallback stands in.
    Down,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// These are the other members now.
    PeersSet(Vec<NodeId>),
    /// An answer or an acknowledgement came, of whatever was asked.
    Heard(NodeId),
    /// The node sent something of its own: it lives, whether or not it hears us.
    Contacted(NodeId),
    /// Something that has to be answered went to the node.
    Asked(NodeId),
    /// The connection to the node closed.
    ConnectionLost(NodeId),
    /// Nobody listens at the node's address.
    ConnectRefused(NodeId),
    /// The node answered a probe.
    ProbeAnswered(NodeId),
    /// The deadline passed.
    ProbeDue,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Connect if there is no connection, and ask for a sign of life.
    Probe {
        /// Whom.
        to: NodeId,
    },
    /// Route around the node.
    BelievedDown {
        /// Which.
        node: NodeId,
    },
    /// Route to the node again.
    BelievedUp {
        /// Which.
        node: NodeId,
    },
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Up,
    Suspect,
    Down {
        /// Answers in a row.
        answers: u32,
        /// When the first of them came.
        first: MonoMs,
        /// Time to the next probe if this one is not answered.
        back_off: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    phase: Phase,
    /// When something was asked after which nothing was heard.
    asked: Option<MonoMs>,
    /// When something was last heard.
    heard: Option<MonoMs>,
    /// When to look at it again.
    due: MonoMs,
    /// When it was last believed to have come up.
    up_since: MonoMs,
    /// How often it went down, less what was forgiven.
    relapses: u32,
}

/// One node's opinion of all others.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    peers: BTreeMap<NodeId, Peer>,
    /// The earliest `due`, or earlier.
    next: Option<MonoMs>,
}

impl Detector {
    /// What is thought of a node; an unknown one is down.
    pub fn belief(&self, node: NodeId) -> Belief {
        match self.peers.get(&node).map(|peer| peer.phase) {
            Some(Phase::Up) => Belief::Up,
            Some(Phase::Suspect) => Belief::Suspect,
            Some(Phase::Down { .. }) | None => Belief::Down,
        }
    }

    /// When to step with [`Input::ProbeDue`].
    pub fn deadline(&self) -> Option<MonoMs> {
        self.next
    }

    /// Takes one input. All but `PeersSet` and `ProbeDue` cost one look-up.
    pub fn step(&mut self, now: MonoMs, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::PeersSet(peers) => self.set_peers(now, &peers),
            Input::ProbeDue => self.look(now, effects),
            Input::Heard(node) => self.with(node, |peer| peer.heard(now)),
            Input::Contacted(node) => self.with(node, |peer| peer.contacted(now)),
            Input::Asked(node) => self.with(node, |peer| peer.ask(now)),
            Input::ConnectionLost(node) => self.with(node, |peer| peer.lost(node, now, effects)),
            Input::ConnectRefused(node) => self.with(node, |peer| peer.refused(node, now, effects)),
            Input::ProbeAnswered(node) => self.with(node, |peer| peer.answered(node, now, effects)),
        }
    }

    fn with(&mut self, node: NodeId, change: impl FnOnce(&mut Peer)) {
        if let Some(peer) = self.peers.get_mut(&node) {
            change(peer);
            self.next = Some(self.next.map_or(peer.due, |next| next.min(peer.due)));
        }
    }

    /// Newcomers count as up until they are silent: routing to them is how one finds out.
    fn set_peers(&mut self, now: MonoMs, peers: &[NodeId]) {
        self.peers.retain(|node, _| peers.contains(node));
        for node in peers {
            self.peers.entry(*node).or_insert(Peer {
                phase: Phase::Up,
                asked: None,
                heard: None,
                due: now,
                up_since: now,
                relapses: 0,
            });
        }
        self.next = self.peers.values().map(|peer| peer.due).min();
    }

    fn look(&mut self, now: MonoMs, effects: &mut Vec<Effect>) {
        let stalled = self.next.is_some_and(|next| now.0 > next.0 + STALL_MS);
        for (node, peer) in &mut self.peers {
            if stalled && peer.asked.is_some() {
                peer.asked = Some(now);
            }
            if peer.due <= now {
                peer.look(*node, now, effects);
            }
        }
        self.next = self.peers.values().map(|peer| peer.due).min();
    }
}

impl Peer {
    fn heard(&mut self, now: MonoMs) {
        self.heard = Some(now);
        match self.phase {
            Phase::Up | Phase::Suspect => {
                self.phase = Phase::Up;
                self.asked = None;
            }
            // A late answer. Only answers to probes are counted, one at a time.
            Phase::Down { .. } => self.contacted(now),
        }
    }

    fn contacted(&mut self, now: MonoMs) {
        if matches!(self.phase, Phase::Down { .. }) {
            self.due = self.due.min(MonoMs(now.0 + DOWN_PROBE_MS));
        }
    }

    fn ask(&mut self, now: MonoMs) {
        if self.asked.is_none() && !matches!(self.phase, Phase::Down { .. }) {
            self.asked = Some(now);
            self.due = self.due.min(MonoMs(now.0 + SUSPECT_AFTER_MS));
        }
    }

    fn lost(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Up) {
            self.suspect(node, now, effects);
        }
    }

    fn refused(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        match &mut self.phase {
            Phase::Up | Phase::Suspect => self.down(node, now, effects),
            Phase::Down { answers, .. } => *answers = 0,
        }
    }

    fn answered(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        let (needed, hold) = (self.answers_needed(), self.hold());
        let Phase::Down { answers, first, .. } = &mut self.phase else {
            return self.heard(now);
        };
        if self.asked.take().is_none() {
            // An answer to a probe that was given up counts for none.
            return;
        }
        if *answers == 0 {
            *first = now;
        }
        *answers += 1;
        if *answers >= needed && now.0 >= first.0 + hold {
            self.phase = Phase::Up;
            self.heard = Some(now);
            self.up_since = now;
            self.due = MonoMs(now.0 + IDLE_PROBE_MS);
            effects.push(Effect::BelievedUp { node });
        } else {
            self.due = MonoMs(now.0 + hold / u64::from(needed - 1));
        }
    }

    /// The due time has come.
    fn look(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        let silent = self.asked.map_or(0, |asked| now.0.saturating_sub(asked.0));
        let gave_up = self.asked.is_some() && silent >= DOWN_AFTER_MS;
        match &mut self.phase {
            Phase::Up | Phase::Suspect if gave_up => self.down(node, now, effects),
            Phase::Up if silent >= SUSPECT_AFTER_MS => self.suspect(node, now, effects),
            // Asked by traffic a moment ago, or by the last look.
            Phase::Up if self.asked.is_some() => {
                self.due = MonoMs(now.0 + SUSPECT_AFTER_MS - silent);
            }
            Phase::Up => {
                let quiet_until = self.heard.map(|heard| MonoMs(heard.0 + IDLE_PROBE_MS));
                if let Some(until) = quiet_until.filter(|until| now < *until) {
                    self.due = until;
                } else {
                    self.probe(node, now, effects);
                    self.due = MonoMs(now.0 + SUSPECT_AFTER_MS);
                }
            }
            Phase::Suspect => {
                self.probe(node, now, effects);
                self.wait_for_suspect(now);
            }
            Phase::Down {
                answers, back_off, ..
            } => {
                if self.asked.is_some() && !gave_up {
                    self.due = MonoMs(now.0 + DOWN_AFTER_MS - silent);
                    return;
                }
                if gave_up {
                    // The probe was not answered: the row is broken, and the next one waits.
                    self.asked = None;
                    if std::mem::take(answers) > 0 {
                        *back_off = DOWN_PROBE_MS;
                    }
                    self.due = MonoMs(now.0 + *back_off);
                    *back_off = (*back_off * 2).min(DOWN_PROBE_MAX_MS);
                    return;
                }
                self.probe(node, now, effects);
                self.due = MonoMs(now.0 + DOWN_AFTER_MS);
            }
        }
    }

    fn probe(&mut self, to: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        self.asked.get_or_insert(now);
        effects.push(Effect::Probe { to });
    }

    fn suspect(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        self.phase = Phase::Suspect;
        self.probe(node, now, effects);
        self.wait_for_suspect(now);
    }

    fn wait_for_suspect(&mut self, now: MonoMs) {
        let down = self.asked.map_or(now.0, |asked| asked.0) + DOWN_AFTER_MS;
        self.due = MonoMs(down.min(now.0 + SUSPECT_PROBE_MS));
    }

    fn down(&mut self, node: NodeId, now: MonoMs, effects: &mut Vec<Effect>) {
        let forgiven = now.0.saturating_sub(self.up_since.0) / FORGIVE_MS;
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        self.relapses = self.relapses.saturating_sub(forgiven).saturating_add(1);
        self.phase = Phase::Down {
            answers: 0,
            first: now,
            back_off: DOWN_PROBE_MS * 2,
        };
        self.asked = None;
        self.due = MonoMs(now.0 + DOWN_PROBE_MS);
        effects.push(Effect::BelievedDown { node });
    }

    /// Two after the first fall, one more after each relapse.
    fn answers_needed(&self) -> u32 {
        self.relapses.saturating_add(1).clamp(2, ANSWERS_MAX)
    }

    /// The time between the first and the last of the answers in a row.
    fn hold(&self) -> u64 {
        let doublings = self.relapses.saturating_sub(1).min(16);
        (HOLD_MS << doublings).min(HOLD_MAX_MS)
    }
}
