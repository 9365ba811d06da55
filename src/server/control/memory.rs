//! What the node remembers of its cluster, in a file of the data directory: written whole, fsynced and
//! renamed before anything rests on it. And what a cluster tells a node that it admits.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::gossip_bytes;
use crate::membership::{JoinAnswer, Message, Persisted, State};
use crate::node::{Founded, Node};
use crate::types::{ClusterId, NodeId};
use crate::version::wire::{Reader, put_varint};

/// The file's name.
const FILE: &str = "cluster.bin";

/// Why it could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MemoryError {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0}: damaged, or of another node; without it the node does not know its cluster")]
    Damaged(PathBuf),
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Memory {
    /// `None`: nothing is kept (the memory engine, alone).
    path: Option<PathBuf>,
    cluster: ClusterId,
    node: NodeId,
    state: State,
}

impl Memory {
    /// An empty memory that is kept in this directory, or nowhere.
    pub(crate) fn new(directory: Option<&Path>, cluster: ClusterId, node: NodeId) -> Self {
        Self {
            path: directory.map(|directory| directory.join(FILE)),
            cluster,
            node,
            state: State::default(),
        }
    }

    /// What a directory remembers, if anything.
    pub(crate) fn of(directory: &Path, node: NodeId) -> Result<Option<Self>, MemoryError> {
        let path = directory.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(MemoryError::Io { path, source }),
        };
        match Persisted::decode(&bytes) {
            Ok(kept) if kept.node == node => Ok(Some(Self {
                path: Some(path),
                cluster: kept.cluster,
                node,
                state: kept.state,
            })),
            _ => Err(MemoryError::Damaged(path)),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Has the node never known another member?
    pub(crate) fn is_alone(&self) -> bool {
        self.state.members().len() <= 1
    }

    pub(crate) fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// Keeps this state from now on.
    pub(crate) fn keep(&mut self, state: State) -> Result<(), MemoryError> {
        let kept = Persisted {
            cluster: self.cluster,
            node: self.node,
            state,
        };
        if let Some(path) = &self.path {
            let io = |source| MemoryError::Io {
                path: path.clone(),
                source,
            };
            write(path, &kept.encode()).map_err(io)?;
        }
        self.state = kept.state;
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// The answer to a node that asks, and with it what a new member's data is made with.
pub(super) fn join_answer(node: &Node, answer: JoinAnswer) -> Vec<u8> {
    let message = gossip_bytes(&Message::Answer(answer));
    let mut out = Vec::new();
    put_varint(&mut out, message.len() as u64);
    out.extend_from_slice(&message);
    let founded = node.founded();
    out.extend_from_slice(&founded.partitions.to_le_bytes());
    for key in [founded.token_key, founded.context_key, founded.name_key] {
        out.extend_from_slice(&key);
    }
    out
}

/// The other side of [`join_answer`].
pub(super) fn read_join_answer(body: &[u8]) -> Option<(JoinAnswer, Founded)> {
    let mut reader = Reader::new(body);
    let length = reader.varint().ok()?;
    let Ok(Message::Answer(answer)) = Message::decode(reader.bytes(length).ok()?) else {
        return None;
    };
    let partitions = u16::from_le_bytes(reader.bytes(2).ok()?.try_into().ok()?);
    let mut key = || -> Option<[u8; 16]> { reader.bytes(16).ok()?.try_into().ok() };
    let founded = Founded {
        partitions,
        token_key: key()?,
        context_key: key()?,
        name_key: key()?,
    };
    Some((answer, founded))
}
