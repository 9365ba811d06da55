//! Deadlines.

use super::expiry;
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "expire",
        group: Group::Generic,
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Lets a key expire after so many seconds.",
        args: &[
            Arg::key("key"),
            Arg::new("seconds", ArgKind::Integer),
            Arg::one_of(
                "condition",
                &[
                    Arg::word("nx", "NX"),
                    Arg::word("xx", "XX"),
                    Arg::word("gt", "GT"),
                    Arg::word("lt", "LT"),
                ],
            )
            .maybe()
            .since("7.0.0"),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: expiry::expire,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "pexpire",
        group: Group::Generic,
        since: "2.6.0",
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Lets a key expire after so many milliseconds.",
        args: &[
            Arg::key("key"),
            Arg::new("milliseconds", ArgKind::Integer),
            Arg::one_of(
                "condition",
                &[
                    Arg::word("nx", "NX"),
                    Arg::word("xx", "XX"),
                    Arg::word("gt", "GT"),
                    Arg::word("lt", "LT"),
                ],
            )
            .maybe()
            .since("7.0.0"),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: expiry::pexpire,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "expireat",
        group: Group::Generic,
        since: "1.2.0",
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Lets a key expire at a Unix time in seconds.",
        args: &[
            Arg::key("key"),
            Arg::new("unix-time-seconds", ArgKind::UnixTime),
            Arg::one_of(
                "condition",
                &[
                    Arg::word("nx", "NX"),
                    Arg::word("xx", "XX"),
                    Arg::word("gt", "GT"),
                    Arg::word("lt", "LT"),
                ],
            )
            .maybe()
            .since("7.0.0"),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: expiry::expireat,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "pexpireat",
        group: Group::Generic,
        since: "2.6.0",
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Lets a key expire at a Unix time in milliseconds.",
        args: &[
            Arg::key("key"),
            Arg::new("unix-time-milliseconds", ArgKind::UnixTime),
            Arg::one_of(
                "condition",
                &[
                    Arg::word("nx", "NX"),
                    Arg::word("xx", "XX"),
                    Arg::word("gt", "GT"),
                    Arg::word("lt", "LT"),
                ],
            )
            .maybe()
            .since("7.0.0"),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: expiry::pexpireat,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "ttl",
        group: Group::Generic,
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Tells the seconds a key has left.",
        args: &[Arg::key("key")],
        tips: &["nondeterministic_output"],
        semantics: Semantics::QuorumRead,
        run: expiry::ttl,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "pttl",
        group: Group::Generic,
        since: "2.6.0",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Tells the milliseconds a key has left.",
        args: &[Arg::key("key")],
        tips: &["nondeterministic_output"],
        semantics: Semantics::QuorumRead,
        run: expiry::pttl,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "expiretime",
        group: Group::Generic,
        since: "7.0.0",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Tells the Unix time in seconds at which a key expires.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: expiry::expiretime,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "pexpiretime",
        group: Group::Generic,
        since: "7.0.0",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Tells the Unix time in milliseconds at which a key expires.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: expiry::pexpiretime,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "persist",
        group: Group::Generic,
        since: "2.2.0",
        arity: 2,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Takes the expiry off a key.",
        args: &[Arg::key("key")],
        semantics: Semantics::ReadModifyWrite,
        run: expiry::persist,
        ..CommandSpec::DEFAULT
    },
];
