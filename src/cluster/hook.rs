//! Between dispatch and the cluster: where a command runs, and what its reply waits for.

mod counted;

use smallvec::SmallVec;

use super::link::Link;
use super::pass::{Pass, Span, Waits};
use super::plane::Plane;
use super::unit::{item, unit_words};
use super::wire::UNIT;
use crate::commands::elsewhere::{Elsewhere, Routed};
use crate::commands::{Command, CommandError, KeySpec, Registry, Semantics};
use crate::node::Locked;
use crate::node::view::{NodeIndex, Route};
use crate::resp::Argv;
use crate::session::{ReplyMode, Session};
use crate::types::PartitionId;

const NO_SEAT: CommandError = CommandError::text(
    "CLUSTERDOWN no node that keeps this key can be reached; nothing was written",
);
const OVERLOAD: CommandError = CommandError::text(
    "TRYAGAIN a node that keeps this key is too far behind; nothing was written",
);

/// One pass of one connection, as dispatch sees the cluster.
pub struct Hook<'a> {
    plane: &'a mut Plane,
    pass: &'a mut Pass,
    /// Partitions with a command of this pass on its way to another node: later commands on them
    /// follow it there, so that the connection sees its own writes.
    followed: SmallVec<[(PartitionId, NodeIndex); 4]>,
    /// The command came from another node: it runs here or nowhere.
    forwarded: bool,
    /// It runs here whoever the seat is.
    anyway: bool,
    /// Its reply shows what this node holds: nobody is asked.
    local_only: bool,
    /// The last item of the pass has no place in the output yet.
    unplaced: bool,
}

impl<'a> Hook<'a> {
    /// For a client's connection.
    pub fn new(plane: &'a mut Plane, pass: &'a mut Pass) -> Self {
        Self {
            plane,
            pass,
            followed: SmallVec::new(),
            forwarded: false,
            anyway: false,
            local_only: false,
            unplaced: false,
        }
    }

    /// For what another node has forwarded.
    pub fn forwarded(plane: &'a mut Plane, pass: &'a mut Pass, anyway: bool) -> Self {
        Self {
            forwarded: true,
            anyway,
            ..Self::new(plane, pass)
        }
    }

    /// The command that has just run stands here: what it waits for takes that place.
    pub fn place(&mut self, span: Span) {
        if std::mem::take(&mut self.unplaced) {
            self.pass.place_last(span);
        }
    }

    /// The command that was run could not be: it is made anew.
    pub fn try_again(&mut self) {
        self.push(Waits::Anew);
    }

    fn push(&mut self, waits: Waits) {
        self.unplaced = true;
        self.pass.push(waits, Span::default());
    }

    /// Whom a read of this partition goes to.
    fn reader(&self, partition: PartitionId) -> Option<NodeIndex> {
        let route = self.plane.view.route(partition);
        if let Some((_, to)) = self.followed.iter().find(|(at, _)| *at == partition) {
            return Some(*to);
        }
        if route.mine {
            return Some(NodeIndex::ME);
        }
        let live = |to: &&NodeIndex| self.plane.is_up(**to);
        route.owners.iter().find(live).copied().or(route.seat)
    }

    fn destination(&self, command: &Command, key: &[u8]) -> (PartitionId, Option<NodeIndex>) {
        let partition = self.plane.node.keyspace.place(key).partition;
        let to = if command.write {
            self.plane.view.route(partition).seat
        } else {
            self.reader(partition)
        };
        (partition, to)
    }

    fn is_full(&self, route: &Route) -> bool {
        route
            .targets
            .iter()
            .any(|target| self.plane.is_full(target.to))
    }

    fn send(&mut self, session: &Session, to: NodeIndex, flags: u8, write: bool, argv: Argv<'_>) {
        self.send_words(session, to, flags, write, argv.iter());
    }

