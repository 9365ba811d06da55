//! Commands that a peer has forwarded, run as a client's are: one pass over all that came together, one
//! group, one quorum to wait for; then each has its answer.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::waiting::walk_off_thread;
use super::wire::Wire;
use super::worker::Worker;
use crate::cluster::{Ask, Hook, Pass, Span, inner, put_answers};
use crate::commands::Wait;
use crate::commands::context::Walk;
use crate::commands::dispatch::{Dispatch, Ended};
use crate::env::clock::sleep;
use crate::env::task;
use crate::resp::{OwnedArgv, Protocol, Reply, reply_length};
use crate::session::{ClientHandle, Queue, Session, Watched};
use crate::types::Database;

/// Between two tries of a request that found nobody.
const RETRY: Duration = Duration::from_millis(10);

/// See the module's head.
pub(super) struct Forwarded {
    worker: Rc<Worker>,
    wire: Rc<Wire>,
    session: RefCell<Session>,
}

/// One pass.
#[derive(Default)]
struct Batch {
    asks: Vec<Ask>,
    output: Vec<u8>,
    pass: Pass,
    wrote: bool,
    /// What the next command must wait for.
    stopped: Option<Ended>,
    wanted: Option<(Database, Box<[u8]>)>,
}

impl Forwarded {
    pub(super) fn new(worker: Rc<Worker>, wire: Rc<Wire>) -> Rc<Self> {
        let address = |found: std::io::Result<_>| {
            found.unwrap_or_else(|_| std::net::SocketAddr::from(([0, 0, 0, 0], 0)))
        };
        let peer = address(wire.stream.peer_addr());
        let local = address(wire.stream.local_addr());
        let handle = ClientHandle::new(0, peer, local, -1, worker.node.clock.wall().0);
        Rc::new(Self {
            worker,
            wire,
            session: RefCell::new(Session::new(Arc::new(handle), true)),
        })
    }

    /// Runs them, in order; answers come when they come.
    pub(super) fn run(self: &Rc<Self>, asks: Vec<Ask>) {
        let mut left = VecDeque::from(asks);
        let batch = self.execute(&mut left);
        task::local("forwarded", Rc::clone(self).finish(batch, left));
    }

    async fn finish(self: Rc<Self>, mut batch: Batch, mut left: VecDeque<Ask>) {
        loop {
            self.settle(&mut batch).await;
            self.answer(&batch);
            match batch.stopped.take() {
                Some(Ended::Load(database, key)) => self.worker.node.load(database, &key).await,
                Some(_) => self.worker.node.hold().await,
                None if left.is_empty() => return,
                None => {}
            }
            batch = self.execute(&mut left);
        }
    }

    /// Runs what is left, as far as it goes.
    fn execute(self: &Rc<Self>, left: &mut VecDeque<Ask>) -> Batch {
        let mut batch = Batch::default();
        while let Some(ask) = left.pop_front() {
            let from = batch.output.len();
            let (ended, wrote) = self.one(
                &ask,
                true,
                &mut batch.pass,
                &mut batch.output,
                from,
                batch.asks.len(),
            );
            batch.wrote |= wrote;
            match ended {
                Ended::Replied | Ended::Close | Ended::Sent => batch.asks.push(ask),
                stopped @ (Ended::Load(..) | Ended::Hold) => {
                    batch.stopped = Some(stopped);
                    left.push_front(ask);
                    break;
                }
                Ended::Wait(Wait::Walk { walk, .. }) => {
                    task::local("forwarded walk", Rc::clone(self).walk(ask, walk));
                }
                Ended::Wait(_) | Ended::Split => {
                    Reply::new(&mut batch.output, protocol_of(&ask))
                        .error("ERR this command is not served for another node");
                    batch.asks.push(ask);
                }
            }
        }
        batch
    }

    fn one(
        &self,
        ask: &Ask,
        routed: bool,
        pass: &mut Pass,
        output: &mut Vec<u8>,
        from: usize,
        place: usize,
    ) -> (Ended, bool) {
        let worker = &self.worker;
        let session = &mut *self.session.borrow_mut();
        prepare(session, ask);
        if ask.inner {
            return (self.inner(ask, output), false);
        }
        let stage = &mut *worker.stage.borrow_mut();
        let mut plane = worker.plane.borrow_mut();
        plane.refresh(stage);
        set_fanning(stage, true);
        let mut hook = Hook::forwarded(&mut plane, pass, ask.local);
        let writes = stage.writes;
        let mut dispatch = Dispatch {
            node: &worker.node,
            stage,
            stats: &worker.stats,
            elsewhere: routed.then_some(&mut hook),
            now: worker.node.clock.wall(),
            instant: worker.node.clock.now(),
        };
        let words = if ask.unit {
            OwnedArgv::from_words([b"EXEC".as_slice()])
        } else {
            OwnedArgv::from_words(ask.words.iter().map(|word| &**word))
        };
        let ended = dispatch.execute(session, words.argv(), output);
        let wrote = dispatch.stage.writes != writes;
        set_fanning(dispatch.stage, false);
        worker.add_sums(dispatch.stage);
        hook.place(Span {
            from,
            to: output.len(),
            asked_from: place,
            asked_to: place,
        });
        (ended, wrote)
    }

    /// A question of the peer itself.
    fn inner(&self, ask: &Ask, output: &mut Vec<u8>) -> Ended {
        let stage = &mut *self.worker.stage.borrow_mut();
        let mut reply = Reply::new(output, protocol_of(ask));
        let cold = inner::answer(
            &self.worker.node,
            stage,
            ask.database,
            &ask.words,
            &mut reply,
        );
        self.worker.add_sums(stage);
        match cold {
            Some(key) => Ended::Load(ask.database, key),
            None => Ended::Replied,
        }
    }

