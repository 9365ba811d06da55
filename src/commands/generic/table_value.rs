//! What a value is inside, its serialized form, and waiting for its replicas.

use super::{dump, object, wait};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "object",
        group: Group::Generic,
        since: "2.2.3",
        arity: -2,
        summary: "Commands that look inside a value.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "encoding",
                group: Group::Generic,
                since: "2.2.3",
                arity: 3,
                flags: &[Flag::Readonly],
                keys: KeySpec::Range {
                    first: 2,
                    last: 2,
                    step: 1,
                    usage: &["RO"],
                },
                acl: &[Acl::Keyspace],
                summary: "Tells how a value is represented.",
                args: &[Arg::key("key")],
                tips: &["nondeterministic_output"],
                semantics: Semantics::QuorumRead,
                run: object::object_encoding,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "freq",
                group: Group::Generic,
                since: "4.0.0",
                arity: 3,
                flags: &[Flag::Readonly],
                keys: KeySpec::Range {
                    first: 2,
                    last: 2,
                    step: 1,
                    usage: &["RO"],
                },
                acl: &[Acl::Keyspace],
                summary: "Tells how often a key is used, on a logarithmic scale.",
                args: &[Arg::key("key")],
                tips: &["nondeterministic_output"],
                semantics: Semantics::QuorumRead,
                run: object::object_freq,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Generic,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Keyspace],
                summary: "Lists the subcommands.",
                run: object::object_help,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "idletime",
                group: Group::Generic,
                since: "2.2.3",
                arity: 3,
                flags: &[Flag::Readonly],
                keys: KeySpec::Range {
                    first: 2,
                    last: 2,
                    step: 1,
                    usage: &["RO"],
                },
                acl: &[Acl::Keyspace],
                summary: "Tells the seconds since a key was last used.",
                args: &[Arg::key("key")],
                tips: &["nondeterministic_output"],
                semantics: Semantics::QuorumRead,
                run: object::object_idletime,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "refcount",
                group: Group::Generic,
                since: "2.2.3",
                arity: 3,
                flags: &[Flag::Readonly],
                keys: KeySpec::Range {
                    first: 2,
                    last: 2,
                    step: 1,
                    usage: &["RO"],
                },
                acl: &[Acl::Keyspace],
                summary: "Tells how many references a value has.",
                args: &[Arg::key("key")],
                tips: &["nondeterministic_output"],
                semantics: Semantics::QuorumRead,
                run: object::object_refcount,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "dump",
        group: Group::Generic,
        since: "2.6.0",
        arity: 2,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Serializes the value of a key.",
        complexity: "O(N), N bytes of the value",
        args: &[Arg::key("key")],
        tips: &["nondeterministic_output"],
        semantics: Semantics::QuorumRead,
        run: dump::dump,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "restore",
        group: Group::Generic,
        since: "2.6.0",
        arity: -4,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["OW", "update"],
        },
        acl: &[Acl::Keyspace, Acl::Dangerous],
        summary: "Creates a key from a serialized value.",
        complexity: "O(N), N bytes of the value; O(N log N) for a sorted set",
        args: &[
            Arg::key("key"),
            Arg::new("ttl", ArgKind::Integer),
            Arg::new("serialized-value", ArgKind::String),
            Arg::word("replace", "REPLACE").maybe().since("3.0.0"),
            Arg::word("absttl", "ABSTTL").maybe().since("5.0.0"),
            Arg::new("seconds", ArgKind::Integer)
                .with("IDLETIME")
                .maybe()
                .since("5.0.0"),
            Arg::new("frequency", ArgKind::Integer)
                .with("FREQ")
                .maybe()
                .since("5.0.0"),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: dump::restore,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "wait",
        group: Group::Generic,
        since: "3.0.0",
        arity: 3,
        flags: &[Flag::Blocking],
        acl: &[Acl::Connection],
        summary: "Waits until earlier writes of the connection are on so many replicas.",
        args: &[
            Arg::new("numreplicas", ArgKind::Integer),
            Arg::new("timeout", ArgKind::Integer),
        ],
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        run: wait::wait,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "waitaof",
        group: Group::Generic,
        since: "7.2.0",
        arity: 4,
        flags: &[Flag::Blocking],
        acl: &[Acl::Connection],
        summary: "Waits until earlier writes of the connection are on disk, here and on replicas.",
        args: &[
            Arg::new("numlocal", ArgKind::Integer),
            Arg::new("numreplicas", ArgKind::Integer),
            Arg::new("timeout", ArgKind::Integer),
        ],
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        run: wait::waitaof,
        ..CommandSpec::DEFAULT
    },
];
