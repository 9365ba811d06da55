//! Control connections: one that we dial to each member, for what we send; and those that others dial,
//! for what we hear.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::Event;
use crate::env::clock::sleep;
use crate::env::{rng, task};
use crate::membership::MemberEntry;
use crate::node::Node;
use crate::peer::{
    Backoff, Class, DialError, Established, FRAME_BYTES_MAX, FrameKind, HANDSHAKE_TIMEOUT, Header,
    Local, Secrets, Unparsed, VERSIONS, dial, encode, parse,
};
use crate::server::severed::{not_heard, not_sent, until_sent};
use crate::types::{MonoMs, NodeId};

/// Frames on their way to one member; what does not fit is lost, as gossip and probes may be.
const QUEUE: usize = 256;

/// Who we are, for a handshake.
pub(crate) fn local_of(node: &Node) -> Local {
    let actor = node.keyspace.actors.lock().actor(node.keyspace.actor);
    let config = node.config.load();
    Local {
        node: node.id,
        actor: actor.expect("this life's actor was interned when the keyspace was made"),
        cluster: Some(node.cluster),
        hlc: node.keyspace.clock.last(),
        versions: VERSIONS,
        secrets: Secrets::new(config.peer.secret.as_bytes(), None),
    }
}

/// One frame of ours.
pub(super) fn framed(node: &Node, kind: FrameKind, body: &[u8]) -> Vec<u8> {
    let header = Header {
        kind,
        cluster: node.cluster,
        layout: node.view.load().layout,
        hlc: node.keyspace.clock.last(),
    };
    let mut out = Vec::new();
    if let Err(error) = encode(&header, |out| out.extend_from_slice(body), &mut out) {
        tracing::error!(%error, kind = kind.0, "a control frame was not sent");
    }
    out
}

/// The connection that we dial to a member, again whenever it breaks.
pub(super) struct Outgoing {
    pub(super) address: String,
    frames: mpsc::Sender<Vec<u8>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Outgoing {
    pub(super) fn start(
        node: &Arc<Node>,
        member: &MemberEntry,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let run = talk(
            Arc::clone(node),
            member.id,
            member.peer_address.clone(),
            receiver,
            events,
        );
        Self {
            address: member.peer_address.clone(),
            frames: sender,
            task: task::local("control link", run),
        }
    }

    pub(super) fn send(&self, frame: Vec<u8>) {
        // A full queue means that the peer does not take what it is sent: it may miss this too.
        let _ = self.frames.try_send(frame);
    }
}

async fn talk(
    node: Arc<Node>,
    to: NodeId,
    address: String,
    mut frames: mpsc::Receiver<Vec<u8>>,
    events: mpsc::Sender<Event>,
) {
    let began = node.clock.now();
    let mut backoff = Backoff::default();
    loop {
        until_sent(&node, to).await;
        let dialled = dial(
            &address,
            &local_of(&node),
            Class::Control,
            0,
            HANDSHAKE_TIMEOUT,
        )
        .await;
        match dialled {
            Ok((stream, established)) if established.peer == to => {
                node.keyspace.clock.observe(established.peer_hlc);
                backoff.connected(MonoMs(began.elapsed().as_millis() as u64));
                let _ = events.send(Event::Connected(to)).await;
                tokio::select! {
                    () = exchange(&node, to, stream, &mut frames, &events) => {}
                    () = not_sent(&node, to) => {}
                }
                let _ = events.send(Event::Lost(to)).await;
            }
            Ok(_) => tracing::warn!(%to, address, "another node answers at this member's address"),
            Err(DialError::Unreachable(_)) => {
                let _ = events.send(Event::Refused(to)).await;
            }
            Err(error) => tracing::debug!(%to, address, %error, "no control connection"),
        }
        let now = MonoMs(began.elapsed().as_millis() as u64);
        let wait = backoff.lost(now, rng::random_u64());
        // What waits is stale by the time that there is a connection.
        while frames.try_recv().is_ok() {}
        sleep(Duration::from_millis(wait)).await;
    }
}

/// Writes frames, and hears what comes back: a peer that does not know us as a member yet has no other
/// way to answer.
async fn exchange(
    node: &Node,
    peer: NodeId,
    mut stream: TcpStream,
    frames: &mut mpsc::Receiver<Vec<u8>>,
    events: &mpsc::Sender<Event>,
) {
    let (back, mut backwards) = mpsc::channel::<Vec<u8>>(QUEUE);
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            biased;
            read = stream.read_buf(&mut bytes) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if !heard(node, peer, true, &mut bytes, &back, events).await {
                        return;
                    }
                }
            },
            frame = frames.recv() => {
                let Some(frame) = frame else { return };
                if stream.write_all(&frame).await.is_err() {
                    return;
                }
            }
            frame = backwards.recv() => {
                let Some(frame) = frame else { return };
                if stream.write_all(&frame).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells whoever is at a seed's address: a member, or nobody that we know.
pub(super) fn tell_seed(node: &Arc<Node>, address: String, body: Bytes) {
    let node = Arc::clone(node);
    let run = async move {
        let local = local_of(&node);
        let dialled = dial(&address, &local, Class::Control, 0, HANDSHAKE_TIMEOUT).await;
        if let Ok((mut stream, established)) = dialled
            && node.faults.may_send(established.peer)
        {
            // Lost like any gossip if it does not get there.
            let _ = stream
                .write_all(&framed(&node, FrameKind::GOSSIP, &body))
                .await;
        }
    };
    task::local("seed", run);
}

/// Hears a peer that has dialled us, until its connection breaks.
pub(crate) async fn accepted(
    node: Arc<Node>,
    mut stream: TcpStream,
    established: Established,
    events: mpsc::Sender<Event>,
) {
    let (back, mut backwards) = mpsc::channel::<Vec<u8>>(QUEUE);
    let mut bytes = Vec::new();
    loop {
        tokio::select! {
            biased;
            frame = backwards.recv() => {
                let Some(frame) = frame else { return };
                let may_send = node.faults.may_send(established.peer);
                if may_send && stream.write_all(&frame).await.is_err() {
                    return;
                }
            }
            () = not_heard(&node, established.peer) => return,
            read = stream.read_buf(&mut bytes) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let (peer, belongs) = (established.peer, established.peer_belongs);
                    if !heard(&node, peer, belongs, &mut bytes, &back, &events).await {
                        return;
                    }
                }
            },
        }
    }
}

/// Takes frames out of what has arrived. False: the connection is to be closed.
async fn heard(
    node: &Node,
    peer: NodeId,
    belongs: bool,
    bytes: &mut Vec<u8>,
    back: &mpsc::Sender<Vec<u8>>,
    events: &mpsc::Sender<Event>,
) -> bool {
    let mut from = 0;
    loop {
        let frame = match parse(bytes.get(from..).unwrap_or_default(), FRAME_BYTES_MAX) {
            Ok(frame) => frame,
            Err(Unparsed::Incomplete { .. }) => break,
            Err(Unparsed::Bad(error)) => {
                tracing::warn!(%peer, %error, "control connection closed");
                return false;
            }
        };
        let kind = frame.header.kind;
        // Who does not belong yet may ask to; nothing else.
        let ours = belongs && frame.header.cluster == node.cluster;
        if ours || kind == FrameKind::JOIN {
            node.keyspace.clock.observe(frame.header.hlc);
            let event = Event::Frame {
                from: peer,
                kind,
                body: frame.body.to_vec(),
                back: back.clone(),
            };
            if events.send(event).await.is_err() {
                return false;
            }
        }
        from += frame.consumed;
    }
    bytes.drain(..from);
    true
}
