//! One connection: read what has arrived, run all of it in one pass, commit with the worker's group,
//! answer with one write. No timer, channel or task per command.

mod asking;
mod batch;
mod io;
mod replies;
mod settle;
mod several;
mod split;
mod walks;
mod wide;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::worker::Worker;
use crate::cluster::{Hook, Pass, Plane, Span};
use crate::commands::dispatch::{Dispatch, Ended};
use crate::node::Stage;
use crate::node::durable::CacheHold;
use crate::resp::{
    Limits, Progress, ProtocolError, Reply, Request, RequestReader, looks_like_http,
};
use crate::session::{ClientHandle, Session};
use crate::types::{Database, WallMs};

/// Replies beyond this are written before more commands run: a pipeline of large GETs must not
/// gather in memory.
const WRITE_EARLY_BYTES: usize = 1 << 20;

/// Keys that a command may wait for before the cache keeps what it has brought in: more than nearly
/// any command has, and few beside what a cache holds.
const LOADS_UNHELD: usize = 100;

/// Before AUTH a connection may make us hold no more than this.
const UNAUTHENTICATED_BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Connection {
    worker: Rc<Worker>,
    stream: TcpStream,
    session: Session,
    reader: RequestReader,
    request: Request,
    input: Vec<u8>,
    /// Bytes of `input` that have been executed.
    executed: usize,
    /// Keys loaded for the command that waits, and what keeps them once they are many.
    loads: usize,
    hold: Option<CacheHold>,
    output: Vec<u8>,
    /// Where in `output` the replies of writes stand that are not committed yet.
    uncommitted: Vec<(usize, usize)>,
    /// The group of those writes.
    group: u64,
    /// Wall clock of the last batch.
    batch_at: WallMs,
    /// Replies that wait for other nodes.
    pass: Pass,
    /// A reply that is to be made anew needs this key first.
    wanted: Option<(Database, Box<[u8]>)>,
    /// Commands run here, whoever owns their keys: parts of one over many nodes.
    here: bool,
    /// What QUORUM ONCE gave the last commands as their time-out, in milliseconds.
    once_timeout_ms: Option<u64>,
}

/// What to do after a pass over the input.
enum Step {
    /// Everything that arrived is executed.
    Read,
    /// There is more to execute after these replies are out.
    Write,
    /// A command waits for something.
    Wait(Ended),
    /// Write what there is, then close.
    Close,
}

impl Connection {
    pub(super) fn new(worker: Rc<Worker>, stream: TcpStream, handle: Arc<ClientHandle>) -> Self {
        let open = worker.node.config.load().client.password.is_empty();
        handle.authenticated.store(open, Ordering::Relaxed);
        let session = Session::new(handle, open);
        Self {
            worker,
            stream,
            session,
            reader: RequestReader::new(),
            request: Request::new(),
            input: Vec::new(),
            executed: 0,
            loads: 0,
            hold: None,
            output: Vec::new(),
            uncommitted: Vec::new(),
            group: 0,
            batch_at: WallMs(0),
            pass: Pass::default(),
            wanted: None,
            here: false,
            once_timeout_ms: None,
        }
    }

    /// Serves the client until either side is done.
    pub(super) async fn run(mut self) {
        let result = self.serve().await;
        if let Err(error) = result {
            tracing::debug!(client = self.session.handle.id, %error, "connection ended");
        }
        super::goodbye(&self.worker.node, &mut self.session);
    }

    async fn serve(&mut self) -> std::io::Result<()> {
        loop {
            if !self.arrive().await? {
                return Ok(());
            }
            loop {
                let step = self.pass();
                self.commit().await;
                if !self.pass.is_empty() {
                    self.settle().await;
                }
                match step {
                    Step::Read => {
                        self.flush().await?;
                        break;
                    }
                    Step::Write => self.flush().await?,
                    Step::Wait(ended) => {
                        self.flush().await?;
                        self.wait(ended).await;
                    }
                    Step::Close => {
                        self.flush().await?;
                        return Ok(());
                    }
                }
            }
            self.rest();
        }
    }

    /// Runs every complete request of the input.
    fn pass(&mut self) -> Step {
        let worker = Rc::clone(&self.worker);
        let stage = &mut *worker.stage.borrow_mut();
        let mut plane = worker.plane.borrow_mut();
        plane.refresh(stage);
        set_fanning(stage, true);
        let step = self.pass_on(&worker, &mut plane, stage);
        set_fanning(stage, false);
        worker.add_sums(stage);
        step
    }

    fn pass_on(&mut self, worker: &Worker, plane: &mut Plane, stage: &mut Stage) -> Step {
        let now = worker.node.clock.wall();
        self.batch_at = now;
        let alone = plane.view.alone || self.here;
        let mut pass = std::mem::take(&mut self.pass);
        let mut hook = Hook::new(plane, &mut pass);
        let dispatch = Dispatch {
            node: &worker.node,
            stage,
            stats: &worker.stats,
            elsewhere: (!alone).then_some(&mut hook),
            now,
            instant: worker.node.clock.now(),
        };
        let step = self.run_all(worker, dispatch);
        self.pass = pass;
        step
    }

