//! From arguments to a reply: look up, check, lock, run, count. The same way for a single command and
//! for each command of an EXEC.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::context::{Context, Flow, Outcome, Wait};
use super::elsewhere::{Alone, Elsewhere, Routed};
use super::error::CommandError;
use super::generic;
use super::redact::redacted;
use super::registry::{Command, Registry};
use super::spec::{Flag, KeySpec};
use super::transaction;
use crate::node::stats::WorkerStats;
use crate::node::{Locked, Node, Stage};
use crate::resp::{Argv, OwnedArgv, Reply};
use crate::session::{Queue, Session};
use crate::types::{Database, WallMs};

/// Bytes that MULTI may queue: Redis bounds them by its query buffer limit.
const QUEUE_BYTES_MAX: usize = 1 << 30;

/// What a worker lends to each command.
pub struct Dispatch<'a, E = Alone> {
    /// The node.
    pub node: &'a Node,
    /// The worker's staged writes.
    pub stage: &'a mut Stage,
    /// The worker's counters.
    pub stats: &'a WorkerStats,
    /// The other nodes; `None` in a cluster of one.
    pub elsewhere: Option<&'a mut E>,
    /// Wall clock of this batch.
    pub now: WallMs,
    /// When the command before this one ended, or the batch began: one look at the clock serves as
    /// the end of one command and the beginning of the next.
    pub instant: Instant,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its reply is in the buffer.
    Replied,
    /// Its reply is in the buffer; the connection closes after it.
    Close,
    /// The connection waits, then writes the reply.
    Wait(Wait),
    /// This key is not in the table: load it and run the command again. Nothing was done or written.
    Load(Database, Box<[u8]>),
    /// Another node has been asked: its reply takes this place.
    Sent,
    /// The command concerns several nodes: the connection takes it apart. Nothing was done or written.
    Split,
    /// CLIENT PAUSE, or too much unapplied: try again later. Nothing was done or written.
    Hold,
}

