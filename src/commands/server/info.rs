//! INFO: sections and fields that redis-cli, `redis_exporter`, `RedisInsight` and Datadog read, and our
//! own section `# Dynamo`.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use crate::commands::{Context, Flow, Outcome, Registry};
use crate::node::{REDIS_VERSION, memory};
use crate::resp::Argv;

type Section = (&'static str, fn(&mut Context<'_>, &mut String));

/// In Redis's order; the last three only when asked for, or with `all`.
const SECTIONS: &[Section] = &[
    ("server", server),
    ("clients", clients),
    ("memory", memory_section),
    ("persistence", persistence),
    ("stats", stats),
    ("replication", replication),
    ("cpu", cpu),
    ("modules", |_, out| out.push_str("# Modules\r\n")),
    ("errorstats", errorstats),
    ("cluster", |_, out| {
        out.push_str("# Cluster\r\ncluster_enabled:0\r\n");
    }),
    ("keyspace", keyspace),
    ("dynamo", dynamo),
    ("commandstats", commandstats),
    ("latencystats", latencystats),
];

const NOT_BY_DEFAULT: [&str; 2] = ["commandstats", "latencystats"];

pub(super) fn info(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let wanted: Vec<String> = argv
        .from(1)
        .iter()
        .map(|name| String::from_utf8_lossy(name).to_lowercase())
        .collect();
    let all = wanted
        .iter()
        .any(|name| name == "all" || name == "everything");
    let default = wanted.is_empty() || wanted.iter().any(|name| name == "default");
    let mut out = String::new();
    for (name, write) in SECTIONS {
        let by_default = default && !NOT_BY_DEFAULT.contains(name);
        if all || by_default || wanted.iter().any(|wanted| wanted == name) {
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            write(context, &mut out);
        }
    }
    context.reply.verbatim("txt", out.as_bytes());
    Ok(Flow::Done)
}

/// Appends `name:value` lines.
macro_rules! fields {
    ($out:expr, $title:literal, $($name:literal => $value:expr),* $(,)?) => {{
        $out.push_str(concat!("# ", $title, "\r\n"));
        // Writing to a string does not fail.
        $(let _ = write!($out, concat!($name, ":{}\r\n"), $value);)*
    }};
}

fn uptime(context: &Context<'_>) -> u64 {
    context.keys.now.0.saturating_sub(context.node.started.0) / 1_000
}

fn server(context: &mut Context<'_>, out: &mut String) {
    let config = context.node.config.load();
    let up = uptime(context);
    fields!(out, "Server",
        "redis_version" => REDIS_VERSION,
        "server_name" => "dynamo",
        "dynamo_version" => env!("CARGO_PKG_VERSION"),
        "redis_git_sha1" => "00000000",
        "redis_git_dirty" => 0,
        "redis_build_id" => "dynamo",
        "redis_mode" => "standalone",
        "os" => std::env::consts::OS,
        "arch_bits" => usize::BITS,
        "multiplexing_api" => "epoll",
        "process_id" => std::process::id(),
        "process_supervised" => "no",
        "run_id" => context.node.run_id,
        "tcp_port" => config.client.port,
        "server_time_usec" => context.node.clock.wall_micros(),
        "uptime_in_seconds" => up,
        "uptime_in_days" => up / 86_400,
        "hz" => 10,
        "configured_hz" => 10,
        "config_file" => config.file.as_deref().map_or(String::new(), |f| f.display().to_string()),
        "io_threads_active" => 0,
    );
}

fn clients(context: &mut Context<'_>, out: &mut String) {
    let all = context.node.clients.all();
    let blocked = all
        .iter()
        .filter(|handle| handle.blocked.load(Relaxed))
        .count();
    let pubsub = all
        .iter()
        .filter(|handle| handle.channels.load(Relaxed) + handle.patterns.load(Relaxed) > 0)
        .count();
    fields!(out, "Clients",
        "connected_clients" => all.len(),
        "cluster_connections" => 0,
        "maxclients" => context.node.config.load().client.max_clients,
        "client_recent_max_input_buffer" => 0,
        "client_recent_max_output_buffer" => 0,
        "blocked_clients" => blocked,
        "tracking_clients" => 0,
        "pubsub_clients" => pubsub,
        "clients_in_timeout_table" => 0,
    );
}

