//! Bitmaps: the table.

use super::{bit, field};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "setbit",
        group: Group::Bitmap,
        since: "2.2.0",
        arity: 4,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::Bitmap],
        summary: "Sets or clears one bit of a string.",
        args: &[
            Arg::key("key"),
            Arg::new("offset", ArgKind::Integer),
            Arg::new("value", ArgKind::Integer),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: bit::setbit,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "getbit",
        group: Group::Bitmap,
        since: "2.2.0",
        arity: 3,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Bitmap],
        summary: "Reads one bit of a string.",
        args: &[Arg::key("key"), Arg::new("offset", ArgKind::Integer)],
        semantics: Semantics::QuorumRead,
        run: bit::getbit,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bitcount",
        group: Group::Bitmap,
        since: "2.6.0",
        arity: -2,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Bitmap],
        summary: "Counts the bits that are set.",
        complexity: "O(N)",
        args: &[
            Arg::key("key"),
            Arg::block(
                "index",
                &[
                    Arg::new("start", ArgKind::Integer),
                    Arg::new("end", ArgKind::Integer),
                    Arg::one_of(
                        "index_unit",
                        &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")],
                    )
                    .maybe()
                    .since("7.0.0"),
                ],
            )
            .maybe(),
        ],
        semantics: Semantics::QuorumRead,
        run: bit::bitcount,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bitpos",
        group: Group::Bitmap,
        since: "2.8.7",
        arity: -3,
        flags: &[Flag::Readonly],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Bitmap],
        summary: "Finds the first bit that is set or clear.",
        complexity: "O(N)",
        args: &[
            Arg::key("key"),
            Arg::new("bit", ArgKind::Integer),
            Arg::block(
                "index",
                &[
                    Arg::new("start", ArgKind::Integer),
                    Arg::block(
                        "end_index",
                        &[
                            Arg::new("end", ArgKind::Integer),
                            Arg::one_of(
                                "index_unit",
                                &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")],
                            )
                            .maybe()
                            .since("7.0.0"),
                        ],
                    )
                    .maybe(),
                ],
            )
            .maybe(),
        ],
        semantics: Semantics::QuorumRead,
        run: bit::bitpos,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bitop",
        group: Group::Bitmap,
        since: "2.6.0",
        arity: -4,
        flags: &[Flag::Write, Flag::Denyoom],
        /* key 2: OW update; key 3: RO access */
        keys: KeySpec::Range {
            first: 2,
            last: -1,
            step: 1,
            usage: &["OW", "update"],
        },
        acl: &[Acl::Bitmap],
        summary: "Combines strings bit by bit.",
        complexity: "O(N)",
        args: &[
            Arg::new("operation", ArgKind::String),
            Arg::key("destkey"),
            Arg::key("key").many(),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: bit::bitop,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bitfield",
        group: Group::Bitmap,
        since: "3.2.0",
        arity: -2,
        flags: &[Flag::Write, Flag::Denyoom],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update", "variable_flags"],
        },
        acl: &[Acl::Bitmap],
        summary: "Reads and changes integers of any width in a string.",
        complexity: "O(1) for each subcommand",
        args: &[
            Arg::key("key"),
            Arg::one_of(
                "operation",
                &[
                    Arg::block(
                        "encoding_offset",
                        &[
                            Arg::new("encoding", ArgKind::String),
                            Arg::new("offset", ArgKind::Integer),
                        ],
                    )
                    .with("GET"),
                    Arg::block(
                        "write",
                        &[
                            Arg::one_of(
                                "wrap_sat_fail",
                                &[
                                    Arg::word("wrap", "WRAP"),
                                    Arg::word("sat", "SAT"),
                                    Arg::word("fail", "FAIL"),
                                ],
                            )
                            .with("OVERFLOW")
                            .maybe(),
                            Arg::one_of(
                                "write_operation",
                                &[
                                    Arg::block(
                                        "encoding_offset_value",
                                        &[
                                            Arg::new("encoding", ArgKind::String),
                                            Arg::new("offset", ArgKind::Integer),
                                            Arg::new("value", ArgKind::Integer),
                                        ],
                                    )
                                    .with("SET"),
                                    Arg::block(
                                        "encoding_offset_increment",
                                        &[
                                            Arg::new("encoding", ArgKind::String),
                                            Arg::new("offset", ArgKind::Integer),
                                            Arg::new("increment", ArgKind::Integer),
                                        ],
                                    )
                                    .with("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .maybe()
            .many(),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: field::bitfield,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "bitfield_ro",
        group: Group::Bitmap,
        since: "6.0.0",
        arity: -2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Bitmap],
        summary: "Reads integers of any width in a string.",
        complexity: "O(1) for each subcommand",
        args: &[
            Arg::key("key"),
            Arg::block(
                "encoding_offset",
                &[
                    Arg::new("encoding", ArgKind::String),
                    Arg::new("offset", ArgKind::Integer),
                ],
            )
            .with("GET")
            .maybe()
            .many(),
        ],
        semantics: Semantics::QuorumRead,
        run: field::bitfield_ro,
        ..CommandSpec::DEFAULT
    },
];
