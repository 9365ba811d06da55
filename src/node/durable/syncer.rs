//! Making the log durable. With `always` the worker that committed a group fsyncs it in its own thread,
//! if nobody else is at it, or else waits for who is and then looks again. A thread of its own does
//! the rest: the fsync per second (`everysec`); rotation of full segments; the clock's lease; the
//! high-water mark; free space. There is one fsync at a time, and it serves every group that was
//! appended before it began.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

use super::counts::Counts;
use super::{Durable, FAILED, meta};
use crate::config::Durability;
use crate::store::disk::Disk as _;
use crate::store::log::{EntryKind, Synced};

const SECOND: Duration = Duration::from_secs(1);

impl Durable {
    /// Runs until the node stops.
    pub(super) fn sync_for_ever(self: &Arc<Self>) {
        let mut last_housekeeping = self.clock.now();
        while !self.stopping.load(Ordering::Acquire) && !self.failed.load(Ordering::Acquire) {
            let mut wanted = self.sync_wanted.lock();
            let due = last_housekeeping + SECOND;
            if !*wanted {
                self.sync_signal.wait_until(&mut wanted, due);
            }
            let asked = std::mem::take(&mut *wanted);
            drop(wanted);
            let now = self.clock.now();
            let second_is_over = now >= due;
            if second_is_over {
                last_housekeeping = now;
            }
            if let Err(reason) = self.sync_once(asked, second_is_over) {
                self.fail(&reason);
            }
        }
    }

    fn sync_once(&self, asked: bool, second_is_over: bool) -> Result<(), String> {
        let periodic = second_is_over && self.durability != Durability::Os;
        let mut lease = None;
        if second_is_over {
            self.watch_disk();
            lease = self.append_lease()?;
        }
        if self.writer.lock().log.is_full() {
            self.rotate(|_| ())?;
        }
        if asked || periodic || lease.is_some() {
            let synced = self.sync_now()?;
            if let Some(ceiling) = lease {
                self.keyspace.clock.granted(ceiling);
            }
            if second_is_over {
                let applied = self.high_water.lock().mark().applied;
                self.high_water
                    .lock()
                    .record(synced, applied)
                    .map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    /// Makes a group durable, here or by waiting for whoever is at it. False: the log has failed.
    pub(super) async fn sync_through(&self, sequence: u64) -> bool {
        // From before the look at the lock: whoever holds it then will tell this receiver.
        let mut synced = self.synced.subscribe();
        loop {
            let at = *synced.borrow_and_update();
            if at == FAILED {
                return false;
            }
            if at >= sequence {
                return true;
            }
            if let Some(mine) = self.syncing.try_lock() {
                let result = self.sync_holding(&mine);
                drop(mine);
                match result {
                    Ok(synced) => self.publish_synced(synced.sequence),
                    Err(reason) => self.fail(&reason),
                }
            } else if synced.changed().await.is_err() {
                return false;
            }
        }
    }

    /// One fsync, off the log's lock, of all that is appended by now.
    pub(super) fn sync_now(&self) -> Result<Synced, String> {
        let mine = self.syncing.lock();
        let result = self.sync_holding(&mine);
        drop(mine);
        if let Ok(synced) = &result {
            self.publish_synced(synced.sequence);
        }
        result
    }

    /// What it gives is to be published once the lock is free: who found it taken looks again then.
    fn sync_holding(&self, _mine: &MutexGuard<'_, ()>) -> Result<Synced, String> {
        let handle = self.writer.lock().log.sync_handle();
        if handle_is_current(*self.synced.borrow(), handle.synced().sequence) {
            return Ok(handle.synced());
        }
        let started: Instant = self.clock.now();
        let synced = handle.sync().map_err(|error| error.to_string())?;
        let took = self.clock.now().duration_since(started);
        if took > SECOND {
            tracing::warn!(
                millis = took.as_millis() as u64,
                "fsync of the log was slow"
            );
        }
        Ok(synced)
    }

    /// Tells everyone who waits, also if this is no news: the lock is free again, which somebody
    /// with a later group has to know.
    pub(super) fn publish_synced(&self, sequence: u64) {
        self.synced.send_modify(|at| *at = (*at).max(sequence));
    }

    fn append_lease(&self) -> Result<Option<crate::types::Hlc>, String> {
        let Some(ceiling) = self.keyspace.clock.wanted_lease(self.now()) else {
            return Ok(None);
        };
        let entry = (EntryKind::HLC_LEASE, meta::encode_u64(ceiling.0));
        self.append_own(&[entry], |_| {})
            .map_err(|error| error.to_string())?;
        Ok(Some(ceiling))
    }

    /// Seals the segment in use and goes on in the next; the slow half without the lock. `capture`
    /// looks at the counts as they stand at the seal. Gives the sealed segment.
    pub(super) fn rotate<T>(&self, capture: impl FnOnce(&Counts) -> T) -> Result<(u64, T), String> {
        let text = |error: crate::store::log::LogError| error.to_string();
        let _one_at_a_time = self.rotating.lock();
        let syncing = self.syncing.lock();
        let rotation = self.writer.lock().log.rotation().map_err(text)?;
        let prepared = rotation.prepare().map_err(text)?;
        let now = self.now();
        let mut writer = self.writer.lock();
        let sealed = writer.log.rotate(prepared, now).map_err(text)?;
        let sequence = writer.log.position().sequence;
        let captured = capture(&writer.counts);
        drop(writer);
        drop(syncing);
        self.publish_synced(sequence);
        Ok((sealed, captured))
    }

    pub(super) fn watch_disk(&self) {
        let Ok(free) = self.disk.free_space() else {
            return;
        };
        let full = free < self.reserve_bytes;
        if self.disk_full.swap(full, Ordering::AcqRel) != full {
            if full {
                tracing::error!(
                    free,
                    reserve = self.reserve_bytes,
                    "disk nearly full: writes are refused"
                );
            } else {
                tracing::info!(free, "there is room on the disk again: writes are taken");
            }
        }
    }
}

fn handle_is_current(synced: u64, wanted: u64) -> bool {
    synced != FAILED && synced >= wanted
}