    fn send_words<'k>(
        &mut self,
        session: &Session,
        to: NodeIndex,
        flags: u8,
        write: bool,
        words: impl ExactSizeIterator<Item = &'k [u8]>,
    ) {
        let item = item(session, flags);
        let number = self.plane.link(to).command(&item, words);
        let waits = Waits::Sent {
            to,
            number,
            write,
            silent: session.reply_mode != ReplyMode::On
                && session.reply_mode != ReplyMode::SkipNext,
        };
        self.push(waits);
    }

    fn link(&mut self, to: NodeIndex) -> &mut Link {
        self.plane.link(to)
    }

    /// One destination for all of these keys, or more than one.
    fn place_all<'k>(
        &self,
        command: &Command,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<Places, CommandError> {
        let mut places = Places::default();
        for key in keys {
            let (partition, to) = self.destination(command, key);
            let to = to.ok_or(NO_SEAT)?;
            places.several |= places.to.is_some_and(|first| first != to);
            places.to.get_or_insert(to);
            if !places.partitions.contains(&partition) {
                places.partitions.push(partition);
            }
        }
        Ok(places)
    }

    fn settle_route(&mut self, session: &Session, places: &Places, send: &Send<'_>) -> Routed {
        let Some(to) = places.to else {
            return Routed::Here;
        };
        if places.several {
            return Routed::Split;
        }
        let write = send.write;
        if to == NodeIndex::ME {
            let full = write
                && places
                    .partitions
                    .iter()
                    .any(|partition| self.is_full(self.plane.view.route(*partition)));
            return if full {
                Routed::Refused(OVERLOAD)
            } else {
                Routed::Here
            };
        }
        if self.anyway {
            return Routed::Here;
        }
        if self.forwarded {
            return Routed::Refused(CommandError::text(NOT_SEAT));
        }
        if self.link(to).is_full() {
            return Routed::Refused(OVERLOAD);
        }
        for partition in &places.partitions {
            self.followed.push((*partition, to));
        }
        match send.what {
            What::Command(argv) => self.send(session, to, 0, write, argv),
            What::Unit => {
                let words = unit_words(session);
                self.send_words(session, to, UNIT, write, words.iter().map(|word| &**word));
            }
        }
        Routed::Sent
    }
}

/// What a node answers that is not the seat; never seen by a client.
pub(super) const NOT_SEAT: &str = "TRYAGAIN not the seat";

#[derive(Debug, Default)]
struct Places {
    to: Option<NodeIndex>,
    several: bool,
    partitions: SmallVec<[PartitionId; 4]>,
}

struct Send<'a> {
    write: bool,
    what: What<'a>,
}

enum What<'a> {
    Command(Argv<'a>),
    Unit,
}

