//! Who a node is: its id, and the cluster's keys, in a file of the data directory that is written
//! once, atomically, and read at every start.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::env::rng;
use crate::types::{ClusterId, NodeId};

/// The file's name.
const FILE: &str = "node.toml";
const VERSION: i64 = 1;

/// What a cluster's data is made with: the same on every member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// Number of partitions, Q.
    pub partitions: u16,
    /// Key of tokens.
    pub token_key: [u8; 16],
    /// Key of contexts.
    pub context_key: [u8; 16],
    /// Key of names of long keys in the tree.
    pub name_key: [u8; 16],
}

impl Founded {
    /// A new cluster's.
    pub fn random(partitions: u16) -> Self {
        let key = || rng::random_u128().to_le_bytes();
        Self {
            partitions,
            token_key: key(),
            context_key: key(),
            name_key: key(),
        }
    }
}

/// What never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The node.
    pub node: NodeId,
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// Number of partitions, Q.
    pub partitions: u16,
    /// Key of tokens.
    pub token_key: [u8; 16],
    /// Key of contexts.
    pub context_key: [u8; 16],
    /// Key of names of long keys in the tree.
    pub name_key: [u8; 16],
}

/// Why the identity was not had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file or its directory cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The file says something else than it should.
    #[error("{0}: not a node's identity of format version 1; without it the data cannot be read")]
    Malformed(PathBuf),
}

impl Identity {
    /// A new node that founds a cluster of its own.
    pub fn random(partitions: u16) -> Self {
        let (node, cluster) = (rng::random_u128(), rng::random_u128());
        Self::made(
            NodeId(node),
            ClusterId(cluster),
            &Founded::random(partitions),
        )
    }

    /// A node's in a cluster.
    pub fn made(node: NodeId, cluster: ClusterId, founded: &Founded) -> Self {
        Self {
            node,
            cluster,
            partitions: founded.partitions,
            token_key: founded.token_key,
            context_key: founded.context_key,
            name_key: founded.name_key,
        }
    }

    /// What the cluster's data is made with.
    pub fn founded(&self) -> Founded {
        Founded {
            partitions: self.partitions,
            token_key: self.token_key,
            context_key: self.context_key,
            name_key: self.name_key,
        }
    }

    /// Is there an identity in a data directory?
    pub fn is_in(directory: &Path) -> bool {
        directory.join(FILE).exists()
    }

    /// The identity of a data directory, if there is one.
    pub fn read(directory: &Path) -> Result<Option<Self>, IdentityError> {
        let path = directory.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => match Self::parse(&text) {
                Some(identity) => Ok(Some(identity)),
                None => Err(IdentityError::Malformed(path)),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(IdentityError::Io { path, source }),
        }
    }

    /// Keeps it in a data directory, for ever.
    pub fn keep(&self, directory: &Path) -> Result<(), IdentityError> {
        let path = directory.join(FILE);
        let io = |source| IdentityError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(directory).map_err(io)?;
        self.write(directory, &path).map_err(io)
    }

    /// The identity of a data directory, made if there is none.
    pub fn of(directory: &Path, partitions: u16) -> Result<Self, IdentityError> {
        if let Some(identity) = Self::read(directory)? {
            return Ok(identity);
        }
        let identity = Self::random(partitions);
        identity.keep(directory)?;
        Ok(identity)
    }

    fn write(&self, directory: &Path, path: &Path) -> std::io::Result<()> {
        let hex = |key: &[u8; 16]| format!("{:032x}", u128::from_le_bytes(*key));
        let text = format!(
            "# Written once by dynamo. Without this file the data beside it cannot be read.\n\
             version = {VERSION}\nnode = \"{}\"\ncluster = \"{}\"\npartitions = {}\ntoken_key = \"{}\"\n\
             context_key = \"{}\"\nname_key = \"{}\"\n",
            self.node,
            self.cluster,
            self.partitions,
            hex(&self.token_key),
            hex(&self.context_key),
            hex(&self.name_key)
        );
        let temporary = directory.join("node.toml.new");
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(directory)?.sync_all()
    }

    fn parse(text: &str) -> Option<Self> {
        let table: toml::Table = text.parse().ok()?;
        if table.get("version")?.as_integer()? != VERSION {
            return None;
        }
        let number = |name: &str| u128::from_str_radix(table.get(name)?.as_str()?, 16).ok();
        let key = |name: &str| number(name).map(u128::to_le_bytes);
        let node = number("node")?;
        // Data made before there were clusters: the node founded its own.
        let cluster = match table.get("cluster") {
            Some(_) => number("cluster")?,
            None => node,
        };
        Some(Self {
            node: NodeId(node),
            cluster: ClusterId(cluster),
            partitions: u16::try_from(table.get("partitions")?.as_integer()?).ok()?,
            token_key: key("token_key")?,
            context_key: key("context_key")?,
            name_key: key("name_key")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_read_ever_after() {
        let directory = tempfile::tempdir().expect("a directory");
        let made = Identity::of(directory.path(), 256).expect("made");
        assert_eq!(Identity::of(directory.path(), 64).expect("read"), made);
        fs::write(directory.path().join(FILE), "version = 2\n").expect("written");
        assert!(matches!(
            Identity::of(directory.path(), 64),
            Err(IdentityError::Malformed(_))
        ));
    }
}
