//! Keys of any type: whether they are there, under which name, and all of them.

use super::{existing, walks};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "del",
        group: Group::Generic,
        arity: -2,
        flags: &[Flag::Write],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RM", "delete"],
        },
        acl: &[Acl::Keyspace],
        summary: "Deletes keys.",
        complexity: "O(N), N keys, and M more for a key of M elements",
        args: &[Arg::key("key").many()],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        semantics: Semantics::QuorumWrite,
        run: existing::del,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "unlink",
        group: Group::Generic,
        since: "4.0.0",
        arity: -2,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RM", "delete"],
        },
        acl: &[Acl::Keyspace],
        summary: "Deletes keys, freeing their memory in the background.",
        complexity: "O(1) for each key",
        args: &[Arg::key("key").many()],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        semantics: Semantics::QuorumWrite,
        run: existing::unlink,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "exists",
        group: Group::Generic,
        arity: -2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RO"],
        },
        acl: &[Acl::Keyspace],
        summary: "Counts which of the keys exist.",
        complexity: "O(N), N keys",
        args: &[Arg::key("key").many()],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        semantics: Semantics::QuorumRead,
        run: existing::exists,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "type",
        group: Group::Generic,
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RO"],
        },
        acl: &[Acl::Keyspace],
        summary: "Tells the type of the value.",
        args: &[Arg::key("key")],
        semantics: Semantics::QuorumRead,
        run: existing::type_of,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "touch",
        group: Group::Generic,
        since: "3.2.1",
        arity: -2,
        flags: &[Flag::Readonly, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: -1,
            step: 1,
            usage: &["RO"],
        },
        acl: &[Acl::Keyspace],
        summary: "Counts the keys that exist, and marks them used.",
        complexity: "O(N), N keys",
        args: &[Arg::key("key").many()],
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        semantics: Semantics::QuorumRead,
        run: existing::touch,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "rename",
        group: Group::Generic,
        arity: 3,
        flags: &[Flag::Write],
        /* key 1: RW access delete; key 2: OW update */
        keys: KeySpec::Range {
            first: 1,
            last: 2,
            step: 1,
            usage: &["RW", "access", "delete"],
        },
        acl: &[Acl::Keyspace],
        summary: "Renames a key, replacing any of the new name.",
        args: &[Arg::key("key"), Arg::key("newkey")],
        semantics: Semantics::ReadModifyWrite,
        run: existing::rename,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "renamenx",
        group: Group::Generic,
        arity: 3,
        flags: &[Flag::Write, Flag::Fast],
        /* key 1: RW access delete; key 2: OW insert */
        keys: KeySpec::Range {
            first: 1,
            last: 2,
            step: 1,
            usage: &["RW", "access", "delete"],
        },
        acl: &[Acl::Keyspace],
        summary: "Renames a key unless the new name is taken.",
        args: &[Arg::key("key"), Arg::key("newkey")],
        semantics: Semantics::ReadModifyWrite,
        run: existing::renamenx,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "copy",
        group: Group::Generic,
        since: "6.2.0",
        arity: -3,
        flags: &[Flag::Write, Flag::Denyoom],
        /* key 1: RO access; key 2: OW update */
        keys: KeySpec::Range {
            first: 1,
            last: 2,
            step: 1,
            usage: &["RO", "access"],
        },
        acl: &[Acl::Keyspace],
        summary: "Copies a value to another key.",
        complexity: "O(N), N elements; O(1) for a string",
        args: &[
            Arg::key("source"),
            Arg::key("destination"),
            Arg::new("destination-db", ArgKind::Integer)
                .with("DB")
                .maybe(),
            Arg::word("replace", "REPLACE").maybe(),
        ],
        semantics: Semantics::ReadModifyWrite,
        run: existing::copy,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "move",
        group: Group::Generic,
        arity: 3,
        flags: &[Flag::Write, Flag::Fast],
        keys: KeySpec::Range {
            first: 1,
            last: 1,
            step: 1,
            usage: &["RW", "access", "update"],
        },
        acl: &[Acl::Keyspace],
        summary: "Moves a key to another database.",
        args: &[Arg::key("key"), Arg::new("db", ArgKind::Integer)],
        semantics: Semantics::ReadModifyWrite,
        run: existing::move_key,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "randomkey",
        group: Group::Generic,
        arity: 1,
        flags: &[Flag::Readonly],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace],
        summary: "Names some key of the database.",
        tips: &["request_policy:all_shards", "nondeterministic_output"],
        semantics: Semantics::Coverage,
        run: walks::randomkey,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "keys",
        group: Group::Generic,
        arity: 2,
        flags: &[Flag::Readonly],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace, Acl::Dangerous],
        summary: "Lists the keys that match a pattern.",
        complexity: "O(N), N keys in the database",
        args: &[Arg::new("pattern", ArgKind::Pattern)],
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        semantics: Semantics::Coverage,
        run: walks::keys,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "scan",
        group: Group::Generic,
        since: "2.8.0",
        arity: -2,
        flags: &[Flag::Readonly],
        keys: KeySpec::All,
        acl: &[Acl::Keyspace],
        summary: "Walks over the keys, some at each call.",
        complexity: "O(1) for a call, O(N) for the walk, N keys",
        args: &[
            Arg::new("cursor", ArgKind::Integer),
            Arg::new("pattern", ArgKind::Pattern).with("MATCH").maybe(),
            Arg::new("count", ArgKind::Integer).with("COUNT").maybe(),
            Arg::new("type", ArgKind::String)
                .with("TYPE")
                .maybe()
                .since("6.0.0"),
        ],
        tips: &["nondeterministic_output", "request_policy:special"],
        semantics: Semantics::Coverage,
        run: walks::scan,
        ..CommandSpec::DEFAULT
    },
];
