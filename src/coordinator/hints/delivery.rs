//! Giving hints back: paced by a window for each node, resumed after a failure, looked at when the
//! node starts, when an owner is believed up, when the layouts change, and on a timer, whatever
//! the traffic.
//!
//! ```text
//!                 BelievedUp
//!        .------------------------------------.
//!        |   look            Delivered        v
//!   Held ----------> Probing ----------> Flowing
//!     ^   one hint      |     a window       |
//!     '---- Failed -----+---- Failed --------'
//! ```

use super::book::{Held, HintBook, HintId, Progress};
use super::lane::Pace;
use super::{Delivery, Effect, Input, Owners};
use crate::types::{Hlc, MonoMs, NodeId};

/// How often everything is looked at: long against what a refused connection costs, short against
/// an outage. A belief in an owner's return starts its delivery at once.
pub const LOOK_PERIOD_MS: u64 = 10_000;

/// A delivery without an answer is taken for failed after this long, far beyond any round trip, so
/// that a lost answer cannot stop a node's deliveries for good.
pub const DELIVERY_TIMEOUT_MS: u64 = 60_000;

/// One sending on its way.
#[derive(Debug)]
pub(super) struct Flight {
    to: NodeId,
    hint: HintId,
    version: u64,
    bytes: u64,
    sent_at: MonoMs,
}

