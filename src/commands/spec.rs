//! A command as data. Each family's table of these feeds dispatch, arity and key checks, the replies
//! of COMMAND and its subcommands, and `docs/commands.md`: there is no second list.

use super::context::{Context, Outcome};
use crate::resp::Argv;

/// What runs a command: reads its arguments, acts on the keys it holds, writes one reply.
pub type Run = fn(&mut Context<'_>, Argv<'_>) -> Outcome;

/// One command or subcommand.
pub struct CommandSpec {
    /// Lower case, as COMMAND shows it; a subcommand without its container's name.
    pub name: &'static str,
    /// Redis's group in COMMAND DOCS.
    pub group: Group,
    /// The Redis version that brought it; ours for commands that Redis does not have.
    pub since: &'static str,
    /// Number of arguments with the name; negative: at least so many.
    pub arity: i16,
    /// What dispatch and clients need to know.
    pub flags: &'static [Flag],
    /// Where the keys are.
    pub keys: KeySpec,
    /// ACL categories beyond those that follow from the flags.
    pub acl: &'static [Acl],
    /// One sentence, for people.
    pub summary: &'static str,
    /// Redis's own wording of time complexity.
    pub complexity: &'static str,
    /// The argument tree of COMMAND DOCS.
    pub args: &'static [Arg],
    /// Hints for proxies and clients (COMMAND INFO's tips).
    pub tips: &'static [&'static str],
    /// Subcommands of a container.
    pub subcommands: &'static [CommandSpec],
    /// What the cluster does for it.
    pub semantics: Semantics,
    /// Where it differs from Redis, in one sentence.
    pub divergence: Option<&'static str>,
    /// The code.
    pub run: Run,
}

impl CommandSpec {
    /// What a spec has unless it says otherwise; for struct update syntax in tables.
    pub const DEFAULT: Self = Self {
        name: "",
        group: Group::Generic,
        since: "1.0.0",
        arity: 1,
        flags: &[],
        keys: KeySpec::None,
        acl: &[],
        summary: "",
        complexity: "O(1)",
        args: &[],
        tips: &[],
        subcommands: &[],
        semantics: Semantics::Local,
        divergence: None,
        run: super::container,
    };

    /// Does it carry this flag?
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// Does a call with `len` arguments, name included, fit the arity?
    pub fn fits(&self, len: usize) -> bool {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let arity = i64::from(self.arity);
        if arity >= 0 {
            len == arity
        } else {
            len >= -arity
        }
    }
}

/// Redis's groups, as COMMAND DOCS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Strings.
    String,
    /// Bitmaps.
    Bitmap,
    /// Keys of any type.
    Generic,
    /// The connection itself.
    Connection,
    /// The server.
    Server,
    /// MULTI and its kin.
    Transactions,
    /// Publish and subscribe.
    PubSub,
    /// Versions, contexts, quorums, the ring: what Redis does not have.
    Dynamo,
}

impl Group {
    /// The name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bitmap => "bitmap",
            Self::Generic => "generic",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Transactions => "transactions",
            Self::PubSub => "pubsub",
            Self::Dynamo => "dynamo",
        }
    }
}

/// Redis's command flags, those that we have a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// May change a key.
    Write,
    /// Changes nothing.
    Readonly,
    /// Refused with OOM when memory is full and nothing can be evicted.
    Denyoom,
    /// For administrators.
    Admin,
    /// Publishes or subscribes.
    Pubsub,
    /// Not from scripts.
    Noscript,
    /// May block the connection.
    Blocking,
    /// Allowed while loading.
    Loading,
    /// Allowed on a stale replica.
    Stale,
    /// Not shown by MONITOR.
    SkipMonitor,
    /// Not logged as slow.
    SkipSlowlog,
    /// O(1) or O(log n).
    Fast,
    /// Allowed before AUTH.
    NoAuth,
    /// Its keys can't be told from the table alone.
    Movablekeys,
    /// May also replicate.
    MayReplicate,
    /// Not allowed inside MULTI.
    NoMulti,
    /// Allowed while another client blocks the server.
    AllowBusy,
    /// Not by asynchronous loading.
    NoAsyncLoading,
}

