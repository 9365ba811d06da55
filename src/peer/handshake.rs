//! The mutual challenge before anything else is parsed (design: security). Pure machines for both
//! sides, without IO: chance and the clock are arguments.
//!
//! ```text
//!   dialer                                             acceptor
//!     | hello: who, class, cluster, nonce, tag            |
//!     |-------------------------------------------------->|  tag wrong: closed without a word
//!     |            welcome: who, version, nonce, tag      |
//!     |<--------------------------------------------------|  tag over both messages
//!     | proof: tag                                        |
//!     |-------------------------------------------------->|  tag over both messages, other role
//!     | frames                                            |
//! ```
//!
//! What is always true: every message has a fixed length, and nothing of it is believed before its
//! tag verifies. The acceptor is silent before a hello that somebody with the secret once made, so a
//! stranger learns nothing, not even what listens here. A tag covers the role, both nonces, ids,
//! clocks, class and cluster ids, so none is good a second time (replay), for the other side
//! (reflection), or for another version. Whatever is wrong, the other side sees the connection close
//! and no more; the [`Refusal`] is for our log.
//!
//! The three messages prove who is at the other end when they are sent. They do not protect the
//! frames after them from whoever owns the wire: on a network that others can write to, use TLS.

use thiserror::Error;

use super::hello::{
    HELLO_BYTES, Hello, Nonce, PROOF_BYTES, Speaker, Versions, WELCOME_BYTES, Welcome,
    hello_may_follow, sealed, split,
};
use super::kind::Class;
use super::secret::{Role, Secrets};
use crate::types::{Actor, ClusterId, Hlc, NodeId};

/// The versions of frames that this program speaks.
pub const VERSIONS: Versions = Versions { min: 1, max: 1 };

/// Who we are when a handshake begins.
#[derive(Clone, Debug)]
pub struct Local {
    /// Our node.
    pub node: NodeId,
    /// Its present life.
    pub actor: Actor,
    /// Our cluster; `None` for a node that waits to join one.
    pub cluster: Option<ClusterId>,
    /// Our clock as it stands.
    pub hlc: Hlc,
    /// The versions that we speak: [`VERSIONS`], but for tests.
    pub versions: Versions,
    /// What we prove ourselves with.
    pub secrets: Secrets,
}

/// A connection whose two ends have proved themselves to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Established {
    /// The other node.
    pub peer: NodeId,
    /// Its present life.
    pub actor: Actor,
    /// The version of the frames to come.
    pub version: u8,
    /// What the connection is for.
    pub class: Class,
    /// Which of the dialer's workers it serves.
    pub worker: u16,
    /// The peer's clock when it spoke; ours becomes at least this, unless it is absurd.
    pub peer_hlc: Hlc,
    /// The cluster that frames here belong to: of one of the two, at least.
    pub cluster: ClusterId,
    /// Whether the peer says that it belongs to the cluster. One that does not wants to join.
    pub peer_belongs: bool,
}

/// Why a handshake failed: for our log, never for the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not our protocol.
    #[error("a stranger: what it sent is no hello of a dynamo node")]
    Stranger,
    /// The tag was made with a secret that is not ours, or the message is a replay.
    #[error("wrong secret: peer.secret differs there, or somebody tries")]
    WrongSecret,
    /// The two programs have no version in common.
    #[error(
        "no common version: the peer speaks {}..={}, we {}..={}",
        theirs.min, theirs.max, ours.min, ours.max
    )]
    NoCommonVersion {
        /// What the peer speaks.
        theirs: Versions,
        /// What we speak.
        ours: Versions,
    },
    /// A node with our secret, but of another cluster.
    #[error("node {node} is of another cluster, {cluster}")]
    OtherCluster {
        /// The node.
        node: NodeId,
        /// Its cluster.
        cluster: ClusterId,
    },
    /// Neither side belongs to a cluster: both wait for a third.
    #[error("node {0} waits for a cluster as we do")]
    NoCluster(NodeId),
    /// The other end is this process.
    #[error("this node dialed itself")]
    Oneself,
    /// Another process calls itself what we are called.
    #[error("another process has this node's id, {0}: is its data directory a copy of ours?")]
    SameNode(NodeId),
    /// A class that version 1 does not have.
    #[error("class {0} is unknown here")]
    UnknownClass(u8),
    /// A node outside the cluster may ask to join, nothing else.
    #[error("node {node} is outside the cluster and opened a connection of class {class:?}")]
    Outsider {
        /// The node outside.
        node: NodeId,
        /// What it wanted.
        class: Class,
    },
}

/// The side that opened the connection, waiting for the welcome.
#[derive(Debug)]
pub struct Dialer {
    local: Local,
    class: Class,
    worker: u16,
    hello: [u8; HELLO_BYTES],
}

impl Dialer {
    /// Begins: the machine. Its [`hello`](Self::hello) is to be sent.
    pub fn new(local: Local, class: Class, worker: u16, nonce: &Nonce) -> Self {
        let fields = Hello {
            class: class.byte(),
            worker,
            speaker: speaker_of(&local),
        }
        .encode(nonce);
        let tag = local.secrets.prove(Role::Hello, &[&fields]);
        let hello = sealed(fields, &tag);
        Self {
            local,
            class,
            worker,
            hello,
        }
    }

