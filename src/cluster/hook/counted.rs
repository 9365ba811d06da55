//! What a command that has run here waits for: W copies of what it wrote, R words on what it read.

use smallvec::SmallVec;

use super::Hook;
use crate::cluster::pass::{Copies, Waits};
use crate::cluster::wire::ReadItem;
use crate::node::Locked;
use crate::node::view::NodeIndex;

impl Hook<'_> {
    pub(super) fn wrote(&mut self, keys: &mut Locked<'_>, w: Option<u8>, dw: Option<u8>) {
        let Some(fanout) = &mut keys.stage.fanout else {
            return;
        };
        let view = std::sync::Arc::clone(&fanout.view);
        let touched = std::mem::take(&mut fanout.touched);
        let mut copies: SmallVec<[Copies; 1]> = SmallVec::new();
        for partition in touched {
            let route = view.route(partition);
            let last = |to: NodeIndex| {
                fanout
                    .batches
                    .get(usize::from(to.0))
                    .map_or(0, |batch| batch.last)
            };
            copies.push(Copies {
                own: true,
                sent: route
                    .targets
                    .iter()
                    .map(|target| (target.to, last(target.to)))
                    .collect(),
            });
        }
        let (w, dw) = (
            w.unwrap_or(view.w).min(view.n),
            dw.unwrap_or(view.dw).min(view.n),
        );
        if !copies.is_empty() && (w > 1 || dw > 0) {
            self.push(Waits::Written { copies, w, dw });
        }
    }

    /// Shows other owners what we hold of the keys that were read.
    pub(super) fn compare(
        &mut self,
        keys: &Locked<'_>,
        read: &mut dyn Iterator<Item = &[u8]>,
        r: u8,
    ) {
        let view = std::sync::Arc::clone(&self.plane.view);
        let mut asked: SmallVec<[(NodeIndex, u64); 2]> = SmallVec::new();
        let (mut any, mut short) = (false, None);
        for key in read {
            any = true;
            let place = self.plane.node.keyspace.place(key);
            let digest = keys.digest_at(place, key, &self.plane.actors);
            // A record that does not decode compares as nothing: the others' copies mend it.
            let digest = digest.unwrap_or(0);
            let owners = &view.route(place.partition).owners;
            let mut answers = 1;
            for to in owners.iter().copied() {
                if answers >= r || to == NodeIndex::ME || !self.plane.is_up(to) {
                    continue;
                }
                answers += 1;
                let item = ReadItem {
                    place,
                    database: keys.database,
                    key,
                    digest,
                };
                asked.push((to, self.plane.link(to).compare(&item)));
            }
            if answers < r {
                short = Some(answers);
            }
        }
        if any {
            let waits = Waits::Read {
                asked,
                r,
                again: false,
                short,
            };
            self.push(waits);
        }
    }
}
