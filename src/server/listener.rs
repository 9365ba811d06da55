//! Listening, and dealing connections out to workers in turn.

use std::net::{SocketAddr, TcpStream as StdStream};
use std::os::fd::AsRawFd as _;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::connection::Connection;
use super::control::Event;
use super::handoff::give_back;
use super::housekeeping::housekeeping;
use super::peering;
use super::worker::Worker;
use crate::config::ClientConfig;
use crate::env::clock::sleep;
use crate::env::task;
use crate::node::Node;
use crate::session::ClientHandle;
use crate::types::{Actor, NodeId};

/// Connections that the system holds for us until we accept them: Redis's default.
const BACKLOG: i32 = 511;

/// Connections on their way to a worker.
const HANDOVER: usize = 1_024;

/// Redis's `tcp-keepalive`.
const KEEPALIVE: Duration = Duration::from_mins(5);

/// A connection that has not authenticated by then is closed, whatever it trickles.
const UNAUTHENTICATED_MS: u64 = 10_000;

/// Why the node cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not an address.
    #[error("cannot listen on {address}: {reason}")]
    Address {
        /// What was configured.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was configured.
        address: SocketAddr,
        /// The system's word.
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a worker: {0}")]
    Thread(std::io::Error),
}

/// The client port's addresses, taken but not listened on yet: a second node is refused before it
/// touches any data, and clients are not kept waiting while the log is replayed.
#[derive(Debug)]
pub struct Bound(Vec<(SocketAddr, Socket)>);

impl Bound {
    /// Takes all configured addresses.
    pub fn take(config: &ClientConfig) -> Result<Self, ListenError> {
        let bind = |address: &String| bind(address, config.port);
        config
            .bind
            .iter()
            .map(bind)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// The listening side of a node.
pub struct Server {
    listeners: Vec<std::net::TcpListener>,
    /// Workers live as long as this: longer than anybody is accepted.
    shared: Rc<Shared>,
}

impl Server {
    /// Starts the workers and listens.
    pub fn start(node: Arc<Node>, bound: Bound, workers: usize) -> Result<Self, ListenError> {
        let workers = (0..workers)
            .map(|number| start_worker(&node, number))
            .collect::<Result<Vec<_>, _>>()?;
        let listen = |(address, socket): (SocketAddr, Socket)| match socket.listen(BACKLOG) {
            Ok(()) => Ok(socket.into()),
            Err(source) => Err(ListenError::Bind { address, source }),
        };
        Ok(Self {
            listeners: bound.0.into_iter().map(listen).collect::<Result<_, _>>()?,
            shared: Rc::new((node, workers)),
        })
    }

    /// Where connections of peers go: to the worker of the same number.
    pub(crate) fn workers(&self) -> Vec<mpsc::Sender<Arrival>> {
        self.shared.1.clone()
    }

    /// Accepts until the future is dropped; then nobody listens any more, and connections go on.
    pub async fn accept(&mut self) -> std::io::Result<()> {
        let mut accepting = Accepting(Vec::new());
        for listener in self.listeners.drain(..) {
            let listener = TcpListener::from_std(listener)?;
            let shared = Rc::clone(&self.shared);
            let run = async move { accept_on(&listener, &shared).await };
            accepting.0.push(task::local("accept", run));
        }
        std::future::pending().await
    }
}

/// The tasks that accept, ended with the server.
struct Accepting(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

type Shared = (Arc<Node>, Vec<mpsc::Sender<Arrival>>);

/// A connection on its way to a worker.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A client's.
    Client(StdStream, Arc<ClientHandle>),
    /// A peer's, whose worker has dialled us.
    Peer(StdStream, NodeId, Actor),
    /// Where the worker tells what becomes of its own connections to peers.
    Events(mpsc::Sender<Event>),
}

fn bind(address: &str, port: u16) -> Result<(SocketAddr, Socket), ListenError> {
    let bad = |reason: String| ListenError::Address {
        address: address.to_owned(),
        reason,
    };
    let host = if address == "localhost" {
        "127.0.0.1"
    } else {
        address
    };
    let host = if host == "*" { "0.0.0.0" } else { host };
    let ip = host
        .parse()
        .map_err(|_| bad("not an IP address".to_owned()))?;
    let address = SocketAddr::new(ip, port);
    let bind = || -> std::io::Result<Socket> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    match bind() {
        Ok(socket) => Ok((address, socket)),
        Err(source) => Err(ListenError::Bind { address, source }),
    }
}

async fn accept_on(listener: &TcpListener, shared: &Shared) {
    let (node, workers) = shared;
    let mut turn = 0;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: waiting is all that helps.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        node.stats.connections.fetch_add(1, Ordering::Relaxed);
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        if let Some(refusal) = refusal(node, peer) {
            node.stats
                .rejected_connections
                .fetch_add(1, Ordering::Relaxed);
            // The reply fits the socket's empty buffer; a client that is gone is no loss.
            let _ = std::io::Write::write_all(&mut &stream, refusal.as_bytes());
            continue;
        }
        let Ok(local) = stream.local_addr() else {
            continue;
        };
        let now = node.clock.wall().0;
        let id = node.clients.next_id();
        let handle = Arc::new(ClientHandle::new(id, peer, local, stream.as_raw_fd(), now));
        node.clients.add(Arc::clone(&handle));
        turn = (turn + 1) % workers.len().max(1);
        let Some(worker) = workers.get(turn) else {
            continue;
        };
        if worker.send(Arrival::Client(stream, handle)).await.is_err() {
            node.clients.remove(id);
        }
    }
}

fn refusal(node: &Node, peer: SocketAddr) -> Option<&'static str> {
    let config = node.config.load();
    if node.clients.len() >= config.client.max_clients as usize {
        return Some("-ERR max number of clients reached\r\n");
    }
    let open = config.client.password.is_empty() && config.client.protected_mode;
    (open && !peer.ip().to_canonical().is_loopback()).then_some(
        "-DENIED dynamo is running in protected mode because protected mode is enabled and no \
         password is set for clients. In this mode connections are only accepted from the \
         loopback interface. Set client.password, or turn protected mode off with \
         client.protected_mode = false if the network is trusted.\r\n",
    )
}

