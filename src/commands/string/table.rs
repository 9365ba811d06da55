//! Strings: the table.

use super::{change, read, set, several};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "set",
        group: Group::String,
        arity: -3,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update", "variable_flags"],
        },
        acl: &[Acl::String],
        summary: "Sets a key to a string, whatever it held.",
        args: &[
            Arg::key("key"),
            Arg::new("value", ArgKind::String),
            Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")])
                .maybe()
                .since("2.6.12"),
            Arg::word("get", "GET").maybe().since("6.2.0"),
            Arg::one_of(
                "expiration",
                &[
                    Arg::new("seconds", ArgKind::Integer)
                        .with("EX")
                        .since("2.6.12"),
                    Arg::new("milliseconds", ArgKind::Integer)
                        .with("PX")
                        .since("2.6.12"),
                    Arg::new("unix-time-seconds", ArgKind::UnixTime)
                        .with("EXAT")
                        .since("6.2.0"),
                    Arg::new("unix-time-milliseconds", ArgKind::UnixTime)
                        .with("PXAT")
                        .since("6.2.0"),
                    Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .maybe(),
        ],
        semantics: Semantics::QuorumWrite,
        run: set::set,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "get",
        group: Group::String,
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Reads a string.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: read::get,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "getdel",
        group: Group::String,
        since: "6.2.0",
        arity: 2,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "delete"],
        },
        acl: &[Acl::String],
        summary: "Reads a string and deletes its key.",
        args: &[Arg::key("key")],
        semantics: Semantics::ReadModifyWrite,
        run: set::getdel,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "getex",
        group: Group::String,
        since: "6.2.0",
        arity: -2,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Reads a string and changes its expiry.",
        args: &[
            Arg::key("key"),
            Arg::one_of(
                "expiration",
                &[
                    Arg::new("seconds", ArgKind::Integer).with("EX"),
                    Arg::new("milliseconds", ArgKind::Integer).with("PX"),
                    Arg::new("unix-time-seconds", ArgKind::UnixTime).with("EXAT"),
                    Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with("PXAT"),
                    Arg::word("persist", "PERSIST"),
                ],
            )
            .maybe(),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: set::getex,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "getset",
        group: Group::String,
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Sets a string and answers what it was.",
        args: &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        semantics: Semantics::ReadModifyWrite,
        run: set::getset,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "getrange",
        group: Group::String,
        since: "2.4.0",
        arity: 4,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Reads a part of a string.",
        complexity: "O(N), N bytes returned",
        args: &[
            Arg::key("key"),
            Arg::new("start", ArgKind::Integer),
            Arg::new("end", ArgKind::Integer),
        ],
        semantics: Semantics::QuorumRead,
        run: read::getrange,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "substr",
        group: Group::String,
        arity: 4,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Reads a part of a string.",
        complexity: "O(N), N bytes returned",
        args: &[
            Arg::key("key"),
            Arg::new("start", ArgKind::Integer),
            Arg::new("end", ArgKind::Integer),
        ],
        semantics: Semantics::QuorumRead,
        run: read::substr,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "setrange",
        group: Group::String,
        since: "2.2.0",
        arity: 4,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "update"],
        },
        acl: &[Acl::String],
        summary: "Writes into a string at an offset.",
        complexity: "O(M), M bytes written",
        args: &[
            Arg::key("key"),
            Arg::new("offset", ArgKind::Integer),
            Arg::new("value", ArgKind::String),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: change::setrange,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "strlen",
        group: Group::String,
        since: "2.2.0",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO"],
        },
        acl: &[Acl::String],
        summary: "Tells the length of a string.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: read::strlen,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "append",
        group: Group::String,
        since: "2.0.0",
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "insert"],
        },
        acl: &[Acl::String],
        summary: "Adds bytes to the end of a string.",
        complexity: "O(1) amortized",
        args: &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        semantics: Semantics::ReadModifyWrite,
        run: change::append,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "incr",
        group: Group::String,
        arity: 2,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Adds one to an integer.",
        args: &[Arg::key("key")],
        semantics: Semantics::ReadModifyWrite,
        run: change::incr,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "incrby",
        group: Group::String,
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Adds to an integer.",
        args: &[Arg::key("key"), Arg::new("increment", ArgKind::Integer)],
        semantics: Semantics::ReadModifyWrite,
        run: change::incrby,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "decr",
        group: Group::String,
        arity: 2,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Takes one from an integer.",
        args: &[Arg::key("key")],
        semantics: Semantics::ReadModifyWrite,
        run: change::decr,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "decrby",
        group: Group::String,
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Takes from an integer.",
        args: &[Arg::key("key"), Arg::new("decrement", ArgKind::Integer)],
        semantics: Semantics::ReadModifyWrite,
        run: change::decrby,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "incrbyfloat",
        group: Group::String,
        since: "2.6.0",
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::String],
        summary: "Adds to a floating-point number.",
        args: &[Arg::key("key"), Arg::new("increment", ArgKind::Double)],
        semantics: Semantics::ReadModifyWrite,
        run: change::incrbyfloat,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "mget",
        group: Group::String,
        arity: -2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Reads several strings.",
        complexity: "O(N), N keys",
        args: &[Arg::key("key").many()],
        tips: &["request_policy:multi_shard"],
        semantics: Semantics::QuorumRead,
        run: read::mget,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "mset",
        group: Group::String,
        since: "1.0.1",
        arity: -3,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 2,
            usage: &["OW", "update"],
        },
        acl: &[Acl::String],
        summary: "Sets several strings.",
        complexity: "O(N), N keys",
        args: &[Arg::block(
            "key_value",
            &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        )
        .many()],
        tips: &[
            "request_policy:multi_shard",
            "response_policy:all_succeeded",
        ],
        semantics: Semantics::QuorumWrite,
        run: several::mset,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "msetnx",
        group: Group::String,
        since: "1.0.1",
        arity: -3,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 2,
            usage: &["OW", "insert"],
        },
        acl: &[Acl::String],
        summary: "Sets several strings if none of the keys exists.",
        complexity: "O(N), N keys",
        args: &[Arg::block(
            "key_value",
            &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        )
        .many()],
        tips: &["request_policy:multi_shard", "response_policy:agg_min"],
        semantics: Semantics::ReadModifyWrite,
        run: several::msetnx,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "setnx",
        group: Group::String,
        arity: 3,
        flags: &[Flag::Write, Flag::Denyoom, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["OW", "insert"],
        },
        acl: &[Acl::String],
        summary: "Sets a string if the key does not exist.",
        args: &[Arg::key("key"), Arg::new("value", ArgKind::String)],
        semantics: Semantics::ReadModifyWrite,
        run: set::setnx,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "setex",
        group: Group::String,
        since: "2.0.0",
        arity: 4,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["OW", "update"],
        },
        acl: &[Acl::String],
        summary: "Sets a string that expires after so many seconds.",
        args: &[
            Arg::key("key"),
            Arg::new("seconds", ArgKind::Integer),
            Arg::new("value", ArgKind::String),
        ],
        semantics: Semantics::QuorumWrite,
        run: set::setex,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "psetex",
        group: Group::String,
        since: "2.6.0",
        arity: 4,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["OW", "update"],
        },
        acl: &[Acl::String],
        summary: "Sets a string that expires after so many milliseconds.",
        args: &[
            Arg::key("key"),
            Arg::new("milliseconds", ArgKind::Integer),
            Arg::new("value", ArgKind::String),
        ],
        semantics: Semantics::QuorumWrite,
        run: set::psetex,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "lcs",
        group: Group::String,
        since: "7.0.0",
        arity: -3,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 2,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::String],
        summary: "Finds the longest common subsequence of two strings.",
        complexity: "O(N*M), the lengths of the strings",
        args: &[
            Arg::key("key1"),
            Arg::key("key2"),
            Arg::word("len", "LEN").maybe(),
            Arg::word("idx", "IDX").maybe(),
            Arg::new("len", ArgKind::Integer)
                .with("MINMATCHLEN")
                .maybe(),
            Arg::word("withmatchlen", "WITHMATCHLEN").maybe(),
        ],
        semantics: Semantics::QuorumRead,
        run: read::lcs,
        ..CommandSpec::DEFAULT
    },
];
