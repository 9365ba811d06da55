//! The http port: /metrics for Prometheus, /healthz and /readyz for whoever watches. Read-only.

use std::fmt::Write as _;
use std::sync::Arc;
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
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
    let (stats, sums) = (&node.stats, &node.keyspace.sums);
    let figures = memory::figures(&node);
    let up = node.clock.wall().0.saturating_sub(node.started.0) / 1_000;
    let gauge = "gauge";
    let counter = "counter";
    out.metric("uptime_seconds", gauge, "Seconds since the start.", up);
    out.metric("connected_clients", gauge, "Connections.", node.clients.len());
    out.metric("connections_total", counter, "Connections accepted.", stats.connections.load(Relaxed));
    out.metric("commands_total", counter, "Commands executed.", stats.sum(|w| &w.total_commands));
    out.metric("input_bytes_total", counter, "Bytes read.", stats.sum(|w| &w.input_bytes));
    out.metric("output_bytes_total", counter, "Bytes written.", stats.sum(|w| &w.output_bytes));
    out.metric("keyspace_hits_total", counter, "Keys found.", stats.sum(|w| &w.hits));
    out.metric("keyspace_misses_total", counter, "Keys missed.", stats.sum(|w| &w.misses));
    out.metric("memory_allocated_bytes", gauge, "Allocated.", figures.allocated);
    out.metric("memory_resident_bytes", gauge, "Resident set.", figures.rss);
    out.metric("table_bytes", gauge, "Logical bytes of the table.", figures.table);
    for (name, help, value) in [
        ("siblings_created_total", "Siblings made by writes.", &sums.siblings_created),
        ("siblings_resolved_total", "Keys brought back to one version.", &sums.siblings_resolved),
        ("conflicts_masked_total", "Reads that hid siblings.", &sums.conflicts_masked),
        ("contexts_rejected_total", "Contexts refused.", &sums.contexts_rejected),
        ("expired_keys_total", "Keys reaped past their deadline.", &sums.expired_keys),
        ("evicted_keys_total", "Keys evicted for memory.", &sums.evicted_keys),
        ("cache_evictions_total", "Clean records that left the table.", &sums.cache_evictions),
        ("cold_reads_total", "Keys read from the tree.", &sums.cold_reads),
        ("forgotten_total", "Dead records forgotten below the floor.", &sums.forgotten),
    ] {
        out.metric(name, counter, help, value.load(Relaxed));
    }
    if let Some(durable) = &node.durable {
        let report = durable.report();
        let undrained = durable.undrained();
        out.metric("log_bytes", gauge, "Bytes of log segments.", report.log_bytes);
        out.metric("log_undrained_bytes", gauge, "Bytes that the tree lacks.", undrained);
        out.metric("log_sequence", counter, "Groups committed.", report.log_sequence);
        out.metric("log_failed", gauge, "1: writes are refused.", u8::from(report.failed.is_some()));
        out.metric("disk_full", gauge, "1: writes are refused.", u8::from(report.disk_full));
        out.metric("tree_bytes", gauge, "Bytes of the tree on disk.", report.tree_bytes);
        out.metric("drains_total", counter, "Ingestions into the tree.", report.drains);
    }
    by_command(&node, &mut out.0);
    out.0
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
