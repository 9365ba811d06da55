//! A member's part: whom it admits, and when it claims a layout for those that have arrived.

use std::collections::BTreeSet;

use super::super::member::{MAX_MEMBERS, MemberEntry, Status};
use super::super::message::{JoinAnswer, Refusal};
use super::{CLAIM_MS, Effect, Lifecycle, Phase, SAY_MS, View};
use crate::types::{MonoMs, NodeId};

impl Lifecycle {
    /// A node asks to be admitted.
    pub(super) fn asked(&self, view: View<'_>, mut entry: MemberEntry, effects: &mut Vec<Effect>) {
        let to = entry.id;
        if to == self.me.id {
            // A seed that is this node itself: the link says so.
            return;
        }
        match self.phase {
            Phase::Alone | Phase::Serving => {}
            Phase::Waiting => {
                let answer = JoinAnswer::Waiting;
                effects.push(Effect::Answer { to, answer });
                return;
            }
            // It may not know all members yet. The node asks again, and others.
            Phase::Joining | Phase::Stopped => return,
        }
        let known = view.members.get(to).map(|known| known.status);
        if known.is_some_and(|status| !status.is_removed()) {
            // Its answer was lost, or it lost its memory of the cluster but not its id.
            effects.push(Effect::AnswerAdmitted { to });
            return;
        }
        if let Some(refusal) = refusal(view, &entry) {
            let answer = JoinAnswer::Refused(refusal);
            effects.push(Effect::Answer { to, answer });
            return;
        }
        entry.status = Status::Joining;
        entry.first_seen = view.hlc;
        effects.push(Effect::Admit {
            entry: Box::new(entry),
        });
    }

    /// Members or beliefs have changed: where the node stands, and who has arrived.
    pub(super) fn look(&mut self, now: MonoMs, view: View<'_>, effects: &mut Vec<Effect>) {
        let Some(me) = view.members.get(self.me.id) else {
            return;
        };
        if me.status.is_removed() {
            return self.stop(Refusal::Removed.text(), effects);
        }
        let was = self.phase;
        self.phase = match me.status {
            Status::Joining => Phase::Joining,
            _ if view.members.present().count() == 1 => Phase::Alone,
            _ => Phase::Serving,
        };
        let serves = |phase| matches!(phase, Phase::Alone | Phase::Serving);
        if serves(self.phase) && !serves(was) {
            effects.push(Effect::Serve);
        }
        if !serves(self.phase) {
            return;
        }
        let arrivals: BTreeSet<NodeId> = joining(view).collect();
        if arrivals.is_empty() || !self.auto_join {
            self.claim_at = None;
        } else if arrivals != self.arrivals || self.claim_at.is_none() {
            self.claim_at = Some(MonoMs(now.0 + CLAIM_MS));
        }
        self.arrivals = arrivals;
    }

    /// One second has passed since the last arrival.
    pub(super) fn claim(&mut self, now: MonoMs, view: View<'_>, effects: &mut Vec<Effect>) {
        // Should it come to nothing, here or at another node, it is looked at again.
        self.claim_at = Some(MonoMs(now.0 + CLAIM_MS));
        let joining: BTreeSet<NodeId> = joining(view).collect();
        if joining.is_empty() {
            self.claim_at = None;
            return;
        }
        let mut voters = view.members.present().filter(|member| {
            matches!(member.status, Status::Member | Status::Leaving)
                && (member.id == self.me.id || view.reachable.contains(&member.id))
        });
        // Entries are sorted by id: the first is the smallest.
        if voters.next().is_none_or(|first| first.id != self.me.id) {
            return;
        }
        if view.holds_records {
            if now >= self.say_at {
                let text = "nodes wait to join, but the cluster holds records by now, and joining a \
                            cluster that is not empty is not supported";
                effects.push(Effect::Say(text.to_owned()));
                self.say_at = MonoMs(now.0 + SAY_MS);
            }
            return;
        }
        let owners = view
            .members
            .present()
            .filter(|member| member.status == Status::Member || joining.contains(&member.id));
        effects.push(Effect::ClaimLayout {
            members: owners.map(|member| member.id).collect(),
        });
    }
}

/// Who has arrived and can be reached: a node that died while joining holds up nobody.
fn joining(view: View<'_>) -> impl Iterator<Item = NodeId> {
    view.members
        .present()
        .filter(|member| member.status == Status::Joining)
        .map(|member| member.id)
        .filter(move |id| view.reachable.contains(id))
}

/// Why a node that is not in the cluster may not get in.
fn refusal(view: View<'_>, entry: &MemberEntry) -> Option<Refusal> {
    if view.members.get(entry.id).is_some() {
        return Some(Refusal::Removed);
    }
    if !entry.is_bounded() {
        return Some(Refusal::Malformed);
    }
    if view.members.keeper_of(&entry.name).is_some() {
        let name = entry.name.clone();
        return Some(Refusal::NameTaken { name });
    }
    if view.holds_records {
        return Some(Refusal::HoldsRecords);
    }
    (view.members.len() >= MAX_MEMBERS).then_some(Refusal::Full)
}
