//! The configuration: one struct per section of `dynamo.toml`, one name everywhere.

pub mod document;
mod load;
mod rewrite;
mod rules;
pub mod settings;
mod table;
mod value;

pub use load::{LoadError, Loaded, load};
pub use rewrite::{RewriteError, rewrite};

use std::path::PathBuf;

/// Everything that can be configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[node]`
    pub node: NodeConfig,
    /// `[client]`
    pub client: ClientConfig,
    /// `[peer]`
    pub peer: PeerConfig,
    /// `[http]`
    pub http: HttpConfig,
    /// `[storage]`
    pub storage: StorageConfig,
    /// `[cluster]`
    pub cluster: ClusterConfig,
    /// `[slowlog]`
    pub slowlog: SlowlogConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[policy."prefix"]`, in order of prefixes.
    pub policies: Vec<PolicyConfig>,
    /// The file that was read, for CONFIG REWRITE.
    pub file: Option<PathBuf>,
}

/// `[node]`
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// Where the node keeps its log and tree.
    pub data_dir: String,
    /// Its name; empty: from its id.
    pub name: String,
    /// Replicas of a key are in distinct zones where that can be.
    pub zone: String,
    /// Share of the data, relative to other nodes.
    pub capacity: f64,
    /// Threads that serve clients; 0: as many as there are cores.
    pub workers: usize,
}

/// `[client]`
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// Addresses to listen on.
    pub bind: Vec<String>,
    /// The RESP port.
    pub port: u16,
    /// Databases that SELECT knows.
    pub databases: u8,
    /// Connections at most.
    pub max_clients: u32,
    /// For AUTH; empty: none needed.
    pub password: String,
    /// Without a password, refuse clients that are not on loopback.
    pub protected_mode: bool,
    /// Close idle connections after so many seconds; 0: never.
    pub timeout_seconds: u64,
    /// Longest bulk string.
    pub max_bulk_bytes: u64,
    /// DEBUG SLEEP is allowed.
    pub enable_debug: bool,
}

/// `[peer]`
#[derive(Clone, Debug, PartialEq)]
pub struct PeerConfig {
    /// Address.
    pub bind: String,
    /// Port; 0: client port + 10000.
    pub port: u16,
    /// Address that others reach this node at; empty: `bind`.
    pub advertise: String,
    /// What nodes prove to each other that they know.
    pub secret: String,
    /// `HOST:PORT`s to join a cluster through.
    pub seeds: Vec<String>,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    /// Serve /metrics, /healthz, /readyz.
    pub enabled: bool,
    /// Address.
    pub bind: String,
    /// Port; 0: client port + 2000.
    pub port: u16,
}

/// When an acknowledged write is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// fsync before each acknowledgement.
    Always,
    /// fsync each second.
    #[default]
    Everysec,
    /// Whenever the system likes.
    Os,
}

/// `[storage]`
#[derive(Clone, Debug, PartialEq)]
pub struct StorageConfig {
    /// `fjall` or `memory`.
    pub engine: Engine,
    /// See [`Durability`].
    pub durability: Durability,
    /// Logical bytes of the table over the tree.
    pub cache_bytes: u64,
    /// Logical bytes of records that the tree does not have; beyond, writes wait.
    pub dirty_bytes: u64,
    /// Size of a log segment.
    pub segment_bytes: u64,
    /// Free space below which writes are refused.
    pub reserve_bytes: u64,
    /// Logical bytes of the memory engine; 0: no bound.
    pub max_memory: u64,
    /// Redis's name of the eviction policy.
    pub eviction: String,
}

/// What keeps the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Commit log and LSM tree.
    #[default]
    Fjall,
    /// The table alone: a cache.
    Memory,
}

/// `[cluster]`
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterConfig {
    /// Q.
    pub partitions: u16,
    /// Replicas.
    pub n: u8,
    /// Answers for a read.
    pub r: u8,
    /// Acknowledgements for a write.
    pub w: u8,
    /// Of them, after an fsync.
    pub dw: u8,
    /// Others stand in for owners that cannot be reached.
    pub sloppy: bool,
    /// Nodes that arrive join without a committed plan.
    pub auto_join: bool,
    /// Milliseconds.
    pub request_timeout_ms: u64,
}

/// `[slowlog]`
#[derive(Clone, Debug, PartialEq)]
pub struct SlowlogConfig {
    /// Log commands slower than so many microseconds; negative: none.
    pub slower_than_us: i64,
    /// Entries kept.
    pub max_len: u64,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// What is written to standard error.
    pub level: String,
}

/// `[policy."prefix"]`: what holds for the keys under one prefix, when the data is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    /// The prefix.
    pub prefix: String,
    /// Concurrent versions are the application's to reconcile, not masked by the last writer.
    pub siblings: bool,
    /// Read quorum, when it differs from the cluster's.
    pub r: Option<u8>,
    /// Write quorum, when it differs from the cluster's.
    pub w: Option<u8>,
    /// Seconds to live for writes that name no expiry.
    pub ttl_seconds: Option<u64>,
}

impl Config {
    /// The port of peers.
    pub fn peer_port(&self) -> Option<u16> {
        port_or(self.peer.port, self.client.port, 10_000)
    }

    /// The port of metrics and health.
    pub fn http_port(&self) -> Option<u16> {
        port_or(self.http.port, self.client.port, 2_000)
    }
}

/// A port that is given, or follows the client port so that several nodes start side by side.
/// `None`: there is no such port.
fn port_or(given: u16, client: u16, above: u16) -> Option<u16> {
    match given {
        0 => client.checked_add(above),
        port => Some(port),
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            data_dir: "./dynamo-data".to_owned(),
            name: String::new(),
            zone: "default".to_owned(),
            capacity: 1.0,
            workers: 0,
        }
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bind: vec!["127.0.0.1".to_owned()],
            port: 6379,
            databases: 16,
            max_clients: 10_000,
            password: String::new(),
            protected_mode: true,
            timeout_seconds: 0,
            max_bulk_bytes: 512 * 1024 * 1024,
            enable_debug: false,
        }
    }
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1".to_owned(),
            port: 0,
            advertise: String::new(),
            secret: String::new(),
            seeds: Vec::new(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            bind: "127.0.0.1".to_owned(),
            port: 0,
        }
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            engine: Engine::Fjall,
            durability: Durability::Everysec,
            cache_bytes: value::share_of_memory(25),
            dirty_bytes: value::share_of_memory(12),
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            max_memory: 0,
            eviction: "noeviction".to_owned(),
        }
    }
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            partitions: 256,
            n: 3,
            r: 2,
            w: 2,
            dw: 0,
            sloppy: true,
            auto_join: true,
            request_timeout_ms: 1_000,
        }
    }
}

impl Default for SlowlogConfig {
    fn default() -> Self {
        Self {
            slower_than_us: 10_000,
            max_len: 128,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
        }
    }
}
