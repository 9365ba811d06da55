//! Versions, contexts, policies, quorums: the table.

use super::{policy, quorum, versions};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

const READ: CommandSpec = CommandSpec {
    group: Group::Dynamo,
    since: "0.1.0",
    flags: &[Flag::Readonly],
    acl: &[Acl::Dynamo],
    semantics: Semantics::QuorumRead,
    ..CommandSpec::DEFAULT
};

const WRITE: CommandSpec = CommandSpec {
    flags: &[Flag::Write, Flag::Denyoom],
    semantics: Semantics::QuorumWrite,
    ..READ
};

const LOCAL: CommandSpec = CommandSpec {
    flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
    semantics: Semantics::Local,
    ..READ
};

const ONE_READ: KeySpec = KeySpec::Range {
    first: 1,
    last: 1,
    step: 1,
    usage: &["RO", "access"],
};
const ONE_WRITE: KeySpec = KeySpec::Range {
    first: 1,
    last: 1,
    step: 1,
    usage: &["RW", "access", "update"],
};

const NUMBERS: &[Arg] = &[
    Arg::new("r", ArgKind::Integer).with("R").maybe(),
    Arg::new("w", ArgKind::Integer).with("W").maybe(),
    Arg::new("dw", ArgKind::Integer).with("DW").maybe(),
    Arg::new("milliseconds", ArgKind::Integer)
        .with("TIMEOUT")
        .maybe(),
];

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "getversions",
        arity: -2,
        keys: ONE_READ,
        summary: "Answers with all concurrent values of a key and the context to resolve them.",
        complexity: "O(V), V versions",
        args: &[
            Arg::key("key"),
            Arg::word("withmeta", "WITHMETA").maybe(),
            Arg::word("local", "LOCAL").maybe(),
        ],
        run: versions::getversions,
        ..READ
    },
    CommandSpec {
        name: "mgetversions",
        arity: -2,
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RO", "access"],
        },
        summary: "GETVERSIONS of several keys.",
        complexity: "O(N), N keys",
        args: &[Arg::key("key").many()],
        run: versions::mgetversions,
        ..READ
    },
    CommandSpec {
        name: "putctx",
        arity: -4,
        keys: ONE_WRITE,
        summary: "Writes a value that supersedes exactly what its context has seen.",
        complexity: "O(V), V versions",
        args: &[
            Arg::key("key"),
            Arg::new("context", ArgKind::String),
            Arg::new("value", ArgKind::String),
            Arg::one_of(
                "expiration",
                &[
                    Arg::new("seconds", ArgKind::Integer).with("EX"),
                    Arg::new("milliseconds", ArgKind::Integer).with("PX"),
                    Arg::new("unix-time-seconds", ArgKind::UnixTime).with("EXAT"),
                    Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with("PXAT"),
                    Arg::word("keepttl", "KEEPTTL"),
                ],
            )
            .maybe(),
            Arg::word("return", "RETURN").maybe(),
        ],
        run: versions::putctx,
        ..WRITE
    },
    CommandSpec {
        name: "delctx",
        arity: -3,
        flags: &[Flag::Write],
        keys: ONE_WRITE,
        summary: "Deletes exactly what its context has seen.",
        complexity: "O(V), V versions",
        args: &[
            Arg::key("key"),
            Arg::new("context", ArgKind::String),
            Arg::word("return", "RETURN").maybe(),
        ],
        run: versions::delctx,
        ..WRITE
    },
    CommandSpec {
        name: "quorum",
        arity: -1,
        summary: "Sets the quorums of this connection, or of its next command.",
        args: &[
            Arg::one_of(
                "scope",
                &[Arg::word("default", "DEFAULT"), Arg::word("once", "ONCE")],
            )
            .maybe(),
            Arg::block("quorums", NUMBERS).maybe(),
        ],
        run: quorum::quorum,
        ..LOCAL
    },
    CommandSpec {
        name: "readonly",
        arity: 1,
        summary: "Reads ask one owner (R = 1) from now on.",
        run: quorum::readonly,
        ..LOCAL
    },
    CommandSpec {
        name: "readwrite",
        arity: 1,
        summary: "Reads ask as many owners as configured again.",
        run: quorum::readwrite,
        ..LOCAL
    },
    CommandSpec {
        name: "policy",
        arity: -2,
        summary: "Conflict policies of key prefixes.",
        complexity: "Depends on subcommand.",
        subcommands: &[
            CommandSpec {
                name: "set",
                arity: -4,
                flags: &[Flag::Admin, Flag::Write],
                summary: "Sets the policy of a prefix; the longest prefix of a key wins.",
                args: &[
                    Arg::new("prefix", ArgKind::String),
                    Arg::one_of(
                        "conflict",
                        &[Arg::word("lww", "LWW"), Arg::word("siblings", "SIBLINGS")],
                    ),
                    Arg::new("r", ArgKind::Integer).with("R").maybe(),
                    Arg::new("w", ArgKind::Integer).with("W").maybe(),
                    Arg::new("seconds", ArgKind::Integer).with("TTL").maybe(),
                ],
                semantics: Semantics::NodeWide,
                run: policy::set,
                ..LOCAL
            },
            CommandSpec {
                name: "get",
                arity: 3,
                summary: "Answers with the policy of exactly this prefix.",
                args: &[Arg::new("prefix", ArgKind::String)],
                run: policy::get,
                ..LOCAL
            },
            CommandSpec {
                name: "del",
                arity: 3,
                flags: &[Flag::Admin, Flag::Write],
                summary: "Removes the policy of a prefix.",
                args: &[Arg::new("prefix", ArgKind::String)],
                semantics: Semantics::NodeWide,
                run: policy::del,
                ..LOCAL
            },
            CommandSpec {
                name: "list",
                arity: 2,
                summary: "Lists all prefixes with their policies.",
                complexity: "O(N), N policies",
                run: policy::list,
                ..LOCAL
            },
            CommandSpec {
                name: "help",
                arity: 2,
                summary: "Lists the subcommands.",
                run: policy::help_text,
                ..LOCAL
            },
        ],
        ..LOCAL
    },
];
