//! Bringing owners up to date: paced for each owner as hints are, resumed after a failure, begun
//! when the owner is believed up, at the start and on a timer.

use super::{Batch, Effect, Input, MissedList};
use crate::coordinator::hints::{Owners, Pace};
use crate::types::{MonoMs, NodeId};

/// How often everything is looked at; as for hints.
pub const LOOK_PERIOD_MS: u64 = crate::coordinator::hints::LOOK_PERIOD_MS;

/// A batch without an answer is taken for failed after this long; as for hints. An exchange ends
/// by itself, and says so.
pub const BATCH_TIMEOUT_MS: u64 = crate::coordinator::hints::DELIVERY_TIMEOUT_MS;

impl MissedList {
    /// Takes in what happened and says what to do about it.
    pub fn step(&mut self, now: MonoMs, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Started => self.look(now, effects),
            Input::Ticked => {
                if self.look_at.is_none_or(|at| at <= now) {
                    self.look(now, effects);
                }
            }
            Input::BelievedUp(node) => {
                if let Some(notes) = self.lists.get_mut(&node) {
                    notes.pace = Pace::Flowing;
                    self.fill(now, node, effects);
                }
            }
            Input::OwnersChanged(owners) => self.retarget(owners, effects),
            Input::Delivered { batch, to } => self.delivered(now, batch, to, effects),
            Input::Failed { batch, to } => {
                if let Some(notes) = self.lists.get_mut(&to)
                    && notes.sent.iter().any(|sent| sent.batch == batch)
                {
                    notes.hold();
                }
            }
            Input::Exchanged { partition, to } => {
                if let Some(notes) = self.lists.get_mut(&to)
                    && notes.exchanged(to, partition, effects)
                {
                    self.fill(now, to, effects);
                }
            }
            Input::ExchangeFailed { partition, to } => {
                if let Some(notes) = self.lists.get_mut(&to)
                    && notes.exchange_failed(partition)
                {
                    notes.hold();
                }
            }
        }
    }

    /// When to tick next; none before the start.
    pub fn deadline(&self) -> Option<MonoMs> {
        self.look_at
    }

    fn look(&mut self, now: MonoMs, effects: &mut Vec<Effect>) {
        self.look_at = Some(MonoMs(now.0 + LOOK_PERIOD_MS));
        let nodes: Vec<NodeId> = self.lists.keys().copied().collect();
        for node in nodes {
            if let Some(notes) = self.lists.get_mut(&node) {
                let oldest = notes.sent.front().map(|sent| sent.at);
                if oldest.is_some_and(|at| at.0 + BATCH_TIMEOUT_MS <= now.0) {
                    notes.hold();
                }
                if notes.is_empty() {
                    notes.pace = Pace::Held;
                } else {
                    notes.pace.look();
                }
            }
            self.fill(now, node, effects);
        }
    }

    fn retarget(&mut self, owners: Owners, effects: &mut Vec<Effect>) {
        self.owners = owners;
        for (node, notes) in &mut self.lists {
            if !self.owners.owns_any(*node) {
                notes.abandon(*node, effects);
            }
        }
    }

    fn delivered(&mut self, now: MonoMs, batch: Batch, to: NodeId, effects: &mut Vec<Effect>) {
        let Some(notes) = self.lists.get_mut(&to) else {
            return;
        };
        if notes.acknowledge(batch) {
            self.delivered += notes.retire(to, effects);
            self.fill(now, to, effects);
        }
    }

    fn fill(&mut self, now: MonoMs, to: NodeId, effects: &mut Vec<Effect>) {
        let Self {
            lists,
            owners,
            next_batch,
            ..
        } = self;
        if let Some(notes) = lists.get_mut(&to) {
            notes.fill(now, to, owners, next_batch, effects);
        }
    }
}
