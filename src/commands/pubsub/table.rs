//! Publish and subscribe: the table.

use super::{channels, inspect};
use crate::commands::{Arg, ArgKind, CommandSpec, Flag, Group, Semantics};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "subscribe",
        group: Group::PubSub,
        since: "2.0.0",
        arity: -2,
        flags: &[Flag::Pubsub, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Listens to channels.",
        complexity: "O(N), N channels",
        args: &[Arg::new("channel", ArgKind::String).many()],
        run: channels::subscribe,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "unsubscribe",
        group: Group::PubSub,
        since: "2.0.0",
        arity: -1,
        flags: &[Flag::Pubsub, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Stops listening to channels.",
        complexity: "O(N), N channels of the connection",
        args: &[Arg::new("channel", ArgKind::String).maybe().many()],
        run: channels::unsubscribe,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "psubscribe",
        group: Group::PubSub,
        since: "2.0.0",
        arity: -2,
        flags: &[Flag::Pubsub, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Listens to the channels that match patterns.",
        complexity: "O(N), N patterns",
        args: &[Arg::block("pattern", &[Arg::new("pattern", ArgKind::Pattern)]).many()],
        run: channels::psubscribe,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "punsubscribe",
        group: Group::PubSub,
        since: "2.0.0",
        arity: -1,
        flags: &[Flag::Pubsub, Flag::Noscript, Flag::Loading, Flag::Stale],
        summary: "Stops listening to patterns.",
        complexity: "O(N), N patterns of the connection",
        args: &[Arg::new("pattern", ArgKind::Pattern).maybe().many()],
        run: channels::punsubscribe,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "publish",
        semantics: Semantics::NodeWide,
        group: Group::PubSub,
        since: "2.0.0",
        arity: 3,
        flags: &[Flag::Pubsub, Flag::Loading, Flag::Stale, Flag::Fast],
        summary: "Sends a message to a channel.",
        complexity: "O(N+M), N subscribers of the channel, M patterns",
        args: &[
            Arg::new("channel", ArgKind::String),
            Arg::new("message", ArgKind::String),
        ],
        run: channels::publish,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "pubsub",
        group: Group::PubSub,
        since: "2.8.0",
        arity: -2,
        summary: "Commands about publish and subscribe.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "channels",
                group: Group::PubSub,
                since: "2.8.0",
                arity: -2,
                flags: &[Flag::Pubsub, Flag::Loading, Flag::Stale],
                summary: "Lists channels that have subscribers.",
                complexity: "O(N), N channels with subscribers",
                args: &[Arg::new("pattern", ArgKind::Pattern).maybe()],
                run: inspect::pubsub_channels,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "numsub",
                group: Group::PubSub,
                since: "2.8.0",
                arity: -2,
                flags: &[Flag::Pubsub, Flag::Loading, Flag::Stale],
                summary: "Counts the subscribers of channels.",
                complexity: "O(N), N channels asked for",
                args: &[Arg::new("channel", ArgKind::String).maybe().many()],
                run: inspect::pubsub_numsub,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "numpat",
                group: Group::PubSub,
                since: "2.8.0",
                arity: 2,
                flags: &[Flag::Pubsub, Flag::Loading, Flag::Stale],
                summary: "Counts the patterns subscribed to.",
                run: inspect::pubsub_numpat,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::PubSub,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                summary: "Lists the subcommands.",
                run: inspect::pubsub_help,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
];
