//! One worker: a thread with its own runtime, its connections, its staged writes. Connections of a
//! worker commit together: each, having run what it read, waits for the worker's group; the group
//! is committed when every connection that was ready has run. So one `write` to the log serves all.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::wire::Wire;
use crate::cluster::{Pass, Plane};
use crate::commands::Registry;
use crate::env::clock::sleep;
use crate::node::stats::WorkerStats;
use crate::node::view::NodeIndex;
use crate::node::{Committed, Node, Stage};

/// What the connections of one worker share. Never leaves its thread.
pub(super) struct Worker {
    /// The node.
    pub(super) node: Arc<Node>,
    /// This worker's number.
    pub(super) number: usize,
    /// Counters.
    pub(super) stats: Arc<WorkerStats>,
    /// Writes since the last group.
    pub(super) stage: RefCell<Stage>,
    /// The group now being filled; committed groups have smaller numbers.
    group: Cell<u64>,
    /// Groups up to here are committed.
    committed: Cell<u64>,
    /// The first group that could not be committed; it and all later ones are lost.
    failed_from: Cell<Option<u64>>,
    waiting: RefCell<Vec<Waker>>,
    wanted: Notify,
    /// The other nodes, as this worker talks to them.
    pub(super) plane: RefCell<Plane>,
    /// Sockets to them, by node index.
    wires: RefCell<Vec<Option<Rc<Wire>>>>,
    buffers: RefCell<Vec<Vec<u8>>>,
}

/// Buffers kept for reuse, and the largest worth keeping.
const BUFFERS_KEPT: usize = 64;
const BUFFER_KEPT_BYTES: usize = 256 * 1024;

impl Worker {
    /// A worker of this node.
    pub(super) fn new(node: Arc<Node>, number: usize) -> Rc<Self> {
        let stats = Arc::new(WorkerStats::new(Registry::get().len()));
        node.stats.add_worker(Arc::clone(&stats));
        let stage = RefCell::new(Stage::new(node.is_logged()));
        let plane = RefCell::new(Plane::new(Arc::clone(&node)));
        Rc::new(Self {
            plane,
            wires: RefCell::default(),
            node,
            number,
            stats,
            stage,
            group: Cell::new(1),
            committed: Cell::new(0),
            failed_from: Cell::new(None),
            waiting: RefCell::default(),
            wanted: Notify::new(),
            buffers: RefCell::default(),
        })
    }

    /// The group that writes staged now belong to.
    pub(super) fn group(&self) -> u64 {
        self.group.get()
    }

    /// Waits until a group is committed. False: it could not be, and nothing in it may be
    /// acknowledged.
    pub(super) async fn commit(&self, group: u64) -> bool {
        self.wanted.notify_one();
        std::future::poll_fn(|context| {
            if self.failed_from.get().is_some_and(|failed| failed <= group) {
                return Poll::Ready(false);
            }
            if self.committed.get() >= group {
                return Poll::Ready(true);
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Makes visible to the node what one pass changed in its sums.
    pub(super) fn add_sums(&self, stage: &mut Stage) {
        let table_bytes = std::mem::take(&mut stage.table_bytes);
        self.node
            .keyspace
            .add_sums(table_bytes, std::mem::take(&mut stage.dirty_bytes));
    }

    /// Commits groups for as long as the worker lives.
    pub(super) async fn committer(self: Rc<Self>) {
        let mut spare = Stage::new(self.node.is_logged());
        loop {
            self.wanted.notified().await;
            // Everyone who is ready now goes first: their writes join this group.
            tokio::task::yield_now().await;
            self.fan_out();
            let group = self.group.get();
            self.group.set(group + 1);
            {
                let stage = &mut *self.stage.borrow_mut();
                std::mem::swap(stage, &mut spare);
                // The operations' numbers go on from group to group.
                std::mem::swap(&mut stage.fanout, &mut spare.fanout);
            }
            let committed = self.node.commit(&spare).await;
            spare.clear();
            match committed {
                Committed::Yes => self.committed.set(group),
                Committed::No => {
                    let first = self.failed_from.get().unwrap_or(group);
                    self.failed_from.set(Some(first));
                }
            }
            for waker in self.waiting.borrow_mut().drain(..) {
                waker.wake();
            }
        }
    }

    /// Sends what the group has for other nodes, before it is committed here: their logs are written
    /// while ours is.
    fn fan_out(&self) {
        let mut plane = self.plane.borrow_mut();
        if !plane.flush(&mut self.stage.borrow_mut()) {
            return;
        }
        let wires = self.wires.borrow();
        for (place, wire) in wires.iter().enumerate() {
            if let Some(wire) = wire {
                wire.send(&mut plane.link(NodeIndex(place as u16)).out);
            }
        }
    }

    /// A connection to a peer stands, or has gone.
    pub(super) fn set_wire(&self, to: NodeIndex, wire: Option<Rc<Wire>>) {
        let mut wires = self.wires.borrow_mut();
        let place = usize::from(to.0);
        if place >= wires.len() {
            wires.resize_with(place + 1, || None);
        }
        if let Some(slot) = wires.get_mut(place) {
            *slot = wire;
        }
    }

    /// There is something for other nodes.
    pub(super) fn want_fan_out(&self) {
        self.wanted.notify_one();
    }

    /// Waits until a pass is settled, or its time is up.
    pub(super) async fn settle(&self, pass: &mut Pass, deadline: Instant) {
        std::future::poll_fn(|context| {
            let late = self.node.clock.now() >= deadline;
            self.plane.borrow_mut().poll(pass, late, context)
        })
        .await;
    }

    /// Lets those who wait look at the time: one timer for all of them.
    pub(super) async fn ticker(self: Rc<Self>) {
        const STEP: Duration = Duration::from_millis(10);
        loop {
            sleep(STEP).await;
            self.plane.borrow_mut().wake();
        }
    }

    /// A buffer, perhaps a used one.
    pub(super) fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(super) fn give_buffer(&self, mut buffer: Vec<u8>) {
        let mut buffers = self.buffers.borrow_mut();
        if buffer.capacity() > 0
            && buffer.capacity() <= BUFFER_KEPT_BYTES
            && buffers.len() < BUFFERS_KEPT
        {
            buffer.clear();
            buffers.push(buffer);
        }
    }
}