impl<E: Elsewhere> Dispatch<'_, E> {
    /// Runs one command and leaves its reply in `out`.
    pub fn execute(&mut self, session: &mut Session, argv: Argv<'_>, out: &mut Vec<u8>) -> Ended {
        let start = out.len();
        let ended = self.checked(session, argv, out);
        // What waits is answered, or run again, by the connection; what was sent leaves nothing here.
        if matches!(ended, Ended::Replied | Ended::Close | Ended::Sent) {
            session.settle_reply(start, out);
        }
        ended
    }

    fn checked(&mut self, session: &mut Session, argv: Argv<'_>, out: &mut Vec<u8>) -> Ended {
        let command = match self.look_up(session, argv) {
            Ok(command) => command,
            Err(error) => {
                if transaction::names_exec(argv) {
                    transaction::forget(session);
                }
                return refuse(session, out, &error);
            }
        };
        if session.queue.is_some() && !transaction::runs_inside_multi(command) {
            return queue(session, command, argv, out);
        }
        if self.held(command) {
            return Ended::Hold;
        }
        if let Some(elsewhere) = &mut self.elsewhere {
            let routed = if transaction::is_exec(command) {
                elsewhere.route_exec(session)
            } else {
                elsewhere.route(session, command, argv)
            };
            match routed {
                Routed::Here => {}
                Routed::Sent => {
                    if transaction::is_exec(command) {
                        session.queue = None;
                        session.watched.clear();
                    }
                    return Ended::Sent;
                }
                Routed::Split => return Ended::Split,
                Routed::Refused(error) => {
                    self.reject(command);
                    return refuse(session, out, &error);
                }
            }
        }
        if transaction::is_exec(command) {
            return transaction::exec(self, session, out);
        }
        if let Err(error) = self.may_write(command) {
            self.reject(command);
            return refuse(session, out, &error);
        }
        let writes = self.stage.writes;
        let mut keys = Locked::new(&self.node.keyspace, session.database, self.now, self.stage);
        match (
            command.only_key.and_then(|at| argv.get(at)),
            command.spec.keys,
        ) {
            (Some(key), _) => keys.lock_one(key),
            (None, KeySpec::Range { .. }) => keys.lock_many(command.keys(argv)),
            (None, KeySpec::None | KeySpec::All) => {}
        }
        if self.node.may_be_cold()
            && !keys.is_unlocked()
            && let Some((database, key)) = first_cold(self.node, &mut keys, command, argv)
        {
            return Ended::Load(database, key.into());
        }
        let reply = Reply::new(out, session.protocol);
        let mut context = Context {
            keys,
            session,
            reply,
            node: self.node,
            stats: self.stats,
        };
        let ended = run(command, &mut context, argv, &mut self.instant);
        if let Some(elsewhere) = &mut self.elsewhere
            && !command.own_copy
        {
            let Context { keys, session, .. } = &mut context;
            let wrote = keys.stage.writes != writes;
            elsewhere.ran(session, keys, &mut command.keys(argv), wrote);
        }
        ended
    }

    /// The command of these arguments, known, of the right arity and allowed on this connection.
    pub fn look_up(
        &self,
        session: &Session,
        argv: Argv<'_>,
    ) -> Result<&'static Command, CommandError> {
        let registry = Registry::get();
        let name = argv.get(0).unwrap_or_default();
        let Some(mut command) = registry.find(name) else {
            if !session.authenticated {
                return Err(CommandError::NO_AUTH);
            }
            return Err(unknown_command(argv));
        };
        if !command.subcommands.is_empty()
            && let Some(sub) = argv.get(1)
        {
            match registry.find_subcommand(command, sub) {
                Some(found) => command = found,
                None if !session.authenticated && !command.no_auth => {
                    return Err(CommandError::NO_AUTH);
                }
                None => {
                    return Err(unknown_subcommand(
                        &command.spec.name.to_ascii_uppercase(),
                        sub,
                    ));
                }
            }
        }
        if !session.authenticated && !command.no_auth {
            return Err(CommandError::NO_AUTH);
        }
        if !command.spec.fits(argv.len()) {
            if transaction::is_exec(command) {
                return Err(CommandError::text(
                    "EXECABORT Transaction discarded because of: wrong number of arguments for \
                     'exec' command",
                ));
            }
            return Err(CommandError::Arity(command.full_name.as_str().into()));
        }
        if command.is_cluster {
            super::server::check_cluster(argv)?;
        }
        transaction::allowed_while_subscribed(session, command)?;
        Ok(command)
    }

    /// Redis counts a refusal before execution apart from a failure.
    fn reject(&self, command: &Command) {
        if let Some(stats) = self.stats.commands.get(usize::from(command.number)) {
            stats.rejected.add(1);
        }
    }

    fn held(&self, command: &Command) -> bool {
        self.node.holds(command.write, self.now) && !command.no_auth
    }

    /// May a write be taken: memory, disk, log?
    pub fn may_write(&mut self, command: &Command) -> Result<(), CommandError> {
        if !command.write {
            return Ok(());
        }
        self.node
            .may_write(command.denyoom, self.stage)
            .map_err(CommandError::text)
    }
}

/// A key of the command that must be loaded before it may run, and its database.
pub(super) fn first_cold<'a>(
    node: &Node,
    keys: &mut Locked<'_>,
    command: &Command,
    argv: Argv<'a>,
) -> Option<(Database, &'a [u8])> {
    let here = keys.database;
    if let Some(key) = keys.first_cold(command.keys(argv)) {
        return Some((here, key));
    }
    if !command.crosses_databases {
        return None;
    }
    let (database, key) = generic::destination(argv)?;
    if database.0 >= node.config.load().client.databases {
        return None;
    }
    keys.database = database;
    let cold = keys.first_cold(std::iter::once(key));
    keys.database = here;
    cold.map(|key| (database, key))
}

/// Runs a command whose keys are locked; an error takes the place of whatever it had replied.
pub fn run(
    command: &'static Command,
    context: &mut Context<'_>,
    argv: Argv<'_>,
    instant: &mut Instant,
) -> Ended {
    let before = context.reply.len();
    let handle = &context.session.handle;
    handle.last_command.store(command.number, Ordering::Relaxed);
    if context.node.is_monitored()
        && !command.spec.has(Flag::SkipMonitor)
        && !command.spec.has(Flag::Admin)
    {
        let redacted = redacted(command, argv);
        let shown = redacted.as_ref().map_or(argv, OwnedArgv::argv);
        context.node.show_to_monitors(context.session, shown);
    }
    let outcome: Outcome = (command.spec.run)(context, argv);
    let failed = outcome.is_err();
    let ended = match outcome {
        Ok(Flow::Done) => Ended::Replied,
        Ok(Flow::Close) => Ended::Close,
        Ok(Flow::Wait(wait)) => Ended::Wait(wait),
        Err(error) => {
            let text = error.to_string();
            context.node.stats.error(&text);
            context.reply.truncate(before);
            error.write(&mut context.reply);
            Ended::Replied
        }
    };
    count(command, context, argv, instant, failed);
    ended
}