impl HintBook {
    /// Takes in what happened and says what to do about it.
    pub fn step(&mut self, now: MonoMs, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Started { hlc } => self.look(now, hlc, effects),
            Input::Ticked { hlc } => {
                if self.look_at.is_none_or(|at| at <= now) {
                    self.look(now, hlc, effects);
                }
            }
            Input::BelievedUp(node) => {
                if let Some(lane) = self.lanes.get_mut(&node) {
                    lane.pace = Pace::Flowing;
                    self.fill(now, node, effects);
                }
            }
            Input::OwnersChanged(owners) => self.retarget(now, owners, effects),
            Input::Delivered { delivery, to } => self.delivered(now, delivery, to, effects),
            Input::Failed { delivery, to } => self.failed(delivery, to),
        }
    }

    /// When to tick next; none before the start.
    pub fn deadline(&self) -> Option<MonoMs> {
        self.look_at
    }

    fn look(&mut self, now: MonoMs, hlc: Hlc, effects: &mut Vec<Effect>) {
        self.look_at = Some(MonoMs(now.0 + LOOK_PERIOD_MS));
        if self.faults.drop_by_age {
            self.drop_old(hlc, effects);
        }
        self.expire_flights(now);
        self.lanes.retain(|_, lane| !lane.is_idle());
        let nodes: Vec<NodeId> = self.lanes.keys().copied().collect();
        for node in nodes {
            if let Some(lane) = self.lanes.get_mut(&node) {
                lane.pace.look();
            }
            self.fill(now, node, effects);
        }
        self.raise_alarm(hlc, effects);
    }

    fn raise_alarm(&mut self, hlc: Hlc, effects: &mut Vec<Effect>) {
        let oldest_age_ms = self.oldest_age_ms(hlc);
        if oldest_age_ms < self.limits.alarm_age_ms {
            self.alarmed_at = None;
            return;
        }
        let since = |at: Hlc| hlc.wall().0.saturating_sub(at.wall().0);
        if self
            .alarmed_at
            .is_none_or(|at| since(at) >= self.limits.alarm_age_ms)
        {
            self.alarmed_at = Some(hlc);
            effects.push(Effect::Alarm { oldest_age_ms });
        }
    }

    fn expire_flights(&mut self, now: MonoMs) {
        let lost: Vec<(Delivery, NodeId)> = self
            .flights
            .iter()
            .take_while(|(_, flight)| flight.sent_at.0 + DELIVERY_TIMEOUT_MS <= now.0)
            .map(|(delivery, flight)| (*delivery, flight.to))
            .collect();
        for (delivery, to) in lost {
            self.failed(delivery, to);
        }
    }

    fn retarget(&mut self, now: MonoMs, owners: Owners, effects: &mut Vec<Effect>) {
        self.owners = owners;
        let ids: Vec<HintId> = self.hints.keys().copied().collect();
        for id in ids {
            self.owe(id, Pace::Probing, false);
            self.settle(id, effects);
        }
        self.lanes.retain(|_, lane| !lane.is_idle());
        let nodes: Vec<NodeId> = self.lanes.keys().copied().collect();
        for node in nodes {
            self.fill(now, node, effects);
        }
    }

    fn delivered(
        &mut self,
        now: MonoMs,
        delivery: Delivery,
        to: NodeId,
        effects: &mut Vec<Effect>,
    ) {
        let Some(flight) = self.land(delivery, to) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.pace.acknowledged();
        }
        let unconditionally = self.faults.delete_unconditionally;
        if let Some(held) = self.hints.get_mut(&flight.hint) {
            let is_current = held.version == flight.version || unconditionally;
            // Owed no more, or owed anew since the node gave the partition up: not this answer.
            if let Some(progress) = held.progress(to)
                && *progress == Progress::Sent(delivery)
            {
                *progress = if is_current {
                    Progress::Acknowledged
                } else {
                    Progress::Waiting
                };
                if !is_current && let Some(lane) = self.lanes.get_mut(&to) {
                    lane.waiting.insert(flight.hint);
                }
            }
        }
        self.settle(flight.hint, effects);
        self.fill(now, to, effects);
    }

    fn failed(&mut self, delivery: Delivery, to: NodeId) {
        let Some(flight) = self.land(delivery, to) else {
            return;
        };
        let Some(lane) = self.lanes.get_mut(&to) else {
            return;
        };
        lane.pace = Pace::Held;
        if let Some(held) = self.hints.get_mut(&flight.hint)
            && let Some(progress) = held.progress(to)
            && *progress == Progress::Sent(delivery)
        {
            *progress = Progress::Waiting;
            lane.waiting.insert(flight.hint);
        }
    }

    /// Takes a flight off the way; none if it was answered before, or went to somebody else.
    fn land(&mut self, delivery: Delivery, to: NodeId) -> Option<Flight> {
        if self.flights.get(&delivery)?.to != to {
            return None;
        }
        let flight = self.flights.remove(&delivery)?;
        if let Some(lane) = self.lanes.get_mut(&to) {
            lane.arrive(flight.bytes);
        }
        Some(flight)
    }

    /// Removes the hint if nobody waits for it any more.
    fn settle(&mut self, id: HintId, effects: &mut Vec<Effect>) {
        if self.hints.get(&id).is_some_and(Held::is_delivered) {
            effects.extend(self.remove(id).map(Effect::Remove));
        }
    }

    /// Sends to a node what its window holds.
    fn fill(&mut self, now: MonoMs, to: NodeId, effects: &mut Vec<Effect>) {
        loop {
            let Some(lane) = self.lanes.get_mut(&to) else {
                return;
            };
            let Some(id) = lane.next() else {
                return;
            };
            let Some(held) = self.hints.get_mut(&id) else {
                lane.waiting.remove(&id);
                continue;
            };
            let bytes = held.bytes();
            if !lane.has_room(bytes, self.limits.window_bytes) {
                return;
            }
            let delivery = Delivery(self.next_delivery);
            self.next_delivery += 1;
            lane.depart(id, bytes);
            if let Some(progress) = held.progress(to) {
                *progress = Progress::Sent(delivery);
            }
            let flight = Flight {
                to,
                hint: id,
                version: held.version,
                bytes,
                sent_at: now,
            };
            self.flights.insert(delivery, flight);
            effects.push(Effect::Deliver {
                delivery,
                to,
                hint: held.hint.clone(),
            });
        }
    }

    /// The planted bug: hints that are too old simply go.
    fn drop_old(&mut self, hlc: Hlc, effects: &mut Vec<Effect>) {
        while !self.hints.is_empty() && self.oldest_age_ms(hlc) >= self.limits.alarm_age_ms {
            let Some((&id, _)) = self.hints.first_key_value() else {
                return;
            };
            effects.extend(self.remove(id).map(Effect::Remove));
        }
    }
}
