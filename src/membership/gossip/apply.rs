//! How the state grows: own changes and learned items are joined, this node's own entry is defended,
//! and what follows is told in order: persist first.

use std::collections::BTreeSet;

use super::super::codec::{self, item_bytes};
use super::super::exchange::MESSAGE_BYTES;
use super::super::facts::Fact;
use super::super::member::default_name;
use super::super::message::Message;
use super::super::state::{Item, Key, Outcome};
use super::{Chance, Change, Effect, Gossip, PUSH_GAP_MS, PUSH_TO, Reason};
use crate::types::MonoMs;

/// Losers of disputes that are remembered as reported. Each is a commit by a person or an `auto_join`.
const REPORTED_MAX: usize = 64;

/// What a batch of joins did.
#[derive(Default)]
struct Learned {
    changed: BTreeSet<Key>,
    /// To be told after what is persisted.
    told: Vec<Effect>,
}

impl Gossip {
    /// Makes an own change.
    pub(super) fn change(
        &mut self,
        now: MonoMs,
        chance: &mut Chance,
        change: Change,
        effects: &mut Vec<Effect>,
    ) {
        match self.item_of(change) {
            Err((key, reason)) => effects.push(Effect::Refuse { key, reason }),
            Ok(item) if !codec::is_bounded(&item) => effects.push(Effect::Refuse {
                key: item.key(),
                reason: Reason::TooLarge,
            }),
            Ok(item) => {
                if let Item::Member(entry) = &item
                    && entry.id == self.me.id
                {
                    self.me = entry.clone();
                }
                self.learn(now, chance, vec![item], effects);
            }
        }
    }

    /// An own change as the item to be joined.
    fn item_of(&self, change: Change) -> Result<Item, (Key, Reason)> {
        let members = self.state.members();
        match change {
            Change::Described(entry) => {
                let known = members.get(self.me.id).unwrap_or(&self.me);
                let mut me = known.clone();
                me.describe_as(&entry);
                me.incarnation = known.incarnation + 1;
                Ok(Item::Member(me))
            }
            Change::Admitted(entry) => Ok(Item::Member(*entry)),
            Change::Advanced { node, status } => {
                let mut entry = members
                    .get(node)
                    .cloned()
                    .ok_or((Key::Member(node), Reason::Unknown))?;
                entry.status = entry.status.max(status);
                Ok(Item::Member(entry))
            }
            Change::FactSet { name, value, hlc } => {
                // The clock is above all that was heard; should it not be, the change must win still.
                let known = self.state.facts().register(&name);
                let above = known.map_or(hlc, |known| hlc.max(known.stamp.0.next()));
                let stamp = (above, self.me.id);
                Ok(Item::Fact(name, Fact { stamp, value }))
            }
            Change::LayoutCommitted(layout) => {
                let layouts = self.state.layouts();
                let oldest = layouts.iter().next().map_or(0, |oldest| oldest.number);
                if layout.number < oldest {
                    return Err((Key::Layout(layout.number), Reason::Unknown));
                }
                Ok(Item::Layout(layout))
            }
        }
    }

    /// Joins items in and says all that follows.
    pub(super) fn learn(
        &mut self,
        now: MonoMs,
        chance: &mut Chance,
        items: Vec<Item>,
        effects: &mut Vec<Effect>,
    ) {
        let mut learned = Learned::default();
        for item in items {
            self.join(item, &mut learned);
        }
        self.defend(&mut learned);
        let Learned { changed, mut told } = learned;
        let own = self.state.members().get(self.me.id);
        if let Some(status) = own.map(|own| own.status)
            && status.is_removed()
        {
            self.retired = true;
            told.push(Effect::Retire(status));
        }
        if !changed.is_empty() {
            self.tell(&changed, effects);
        }
        effects.append(&mut told);
        self.news.extend(changed);
        self.push(now, chance, effects);
    }

