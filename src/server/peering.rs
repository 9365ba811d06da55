//! A worker's sockets to other nodes. It dials each peer for its own requests, and serves the peers
//! that dial it, like clients of another protocol: what they send shares its groups with everybody.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::control::{Event, local_of};
use super::forwarded::Forwarded;
use super::severed::{not_heard, not_sent, until_sent};
use super::wire::Wire;
use super::worker::Worker;
use crate::cluster::{Malformed, Served};
use crate::env::clock::sleep;
use crate::env::{rng, task};
use crate::node::view::NodeIndex;
use crate::peer::{
    Backoff, Class, DialError, FRAME_BYTES_MAX, HANDSHAKE_TIMEOUT, Unparsed, dial, parse,
};
use crate::types::{Actor, Hlc, MonoMs, NodeId};

/// What one read asks for.
const READ_BYTES: usize = 64 * 1024;

/// Why a connection to a peer ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("closed")]
    Closed,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("malformed frame: {0:?}")]
    Frame(Unparsed),
    #[error(transparent)]
    Body(#[from] Malformed),
    #[error("a frame of another cluster")]
    Cluster,
    #[error("cut on purpose")]
    Cut,
}

/// Bytes as they arrive, taken apart into frames.
#[derive(Default)]
struct Arriving {
    bytes: Vec<u8>,
    from: usize,
}

