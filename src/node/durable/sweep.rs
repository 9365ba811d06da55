//! The slow walk of the applier over the tree: cold records that are flushed, forgettable or expired
//! are in nobody's index, so somebody has to come by.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::Durable;
use super::applier::lives_for_ever;
use crate::record;
use crate::store::key::{parse_record_key, parse_record_value};
use crate::types::{Database, WallMs};
use crate::version::Floor;

/// Records that the sweep of the tree looks at in one step, ten steps a second.
const SWEEP_RECORDS: usize = 2_000;

impl Durable {
    /// Looks at some records of the tree that the table may not have: flushed and forgettable ones
    /// are deleted, expired ones brought into the table, where they are reaped.
    pub(super) fn sweep_step(&self) {
        let applier = &self.applier;
        if !applier.sweep.load(Ordering::Acquire) {
            return;
        }
        let from = applier.sweep_from.lock().clone();
        let mut seen = Vec::new();
        let visited = self.tree.visit(&from, None, &mut |name, value| {
            seen.push((name.to_vec(), value.to_vec()));
            if seen.len() < SWEEP_RECORDS {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if let Err(error) = visited {
            tracing::warn!(%error, "the sweep of the tree could not read it");
            return;
        }
        let mut next = Vec::new();
        if seen.len() == SWEEP_RECORDS
            && let Some((last, _)) = seen.last()
        {
            next.clone_from(last);
            next.push(0);
        }
        if next.is_empty() && from.is_empty() && seen.is_empty() {
            applier.sweep.store(false, Ordering::Release);
        }
        *applier.sweep_from.lock() = next;
        let (now, floor) = (self.now(), self.keyspace.floor.load());
        let mut dead = Vec::new();
        for (name, value) in seen {
            match self.judge(&name, &value, now, &floor) {
                Verdict::Keep => {}
                Verdict::Delete => dead.push((name, None)),
                Verdict::Reap(database, key) => {
                    self.loader.load_detached(&self.keyspace, database, &key);
                }
            }
        }
        if !dead.is_empty()
            && let Err(error) = self.tree.ingest(&mut dead.into_iter())
        {
            self.fail(&error.to_string());
        }
    }

    fn judge(&self, name: &[u8], value: &[u8], now: WallMs, floor: &Floor) -> Verdict {
        let Some(place) = parse_record_key(name) else {
            return Verdict::Keep;
        };
        let Some((key, bytes)) = parse_record_value(place.name, value) else {
            return Verdict::Keep;
        };
        if lives_for_ever(bytes) && self.keyspace.flushed.load().is_empty() {
            return Verdict::Keep;
        }
        let Ok(decoded) = record::decode(bytes) else {
            return Verdict::Keep;
        };
        let flushed = self.keyspace.is_flushed(place.database, &decoded);
        if flushed || decoded.is_forgettable(floor, now) && !decoded.has_value() {
            // A table that has the key decides for itself: its version is newer, and gets here.
            let partition = self.keyspace.lock(place.partition);
            let known = partition
                .space(place.database)
                .and_then(|s| s.table.get(place.token, key));
            return if known.is_none() {
                Verdict::Delete
            } else {
                Verdict::Keep
            };
        }
        if decoded.has_value() && decoded.is_dead(now) {
            return Verdict::Reap(place.database, key.to_vec());
        }
        Verdict::Keep
    }
}

enum Verdict {
    Keep,
    Delete,
    Reap(Database, Vec<u8>),
}