impl Flag {
    /// The name in COMMAND INFO.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Readonly => "readonly",
            Self::Denyoom => "denyoom",
            Self::Admin => "admin",
            Self::Pubsub => "pubsub",
            Self::Noscript => "noscript",
            Self::Blocking => "blocking",
            Self::Loading => "loading",
            Self::Stale => "stale",
            Self::SkipMonitor => "skip_monitor",
            Self::SkipSlowlog => "skip_slowlog",
            Self::Fast => "fast",
            Self::NoAuth => "no_auth",
            Self::Movablekeys => "movablekeys",
            Self::MayReplicate => "may_replicate",
            Self::NoMulti => "no_multi",
            Self::AllowBusy => "allow_busy",
            Self::NoAsyncLoading => "no_async_loading",
        }
    }
}

/// ACL categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "Redis's category names, nothing to add")]
pub enum Acl {
    Keyspace,
    Read,
    Write,
    String,
    Bitmap,
    Pubsub,
    Admin,
    Fast,
    Slow,
    Blocking,
    Dangerous,
    Connection,
    Transaction,
    Dynamo,
}

impl Acl {
    /// The name in COMMAND INFO, with its at sign.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyspace => "@keyspace",
            Self::Read => "@read",
            Self::Write => "@write",
            Self::String => "@string",
            Self::Bitmap => "@bitmap",
            Self::Pubsub => "@pubsub",
            Self::Admin => "@admin",
            Self::Fast => "@fast",
            Self::Slow => "@slow",
            Self::Blocking => "@blocking",
            Self::Dangerous => "@dangerous",
            Self::Connection => "@connection",
            Self::Transaction => "@transaction",
            Self::Dynamo => "@dynamo",
        }
    }
}

/// Where the keys stand among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpec {
    /// No key, and no need of the keyspace.
    None,
    /// Arguments `first` to `last` (negative: from the end), every `step`th; with the flags that
    /// COMMAND INFO gives of how the keys are used.
    Range {
        /// First key.
        first: u8,
        /// Last key; −1 is the last argument.
        last: i8,
        /// Distance between keys.
        step: u8,
        /// How they are used: `RO access`, `RW update`, ...
        usage: &'static [&'static str],
    },
    /// The whole keyspace (SCAN, FLUSHALL, ...): it locks what it visits by itself.
    All,
}

/// What the cluster does for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// Answered by the node that has the connection.
    Local,
    /// Read with R.
    QuorumRead,
    /// Written with W.
    QuorumWrite,
    /// Read, changed and written at the key's seat.
    ReadModifyWrite,
    /// Asked of a covering set of partitions.
    Coverage,
    /// Done on every node.
    NodeWide,
}

/// One argument in COMMAND DOCS.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ArgKind,
    /// The literal word that stands before it.
    pub token: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May be repeated.
    pub multiple: bool,
    /// The Redis version that brought it, when later than the command.
    pub since: Option<&'static str>,
    /// Parts of a `oneof` or `block`.
    pub children: &'static [Arg],
}

impl Arg {
    /// A plain argument of this type; for struct update syntax.
    pub const fn new(name: &'static str, kind: ArgKind) -> Self {
        Self {
            name,
            kind,
            token: None,
            optional: false,
            multiple: false,
            since: None,
            children: &[],
        }
    }

    /// A key.
    pub const fn key(name: &'static str) -> Self {
        Self::new(name, ArgKind::Key)
    }

    /// A literal word.
    pub const fn word(name: &'static str, token: &'static str) -> Self {
        Self::new(name, ArgKind::PureToken).with(token)
    }

    /// One of several.
    pub const fn one_of(name: &'static str, children: &'static [Self]) -> Self {
        Self {
            children,
            ..Self::new(name, ArgKind::OneOf)
        }
    }

    /// Several in a row.
    pub const fn block(name: &'static str, children: &'static [Self]) -> Self {
        Self {
            children,
            ..Self::new(name, ArgKind::Block)
        }
    }

    /// With a literal word before it.
    #[must_use]
    pub const fn with(self, token: &'static str) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// Not required.
    #[must_use]
    pub const fn maybe(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// Repeatable.
    #[must_use]
    pub const fn many(self) -> Self {
        Self {
            multiple: true,
            ..self
        }
    }

    /// Since a later version than its command.
    #[must_use]
    pub const fn since(self, version: &'static str) -> Self {
        Self {
            since: Some(version),
            ..self
        }
    }
}

/// Argument types, as COMMAND DOCS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "Redis's type names, nothing to add")]
pub enum ArgKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl ArgKind {
    /// The name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::UnixTime => "unix-time",
            Self::PureToken => "pure-token",
            Self::OneOf => "oneof",
            Self::Block => "block",
        }
    }
}