impl Elsewhere for Hook<'_> {
    fn route(&mut self, session: &Session, command: &'static Command, argv: Argv<'_>) -> Routed {
        self.local_only = false;
        if self.anyway {
            self.local_only = true;
            return Routed::Here;
        }
        match command.spec.semantics {
            Semantics::Local if command.spec.keys != KeySpec::None => {
                return self.route_watch(command, argv);
            }
            Semantics::Local => return Routed::Here,
            Semantics::Coverage | Semantics::NodeWide => {
                return if self.forwarded {
                    Routed::Here
                } else {
                    Routed::Split
                };
            }
            Semantics::QuorumRead | Semantics::QuorumWrite | Semantics::ReadModifyWrite => {}
        }
        if command.spec.keys == KeySpec::None {
            return Routed::Here;
        }
        if !command.write && asks_here_only(command, argv) {
            self.local_only = true;
            return Routed::Here;
        }
        let places = match self.place_all(command, command.keys(argv)) {
            Ok(places) => places,
            Err(error) => return Routed::Refused(error),
        };
        let send = Send {
            write: command.write,
            what: What::Command(argv),
        };
        self.settle_route(session, &places, &send)
    }

    fn route_exec(&mut self, session: &Session) -> Routed {
        let Some(queue) = &session.queue else {
            return Routed::Here;
        };
        if queue.aborted {
            return Routed::Here;
        }
        let registry = Registry::get();
        let mut write = false;
        let mut all = Places::default();
        for owned in &queue.commands {
            let argv = owned.argv();
            let Some(command) = argv.get(0).and_then(|name| registry.find(name)) else {
                continue;
            };
            if matches!(
                command.spec.semantics,
                Semantics::Coverage | Semantics::NodeWide
            ) {
                all.several = true;
                all.to.get_or_insert(NodeIndex::ME);
                continue;
            }
            write |= command.write;
            if let Err(error) = self.place_unit(&mut all, command.keys(argv)) {
                return Routed::Refused(error);
            }
        }
        let watched = session.watched.iter().map(|watched| &*watched.key);
        if let Err(error) = self.place_unit(&mut all, watched) {
            return Routed::Refused(error);
        }
        if all.several && self.forwarded {
            return Routed::Refused(CommandError::text(NOT_SEAT));
        }
        let send = Send {
            write,
            what: What::Unit,
        };
        self.settle_route(session, &all, &send)
    }

    fn ran(
        &mut self,
        session: &Session,
        keys: &mut Locked<'_>,
        read: &mut dyn Iterator<Item = &[u8]>,
        wrote: bool,
    ) {
        let quorum = session.quorum_once.unwrap_or(session.quorum);
        let policies = self.plane.node.keyspace.policies.load();
        if wrote {
            let w = quorum.w.or_else(|| {
                // Of several keys the strictest policy.
                let of = |key| policies.of(key).w;
                (!policies.is_empty()).then(|| read.filter_map(of).max())?
            });
            drop(policies);
            self.wrote(keys, w, quorum.dw);
            return;
        }
        if self.local_only {
            return;
        }
        if !policies.is_empty() && quorum.r.is_none() {
            let policies = std::sync::Arc::clone(&policies);
            let (shipped, n) = (self.plane.view.r, self.plane.view.n);
            for key in read {
                let r = policies.of(key).r.unwrap_or(shipped).min(n);
                if r > 1 && !keys.is_unlocked() {
                    self.compare(keys, &mut std::iter::once(key), r);
                }
            }
            return;
        }
        drop(policies);
        let r = quorum.r.unwrap_or(self.plane.view.r).min(self.plane.view.n);
        if r > 1 && !keys.is_unlocked() {
            self.compare(keys, read, r);
        }
    }
}

/// GETVERSIONS key LOCAL.
fn asks_here_only(command: &Command, argv: Argv<'_>) -> bool {
    command.spec.name == "getversions"
        && argv
            .from(2)
            .iter()
            .any(|word| word.eq_ignore_ascii_case(b"local"))
}

impl Hook<'_> {
    /// WATCH remembers what keys are at their seats: somebody else's are asked for.
    fn route_watch(&self, command: &Command, argv: Argv<'_>) -> Routed {
        let here = |key| {
            let partition = self.plane.node.keyspace.place(key).partition;
            self.plane.view.route(partition).seat == Some(NodeIndex::ME)
        };
        if self.forwarded || command.keys(argv).all(here) {
            Routed::Here
        } else {
            Routed::Split
        }
    }

    /// The seats of some keys of a unit: it runs where its writes do, its reads with them.
    fn place_unit<'k>(
        &self,
        all: &mut Places,
        keys: impl Iterator<Item = &'k [u8]>,
    ) -> Result<(), CommandError> {
        for key in keys {
            let partition = self.plane.node.keyspace.place(key).partition;
            let to = self.plane.view.route(partition).seat.ok_or(NO_SEAT)?;
            all.several |= all.to.is_some_and(|first| first != to);
            all.to.get_or_insert(to);
            if !all.partitions.contains(&partition) {
                all.partitions.push(partition);
            }
        }
        Ok(())
    }
}
