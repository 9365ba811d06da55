//! When the whole tree is rewritten. Ingestions pile up superseded entries, and the tree's own levels
//! merge them only by the gigabyte: a small store that is overwritten all day would take many times
//! its size. So the applier counts entries against live ones after every ingestion, and past a bound
//! a thread of its own rewrites the tree. The bound is loose under load and tight at rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::Durable;
use crate::env::task;

/// Under load a rewrite pays with two thirds of what it reads.
pub(super) const BUSY_PERCENT: u64 = 300;

/// Ingestions come by the clock: there is time to spare.
pub(super) const CALM_PERCENT: u64 = 200;

/// Nothing comes at all, or somebody asked for a drain.
pub(super) const REST_PERCENT: u64 = 150;

/// A smaller tree is not worth it.
const SMALL_BYTES: u64 = 16 << 20;

/// A drain waits for a rewrite of a tree up to this size, some seconds; a larger one goes on without
/// it, as whoever stops the node will not wait for ever. Its levels keep its garbage to a tenth.
const WAITED_FOR_BYTES: u64 = 1 << 30;

/// What the applier knows of rewrites.
#[derive(Default)]
pub(super) struct Compactor {
    /// Entries after the last rewrite, or fewer: what another one would leave. Deleted records that
    /// are kept for a while are among them, and no count of keys has those.
    base: AtomicU64,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Compactor {
    /// Is a rewrite under way?
    pub(super) fn is_running(&self) -> bool {
        self.running
            .lock()
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

impl Durable {
    /// Starts a rewrite if the tree has more than so many entries for 100 live ones.
    pub(super) fn compact_past(self: &Arc<Self>, percent: u64) {
        let mut running = self.compactor.running.lock();
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        if !self.is_bloated(percent, u64::MAX) {
            return;
        }
        let durable = Arc::clone(self);
        match task::thread("compactor", move || durable.compact()) {
            Ok(thread) => *running = Some(thread),
            Err(error) => tracing::warn!(%error, "the tree cannot be compacted now"),
        }
    }

    /// Leaves the tree compact, unless that takes long.
    pub(super) fn settle(self: &Arc<Self>) {
        let running = self.compactor.running.lock().take();
        if let Some(thread) = running {
            // A panic there has ended the process already.
            let _ = thread.join();
        }
        if self.is_bloated(REST_PERCENT, WAITED_FOR_BYTES) {
            self.compact();
        }
    }

    fn is_bloated(&self, percent: u64, largest: u64) -> bool {
        let Ok(sizes) = self.tree.sizes() else {
            return false;
        };
        let base = &self.compactor.base;
        // The levels may have done what a rewrite would.
        base.fetch_min(sizes.entries, Ordering::Relaxed);
        let live = self.writer.lock().counts.total();
        let live = live.max(base.load(Ordering::Relaxed)).max(1);
        (SMALL_BYTES..=largest).contains(&sizes.data_bytes)
            && sizes.entries.saturating_mul(100) > live.saturating_mul(percent)
    }

    fn compact(&self) {
        let started = self.clock.now();
        if let Err(error) = self.tree.compact() {
            self.fail(&error.to_string());
            return;
        }
        let Ok(sizes) = self.tree.sizes() else {
            return;
        };
        self.compactor.base.store(sizes.entries, Ordering::Relaxed);
        let millis = self.clock.now().duration_since(started).as_millis() as u64;
        tracing::debug!(entries = sizes.entries, millis, "the tree was compacted");
    }
}
