//! A node among others: its way in, its peer port, its control task. What `cli` calls in this order.

use std::net::TcpListener as StdListener;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::control::{self, Control, Event, JoinError, Joined, Started, accepted, local_of};
use super::listener::{Arrival, Server};
use crate::config::Config;
use crate::env::{Clock, task};
use crate::node::{Identity, Node, Part};
use crate::peer::{Class, Door};

/// Peers that have proved themselves and wait to be handed on.
const PROVEN: usize = 256;

/// Why a node does not get into its cluster. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct EnterError(#[from] JoinError);

/// A node that knows its cluster, and has not opened its data yet.
pub struct Entered {
    /// Who it is.
    pub identity: Identity,
    /// Its part in it.
    pub part: Part,
    joined: Joined,
}

/// Finds the cluster that this node belongs to, or founds one. Waits for its seeds.
pub async fn enter(config: &Config, clock: &Clock, found: bool) -> Result<Entered, EnterError> {
    let (identity, joined) = control::enter(config, clock, found).await?;
    Ok(Entered {
        identity,
        part: Part {
            founds: joined.claim.is_some(),
            alone: joined.memory.is_alone(),
        },
        joined,
    })
}

/// Starts the node's part in the cluster: from now on peers are heard and told. Ends with the runtime.
pub fn take_part(
    node: &Arc<Node>,
    server: &Server,
    entered: Entered,
    listener: Option<StdListener>,
) -> std::io::Result<()> {
    let Started {
        control,
        events: receiver,
    } = Control::start(Arc::clone(node), entered.joined);
    let events = control.events();
    for worker in server.workers() {
        // A worker's queue is empty before anybody is accepted.
        let _ = worker.try_send(Arrival::Events(events.clone()));
    }
    task::local("control", control.run(receiver));
    let Some(listener) = listener else {
        return Ok(());
    };
    listener.set_nonblocking(true)?;
    let door = Door::new(TcpListener::from_std(listener)?);
    let (proven, peers) = mpsc::channel(PROVEN);
    let local = {
        let node = Arc::clone(node);
        move || local_of(&node)
    };
    task::local("peer door", async move {
        door.run(local, proven).await;
    });
    let workers = server.workers();
    task::local("peers", deal(Arc::clone(node), peers, workers, events));
    Ok(())
}

/// Hands on peers that have proved themselves.
async fn deal(
    node: Arc<Node>,
    mut peers: mpsc::Receiver<(tokio::net::TcpStream, crate::peer::Established)>,
    workers: Vec<mpsc::Sender<Arrival>>,
    events: mpsc::Sender<Event>,
) {
    while let Some((stream, established)) = peers.recv().await {
        if !node.faults.may_hear(established.peer) {
            continue;
        }
        node.keyspace.clock.observe(established.peer_hlc);
        match established.class {
            Class::Control | Class::Bulk => {
                let run = accepted(Arc::clone(&node), stream, established, events.clone());
                task::local("control peer", run);
            }
            Class::Stream if !established.peer_belongs => {}
            Class::Stream => {
                let turn = usize::from(established.worker) % workers.len().max(1);
                let Ok(stream) = stream.into_std() else {
                    continue;
                };
                if let Some(worker) = workers.get(turn) {
                    // A full queue: the peer dials again.
                    let _ =
                        worker.try_send(Arrival::Peer(stream, established.peer, established.actor));
                }
            }
        }
    }
}