    fn join(&mut self, item: Item, learned: &mut Learned) {
        let key = item.key();
        match self.state.merge_item(item) {
            Outcome::Unchanged => {}
            Outcome::Changed => {
                learned.changed.insert(key);
            }
            Outcome::Full => learned.told.push(Effect::Refuse {
                key,
                reason: Reason::Full,
            }),
            Outcome::Disputed {
                kept,
                lost,
                changed,
            } => {
                if changed {
                    learned.changed.insert(key);
                }
                // Copies of a loser come from many sides; of layouts no longer kept nobody speaks.
                let layouts = self.state.layouts();
                self.reported
                    .retain(|(number, _)| layouts.get(*number).is_some());
                if self.reported.len() >= REPORTED_MAX {
                    self.reported.clear();
                }
                if self.reported.insert((lost.number, lost.hash)) {
                    learned.told.push(Effect::LayoutDisputed { kept, lost });
                }
            }
        }
    }

    /// Keeps what is known of this node what it says of itself, and its name its own.
    fn defend(&mut self, learned: &mut Learned) {
        let Some(known) = self.state.members().get(self.me.id) else {
            return;
        };
        let contested = !known.same_description(&self.me);
        let heard = known.incarnation;
        self.me.status = known.status;
        self.me.first_seen = known.first_seen;
        if self.me.status.is_removed() {
            return;
        }
        let keeper = self.state.members().keeper_of(&self.me.name);
        // Somebody older may go by our default name even; nobody but us has reason to go by our id.
        let last_resort = format!("node-{}", self.me.id);
        let lost_to = keeper.filter(|keeper| *keeper != self.me.id && self.me.name != last_resort);
        if let Some(keeper) = lost_to {
            let name = std::mem::replace(&mut self.me.name, default_name(self.me.id));
            if name == self.me.name {
                self.me.name = last_resort;
            }
            learned.told.push(Effect::LoseName { name, keeper });
        }
        if contested || lost_to.is_some() {
            self.me.incarnation = self.me.incarnation.max(heard) + 1;
            self.join(Item::Member(self.me.clone()), learned);
        }
    }

    /// Persist, then who is to look at what.
    fn tell(&self, changed: &BTreeSet<Key>, effects: &mut Vec<Effect>) {
        let items = changed.iter().filter_map(|key| self.state.item(key));
        effects.push(Effect::Persist(items.collect()));
        let (mut members, mut facts, mut layouts) = (Vec::new(), Vec::new(), Vec::new());
        for key in changed {
            match key {
                Key::Member(id) => members.push(*id),
                Key::Fact(name) => facts.push(name.clone()),
                Key::Layout(number) => layouts.extend(self.state.layouts().get(*number).cloned()),
            }
        }
        if !members.is_empty() {
            effects.push(Effect::MembersChanged(members));
        }
        if !facts.is_empty() {
            effects.push(Effect::FactsChanged(facts));
        }
        effects.extend(layouts.into_iter().map(Effect::LayoutChanged));
    }

    /// Passes news on, unless some has just gone out; what does not fit waits for the next time.
    pub(super) fn push(&mut self, now: MonoMs, chance: &mut Chance, effects: &mut Vec<Effect>) {
        if self.news.is_empty() || now < self.push_from {
            return;
        }
        let news = std::mem::take(&mut self.news);
        let mut keys = news.iter();
        let items = self.gather(&mut keys);
        let rest: BTreeSet<Key> = keys.cloned().collect();
        let mut peers = self.peers();
        for _ in 0..PUSH_TO {
            let Some(at) = chance.pick(peers.len()) else {
                break;
            };
            let to = peers.swap_remove(at);
            let message = Message::Items(items.clone());
            effects.push(Effect::Send { to, message });
        }
        self.news = rest;
        self.push_from = MonoMs(now.0 + PUSH_GAP_MS);
    }

    /// Items of the next keys, as many as one message holds.
    pub(super) fn gather<'a>(&self, keys: &mut impl Iterator<Item = &'a Key>) -> Vec<Item> {
        let mut items = Vec::new();
        let mut bytes = 0;
        while bytes < MESSAGE_BYTES {
            let Some(key) = keys.next() else { break };
            if let Some(item) = self.state.item(key) {
                bytes += item_bytes(&item);
                items.push(item);
            }
        }
        items
    }
}
