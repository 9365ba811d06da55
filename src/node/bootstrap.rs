//! From a configuration to a running node.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::durable::{self, DurableConfig};
use super::identity::{Identity, IdentityError};
use super::keyspace::{Founding, Keyspace};
use super::{Guesses, Monitors, Node, SlowLog, Stats};
use crate::config::{Config, Engine};
use crate::env::{Clock, rng};
use crate::session::{Clients, PubSub};
use crate::types::{Actor, Hlc};
use crate::version::{ActorTable, Floor};

/// Why a node does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The directory's own file is unreadable.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Log or tree do not open.
    #[error(transparent)]
    Open(#[from] durable::OpenError),
}

impl Node {
    /// Opens the data of a node, or makes a fresh one.
    pub fn open(config: Config, clock: Clock) -> Result<Arc<Self>, BootError> {
        let (identity, keyspace, durable) = match config.storage.engine {
            Engine::Memory => {
                let identity = Identity::random(config.cluster.partitions);
                let keyspace = in_memory(&identity, &clock);
                (identity, keyspace, None)
            }
            Engine::Fjall => {
                let directory = Path::new(&config.node.data_dir);
                let identity = Identity::of(directory, config.cluster.partitions)?;
                if identity.partitions != config.cluster.partitions {
                    tracing::warn!(
                        kept = identity.partitions,
                        asked = config.cluster.partitions,
                        "the number of partitions is fixed when the data is made"
                    );
                }
                let durable_config = DurableConfig {
                    directory: directory.to_owned(),
                    durability: config.storage.durability,
                    cache_bytes: config.storage.cache_bytes,
                    dirty_bytes: config.storage.dirty_bytes,
                    reserve_bytes: config.storage.reserve_bytes,
                    segment_bytes: config.storage.segment_bytes,
                    partitions: identity.partitions,
                    token_key: identity.token_key,
                    context_key: identity.context_key,
                    name_key: identity.name_key,
                };
                let (keyspace, durable) = durable::open(durable_config, clock.clone())?;
                (identity, keyspace, Some(durable))
            }
        };
        let started = clock.wall();
        let node = Arc::new(Self {
            id: identity.node,
            keyspace,
            durable,
            config: ArcSwap::from_pointee(Config::default()),
            clock,
            started,
            run_id: format!(
                "{:032x}{:08x}",
                rng::random_u128(),
                rng::random_u64() as u32
            ),
            clients: Clients::default(),
            pubsub: PubSub::default(),
            stats: Stats::default(),
            monitors: Monitors::default(),
            guesses: Guesses::default(),
            slowlog: SlowLog::default(),
            stopping: tokio::sync::Notify::new(),
            draining: AtomicBool::new(false),
            slowlog_all: AtomicBool::new(false),
            paused_until: AtomicU64::new(0),
            paused_all: AtomicBool::new(false),
        });
        node.apply(config);
        Ok(node)
    }

    /// Is the node ready for clients, and if not, why?
    pub fn readiness(&self) -> Result<(), String> {
        if self.draining.load(Ordering::Relaxed) {
            return Err("draining".to_owned());
        }
        match &self.durable {
            Some(durable) => durable
                .failure()
                .map_or(Ok(()), |reason| Err(reason.to_owned())),
            None => Ok(()),
        }
    }
}

fn in_memory(identity: &Identity, clock: &Clock) -> Arc<Keyspace> {
    let mut actors = ActorTable::default();
    let (actor, _) = actors.intern(Actor(rng::random_u64()));
    Keyspace::new(Founding {
        partitions: identity.partitions,
        token_key: identity.token_key,
        context_key: identity.context_key,
        actor,
        actors,
        clock_from: Hlc::from_wall(clock.wall()),
        // Nothing outlives the process, so nothing has to be leased.
        ceiling: Hlc(u64::MAX / 2),
        floor: Floor::default(),
        complete: true,
    })
}