    /// A walk that reads the tree: answered by itself, so that it holds up nobody.
    async fn walk(self: Rc<Self>, ask: Ask, walk: Walk) {
        let mut out = Vec::new();
        let mut reply = Reply::new(&mut out, protocol_of(&ask));
        walk_off_thread(&self.worker.node, walk, ask.database, &mut reply).await;
        let mut frame = Vec::new();
        put_answers(
            &self.worker.plane.borrow(),
            &[(ask.number, &out)],
            &mut frame,
        );
        self.wire.send(&mut frame);
    }

    async fn settle(&self, batch: &mut Batch) {
        let worker = &self.worker;
        // All of a batch wait together: as long as the most patient of them.
        let shipped = worker.plane.borrow().view.request_timeout_ms;
        let asked = batch.asks.iter().map(|ask| ask.quorum.timeout_ms);
        let patience = asked.map(|ms| ms.unwrap_or(shipped)).max();
        let patience = patience.unwrap_or(shipped);
        let deadline = worker.node.clock.now() + Duration::from_millis(patience);
        loop {
            if std::mem::take(&mut batch.wrote) {
                if !worker.commit(worker.group()).await {
                    return log_failed(batch);
                }
            } else if !batch.pass.is_empty() {
                worker.want_fan_out();
            }
            if batch.pass.is_empty() {
                return;
            }
            let mut pass = std::mem::take(&mut batch.pass);
            worker.settle(&mut pass, deadline).await;
            if pass.retries() {
                sleep(RETRY).await;
            }
            let mut output = std::mem::take(&mut batch.output);
            let (protocol, asks) = (
                self.session.borrow().protocol,
                std::mem::take(&mut batch.asks),
            );
            pass.assemble(
                &mut output,
                |text, out| Reply::new(out, protocol).error(text),
                |span, how, out| {
                    if let Some(ask) = asks.get(span.asked_from) {
                        self.anew(ask, span, how.routed, batch, out);
                    }
                },
            );
            batch.asks = asks;
            batch.output = output;
            if let Some((database, key)) = batch.wanted.take() {
                worker.node.load(database, &key).await;
            }
        }
    }

    fn anew(&self, ask: &Ask, span: Span, routed: bool, batch: &mut Batch, out: &mut Vec<u8>) {
        let from = out.len();
        let (ended, wrote) = self.one(ask, routed, &mut batch.pass, out, from, span.asked_from);
        batch.wrote |= wrote;
        if let Ended::Load(database, key) = ended {
            batch.wanted = Some((database, key));
            batch.pass.again(Span {
                from,
                to: out.len(),
                ..span
            });
        }
    }

    fn answer(&self, batch: &Batch) {
        let plane = self.worker.plane.borrow();
        let mut out = Vec::with_capacity(batch.output.len() + batch.asks.len() * 8 + 64);
        let mut left = batch.output.as_slice();
        let mut replies = Vec::with_capacity(batch.asks.len());
        for ask in &batch.asks {
            let length = reply_length(left).unwrap_or(left.len());
            let (reply, rest) = left.split_at(length);
            replies.push((ask.number, reply));
            left = rest;
        }
        put_answers(&plane, &replies, &mut out);
        drop(plane);
        self.wire.send(&mut out);
    }
}

fn protocol_of(ask: &Ask) -> Protocol {
    if ask.protocol == 3 {
        Protocol::Resp3
    } else {
        Protocol::Resp2
    }
}

/// The session that the command finds: as the client's own is, where it matters.
fn prepare(session: &mut Session, ask: &Ask) {
    session.protocol = protocol_of(ask);
    session.database = ask.database;
    session.quorum = ask.quorum;
    session.queue = None;
    session.watched.clear();
    if ask.unit {
        let mut words = ask.words.iter().map(|word| &**word);
        session.watched = watched(&mut words);
        session.queue = Some(queue(&mut words));
    }
}

fn number<'k>(words: &mut impl Iterator<Item = &'k [u8]>) -> Option<u64> {
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

fn watched<'k>(words: &mut impl Iterator<Item = &'k [u8]>) -> Vec<Watched> {
    let count = number(words).unwrap_or(0);
    let mut all = Vec::new();
    for _ in 0..count {
        let Some(database) = number(words) else { break };
        let Some(key) = words.next() else { break };
        let Some(fingerprint) = number(words) else {
            break;
        };
        all.push(Watched {
            database: Database(database as u8),
            key: key.into(),
            fingerprint,
        });
    }
    all
}

fn queue<'k>(words: &mut impl Iterator<Item = &'k [u8]>) -> Queue {
    let mut queue = Queue::default();
    while let Some(count) = number(words) {
        let command: Vec<&[u8]> = words.by_ref().take(count as usize).collect();
        queue.commands.push(OwnedArgv::from_words(command));
    }
    queue
}

fn set_fanning(stage: &mut crate::node::Stage, on: bool) {
    if let Some(fanout) = &mut stage.fanout {
        fanout.on = on;
    }
}

/// Nothing of the pass is acknowledged.
fn log_failed(batch: &mut Batch) {
    batch.output.clear();
    for ask in &batch.asks {
        Reply::new(&mut batch.output, protocol_of(ask)).error(
            "NOQUORUM W=1 not met (acked 0): the log could not be written; the write may still \
             become visible",
        );
    }
    batch.pass = Pass::default();
}
