//! The cluster as one worker drives it: its links to all peers, and what its commands wait for. Never
//! leaves the worker's thread; whoever waits is woken when something has come.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::link::{Answered, Compared, Link};
use super::operations::{given_up, name_actors, record_entry};
use super::pass::Pass;
use super::requests::Standing;
use super::wire::{self, Malformed, Outcome, Said};
use crate::node::fanout::{Fanout, Missed};
use crate::node::view::{NodeIndex, View};
use crate::node::{Absorbed, Incoming, Locked, Node, Stage};
use crate::peer::{FrameKind, Header, Parsed};
use crate::types::{Actor, Hlc};
use crate::version::wire::Reader;

/// See the module's head.
pub struct Plane {
    pub(super) node: Arc<Node>,
    /// What this pass routes by.
    pub view: Arc<View>,
    links: Vec<Link>,
    /// Copy of the table of actors, by index.
    pub(super) actors: Vec<Actor>,
    waiting: Vec<Waker>,
    own_synced: bool,
    /// What peers have refused, for the missed lists.
    refused: Vec<Missed>,
}

impl Plane {
    /// No link yet.
    pub fn new(node: Arc<Node>) -> Self {
        let view = node.view.load_full();
        Self {
            node,
            view,
            links: Vec::new(),
            actors: Vec::new(),
            waiting: Vec::new(),
            own_synced: false,
            refused: Vec::new(),
        }
    }

    /// Takes on the newest view; gives the stage what it needs to fan writes out.
    pub fn refresh(&mut self, stage: &mut Stage) {
        let newest = self.node.view.load();
        if !Arc::ptr_eq(&newest, &self.view) {
            self.view = Arc::clone(&newest);
            if self.links.len() < self.view.nodes.len() {
                self.links.resize_with(self.view.nodes.len(), Link::default);
            }
            for (link, node) in self.links.iter_mut().zip(&self.view.nodes).skip(1) {
                if !node.reachable {
                    link.abandoned();
                }
            }
            match &mut stage.fanout {
                Some(fanout) => fanout.view = Arc::clone(&self.view),
                None if self.view.alone => {}
                none => *none = Some(Box::new(Fanout::new(Arc::clone(&self.view)))),
            }
        }
        if !self.view.alone {
            self.refresh_actors();
        }
    }

    pub(super) fn refresh_actors(&mut self) {
        let actors = self.node.keyspace.actors.lock();
        if actors.len() > self.actors.len() {
            let new = actors.entries().get(self.actors.len()..);
            self.actors.extend_from_slice(new.unwrap_or_default());
        }
    }

    /// What every frame of ours begins with.
    pub(super) fn header(&self) -> Header {
        Header {
            kind: FrameKind::ACK,
            cluster: self.node.cluster,
            layout: self.view.layout,
            hlc: self.node.keyspace.clock.last(),
        }
    }

    /// The link to a peer.
    pub fn link(&mut self, to: NodeIndex) -> &mut Link {
        let place = usize::from(to.0);
        if place >= self.links.len() {
            self.links.resize_with(place + 1, Link::default);
        }
        self.links
            .get_mut(place)
            .expect("the links reach to this node: resized above")
    }

    fn link_of(&self, to: NodeIndex) -> Option<&Link> {
        self.links.get(usize::from(to.0))
    }

    /// Has a peer this operation?
    #[inline]
    pub fn has(&self, to: NodeIndex, number: u64, synced: bool) -> bool {
        self.link_of(to)
            .is_some_and(|link| link.has(number, synced))
    }

    /// Is a connection to this peer up?
    pub fn is_up(&self, to: NodeIndex) -> bool {
        self.link_of(to).is_some_and(|link| link.up)
    }

    pub(super) fn is_full(&self, to: NodeIndex) -> bool {
        self.link_of(to).is_some_and(Link::is_full)
    }

    /// Does this node's own copy count as fsynced?
    pub(super) fn own_synced(&self) -> bool {
        self.own_synced
    }

    pub(super) fn take_compared(
        &mut self,
        to: NodeIndex,
        number: u64,
        last: bool,
    ) -> Standing<Compared> {
        self.link(to).reads.take(number, last)
    }

    pub(super) fn take_answer(
        &mut self,
        to: NodeIndex,
        number: u64,
        last: bool,
    ) -> Standing<Answered> {
        self.link(to).commands.take(number, last)
    }

    /// A connection to a peer stands.
    pub fn connected(&mut self, to: NodeIndex) {
        self.refresh_actors();
        let header = self.header();
        let actors = std::mem::take(&mut self.actors);
        self.link(to).connected(&header, &actors);
        self.actors = actors;
        self.tell_markers(to);
        self.wake();
    }

    /// It broke.
    pub fn disconnected(&mut self, to: NodeIndex) {
        self.link(to).disconnected();
        self.wake();
    }

    /// Puts the operations, commands and digests of the group into frames; tells which links have
    /// something to write.
    pub fn flush(&mut self, stage: &mut Stage) -> bool {
        if self.view.alone {
            return false;
        }
        self.note_missed(stage);
        let header = self.header();
        self.refresh_actors();
        let actors = std::mem::take(&mut self.actors);
        if let Some(fanout) = &mut stage.fanout {
            for (place, batch) in fanout.batches.iter_mut().enumerate() {
                if batch.count == 0 {
                    continue;
                }
                let ops = std::mem::take(&mut batch.ops);
                let count = std::mem::take(&mut batch.count);
                let link = self.link(NodeIndex(place as u16));
                link.push_ops(&header, &actors, batch.last, count, ops);
            }
        }
        self.actors = actors;
        let now_ms = self.node.mono_ms();
        let mut any = false;
        for (place, link) in self.links.iter_mut().enumerate() {
            link.flush(&header);
            if !link.out.is_empty() {
                self.node.pulses.asked(NodeIndex(place as u16), now_ms);
                any = true;
            }
        }
        any
    }

