//! The ring as an operator sees it: the table.

use super::{cut, explain, status};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group, KeySpec, help};

const RING: CommandSpec = CommandSpec {
    group: Group::Dynamo,
    since: "0.1.0",
    flags: &[Flag::Admin, Flag::Loading, Flag::Stale],
    acl: &[Acl::Dynamo],
    ..CommandSpec::DEFAULT
};

const ONE_KEY: KeySpec = KeySpec::Range {
    first: 2,
    last: 2,
    step: 1,
    usage: &["RO", "access"],
};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[CommandSpec {
    name: "ring",
    arity: -2,
    summary: "Who keeps what, as this node sees the cluster.",
    complexity: "Depends on subcommand.",
    subcommands: &[
        CommandSpec {
            name: "status",
            arity: 2,
            summary: "Members, whom this node believes reachable, quorums, what is kept for others.",
            complexity: "O(P + H), P partitions, H hints",
            run: status::status,
            ..RING
        },
        CommandSpec {
            name: "map",
            arity: 2,
            summary: "Owners and seat of every partition.",
            complexity: "O(P), P partitions",
            run: status::map,
            ..RING
        },
        CommandSpec {
            name: "owners",
            arity: 3,
            summary: "Names of the nodes that own a key, first owner first, no fallbacks.",
            args: &[Arg::key("key")],
            run: explain::owners,
            ..RING
        },
        CommandSpec {
            name: "explain",
            arity: 3,
            keys: ONE_KEY,
            summary: "Where a key is, where a write of it would go, and this node's record of it.",
            complexity: "O(V), V versions",
            args: &[Arg::key("key")],
            run: explain::explain,
            ..RING
        },
        CommandSpec {
            name: "hints",
            arity: 2,
            summary: "What this node keeps for owners that could not be reached.",
            complexity: "O(H), H hints",
            run: status::hints,
            ..RING
        },
        CommandSpec {
            name: "cut",
            arity: -2,
            flags: &[Flag::Admin, Flag::Noscript],
            summary: "Cuts the links to exactly these nodes; without any, heals all.",
            complexity: "O(N), N nodes",
            args: &[
                Arg::new("node", ArgKind::String).many().maybe(),
                Arg::block(
                    "one-way",
                    &[Arg::new("node", ArgKind::String).with("TO").many()],
                )
                .maybe(),
            ],
            divergence: Some("Refused unless the process was started with --allow-faults."),
            run: cut::cut,
            ..RING
        },
        CommandSpec {
            name: "help",
            arity: 2,
            summary: "Lists the subcommands.",
            run: |context, _| help(context, "ring"),
            ..RING
        },
    ],
    ..RING
}];
