//! The server: what is done to it and seen of it; the table.

use super::{memory, node, slow};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "save",
        group: Group::Server,
        arity: 1,
        flags: &[
            Flag::Admin,
            Flag::Noscript,
            Flag::NoAsyncLoading,
            Flag::NoMulti,
        ],
        summary: "Writes everything to disk, and waits for it.",
        complexity: "O(N), N keys in all databases",
        run: node::save,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bgsave",
        group: Group::Server,
        arity: -1,
        flags: &[Flag::Admin, Flag::Noscript, Flag::NoAsyncLoading],
        summary: "Writes everything to disk in the background.",
        args: &[Arg::word("schedule", "SCHEDULE").maybe().since("3.2.2")],
        run: node::bgsave,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "lastsave",
        group: Group::Server,
        arity: 1,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Acl::Admin, Acl::Dangerous],
        summary: "Tells when everything was last written to disk.",
        tips: &["nondeterministic_output"],
        run: node::lastsave,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "flushdb",
        group: Group::Server,
        arity: -1,
        flags: &[Flag::Write],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace, Acl::Dangerous],
        summary: "Empties the database.",
        complexity: "O(N), N keys in the database",
        args: &[Arg::one_of(
            "async",
            &[
                Arg::word("async", "ASYNC").since("4.0.0"),
                Arg::word("sync", "SYNC").since("6.2.0"),
            ],
        )
        .maybe()],
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        semantics: Semantics::NodeWide,
        run: node::flushdb,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "flushall",
        group: Group::Server,
        arity: -1,
        flags: &[Flag::Write],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace, Acl::Dangerous],
        summary: "Empties all databases.",
        complexity: "O(N), N keys in all databases",
        args: &[Arg::one_of(
            "async",
            &[
                Arg::word("async", "ASYNC").since("4.0.0"),
                Arg::word("sync", "SYNC").since("6.2.0"),
            ],
        )
        .maybe()],
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        semantics: Semantics::NodeWide,
        run: node::flushall,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "memory",
        group: Group::Server,
        since: "4.0.0",
        arity: -2,
        summary: "Commands about the use of memory.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "doctor",
                group: Group::Server,
                since: "4.0.0",
                arity: 2,
                summary: "Reports problems with memory.",
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ],
                run: memory::memory_doctor,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Server,
                since: "4.0.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                summary: "Lists the subcommands.",
                run: memory::memory_help,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "malloc-stats",
                group: Group::Server,
                since: "4.0.0",
                arity: 2,
                summary: "Reports the allocator's statistics.",
                complexity: "By allocator",
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ],
                run: memory::memory_malloc_stats,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "purge",
                group: Group::Server,
                since: "4.0.0",
                arity: 2,
                summary: "Asks the allocator to give memory back.",
                complexity: "By allocator",
                tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
                run: memory::memory_purge,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "stats",
                group: Group::Server,
                since: "4.0.0",
                arity: 2,
                summary: "Breaks down the memory in use.",
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ],
                run: memory::memory_stats,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "usage",
                group: Group::Server,
                since: "4.0.0",
                arity: -3,
                flags: &[Flag::Readonly],
                keys: KeySpec::Range {
                    first: 2,
                    last: 2,
                    step: 1,
                    usage: &["RO"],
                },
                summary: "Estimates what memory a key takes.",
                complexity: "O(N), N samples",
                args: &[
                    Arg::key("key"),
                    Arg::new("count", ArgKind::Integer).with("SAMPLES").maybe(),
                ],
                semantics: Semantics::QuorumRead,
                run: memory::memory_usage,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "slowlog",
        group: Group::Server,
        since: "2.2.12",
        arity: -2,
        summary: "Commands about the log of slow commands.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "get",
                group: Group::Server,
                since: "2.2.12",
                arity: -2,
                flags: &[Flag::Admin, Flag::Loading, Flag::Stale],
                summary: "Reads entries of the slow log.",
                complexity: "O(N), N entries returned",
                args: &[Arg::new("count", ArgKind::Integer).maybe()],
                tips: &["request_policy:all_nodes", "nondeterministic_output"],
                run: slow::slowlog_get,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "len",
                group: Group::Server,
                since: "2.2.12",
                arity: 2,
                flags: &[Flag::Admin, Flag::Loading, Flag::Stale],
                summary: "Counts the entries of the slow log.",
                tips: &[
                    "request_policy:all_nodes",
                    "response_policy:agg_sum",
                    "nondeterministic_output",
                ],
                run: slow::slowlog_len,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "reset",
                group: Group::Server,
                since: "2.2.12",
                arity: 2,
                flags: &[Flag::Admin, Flag::Loading, Flag::Stale],
                summary: "Empties the slow log.",
                complexity: "O(N), N entries",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                run: slow::slowlog_reset,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Server,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                summary: "Lists the subcommands.",
                run: slow::slowlog_help,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "latency",
        group: Group::Server,
        since: "2.8.13",
        arity: -2,
        summary: "Commands about latency.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "doctor",
                group: Group::Server,
                since: "2.8.13",
                arity: 2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Reports on latency in sentences.",
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ],
                run: slow::latency_doctor,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "graph",
                group: Group::Server,
                since: "2.8.13",
                arity: 3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Draws the latency of an event.",
                args: &[Arg::new("event", ArgKind::String)],
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ],
                run: slow::latency_graph,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Server,
                since: "2.8.13",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                summary: "Lists the subcommands.",
                run: slow::latency_help,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "histogram",
                group: Group::Server,
                since: "7.0.0",
                arity: -2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Shows how the latencies of commands are distributed.",
                complexity: "O(N), N commands shown",
                args: &[Arg::new("command", ArgKind::String).maybe().many()],
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ],
                run: slow::latency_histogram,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "history",
                group: Group::Server,
                since: "2.8.13",
                arity: 3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Lists the latest latencies of an event.",
                args: &[Arg::new("event", ArgKind::String)],
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ],
                run: slow::latency_history,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "latest",
                group: Group::Server,
                since: "2.8.13",
                arity: 2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Lists the latest latency of each event.",
                tips: &[
                    "nondeterministic_output",
                    "request_policy:all_nodes",
                    "response_policy:special",
                ],
                run: slow::latency_latest,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "reset",
                group: Group::Server,
                since: "2.8.13",
                arity: -2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Forgets the latencies of events.",
                args: &[Arg::new("event", ArgKind::String).maybe().many()],
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                run: slow::latency_reset,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "monitor",
        group: Group::Server,
        arity: 1,
        flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Streams every command the server takes.",
        run: node::monitor,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "shutdown",
        group: Group::Server,
        arity: -1,
        flags: &[
            Flag::Admin,
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::NoMulti,
            Flag::AllowBusy,
        ],
        summary: "Stops the server, saving first where it must.",
        complexity: "O(N) when saving, N keys in all databases, else O(1)",
        args: &[
            Arg::one_of(
                "nosave_save",
                &[Arg::word("nosave", "NOSAVE"), Arg::word("save", "SAVE")],
            )
            .maybe(),
            Arg::word("now", "NOW").maybe().since("7.0.0"),
            Arg::word("force", "FORCE").maybe().since("7.0.0"),
            Arg::word("abort", "ABORT").maybe().since("7.0.0"),
        ],
        run: node::shutdown,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "lolwut",
        group: Group::Server,
        since: "5.0.0",
        arity: -1,
        flags: &[Flag::Readonly, Flag::Fast],
        summary: "Draws something and tells the version.",
        args: &[Arg::new("version", ArgKind::Integer)
            .with("VERSION")
            .maybe()],
        run: node::lolwut,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "debug",
        group: Group::Server,
        arity: -2,
        flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Commands for debugging the server.",
        complexity: "By subcommand",
        run: node::debug,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "cluster",
        group: Group::Server,
        since: "3.0.0",
        arity: -2,
        flags: &[Flag::Stale],
        summary: "Refused: this port shows one server; a cluster's slots come with its own port.",
        run: node::cluster,
        ..CommandSpec::DEFAULT
    },
];