fn start_worker(node: &Arc<Node>, number: usize) -> Result<mpsc::Sender<Arrival>, ListenError> {
    let (sender, mut receiver) = mpsc::channel::<Arrival>(HANDOVER);
    let node = Arc::clone(node);
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a worker's runtime can be built where the main one could");
        tokio::task::LocalSet::new().block_on(&runtime, async move {
            let worker = Worker::new(node, number);
            task::local("committer", Rc::clone(&worker).committer());
            task::local("silent", close_silent(Rc::clone(&worker)));
            if number == 0 {
                task::local("housekeeping", housekeeping(Rc::clone(&worker)));
            }
            while let Some(arrival) = receiver.recv().await {
                arrived(&worker, arrival);
            }
        });
    };
    task::thread(&format!("worker-{number}"), run).map_err(ListenError::Thread)?;
    Ok(sender)
}

fn arrived(worker: &Rc<Worker>, arrival: Arrival) {
    match arrival {
        Arrival::Client(stream, handle) => {
            let id = handle.id;
            match prepare(stream) {
                Ok(stream) => {
                    let connection = Connection::new(Rc::clone(worker), stream, handle);
                    task::local("connection", connection.run());
                }
                Err(error) => {
                    tracing::debug!(%error, "connection lost before it began");
                    worker.node.clients.remove(id);
                }
            }
        }
        Arrival::Peer(stream, peer, life) => match TcpStream::from_std(stream) {
            Ok(stream) => {
                let worker = Rc::clone(worker);
                task::local("peer", async move {
                    let broken = peering::serve(&worker, stream, (peer, life)).await;
                    tracing::debug!(%peer, %broken, "a peer's connection ended");
                });
            }
            Err(error) => tracing::debug!(%peer, %error, "connection lost before it began"),
        },
        Arrival::Events(events) => {
            task::local("ticker", Rc::clone(worker).ticker());
            if worker.number == 0 {
                task::local("handoff", give_back(Rc::clone(worker)));
            }
            task::local("dialer", peering::dial_all(Rc::clone(worker), events));
        }
    }
}

fn prepare(stream: StdStream) -> std::io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(KEEPALIVE);
    socket2::SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    TcpStream::from_std(stream)
}

/// Closes connections that have not authenticated in time, and those idle for `timeout`.
async fn close_silent(worker: Rc<Worker>) {
    if worker.number != 0 {
        return;
    }
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = worker.node.clock.wall().0;
        let timeout_ms = worker.node.config.load().client.timeout_seconds * 1_000;
        for handle in worker.node.clients.all() {
            let silent = now.saturating_sub(handle.active_ms.load(Ordering::Relaxed));
            let age = now.saturating_sub(handle.created_ms);
            let stranger = !handle.authenticated.load(Ordering::Relaxed);
            let listens = handle.channels.load(Ordering::Relaxed) > 0
                || handle.patterns.load(Ordering::Relaxed) > 0
                || handle.monitor.load(Ordering::Relaxed)
                || handle.blocked.load(Ordering::Relaxed);
            if (stranger && age >= UNAUTHENTICATED_MS)
                || (timeout_ms > 0 && !listens && silent > timeout_ms)
            {
                handle.kill();
            }
        }
    }
}
