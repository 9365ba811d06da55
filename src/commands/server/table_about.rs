//! The server: what it is and how it is set; the table.

use super::{config, info, introspect, node};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "info",
        group: Group::Server,
        arity: -1,
        flags: &[Flag::Loading, Flag::Stale],
        // It counts keys in every partition, inside EXEC too.
        keys: KeySpec::All,
        acl: &[Acl::Dangerous],
        summary: "Reports the state and the figures of the server.",
        args: &[Arg::new("section", ArgKind::String).maybe().many()],
        tips: &[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ],
        run: info::info,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "config",
        group: Group::Server,
        since: "2.0.0",
        arity: -2,
        summary: "Commands about settings.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "get",
                group: Group::Server,
                since: "2.0.0",
                arity: -3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Reads the settings that match a pattern.",
                complexity: "O(N), N patterns",
                args: &[Arg::block("parameter", &[Arg::new("parameter", ArgKind::String)]).many()],
                run: config::config_get,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "set",
                group: Group::Server,
                since: "2.0.0",
                arity: -4,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Changes settings while running.",
                complexity: "O(N), N settings given",
                args: &[Arg::block(
                    "parameter_value",
                    &[
                        Arg::new("parameter", ArgKind::String),
                        Arg::new("value", ArgKind::String),
                    ],
                )
                .many()],
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                run: config::config_set,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "resetstat",
                group: Group::Server,
                since: "2.0.0",
                arity: 2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Sets the statistics back to zero.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                run: config::config_resetstat,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "rewrite",
                group: Group::Server,
                since: "2.8.0",
                arity: 2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                summary: "Writes the settings in force to the configuration file.",
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                run: config::config_rewrite,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Server,
                since: "5.0.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                summary: "Lists the subcommands.",
                run: config::config_help,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "command",
        group: Group::Server,
        since: "2.8.13",
        arity: -1,
        flags: &[Flag::Loading, Flag::Stale],
        acl: &[Acl::Connection],
        summary: "Describes all commands.",
        complexity: "O(N), N commands of the server",
        tips: &["nondeterministic_output_order"],
        subcommands: &[
            CommandSpec {
                name: "count",
                group: Group::Server,
                since: "2.8.13",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Counts the commands of the server.",
                run: introspect::command_count,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "docs",
                group: Group::Server,
                since: "7.0.0",
                arity: -2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Documents commands.",
                complexity: "O(N), N commands asked for",
                args: &[Arg::new("command-name", ArgKind::String).maybe().many()],
                tips: &["nondeterministic_output_order"],
                run: introspect::command_docs,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "info",
                group: Group::Server,
                since: "2.8.13",
                arity: -2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Describes the commands named, or all of them.",
                complexity: "O(N), N commands asked for",
                args: &[Arg::new("command-name", ArgKind::String).maybe().many()],
                tips: &["nondeterministic_output_order"],
                run: introspect::command_info,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "list",
                group: Group::Server,
                since: "7.0.0",
                arity: -2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Lists command names.",
                complexity: "O(N), N commands of the server",
                args: &[Arg::one_of(
                    "filterby",
                    &[
                        Arg::new("module-name", ArgKind::String).with("MODULE"),
                        Arg::new("category", ArgKind::String).with("ACLCAT"),
                        Arg::new("pattern", ArgKind::Pattern).with("PATTERN"),
                    ],
                )
                .with("FILTERBY")
                .maybe()],
                tips: &["nondeterministic_output_order"],
                run: introspect::command_list,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "getkeys",
                group: Group::Server,
                since: "2.8.13",
                arity: -4,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Finds the keys in a full command.",
                complexity: "O(N), N arguments of the command",
                run: introspect::command_getkeys,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "getkeysandflags",
                group: Group::Server,
                since: "7.0.0",
                arity: -4,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Finds the keys in a full command and what it does to them.",
                complexity: "O(N), N arguments of the command",
                run: introspect::command_getkeysandflags,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Server,
                since: "5.0.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Lists the subcommands.",
                run: introspect::command_help,
                ..CommandSpec::DEFAULT
            },
        ],
        run: introspect::command,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "dbsize",
        group: Group::Server,
        arity: 1,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace],
        summary: "Counts the keys of the database.",
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        semantics: Semantics::Coverage,
        run: node::dbsize,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "time",
        group: Group::Server,
        since: "2.6.0",
        arity: 1,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        summary: "Tells the server's clock.",
        tips: &["nondeterministic_output"],
        run: node::time,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "role",
        group: Group::Server,
        since: "2.8.12",
        arity: 1,
        flags: &[Flag::Noscript, Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Acl::Admin, Acl::Dangerous],
        summary: "Tells the server's part in replication.",
        run: node::role,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "module",
        group: Group::Server,
        since: "4.0.0",
        arity: -2,
        summary: "Commands about modules.",
        complexity: "By subcommand",
        subcommands: &[CommandSpec {
            name: "list",
            group: Group::Server,
            since: "4.0.0",
            arity: 2,
            flags: &[Flag::Admin, Flag::Noscript],
            summary: "Lists the modules loaded.",
            complexity: "O(N), N modules",
            tips: &["nondeterministic_output_order"],
            run: node::module_list,
            ..CommandSpec::DEFAULT
        }],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "acl",
        group: Group::Server,
        since: "6.0.0",
        arity: -2,
        summary: "Commands about access control.",
        complexity: "By subcommand",
        subcommands: &[CommandSpec {
            name: "whoami",
            group: Group::Server,
            since: "6.0.0",
            arity: 2,
            flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
            summary: "Tells which user the connection is logged in as.",
            run: node::acl_whoami,
            ..CommandSpec::DEFAULT
        }],
        ..CommandSpec::DEFAULT
    },
];
