//! A running node: its keys, its settings, who is connected, what it counts. Commands see this and
//! nothing below it.

mod bootstrap;
mod clock;
mod commit;
mod deadlines;
pub mod durable;
pub mod evict;
pub mod eviction;
pub mod expire;
#[cfg(test)]
mod fixture;
mod guesses;
mod identity;
mod inspect;
mod keyspace;
mod locked;
pub mod memory;
mod monitor;
mod partition;
mod policy;
pub mod slowlog;
mod stage;
pub mod stats;
mod walk;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;

pub use bootstrap::BootError;
pub use commit::Committed;
pub use guesses::Guesses;
pub use keyspace::{Founding, Keyspace, Place};
pub use locked::{Locked, Refusal, Shown};
pub use inspect::is_as_it_was;
pub use policy::{Conflict, Policies, Policy};
pub use stage::Stage;
pub use walk::{DatabaseSummary, Scanned};
pub use write::Deadline;

use crate::config::Config;
use crate::env::Clock;
use crate::session::{Clients, PubSub};
use crate::types::{NodeId, WallMs};
use durable::Durable;
pub use monitor::Monitors;
use slowlog::SlowLog;
use stats::Stats;
use tokio::sync::Notify;

/// The version of Redis whose behaviour we follow: clients switch on features by it.
pub const REDIS_VERSION: &str = "7.2.4";

/// One node.
#[derive(Debug)]
pub struct Node {
    /// For ever.
    pub id: NodeId,
    /// All keys.
    pub keyspace: Arc<Keyspace>,
    /// Log and tree; `None`: the memory engine.
    pub durable: Option<Arc<Durable>>,
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