impl Arriving {
    /// Waits for more bytes.
    async fn more(&mut self, stream: &TcpStream) -> Result<(), Broken> {
        if self.from > 0 {
            self.bytes.drain(..self.from);
            self.from = 0;
        }
        loop {
            self.bytes.reserve(READ_BYTES);
            match stream.try_read_buf(&mut self.bytes) {
                Ok(0) => return Err(Broken::Closed),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stream.readable().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Our own connection to a peer, from the handshake until it breaks.
pub(super) async fn talk(
    worker: &Rc<Worker>,
    (to, id): (NodeIndex, NodeId),
    stream: TcpStream,
) -> Broken {
    let wire = Rc::new(Wire::new(stream));
    {
        let mut plane = worker.plane.borrow_mut();
        plane.connected(to);
        wire.send(&mut plane.link(to).out);
    }
    worker.set_wire(to, Some(Rc::clone(&wire)));
    let broken = tokio::select! {
        biased;
        error = listen(worker, to, &wire) => error,
        error = wire.drain() => error.map_or_else(Broken::from, |()| Broken::Closed),
        () = not_sent(&worker.node, id) => Broken::Cut,
    };
    worker.set_wire(to, None);
    worker.plane.borrow_mut().disconnected(to);
    broken
}

async fn listen(worker: &Rc<Worker>, to: NodeIndex, wire: &Wire) -> Broken {
    let mut arriving = Arriving::default();
    loop {
        if let Err(broken) = arriving.more(&wire.stream).await {
            return broken;
        }
        if let Err(broken) = answers(worker, to, &mut arriving) {
            return broken;
        }
    }
}

fn answers(worker: &Worker, to: NodeIndex, arriving: &mut Arriving) -> Result<(), Broken> {
    let mut plane = worker.plane.borrow_mut();
    let mut stage = worker.stage.borrow_mut();
    plane.refresh(&mut stage);
    let mut any = false;
    loop {
        let rest = arriving.bytes.get(arriving.from..).unwrap_or_default();
        let frame = match parse(rest, FRAME_BYTES_MAX) {
            Ok(frame) => frame,
            Err(Unparsed::Incomplete { .. }) => break,
            Err(error) => return Err(Broken::Frame(error)),
        };
        if frame.header.cluster != worker.node.cluster {
            return Err(Broken::Cluster);
        }
        plane.received(to, &frame, &mut stage)?;
        any = true;
        arriving.from += frame.consumed;
    }
    worker.add_sums(&mut stage);
    if any {
        plane.wake();
        // What was merged or is to be repaired goes with the next group.
        worker.want_fan_out();
    }
    Ok(())
}

/// A peer that has dialled us.
pub(super) async fn serve(
    worker: &Rc<Worker>,
    stream: TcpStream,
    (peer, life): (NodeId, Actor),
) -> Broken {
    let from = worker.node.view.load().index_of(peer);
    if let Some(from) = from {
        worker.node.pulses.lives(from, life, Hlc(0));
    }
    let wire = Rc::new(Wire::new(stream));
    let mut served = Served::default();
    let forwarded = Forwarded::new(Rc::clone(worker), Rc::clone(&wire));
    tokio::select! {
        biased;
        error = requests(worker, &wire, &mut served, &forwarded, from) => error,
        error = wire.drain() => error.map_or_else(Broken::from, |()| Broken::Closed),
        () = mute(worker, peer, &wire) => Broken::Cut,
        () = not_heard(&worker.node, peer) => Broken::Cut,
    }
}

/// Holds back answers to a node that nothing may be sent to.
async fn mute(worker: &Worker, peer: NodeId, wire: &Wire) {
    loop {
        not_sent(&worker.node, peer).await;
        wire.mute(true);
        until_sent(&worker.node, peer).await;
        wire.mute(false);
    }
}

async fn requests(
    worker: &Rc<Worker>,
    wire: &Rc<Wire>,
    served: &mut Served,
    forwarded: &Rc<Forwarded>,
    from: Option<NodeIndex>,
) -> Broken {
    let mut arriving = Arriving::default();
    loop {
        if let Err(broken) = arriving.more(&wire.stream).await {
            return broken;
        }
        if let Err(broken) = take_in(worker, &mut arriving, served, forwarded, from) {
            return broken;
        }
        wire.send(&mut served.out);
        acknowledge(worker, wire, served).await;
        while let Some((database, key)) = served.cold() {
            let key: Box<[u8]> = key.into();
            worker.node.load(database, &key).await;
            served.warmed(&worker.node, &mut worker.stage.borrow_mut());
            acknowledge(worker, wire, served).await;
        }
    }
}

fn take_in(
    worker: &Rc<Worker>,
    arriving: &mut Arriving,
    served: &mut Served,
    forwarded: &Rc<Forwarded>,
    from: Option<NodeIndex>,
) -> Result<(), Broken> {
    let mut plane = worker.plane.borrow_mut();
    let mut stage = worker.stage.borrow_mut();
    plane.refresh(&mut stage);
    let mut asks = Vec::new();
    loop {
        let rest = arriving.bytes.get(arriving.from..).unwrap_or_default();
        let frame = match parse(rest, FRAME_BYTES_MAX) {
            Ok(frame) => frame,
            Err(Unparsed::Incomplete { .. }) => break,
            Err(error) => return Err(Broken::Frame(error)),
        };
        if frame.header.cluster != worker.node.cluster {
            return Err(Broken::Cluster);
        }
        if let Some(from) = from {
            worker.node.pulses.heard_at(from, frame.header.hlc);
        }
        served.received(&mut plane, &frame, &mut stage, &mut asks)?;
        arriving.from += frame.consumed;
    }
    worker.add_sums(&mut stage);
    drop((plane, stage));
    if !asks.is_empty() {
        forwarded.run(asks);
    }
    Ok(())
}

/// Waits for the group of what was merged, then says so.
async fn acknowledge(worker: &Rc<Worker>, wire: &Wire, served: &mut Served) {
    let merged = served.merged();
    if !served.owes(merged) {
        return;
    }
    if !worker.commit(worker.group()).await {
        // A node whose log failed acknowledges nothing.
        return;
    }
    let synced = if worker.node.is_logged() { 0 } else { merged };
    served.committed(&worker.plane.borrow(), merged, synced);
    wire.send(&mut served.out);
}

/// Keeps a connection of this worker to every member.
pub(super) async fn dial_all(worker: Rc<Worker>, events: mpsc::Sender<Event>) {
    let mut dialling: BTreeMap<NodeIndex, JoinHandle<()>> = BTreeMap::new();
    loop {
        let view = worker.node.view.load_full();
        for (place, known) in view.nodes.iter().enumerate().skip(1) {
            let index = NodeIndex(place as u16);
            let wanted = known.member && !known.peer_address.is_empty();
            if !wanted {
                if let Some(gone) = dialling.remove(&index) {
                    gone.abort();
                }
                continue;
            }
            dialling.entry(index).or_insert_with(|| {
                let run = keep_dialled(Rc::clone(&worker), index, known.id, events.clone());
                task::local("peer link", run)
            });
        }
        sleep(LOOK).await;
    }
}

/// How often a worker looks whether there are new members.
const LOOK: Duration = Duration::from_millis(50);

async fn keep_dialled(worker: Rc<Worker>, to: NodeIndex, id: NodeId, events: mpsc::Sender<Event>) {
    let began = worker.node.clock.now();
    let elapsed = || MonoMs(began.elapsed().as_millis() as u64);
    let mut backoff = Backoff::default();
    loop {
        let view = worker.node.view.load_full();
        let address = view.node(to).map(|known| known.peer_address.clone());
        let number = worker.number as u16;
        until_sent(&worker.node, id).await;
        let local = local_of(&worker.node);
        let address = address.unwrap_or_default();
        match dial(&address, &local, Class::Stream, number, HANDSHAKE_TIMEOUT).await {
            Ok((stream, established)) if established.peer == id => {
                worker.node.keyspace.clock.observe(established.peer_hlc);
                worker
                    .node
                    .pulses
                    .lives(to, established.actor, established.peer_hlc);
                backoff.connected(elapsed());
                let broken = talk(&worker, (to, id), stream).await;
                tracing::debug!(%id, %broken, "a connection to a peer broke");
                // A full queue: the detector finds out by itself.
                let _ = events.try_send(Event::Lost(id));
            }
            Ok(_) => tracing::warn!(%id, address, "another node answers at this member's address"),
            Err(DialError::Unreachable(_)) => {
                let _ = events.try_send(Event::Refused(id));
            }
            Err(error) => tracing::debug!(%id, address, %error, "no connection to a peer"),
        }
        let wait = backoff.lost(elapsed(), rng::random_u64());
        sleep(Duration::from_millis(wait)).await;
    }
}