fn memory_section(context: &mut Context<'_>, out: &mut String) {
    let figures = memory::figures(context.node);
    let config = context.node.config.load();
    let human = |bytes: u64| format!("{:.2}M", bytes as f64 / f64::from(1 << 20));
    let ratio = figures.rss as f64 / figures.allocated.max(1) as f64;
    fields!(out, "Memory",
        "used_memory" => figures.allocated,
        "used_memory_human" => human(figures.allocated),
        "used_memory_rss" => figures.rss,
        "used_memory_rss_human" => human(figures.rss),
        "used_memory_peak" => figures.peak,
        "used_memory_peak_human" => human(figures.peak),
        "used_memory_overhead" => figures.allocated.saturating_sub(figures.table),
        "used_memory_startup" => 0,
        "used_memory_dataset" => figures.table,
        "used_memory_lua" => 0,
        "number_of_cached_scripts" => 0,
        "maxmemory" => config.storage.max_memory,
        "maxmemory_human" => human(config.storage.max_memory),
        "maxmemory_policy" => config.storage.eviction,
        "allocator_allocated" => figures.allocated,
        "allocator_active" => figures.active,
        "allocator_resident" => figures.resident,
        "mem_fragmentation_ratio" => format!("{ratio:.2}"),
        "mem_allocator" => if cfg!(feature = "jemalloc") { "jemalloc" } else { "libc" },
        "lazyfree_pending_objects" => 0,
    );
}

fn persistence(context: &mut Context<'_>, out: &mut String) {
    let node = context.node;
    let last = node
        .durable
        .as_ref()
        .map_or(0, |durable| durable.last_drain().0 / 1_000);
    let failed = node
        .durable
        .as_ref()
        .is_some_and(|durable| durable.failure().is_some());
    fields!(out, "Persistence",
        "loading" => 0,
        "async_loading" => 0,
        "rdb_changes_since_last_save" => 0,
        "rdb_bgsave_in_progress" => 0,
        "rdb_last_save_time" => last,
        "rdb_last_bgsave_status" => if failed { "err" } else { "ok" },
        "rdb_last_bgsave_time_sec" => -1,
        "rdb_current_bgsave_time_sec" => -1,
        "aof_enabled" => i32::from(node.is_logged()),
        "aof_rewrite_in_progress" => 0,
        "aof_rewrite_scheduled" => 0,
        "aof_last_rewrite_time_sec" => -1,
        "aof_current_rewrite_time_sec" => -1,
        "aof_last_bgrewrite_status" => "ok",
        "aof_last_write_status" => if failed { "err" } else { "ok" },
    );
}

fn stats(context: &mut Context<'_>, out: &mut String) {
    let stats = &context.node.stats;
    let sums = &context.node.keyspace.sums;
    let commands = stats.sum(|worker| &worker.total_commands);
    let [operations, read, written] = stats.rates(context.keys.now);
    let kilobytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1_024.0);
    fields!(out, "Stats",
        "total_connections_received" => stats.connections.load(Relaxed),
        "total_commands_processed" => commands,
        "instantaneous_ops_per_sec" => operations,
        "total_net_input_bytes" => stats.sum(|worker| &worker.input_bytes),
        "total_net_output_bytes" => stats.sum(|worker| &worker.output_bytes),
        "instantaneous_input_kbps" => kilobytes(read),
        "instantaneous_output_kbps" => kilobytes(written),
        "rejected_connections" => stats.rejected_connections.load(Relaxed),
        "sync_full" => 0,
        "expired_keys" => sums.expired_keys.load(Relaxed),
        "evicted_keys" => sums.evicted_keys.load(Relaxed),
        "keyspace_hits" => stats.sum(|worker| &worker.hits),
        "keyspace_misses" => stats.sum(|worker| &worker.misses),
        "pubsub_channels" => context.node.pubsub.channels(None).len(),
        "pubsub_patterns" => context.node.pubsub.patterns(),
        "latest_fork_usec" => 0,
        "total_error_replies" => stats.errors().iter().map(|(_, count)| count).sum::<u64>(),
    );
}

fn replication(context: &mut Context<'_>, out: &mut String) {
    fields!(out, "Replication",
        "role" => "master",
        "connected_slaves" => 0,
        "master_failover_state" => "no-failover",
        "master_replid" => format!("{}{:08x}", context.node.run_id, 0),
        "master_replid2" => "0000000000000000000000000000000000000000",
        "master_repl_offset" => 0,
        "second_repl_offset" => -1,
        "repl_backlog_active" => 0,
        "repl_backlog_size" => 0,
        "repl_backlog_first_byte_offset" => 0,
        "repl_backlog_histlen" => 0,
    );
}

fn cpu(_context: &mut Context<'_>, out: &mut String) {
    let (system, user) = memory::cpu_seconds();
    fields!(out, "CPU",
        "used_cpu_sys" => format!("{system:.6}"),
        "used_cpu_user" => format!("{user:.6}"),
        "used_cpu_sys_children" => "0.000000",
        "used_cpu_user_children" => "0.000000",
    );
}

