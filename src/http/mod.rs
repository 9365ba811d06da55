//! The http port: /metrics for Prometheus, /healthz and /readyz for whoever watches. Read-only.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::commands::Registry;
use crate::env::task;
use crate::node::{Node, memory};

/// Serves until the process ends, on a thread of its own.
pub fn serve(node: Arc<Node>, listener: std::net::TcpListener) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    task::thread("http", move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                return;
            };
            let router = Router::new()
                .route("/metrics", get(metrics))
                .route("/healthz", get(|| async { "ok\n" }))
                .route("/readyz", get(ready))
                .with_state(node);
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the http port has failed");
            }
        });
    })?;
    Ok(())
}

async fn ready(State(node): State<Arc<Node>>) -> (StatusCode, String) {
    match node.readiness() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

struct Text(String);

impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(
            self.0,
            "# HELP dynamo_{name} {help}\n# TYPE dynamo_{name} {kind}\ndynamo_{name} {value}\n"
        );
    }
}

async fn metrics(State(node): State<Arc<Node>>) -> String {
    let mut out = Text(String::new());
    traffic(&node, &mut out);
    keyspace(&node, &mut out);
    storage(&node, &mut out);
    by_command(&node, &mut out.0);
    out.0
}

/// Writes a row of metrics of one kind: name, help, value.
fn rows(out: &mut Text, kind: &str, rows: &[(&str, &str, u64)]) {
    for (name, help, value) in rows {
        out.metric(name, kind, help, value);
    }
}

fn traffic(node: &Node, out: &mut Text) {
    let stats = &node.stats;
    let figures = memory::figures(node);
    let up = node.clock.wall().0.saturating_sub(node.started.0) / 1_000;
    let clients = node.clients.len() as u64;
    let gauges = [
        ("uptime_seconds", "Seconds since the start.", up),
        ("connected_clients", "Connections.", clients),
        (
            "memory_allocated_bytes",
            "Allocated by the program.",
            figures.allocated,
        ),
        (
            "memory_resident_bytes",
            "Resident set of the process.",
            figures.rss,
        ),
        ("table_bytes", "Logical bytes of the table.", figures.table),
    ];
    rows(out, "gauge", &gauges);
    let counters = [
        (
            "connections_total",
            "Connections accepted.",
            stats.connections.load(Relaxed),
        ),
        (
            "commands_total",
            "Commands executed.",
            stats.sum(|w| &w.total_commands),
        ),
        (
            "input_bytes_total",
            "Bytes read.",
            stats.sum(|w| &w.input_bytes),
        ),
        (
            "output_bytes_total",
            "Bytes written.",
            stats.sum(|w| &w.output_bytes),
        ),
        ("keyspace_hits_total", "Keys found.", stats.sum(|w| &w.hits)),
        (
            "keyspace_misses_total",
            "Keys missed.",
            stats.sum(|w| &w.misses),
        ),
    ];
    rows(out, "counter", &counters);
}

fn keyspace(node: &Node, out: &mut Text) {
    let sums = &node.keyspace.sums;
    let of = |sum: &AtomicU64| sum.load(Relaxed);
    let counters = [
        (
            "siblings_created_total",
            "Siblings made by writes.",
            of(&sums.siblings_created),
        ),
        (
            "siblings_resolved_total",
            "Keys back to one version.",
            of(&sums.siblings_resolved),
        ),
        (
            "conflicts_masked_total",
            "Reads that hid siblings.",
            of(&sums.conflicts_masked),
        ),
        (
            "contexts_rejected_total",
            "Contexts refused.",
            of(&sums.contexts_rejected),
        ),
        (
            "expired_keys_total",
            "Keys reaped past their deadline.",
            of(&sums.expired_keys),
        ),
        (
            "evicted_keys_total",
            "Keys evicted for memory.",
            of(&sums.evicted_keys),
        ),
        (
            "cache_evictions_total",
            "Clean records dropped.",
            of(&sums.cache_evictions),
        ),
        (
            "cold_reads_total",
            "Keys read from the tree.",
            of(&sums.cold_reads),
        ),
        (
            "forgotten_total",
            "Dead records forgotten.",
            of(&sums.forgotten),
        ),
    ];
    rows(out, "counter", &counters);
}

fn storage(node: &Node, out: &mut Text) {
    let Some(durable) = &node.durable else { return };
    let report = durable.report();
    let failed = u64::from(report.failed.is_some());
    let gauges = [
        ("log_bytes", "Bytes of log segments.", report.log_bytes),
        (
            "log_undrained_bytes",
            "Bytes of log that the tree lacks.",
            durable.undrained(),
        ),
        (
            "log_failed",
            "1: the log failed, writes are refused.",
            failed,
        ),
        (
            "disk_full",
            "1: too little room, writes are refused.",
            u64::from(report.disk_full),
        ),
        (
            "tree_bytes",
            "Bytes of the tree on disk.",
            report.tree_bytes,
        ),
    ];
    rows(out, "gauge", &gauges);
    let counters = [
        ("log_groups_total", "Groups committed.", report.log_sequence),
        ("drains_total", "Ingestions into the tree.", report.drains),
    ];
    rows(out, "counter", &counters);
}

fn by_command(node: &Node, out: &mut String) {
    out.push_str("# HELP dynamo_command_calls_total Calls by command.\n");
    out.push_str("# TYPE dynamo_command_calls_total counter\n");
    let workers = node.stats.workers();
    for command in Registry::get().all() {
        let of = usize::from(command.number);
        let all = || workers.iter().filter_map(|worker| worker.commands.get(of));
        let calls: u64 = all().map(|stats| stats.calls.get()).sum();
        if calls > 0 {
            let _ = writeln!(
                out,
                "dynamo_command_calls_total{{command=\"{}\"}} {calls}",
                command.full_name
            );
        }
    }
}
