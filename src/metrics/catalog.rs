//! The rows of the catalog, in the order of the page.

use super::{Kind, Metric};

macro_rules! catalog {
    ($($id:ident: $kind:ident $name:literal [$($label:literal),*], $unit:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $id: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                unit: $unit,
                help: $help,
            };
        )*
        /// All metrics.
        pub const METRICS: &[Metric] = &[$($id),*];
    };
}

catalog! {
    BUILD_INFO: Gauge "build_info" ["version", "redis_version", "engine"], "1", "Always 1; its labels tell what runs.";
    UPTIME: Gauge "uptime_seconds" [], "seconds", "Time since the start.";
    CPU: Counter "cpu_seconds_total" ["mode"], "seconds", "CPU time of the process.";
    READY: Gauge "ready" [], "0 or 1", "1 when the node takes reads and writes.";

    CONNECTED_CLIENTS: Gauge "connected_clients" [], "connections", "Connections.";
    BLOCKED_CLIENTS: Gauge "blocked_clients" [], "connections", "Connections that wait inside a command.";
    MAX_CLIENTS: Gauge "max_clients" [], "connections", "Connections at most.";
    CONNECTIONS: Counter "connections_total" [], "connections", "Connections accepted.";
    REJECTED_CONNECTIONS: Counter "connections_rejected_total" [], "connections", "Connections refused at the limit or by protected mode.";
    INPUT_BYTES: Counter "input_bytes_total" [], "bytes", "Read from clients.";
    OUTPUT_BYTES: Counter "output_bytes_total" [], "bytes", "Written to clients.";

    COMMANDS: Counter "commands_total" [], "commands", "Commands executed.";
    COMMAND_CALLS: Counter "command_calls_total" ["command"], "commands", "Commands executed, by command.";
    COMMAND_TIME: Counter "command_duration_seconds_total" ["command"], "seconds", "Time spent executing, by command.";
    COMMAND_REJECTED: Counter "command_rejected_total" ["command"], "commands", "Commands refused before execution, by command.";
    COMMAND_FAILED: Counter "command_failed_total" ["command"], "commands", "Commands answered with an error, by command.";
    ERRORS: Counter "errors_total" ["error"], "replies", "Error replies, by their first word.";

    MEMORY_ALLOCATED: Gauge "memory_allocated_bytes" [], "bytes", "Allocated by the program.";
    MEMORY_RESIDENT: Gauge "memory_resident_bytes" [], "bytes", "Resident set of the process.";
    MAX_MEMORY: Gauge "memory_max_bytes" [], "bytes", "Bound of the memory engine; 0: none.";
    TABLE_BYTES: Gauge "table_bytes" [], "bytes", "Logical size of the records in memory.";
    DIRTY_BYTES: Gauge "dirty_bytes" [], "bytes", "Logical size of the records that the tree does not have yet.";

    HITS: Counter "keyspace_hits_total" [], "keys", "Keys that reads found.";
    MISSES: Counter "keyspace_misses_total" [], "keys", "Keys that reads missed.";
    EXPIRED: Counter "expired_keys_total" [], "keys", "Keys reaped past their deadline.";
    EVICTED: Counter "evicted_keys_total" [], "keys", "Keys evicted for memory.";
    CACHE_EVICTIONS: Counter "cache_evictions_total" [], "records", "Records dropped from memory that the tree has.";
    COLD_READS: Counter "cold_reads_total" [], "keys", "Keys read from the tree.";
    FORGOTTEN: Counter "forgotten_total" [], "records", "Dead records forgotten below the floor.";

    SIBLINGS_CREATED: Counter "siblings_created_total" [], "versions", "Siblings made by writes.";
    SIBLINGS_RESOLVED: Counter "siblings_resolved_total" [], "keys", "Keys that went from several versions back to one.";
    CONFLICTS_MASKED: Counter "conflicts_masked_total" [], "reads", "Reads that found siblings and showed one.";
    CONTEXTS_REJECTED: Counter "contexts_rejected_total" [], "commands", "Contexts refused.";

    PUBSUB_CHANNELS: Gauge "pubsub_channels" [], "channels", "Channels with subscribers.";
    PUBSUB_PATTERNS: Gauge "pubsub_patterns" [], "patterns", "Patterns with subscribers.";

    PARTITIONS: Gauge "ring_partitions" [], "partitions", "Partitions of the ring.";
    MEMBERS: Gauge "ring_members" [], "nodes", "Members of the cluster.";

    LOG_BYTES: Gauge "log_bytes" [], "bytes", "Log segments on disk.";
    LOG_SEGMENTS: Gauge "log_segments" [], "segments", "Log segments on disk.";
    LOG_UNDRAINED: Gauge "log_undrained_bytes" [], "bytes", "Log that the tree lacks.";
    LOG_GROUPS: Counter "log_groups_total" [], "groups", "Sequence of the last group committed to the log.";
    LOG_SYNCED: Counter "log_synced_groups_total" [], "groups", "Sequence of the last group that is fsynced.";
    LOG_FAILED: Gauge "log_failed" [], "0 or 1", "1 when the log or the tree has failed and writes are refused.";
    DISK_FULL: Gauge "disk_full" [], "0 or 1", "1 when too little room is left and writes are refused.";
    TREE_BYTES: Gauge "tree_bytes" [], "bytes", "The tree on disk.";
    TREE_ENTRIES: Gauge "tree_entries" [], "entries", "Entries in the tree, superseded ones included.";
    TREE_UNMERGED: Gauge "tree_unmerged" [], "tables", "Ingestions that compaction has not merged.";
    DRAINS: Counter "drains_total" [], "ingestions", "Ingestions into the tree since the start.";
    LAST_DRAIN: Gauge "last_drain_timestamp_seconds" [], "seconds", "Unix time of the end of the last ingestion; 0: none yet.";
}
