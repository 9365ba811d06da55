//! A running node: its keys, its settings, who is connected, what it counts. Commands see this and
//! nothing below it.

mod absorb;
mod bootstrap;
mod clock;
mod commit;
mod deadlines;
pub mod durable;
pub mod evict;
pub mod eviction;
pub mod expire;
pub mod fanout;
pub mod faults;
#[cfg(test)]
mod fixture;
pub mod flush;
mod guesses;
pub mod handoff;
mod identity;
mod inspect;
mod keyspace;
mod locked;
pub mod memory;
mod monitor;
mod partition;
mod policy;
pub mod pulse;
pub mod slowlog;
mod stage;
pub mod stats;
pub mod view;
mod walk;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use arc_swap::ArcSwap;

pub use absorb::{Absorbed, Incoming, translated_record};
pub use bootstrap::{BootError, Part};
pub use commit::Committed;
pub use guesses::Guesses;
pub use identity::{Founded, Identity, IdentityError};
pub use inspect::is_as_it_was;
pub use keyspace::{Founding, Keyspace, Place};
pub use locked::{Locked, Refusal, Shown};
pub use policy::{Conflict, Policies, Policy};
pub use stage::Stage;
pub use walk::{DatabaseSummary, Scanned, partition_of};
pub use write::Deadline;

use crate::config::Config;
use crate::env::Clock;
use crate::session::{Clients, PubSub};
use crate::types::{ClusterId, NodeId, WallMs};
use durable::Durable;
use faults::Faults;
pub use monitor::Monitors;
use pulse::Pulses;
use slowlog::SlowLog;
use stats::Stats;
use tokio::sync::Notify;
use view::View;

/// The version of Redis whose behaviour we follow: clients switch on features by it.
pub const REDIS_VERSION: &str = "7.2.4";

/// One node.
#[derive(Debug)]
pub struct Node {
    /// For ever.
    pub id: NodeId,
    /// The cluster that it belongs to.
    pub cluster: ClusterId,
    /// All keys.
    pub keyspace: Arc<Keyspace>,
    /// Log and tree; `None`: the memory engine.
    pub durable: Option<Arc<Durable>>,
    founded: Founded,
    began: Instant,
    /// When workers asked and heard each peer.
    pub pulses: Pulses,
    /// Links cut on purpose, in demonstrations and tests.
    pub faults: Faults,
    /// The cluster as this node sees it.
    pub view: ArcSwap<View>,
    /// Settings; CONFIG SET swaps in a new snapshot.
    pub config: ArcSwap<Config>,
    /// Held by whoever makes a new snapshot of settings or policies from the present one.
    pub changing: parking_lot::Mutex<()>,
    /// The gate to time.
    pub clock: Clock,
    /// When the node started.
    pub started: WallMs,
    /// Random, hex: INFO's `run_id`.
    pub run_id: String,
    /// Who is connected.
    pub clients: Clients,
    /// Who listens to what.
    pub pubsub: PubSub,
    /// What has been counted.
    pub stats: Stats,
    /// Connections in MONITOR.
    pub monitors: Monitors,
    /// Who has been guessing passwords.
    pub guesses: Guesses,
    /// SLOWLOG.
    pub slowlog: SlowLog,
    /// Set once: the node is to stop.
    pub stopping: Notify,
    /// The node is stopping.
    pub draining: std::sync::atomic::AtomicBool,
    /// `slowlog.slower_than_us` is so low that every command is looked at.
    pub slowlog_all: std::sync::atomic::AtomicBool,
    /// CLIENT PAUSE holds until this wall millisecond; see `paused_all`.
    pub paused_until: AtomicU64,
    /// CLIENT PAUSE holds reads too.
    pub paused_all: std::sync::atomic::AtomicBool,
}

impl Node {
    /// Milliseconds since the node started, by the monotonic clock.
    pub fn mono_ms(&self) -> u64 {
        self.clock.now().duration_since(self.began).as_millis() as u64
    }

    /// What the cluster's data is made with: a node that joins needs it.
    pub fn founded(&self) -> &Founded {
        &self.founded
    }
}