    /// The first message.
    pub fn hello(&self) -> &[u8; HELLO_BYTES] {
        &self.hello
    }

    /// The welcome has come: the proof to send, after which frames may follow.
    pub fn welcomed(
        self,
        welcome: &[u8; WELCOME_BYTES],
    ) -> Result<(Established, [u8; PROOF_BYTES]), Refusal> {
        let (fields, tag) = split(welcome);
        let secrets = &self.local.secrets;
        if !secrets.verify(Role::Acceptor, &[&self.hello, fields], tag) {
            return Err(Refusal::WrongSecret);
        }
        let Welcome { version, speaker } =
            Welcome::decode(fields).map_err(|_| Refusal::Stranger)?;
        let theirs = speaker.versions;
        let ours = self.local.versions;
        if ours.agreed(theirs) != Some(version) {
            return Err(Refusal::NoCommonVersion { theirs, ours });
        }
        let cluster = admitted(&self.local, &speaker, self.class)?;
        let established = established(&speaker, version, self.class, self.worker, cluster);
        let proof = secrets.prove(Role::Dialer, &[&self.hello, welcome]);
        Ok((established, proof))
    }
}

/// The side that was connected to, waiting for the proof.
#[derive(Debug)]
pub struct Acceptor {
    secrets: Secrets,
    established: Established,
    hello: [u8; HELLO_BYTES],
    welcome: [u8; WELCOME_BYTES],
}

impl Acceptor {
    /// A hello has come: the machine. Its [`welcome`](Self::welcome) is to be sent.
    pub fn greeted(
        local: &Local,
        hello: &[u8; HELLO_BYTES],
        nonce: &Nonce,
    ) -> Result<Self, Refusal> {
        if !hello_may_follow(hello) {
            return Err(Refusal::Stranger);
        }
        let (fields, tag) = split(hello);
        if !local.secrets.verify(Role::Hello, &[fields], tag) {
            return Err(Refusal::WrongSecret);
        }
        let Hello {
            class,
            worker,
            speaker,
        } = Hello::decode(fields).map_err(|_| Refusal::Stranger)?;
        let theirs = speaker.versions;
        let ours = local.versions;
        let version = ours
            .agreed(theirs)
            .ok_or(Refusal::NoCommonVersion { theirs, ours })?;
        let class = Class::of_byte(class).ok_or(Refusal::UnknownClass(class))?;
        let cluster = admitted(local, &speaker, class)?;
        let fields = Welcome {
            version,
            speaker: speaker_of(local),
        }
        .encode(nonce);
        let tag = local.secrets.prove(Role::Acceptor, &[hello, &fields]);
        Ok(Self {
            secrets: local.secrets.clone(),
            established: established(&speaker, version, class, worker, cluster),
            hello: *hello,
            welcome: sealed(fields, &tag),
        })
    }

    /// The second message.
    pub fn welcome(&self) -> &[u8; WELCOME_BYTES] {
        &self.welcome
    }

    /// The proof has come.
    pub fn proved(self, proof: &[u8; PROOF_BYTES]) -> Result<Established, Refusal> {
        let parts: [&[u8]; 2] = [&self.hello, &self.welcome];
        if self.secrets.verify(Role::Dialer, &parts, proof) {
            Ok(self.established)
        } else {
            Err(Refusal::WrongSecret)
        }
    }
}

fn speaker_of(local: &Local) -> Speaker {
    Speaker {
        versions: local.versions,
        node: local.node,
        actor: local.actor,
        cluster: local.cluster,
        hlc: local.hlc,
    }
}

fn established(
    speaker: &Speaker,
    version: u8,
    class: Class,
    worker: u16,
    cluster: ClusterId,
) -> Established {
    Established {
        peer: speaker.node,
        actor: speaker.actor,
        version,
        class,
        worker,
        peer_hlc: speaker.hlc,
        cluster,
        peer_belongs: speaker.cluster.is_some(),
    }
}

/// Whether `local` talks to this peer, and in which cluster.
fn admitted(local: &Local, peer: &Speaker, class: Class) -> Result<ClusterId, Refusal> {
    if peer.node == local.node {
        return Err(if peer.actor == local.actor {
            Refusal::Oneself
        } else {
            Refusal::SameNode(peer.node)
        });
    }
    let outsider = |node| match class {
        Class::Control => Ok(()),
        Class::Stream | Class::Bulk => Err(Refusal::Outsider { node, class }),
    };
    match (local.cluster, peer.cluster) {
        (Some(ours), Some(theirs)) if ours == theirs => Ok(ours),
        (Some(_), Some(cluster)) => Err(Refusal::OtherCluster {
            node: peer.node,
            cluster,
        }),
        (Some(ours), None) => outsider(peer.node).map(|()| ours),
        (None, Some(theirs)) => outsider(local.node).map(|()| theirs),
        (None, None) => Err(Refusal::NoCluster(peer.node)),
    }
}