fn errorstats(context: &mut Context<'_>, out: &mut String) {
    out.push_str("# Errorstats\r\n");
    for (word, count) in context.node.stats.errors() {
        let _ = write!(out, "errorstat_{word}:count={count}\r\n");
    }
}

fn keyspace(context: &mut Context<'_>, out: &mut String) {
    out.push_str("# Keyspace\r\n");
    for (database, summary) in context.keys.summaries() {
        let _ = write!(
            out,
            "db{}:keys={},expires={},avg_ttl={}\r\n",
            database.0, summary.keys, summary.expires, summary.average_ttl_ms
        );
    }
}

fn dynamo(context: &mut Context<'_>, out: &mut String) {
    let node = context.node;
    let config = node.config.load();
    let sums = &node.keyspace.sums;
    let report = node
        .durable
        .as_ref()
        .map(|durable| durable.report())
        .unwrap_or_default();
    let undrained = node
        .durable
        .as_ref()
        .map_or(0, |durable| durable.undrained());
    fields!(out, "Dynamo",
        "node_id" => node.id,
        "partitions" => node.keyspace.partition_count(),
        "members" => 1,
        "n_val" => config.cluster.n,
        "r_val" => config.cluster.r,
        "w_val" => config.cluster.w,
        "n_effective" => 1,
        "siblings_created" => sums.siblings_created.load(Relaxed),
        "siblings_resolved" => sums.siblings_resolved.load(Relaxed),
        "conflicts_masked" => sums.conflicts_masked.load(Relaxed),
        "context_rejected" => sums.contexts_rejected.load(Relaxed),
        "table_bytes" => sums.table_bytes.load(Relaxed),
        "dirty_bytes" => sums.dirty_bytes.load(Relaxed),
        "cold_reads" => sums.cold_reads.load(Relaxed),
        "cache_evictions" => sums.cache_evictions.load(Relaxed),
        "forgotten" => sums.forgotten.load(Relaxed),
        "table_complete" => i32::from(!node.may_be_cold()),
        "log_bytes" => report.log_bytes,
        "log_segments" => report.log_segments,
        "log_sequence" => report.log_sequence,
        "log_synced" => report.log_synced,
        "log_undrained_bytes" => undrained,
        "log_failed" => report.failed.as_deref().unwrap_or("no"),
        "disk_full" => i32::from(report.disk_full),
        "tree_bytes" => report.tree_bytes,
        "tree_entries" => report.tree_entries,
        "tree_unmerged" => report.tree_unmerged,
        "tree_compacting" => u8::from(report.tree_compacting),
        "drains" => report.drains,
        "last_drain_ms" => report.last_drain_ms,
    );
}

fn commandstats(context: &mut Context<'_>, out: &mut String) {
    out.push_str("# Commandstats\r\n");
    let workers = context.node.stats.workers();
    for command in Registry::get().all() {
        let of = usize::from(command.number);
        let all = || workers.iter().filter_map(|worker| worker.commands.get(of));
        let calls: u64 = all().map(|stats| stats.calls.get()).sum();
        let rejected: u64 = all().map(|stats| stats.rejected.get()).sum();
        if calls + rejected == 0 {
            continue;
        }
        let usec = all().map(|stats| stats.nanos.get()).sum::<u64>() / 1_000;
        let failed: u64 = all().map(|stats| stats.failed.get()).sum();
        let _ = write!(
            out,
            "cmdstat_{}:calls={calls},usec={usec},usec_per_call={:.2},rejected_calls={rejected},\
             failed_calls={failed}\r\n",
            command.full_name,
            usec as f64 / calls.max(1) as f64
        );
    }
}

/// Percentiles from buckets by power of two of microseconds: the upper end of the bucket.
fn latencystats(context: &mut Context<'_>, out: &mut String) {
    out.push_str("# Latencystats\r\n");
    let workers = context.node.stats.workers();
    for command in Registry::get().all() {
        let of = usize::from(command.number);
        let mut buckets = [0u64; 24];
        for stats in workers.iter().filter_map(|worker| worker.commands.get(of)) {
            for (sum, bucket) in buckets.iter_mut().zip(&stats.buckets) {
                *sum += bucket.get();
            }
        }
        let total: u64 = buckets.iter().sum();
        if total == 0 {
            continue;
        }
        let percentile = |share: f64| {
            let rank = (total as f64 * share).ceil() as u64;
            let mut seen = 0;
            let bucket = buckets.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            (1u64 << bucket.unwrap_or(0)) as f64
        };
        let _ = write!(
            out,
            "latency_percentiles_usec_{}:p50={:.3},p99={:.3},p99.9={:.3}\r\n",
            command.full_name,
            percentile(0.5),
            percentile(0.99),
            percentile(0.999)
        );
    }
}
