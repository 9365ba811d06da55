//! What a node counts. Counters of the hot path are one block per worker, written by that worker
//! alone and summed by whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::types::WallMs;

/// A counter with one writer: no locked instruction on the hot path.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only its own worker may.
    #[inline]
    pub fn add(&self, by: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(by),
            Ordering::Relaxed,
        );
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Back to nothing (CONFIG RESETSTAT); may lose an addition under way.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Calls of one command.
#[derive(Debug, Default)]
pub struct CommandStats {
    /// Executed.
    pub calls: Counter,
    /// Their time.
    pub nanos: Counter,
    /// Refused before execution.
    pub rejected: Counter,
    /// Answered with an error.
    pub failed: Counter,
    /// Durations by power of two of microseconds, for latency percentiles.
    pub buckets: [Counter; 24],
}

/// One worker's counters.
#[derive(Debug)]
pub struct WorkerStats {
    /// By the command's number in the table.
    pub commands: Box<[CommandStats]>,
    /// Commands executed.
    pub total_commands: Counter,
    /// Bytes read from clients.
    pub input_bytes: Counter,
    /// Bytes written to clients.
    pub output_bytes: Counter,
    /// Keys found by reads.
    pub hits: Counter,
    /// Keys missed by reads.
    pub misses: Counter,
}

impl WorkerStats {
    /// Counters for `commands` commands.
    pub fn new(commands: usize) -> Self {
        Self {
            commands: (0..commands).map(|_| CommandStats::default()).collect(),
            total_commands: Counter::default(),
            input_bytes: Counter::default(),
            output_bytes: Counter::default(),
            hits: Counter::default(),
            misses: Counter::default(),
        }
    }
}

/// Sums when the rates were last worked out, and the rates.
#[derive(Debug, Default)]
struct Rates {
    at_ms: u64,
    sums: [u64; 3],
    per_second: [u64; 3],
}

/// Everything counted.
#[derive(Debug, Default)]
pub struct Stats {
    workers: Mutex<Vec<Arc<WorkerStats>>>,
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Connections refused at the limit.
    pub rejected_connections: AtomicU64,
    /// Replicas found behind by a read, and sent what they lacked.
    pub read_repairs: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    rates: Mutex<Rates>,
}

/// Error words counted apart; clients make up no more.
const ERROR_WORDS: usize = 128;

impl Stats {
    /// A worker begins to count.
    pub fn add_worker(&self, worker: Arc<WorkerStats>) {
        self.workers.lock().push(worker);
    }

    /// All workers' blocks.
    pub fn workers(&self) -> Vec<Arc<WorkerStats>> {
        self.workers.lock().clone()
    }

    /// Notes an error reply by its first word.
    pub fn error(&self, text: &str) {
        let word = text.split(' ').next().unwrap_or_default();
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(word) {
            *count += 1;
        } else if errors.len() < ERROR_WORDS {
            errors.insert(word.to_owned(), 1);
        }
    }

    /// Error replies by first word.
    pub fn errors(&self) -> Vec<(String, u64)> {
        self.errors
            .lock()
            .iter()
            .map(|(word, count)| (word.clone(), *count))
            .collect()
    }

    /// Commands, bytes read and bytes written in a second, since this was last asked at least a
    /// tenth of a second ago.
    pub fn rates(&self, now: WallMs) -> [u64; 3] {
        let sums = [
            self.sum(|worker| &worker.total_commands),
            self.sum(|worker| &worker.input_bytes),
            self.sum(|worker| &worker.output_bytes),
        ];
        let mut last = self.rates.lock();
        let elapsed = now.0.saturating_sub(last.at_ms);
        if elapsed >= 100 {
            let before = std::mem::replace(&mut last.sums, sums);
            last.at_ms = now.0;
            for ((rate, sum), before) in last.per_second.iter_mut().zip(sums).zip(before) {
                *rate = sum.saturating_sub(before) * 1_000 / elapsed;
            }
        }
        last.per_second
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        for worker in self.workers.lock().iter() {
            for counter in [
                &worker.total_commands,
                &worker.input_bytes,
                &worker.output_bytes,
                &worker.hits,
                &worker.misses,
            ] {
                counter.reset();
            }
            for command in &worker.commands {
                for counter in [
                    &command.calls,
                    &command.nanos,
                    &command.rejected,
                    &command.failed,
                ] {
                    counter.reset();
                }
                command.buckets.iter().for_each(Counter::reset);
            }
        }
        self.connections.store(0, Ordering::Relaxed);
        self.rejected_connections.store(0, Ordering::Relaxed);
        self.errors.lock().clear();
    }

    /// A sum over all workers.
    pub fn sum(&self, of: impl Fn(&WorkerStats) -> &Counter) -> u64 {
        self.workers
            .lock()
            .iter()
            .map(|worker| of(worker).get())
            .sum()
    }
}