    fn run_all(&mut self, worker: &Worker, mut dispatch: Dispatch<'_, Hook<'_>>) -> Step {
        let mut limits = self.limits();
        let mut trusted = self.session.authenticated;
        loop {
            let pending = self.input.get(self.executed..).unwrap_or_default();
            let consumed = match self.reader.next(pending, &limits, &mut self.request) {
                Ok(Progress::Complete { consumed }) => consumed,
                Ok(Progress::Incomplete { .. }) if pending.len() > self.buffer_limit() => {
                    return Step::Close;
                }
                Ok(Progress::Incomplete { .. }) => return Step::Read,
                Err(error) => return self.protocol_error(error),
            };
            let argv = self.request.argv(pending);
            if argv.is_empty() {
                self.executed += consumed;
                continue;
            }
            if looks_like_http(argv) {
                tracing::warn!(
                    client = self.session.handle.id,
                    "HTTP on the RESP port: closed"
                );
                return Step::Close;
            }
            let (start, writes) = (self.output.len(), dispatch.stage.writes);
            let once = self.session.quorum_once;
            let ended = dispatch.execute(&mut self.session, argv, &mut self.output);
            if once.is_some() {
                self.end_once(once, &ended);
            }
            if let Some(hook) = &mut dispatch.elsewhere {
                hook.place(Span {
                    from: start,
                    to: self.output.len(),
                    asked_from: self.executed,
                    asked_to: self.executed + consumed,
                });
            }
            if dispatch.stage.writes != writes && dispatch.stage.logged {
                self.uncommitted.push((start, self.output.len()));
                self.group = worker.group();
            }
            if matches!(ended, Ended::Load(..) | Ended::Hold | Ended::Split) {
                // Not executed: the same request runs again after the wait.
                self.reader = RequestReader::new();
                return Step::Wait(ended);
            }
            self.executed += consumed;
            (self.loads, self.hold) = (0, None);
            match ended {
                Ended::Replied if self.session.closing => return Step::Close,
                Ended::Replied | Ended::Sent => {}
                Ended::Close => return Step::Close,
                waiting => return Step::Wait(waiting),
            }
            if self.output.len() > WRITE_EARLY_BYTES {
                return Step::Write;
            }
            if trusted != self.session.authenticated {
                trusted = self.session.authenticated;
                limits = self.limits();
            }
        }
    }

    fn limits(&self) -> Limits {
        if self.session.authenticated {
            Limits::trusted(self.worker.node.config.load().client.max_bulk_bytes as usize)
        } else {
            Limits::unauthenticated()
        }
    }

    fn buffer_limit(&self) -> usize {
        if self.session.authenticated {
            usize::MAX
        } else {
            UNAUTHENTICATED_BUFFER_BYTES
        }
    }

    fn protocol_error(&mut self, error: ProtocolError) -> Step {
        let text = format!("ERR Protocol error: {error}");
        Reply::new(&mut self.output, self.session.protocol).error(&text);
        Step::Close
    }

    /// Waits for what a command could not do at once, then answers it.
    async fn wait(&mut self, ended: Ended) {
        let handle = Arc::clone(&self.session.handle);
        handle.unblock.store(0, Ordering::Relaxed);
        handle.blocked.store(true, Ordering::Relaxed);
        match ended {
            Ended::Load(database, key) => {
                self.loads += 1;
                if self.loads > LOADS_UNHELD && self.hold.is_none() {
                    self.hold = self.worker.node.hold_cache().await;
                }
                self.worker.node.load(database, &key).await;
            }
            Ended::Hold => self.worker.node.hold().await,
            Ended::Wait(wait) => {
                let start = self.output.len();
                let mut reply = Reply::new(&mut self.output, self.session.protocol);
                super::waiting::wait(&self.worker.node, &self.session, wait, &mut reply).await;
                self.session.settle_reply(start, &mut self.output);
            }
            Ended::Split => self.split().await,
            Ended::Replied | Ended::Close | Ended::Sent => {}
        }
        handle.blocked.store(false, Ordering::Relaxed);
    }

    /// Nothing is acknowledged before its group is committed. When that fails the replies of the
    /// writes are replaced: their outcome is unknown.
    async fn commit(&mut self) {
        if self.uncommitted.is_empty() {
            if !self.pass.is_empty() {
                self.worker.want_fan_out();
            }
            return;
        }
        if !self.worker.commit(self.group).await {
            let old = std::mem::take(&mut self.output);
            let mut from = 0;
            for (start, end) in &self.uncommitted {
                self.output
                    .extend_from_slice(old.get(from..*start).unwrap_or_default());
                Reply::new(&mut self.output, self.session.protocol).error(
                    "NOQUORUM W=1 not met (acked 0): the log could not be written; the write may \
                     still become visible",
                );
                from = *end;
            }
            self.output
                .extend_from_slice(old.get(from..).unwrap_or_default());
        }
        self.session.last_write = self.group;
        self.uncommitted.clear();
    }

    /// Between batches a connection holds no buffer, unless a request is half here.
    fn rest(&mut self) {
        if self.executed == self.input.len() {
            self.worker.give_buffer(std::mem::take(&mut self.input));
        } else if self.executed > 0 {
            self.input.drain(..self.executed);
        }
        self.executed = 0;
        if self.output.capacity() > WRITE_EARLY_BYTES {
            self.output = Vec::new();
        }
        super::publish_state(&self.session, self.input.len(), self.batch_at);
    }
}

/// Do writes of commands go to other nodes? Only those: reaping and merging change this copy alone.
fn set_fanning(stage: &mut Stage, on: bool) {
    if let Some(fanout) = &mut stage.fanout {
        fanout.on = on;
    }
}