    /// Owners that nobody stands in for, and operations for peers that are believed down, go to the
    /// missed lists: durable with this group.
    fn note_missed(&mut self, stage: &mut Stage) {
        let view = Arc::clone(&self.view);
        let mut noted = match &mut stage.fanout {
            Some(fanout) => std::mem::take(&mut fanout.missed),
            None => Vec::new(),
        };
        noted.append(&mut self.refused);
        for (place, link) in self.links.iter_mut().enumerate().skip(1) {
            let owner = NodeIndex(place as u16);
            if !link.up && !view.is_reachable(owner) {
                given_up(owner, &view, &link.give_up(), &mut noted);
            }
        }
        if !noted.is_empty() {
            self.node.keyspace.handoff.note(&view, &noted, stage);
        }
    }

    /// Waits until a pass is settled. Poll again after each wake.
    pub fn poll(&mut self, pass: &mut Pass, late: bool, context: &mut Context<'_>) -> Poll<()> {
        if pass.advance(self, late) {
            return Poll::Ready(());
        }
        self.waiting.push(context.waker().clone());
        Poll::Pending
    }

    /// Wakes everyone who waits.
    pub fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Takes in one frame that a peer answered with.
    pub fn received(
        &mut self,
        from: NodeIndex,
        frame: &Parsed<'_>,
        stage: &mut Stage,
    ) -> Result<(), Malformed> {
        self.observe(frame.header.hlc);
        self.node.pulses.heard(from, self.node.mono_ms());
        self.node.pulses.heard_at(from, frame.header.hlc);
        match frame.header.kind {
            FrameKind::ACTORS => self.actors_named(from, frame.body)?,
            FrameKind::ACK => self.acknowledged(from, frame.body)?,
            FrameKind::ANSWER => self.answered(from, frame.body)?,
            FrameKind::READ_ANSWER => self.compared(from, frame.body, stage)?,
            _ => {}
        }
        Ok(())
    }

    fn observe(&self, hlc: Hlc) {
        self.node.keyspace.clock.observe(hlc);
    }

    fn actors_named(&mut self, from: NodeIndex, body: &[u8]) -> Result<(), Malformed> {
        let node = Arc::clone(&self.node);
        name_actors(&node, &mut self.link(from).actors, body)
    }

    fn acknowledged(&mut self, from: NodeIndex, body: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        let (committed, synced, count) = (reader.varint()?, reader.varint()?, reader.varint()?);
        let mut refused = Vec::new();
        for _ in 0..count {
            refused.push(reader.varint()?);
        }
        let back = self.link(from).acknowledged(committed, synced, &refused);
        if !back.is_empty() {
            // A disk that is full, a log that failed: it has missed these like one that is down.
            let view = Arc::clone(&self.view);
            given_up(from, &view, &back, &mut self.refused);
        }
        Ok(())
    }

    fn answered(&mut self, from: NodeIndex, body: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        while !reader.is_empty() {
            let (number, outcome, reply) = wire::take_answer(&mut reader)?;
            let answered = match outcome {
                Outcome::Replied => Answered::Reply(reply.into()),
                Outcome::NotSeat => Answered::NotSeat,
                Outcome::Busy => Answered::Busy,
            };
            self.link(from).answered(number, answered);
        }
        Ok(())
    }

    fn compared(
        &mut self,
        from: NodeIndex,
        body: &[u8],
        stage: &mut Stage,
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        while !reader.is_empty() {
            let (number, said) = wire::take_said(&mut reader)?;
            let compared = match said {
                Said::Equal => Compared::Equal,
                Said::Nothing | Said::Differs => {
                    let entry = wire::take_bytes(&mut reader)?;
                    self.differs(from, entry, stage)?
                }
            };
            self.link(from).compared(number, compared);
        }
        Ok(())
    }

    /// A replica holds other versions than we showed: both take in what the other has.
    fn differs(
        &mut self,
        from: NodeIndex,
        entry: &[u8],
        stage: &mut Stage,
    ) -> Result<Compared, Malformed> {
        let Some((named, place, record)) = record_entry(entry) else {
            return Err(Malformed);
        };
        let node = Arc::clone(&self.node);
        let now = node.clock.wall();
        let mut locked = Locked::new(&node.keyspace, named.database, now, stage);
        locked.lock_at(place.partition);
        let ours_before = locked.digest_at(place, named.key, &self.actors);
        let absorbed = if record.is_empty() {
            Ok(Absorbed::Known)
        } else {
            locked.absorb(&Incoming {
                place,
                key: named.key,
                record,
                actors: &self.link(from).actors,
            })
        };
        let behind = match absorbed {
            Ok(Absorbed::Known) => true,
            Ok(Absorbed::Changed { .. }) => ours_before != Some(0),
            // Evicted since: nothing is known of our side.
            Ok(Absorbed::Cold) => return Ok(Compared::Behind),
            Err(error) => {
                tracing::error!(%error, "a replica's record was not taken in");
                return Ok(Compared::Behind);
            }
        };
        if behind && let Some(record) = locked.record_bytes_at(place, named.key) {
            let record = record.to_vec();
            if let Some(fanout) = &mut locked.stage.fanout {
                fanout.repair(from, named, &record);
            }
            node.stats
                .read_repairs
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(match absorbed {
            Ok(Absorbed::Changed { .. }) => Compared::Grown,
            _ => Compared::Behind,
        })
    }
}
