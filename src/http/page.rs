//! The page /metrics: every metric of the catalog with its present value.

use std::sync::atomic::Ordering::Relaxed;

use crate::commands::Registry;
use crate::metrics as catalog;
use crate::metrics::{Metric, Page};
use crate::node::durable::Durable;
use crate::node::stats::CommandStats;
use crate::node::{Node, REDIS_VERSION, memory};

pub(super) fn page(node: &Node) -> String {
    let mut page = Page::default();
    process(node, &mut page);
    traffic(node, &mut page);
    commands(node, &mut page);
    keyspace(node, &mut page);
    if let Some(durable) = &node.durable {
        storage(durable, &mut page);
    }
    page.finish()
}

fn all(page: &mut Page, rows: &[(Metric, u64)]) {
    for (metric, value) in rows {
        page.put(*metric, value);
    }
}

fn process(node: &Node, page: &mut Page) {
    let engine = if node.is_logged() { "fjall" } else { "memory" };
    page.head(catalog::BUILD_INFO);
    let labels = [env!("CARGO_PKG_VERSION"), REDIS_VERSION, engine];
    page.sample(catalog::BUILD_INFO, &labels, 1);
    let up = node.clock.wall().0.saturating_sub(node.started.0);
    page.put(catalog::UPTIME, up as f64 / 1_000.0);
    let (system, user) = memory::cpu_seconds();
    page.head(catalog::CPU);
    page.sample(catalog::CPU, &["system"], system);
    page.sample(catalog::CPU, &["user"], user);
    page.put(catalog::READY, u8::from(node.readiness().is_ok()));
    let figures = memory::figures(node);
    let config = node.config.load();
    let dirty = node.keyspace.sums.dirty_bytes.load(Relaxed).max(0) as u64;
    all(
        page,
        &[
            (catalog::MEMORY_ALLOCATED, figures.allocated),
            (catalog::MEMORY_RESIDENT, figures.rss),
            (catalog::MAX_MEMORY, config.storage.max_memory),
            (catalog::TABLE_BYTES, figures.table),
            (catalog::DIRTY_BYTES, dirty),
            (catalog::PARTITIONS, node.keyspace.partition_count().into()),
            (catalog::MEMBERS, 1),
        ],
    );
}

fn traffic(node: &Node, page: &mut Page) {
    let stats = &node.stats;
    let clients = node.clients.all();
    let blocked = clients.iter().filter(|client| client.blocked.load(Relaxed));
    let max_clients = node.config.load().client.max_clients;
    all(
        page,
        &[
            (catalog::CONNECTED_CLIENTS, clients.len() as u64),
            (catalog::BLOCKED_CLIENTS, blocked.count() as u64),
            (catalog::MAX_CLIENTS, max_clients.into()),
            (catalog::CONNECTIONS, stats.connections.load(Relaxed)),
            (
                catalog::REJECTED_CONNECTIONS,
                stats.rejected_connections.load(Relaxed),
            ),
            (catalog::INPUT_BYTES, stats.sum(|w| &w.input_bytes)),
            (catalog::OUTPUT_BYTES, stats.sum(|w| &w.output_bytes)),
            (catalog::COMMANDS, stats.sum(|w| &w.total_commands)),
            (catalog::HITS, stats.sum(|w| &w.hits)),
            (catalog::MISSES, stats.sum(|w| &w.misses)),
            (
                catalog::PUBSUB_CHANNELS,
                node.pubsub.channels(None).len() as u64,
            ),
            (catalog::PUBSUB_PATTERNS, node.pubsub.patterns() as u64),
        ],
    );
    page.head(catalog::ERRORS);
    for (word, count) in stats.errors() {
        page.sample(catalog::ERRORS, &[&word], count);
    }
}

/// By command; those never called are left out.
fn commands(node: &Node, page: &mut Page) {
    type Of = fn(&CommandStats) -> u64;
    let plain: [(Metric, Of); 3] = [
        (catalog::COMMAND_CALLS, |stats| stats.calls.get()),
        (catalog::COMMAND_REJECTED, |stats| stats.rejected.get()),
        (catalog::COMMAND_FAILED, |stats| stats.failed.get()),
    ];
    let workers = node.stats.workers();
    let sum = |number: u16, of: Of| -> u64 {
        let blocks = workers.iter();
        let blocks = blocks.filter_map(|worker| worker.commands.get(usize::from(number)));
        blocks.map(of).sum()
    };
    let registry = Registry::get();
    for (metric, of) in plain {
        page.head(metric);
        for command in registry.all() {
            let count = sum(command.number, of);
            if count > 0 {
                page.sample(metric, &[&command.full_name], count);
            }
        }
    }
    page.head(catalog::COMMAND_TIME);
    for command in registry.all() {
        let nanos = sum(command.number, |stats| stats.nanos.get());
        if nanos > 0 {
            let seconds = nanos as f64 / 1e9;
            page.sample(catalog::COMMAND_TIME, &[&command.full_name], seconds);
        }
    }
}

fn keyspace(node: &Node, page: &mut Page) {
    let sums = &node.keyspace.sums;
    let counters = [
        (catalog::EXPIRED, &sums.expired_keys),
        (catalog::EVICTED, &sums.evicted_keys),
        (catalog::CACHE_EVICTIONS, &sums.cache_evictions),
        (catalog::COLD_READS, &sums.cold_reads),
        (catalog::FORGOTTEN, &sums.forgotten),
        (catalog::SIBLINGS_CREATED, &sums.siblings_created),
        (catalog::SIBLINGS_RESOLVED, &sums.siblings_resolved),
        (catalog::CONFLICTS_MASKED, &sums.conflicts_masked),
        (catalog::CONTEXTS_REJECTED, &sums.contexts_rejected),
    ];
    for (metric, sum) in counters {
        page.put(metric, sum.load(Relaxed));
    }
}

fn storage(durable: &Durable, page: &mut Page) {
    let report = durable.report();
    all(
        page,
        &[
            (catalog::LOG_BYTES, report.log_bytes),
            (catalog::LOG_SEGMENTS, report.log_segments),
            (catalog::LOG_UNDRAINED, durable.undrained()),
            (catalog::LOG_GROUPS, report.log_sequence),
            (catalog::LOG_SYNCED, report.log_synced),
            (catalog::LOG_FAILED, report.failed.is_some().into()),
            (catalog::DISK_FULL, report.disk_full.into()),
            (catalog::TREE_BYTES, report.tree_bytes),
            (catalog::TREE_ENTRIES, report.tree_entries),
            (catalog::TREE_UNMERGED, report.tree_unmerged),
            (catalog::DRAINS, report.drains),
        ],
    );
    let drained = report.last_drain_ms as f64 / 1_000.0;
    page.put(catalog::LAST_DRAIN, drained);
}