fn count(
    command: &Command,
    context: &Context<'_>,
    argv: Argv<'_>,
    instant: &mut Instant,
    failed: bool,
) {
    let started = std::mem::replace(instant, context.node.clock.now());
    let nanos = instant.duration_since(started).as_nanos() as u64;
    let stats = context.stats;
    stats.total_commands.add(1);
    if let Some(of) = stats.commands.get(usize::from(command.number)) {
        of.calls.add(1);
        of.nanos.add(nanos);
        let bucket = (64 - (nanos / 1_000).leading_zeros()) as usize;
        if let Some(bucket) = of.buckets.get(bucket.min(of.buckets.len() - 1)) {
            bucket.add(1);
        }
        if failed {
            of.failed.add(1);
        }
    }
    if !command.spec.has(Flag::SkipSlowlog) && context.node.may_be_slow(nanos) {
        let redacted = redacted(command, argv);
        let shown = redacted.as_ref().map_or(argv, OwnedArgv::argv);
        context
            .node
            .note_slow(context.session, shown, nanos / 1_000);
    }
}

fn refuse(session: &mut Session, out: &mut Vec<u8>, error: &CommandError) -> Ended {
    if let Some(queue) = &mut session.queue {
        queue.aborted = true;
    }
    error.write(&mut Reply::new(out, session.protocol));
    Ended::Replied
}

fn queue(
    session: &mut Session,
    command: &'static Command,
    argv: Argv<'_>,
    out: &mut Vec<u8>,
) -> Ended {
    if let Err(error) = transaction::may_be_queued(command) {
        return refuse(session, out, &error);
    }
    let owned = OwnedArgv::from(argv);
    let Queue {
        commands, bytes, ..
    } = session.queue.get_or_insert_default();
    *bytes += owned.size();
    if *bytes > QUEUE_BYTES_MAX {
        let error = CommandError::text("ERR the transaction is too big");
        return refuse(session, out, &error);
    }
    commands.push(owned);
    Reply::new(out, session.protocol).simple("QUEUED");
    Ended::Replied
}

/// As a C program prints it: at most `limit` bytes, up to the first zero.
pub(in crate::commands) fn printed(bytes: &[u8], limit: usize) -> &[u8] {
    let shown = bytes.get(..limit).unwrap_or(bytes);
    shown.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Redis quotes the name and at most 128 bytes of arguments.
fn unknown_command(argv: Argv<'_>) -> CommandError {
    let mut arguments = Vec::new();
    for argument in argv.from(1).iter() {
        if arguments.len() >= 128 {
            break;
        }
        let shown = printed(argument, 128 - arguments.len());
        arguments.extend_from_slice(&[b"'", shown, b"' "].concat());
    }
    let name = printed(argv.get(0).unwrap_or_default(), 128);
    let text: [&[u8]; 4] = [
        b"ERR unknown command '",
        name,
        b"', with args beginning with: ",
        &arguments,
    ];
    CommandError::Quoted(text.concat())
}

/// A subcommand that takes fewer arguments.
pub(in crate::commands) fn wrong_subcommand(container: &str, sub: &[u8]) -> CommandError {
    let text: [&[u8]; 5] = [
        b"ERR unknown subcommand or wrong number of arguments for '",
        printed(sub, 128),
        b"'. Try ",
        container.as_bytes(),
        b" HELP.",
    ];
    CommandError::Quoted(text.concat())
}

pub(in crate::commands) fn unknown_subcommand(container: &str, sub: &[u8]) -> CommandError {
    let text: [&[u8]; 5] = [
        b"ERR unknown subcommand '",
        printed(sub, 128),
        b"'. Try ",
        container.as_bytes(),
        b" HELP.",
    ];
    CommandError::Quoted(text.concat())
}
