//! The connection: the table.

use super::{basic, hello, identity, kill, list};
use crate::commands::{Acl, Arg, ArgKind, CommandSpec, Flag, Group};

/// The table.
pub(in crate::commands) const COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "hello",
        group: Group::Connection,
        since: "6.0.0",
        arity: -1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Connection],
        summary: "Switches the protocol version; may authenticate and name the connection.",
        args: &[Arg::block(
            "arguments",
            &[
                Arg::new("protover", ArgKind::Integer),
                Arg::block(
                    "username_password",
                    &[
                        Arg::new("username", ArgKind::String),
                        Arg::new("password", ArgKind::String),
                    ],
                )
                .with("AUTH")
                .maybe(),
                Arg::new("clientname", ArgKind::String)
                    .with("SETNAME")
                    .maybe(),
            ],
        )
        .maybe()],
        run: hello::hello,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "auth",
        group: Group::Connection,
        arity: -2,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Connection],
        summary: "Logs the connection in.",
        complexity: "O(N), N the user's passwords",
        args: &[
            Arg::new("username", ArgKind::String).maybe().since("6.0.0"),
            Arg::new("password", ArgKind::String),
        ],
        run: hello::auth,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "ping",
        group: Group::Connection,
        arity: -1,
        flags: &[Flag::Fast],
        acl: &[Acl::Connection],
        summary: "Answers PONG, or the message given.",
        args: &[Arg::new("message", ArgKind::String).maybe()],
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: basic::ping,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "echo",
        group: Group::Connection,
        arity: 2,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Acl::Connection],
        summary: "Answers the message given.",
        args: &[Arg::new("message", ArgKind::String)],
        run: basic::echo,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "select",
        group: Group::Connection,
        arity: 2,
        flags: &[Flag::Loading, Flag::Stale, Flag::Fast],
        acl: &[Acl::Connection],
        summary: "Chooses the connection's database.",
        args: &[Arg::new("index", ArgKind::Integer)],
        run: basic::select,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "quit",
        group: Group::Connection,
        arity: -1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Connection],
        summary: "Closes the connection after an OK.",
        run: basic::quit,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "reset",
        group: Group::Connection,
        since: "6.2.0",
        arity: 1,
        flags: &[
            Flag::Noscript,
            Flag::Loading,
            Flag::Stale,
            Flag::Fast,
            Flag::NoAuth,
            Flag::AllowBusy,
        ],
        acl: &[Acl::Connection],
        summary: "Puts the connection back into the state it was opened in.",
        run: basic::reset,
        ..CommandSpec::DEFAULT
    },
    CommandSpec {
        name: "client",
        group: Group::Connection,
        since: "2.4.0",
        arity: -2,
        summary: "Commands about client connections.",
        complexity: "By subcommand",
        subcommands: &[
            CommandSpec {
                name: "id",
                group: Group::Connection,
                since: "5.0.0",
                arity: 2,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Tells the connection's number.",
                run: identity::client_id,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "getname",
                group: Group::Connection,
                since: "2.6.9",
                arity: 2,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Tells the connection's name.",
                run: identity::client_getname,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "setname",
                group: Group::Connection,
                since: "2.6.9",
                arity: 3,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Names the connection.",
                args: &[Arg::new("connection-name", ArgKind::String)],
                run: identity::client_setname,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "setinfo",
                group: Group::Connection,
                since: "7.2.0",
                arity: 4,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Records a fact about the client's library.",
                args: &[Arg::one_of(
                    "attr",
                    &[
                        Arg::new("libname", ArgKind::String).with("LIB-NAME"),
                        Arg::new("libver", ArgKind::String).with("LIB-VER"),
                    ],
                )],
                run: identity::client_setinfo,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "info",
                group: Group::Connection,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Describes this connection.",
                tips: &["nondeterministic_output"],
                run: list::client_info,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "list",
                group: Group::Connection,
                since: "2.4.0",
                arity: -2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Describes the open connections.",
                complexity: "O(N), N open connections",
                args: &[
                    Arg::one_of(
                        "normal_master_replica_pubsub",
                        &[
                            Arg::word("normal", "NORMAL"),
                            Arg::word("master", "MASTER"),
                            Arg::word("replica", "REPLICA"),
                            Arg::word("pubsub", "PUBSUB"),
                        ],
                    )
                    .with("TYPE")
                    .maybe()
                    .since("5.0.0"),
                    Arg::block("id", &[Arg::new("client-id", ArgKind::Integer).many()])
                        .with("ID")
                        .maybe()
                        .since("6.2.0"),
                ],
                tips: &["nondeterministic_output"],
                run: list::client_list,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "kill",
                group: Group::Connection,
                since: "2.4.0",
                arity: -3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Closes connections.",
                complexity: "O(N), N open connections",
                args: &[Arg::one_of(
                    "filter",
                    &[
                        Arg::new("ip:port", ArgKind::String),
                        Arg::one_of(
                            "new-format",
                            &[
                                Arg::new("client-id", ArgKind::Integer)
                                    .with("ID")
                                    .maybe()
                                    .since("2.8.12"),
                                Arg::one_of(
                                    "normal_master_slave_pubsub",
                                    &[
                                        Arg::word("normal", "NORMAL"),
                                        Arg::word("master", "MASTER").since("3.2.0"),
                                        Arg::word("slave", "SLAVE"),
                                        Arg::word("replica", "REPLICA").since("5.0.0"),
                                        Arg::word("pubsub", "PUBSUB"),
                                    ],
                                )
                                .with("TYPE")
                                .maybe()
                                .since("2.8.12"),
                                Arg::new("username", ArgKind::String).with("USER").maybe(),
                                Arg::new("ip:port", ArgKind::String).with("ADDR").maybe(),
                                Arg::new("ip:port", ArgKind::String)
                                    .with("LADDR")
                                    .maybe()
                                    .since("6.2.0"),
                                Arg::new("yes/no", ArgKind::String).with("SKIPME").maybe(),
                            ],
                        )
                        .many(),
                    ],
                )],
                run: kill::client_kill,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "reply",
                group: Group::Connection,
                since: "3.2.0",
                arity: 3,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Switches replies to this connection on or off.",
                args: &[Arg::one_of(
                    "on_off_skip",
                    &[
                        Arg::word("on", "ON"),
                        Arg::word("off", "OFF"),
                        Arg::word("skip", "SKIP"),
                    ],
                )],
                run: identity::client_reply,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "pause",
                group: Group::Connection,
                since: "2.9.50",
                arity: -3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Holds back commands of all clients for a time.",
                args: &[
                    Arg::new("timeout", ArgKind::Integer),
                    Arg::one_of(
                        "mode",
                        &[Arg::word("write", "WRITE"), Arg::word("all", "ALL")],
                    )
                    .maybe()
                    .since("6.2.0"),
                ],
                run: kill::client_pause,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "unpause",
                group: Group::Connection,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Ends a pause at once.",
                complexity: "O(N), N paused connections",
                run: kill::client_unpause,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "unblock",
                group: Group::Connection,
                since: "5.0.0",
                arity: -3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Wakes a connection that waits in a blocking command.",
                complexity: "O(log N), N open connections",
                args: &[
                    Arg::new("client-id", ArgKind::Integer),
                    Arg::one_of(
                        "timeout_error",
                        &[Arg::word("timeout", "TIMEOUT"), Arg::word("error", "ERROR")],
                    )
                    .maybe(),
                ],
                run: kill::client_unblock,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "no-evict",
                group: Group::Connection,
                since: "7.0.0",
                arity: 3,
                flags: &[Flag::Admin, Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Exempts the connection from eviction of clients.",
                args: &[Arg::one_of(
                    "enabled",
                    &[Arg::word("on", "ON"), Arg::word("off", "OFF")],
                )],
                run: identity::client_no_evict,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "no-touch",
                group: Group::Connection,
                since: "7.2.0",
                arity: 3,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Sets whether this connection's reads count as use of a key.",
                args: &[Arg::one_of(
                    "enabled",
                    &[Arg::word("on", "ON"), Arg::word("off", "OFF")],
                )],
                run: identity::client_no_touch,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "trackinginfo",
                group: Group::Connection,
                since: "6.2.0",
                arity: 2,
                flags: &[Flag::Noscript, Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Tells whether client-side caching is on here.",
                run: identity::client_trackinginfo,
                ..CommandSpec::DEFAULT
            },
            CommandSpec {
                name: "help",
                group: Group::Connection,
                since: "5.0.0",
                arity: 2,
                flags: &[Flag::Loading, Flag::Stale],
                acl: &[Acl::Connection],
                summary: "Lists the subcommands.",
                run: identity::client_help,
                ..CommandSpec::DEFAULT
            },
        ],
        ..CommandSpec::DEFAULT
    },
];
