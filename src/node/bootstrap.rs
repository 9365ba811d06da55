//! From a configuration to a running node.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::durable::{self, DurableConfig};
use super::faults::Faults;
use super::identity::{Identity, IdentityError};
use super::keyspace::{Founding, Keyspace};
use super::pulse::Pulses;
use super::view::View;
use super::{Conflict, Guesses, Monitors, Node, Policies, Policy, SlowLog, Stats};
use crate::config::{Config, Engine};
use crate::env::{Clock, rng};
use crate::session::{Clients, PubSub};
use crate::types::{Actor, Hlc};
use crate::version::{ActorTable, Floor};

/// A node's part in its cluster, as far as its data is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// It is the first: its file says what the cluster begins with.
    pub founds: bool,
    /// It has never been one of several.
    pub alone: bool,
}

/// Why a node does not start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The directory's own file is unreadable.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Log or tree do not open.
    #[error(transparent)]
    Open(#[from] durable::OpenError),
    /// The policies of the file could not be kept.
    #[error("{0}")]
    Policies(&'static str),
}

impl Node {
    /// Opens the data of a node that founds a cluster of its own, or makes a fresh one: for tests, and
    /// for whoever has no peers.
    pub fn open(config: Config, clock: Clock) -> Result<Arc<Self>, BootError> {
        let founds = config.storage.engine == Engine::Memory
            || !Identity::is_in(Path::new(&config.node.data_dir));
        let identity = match config.storage.engine {
            Engine::Memory => Identity::random(config.cluster.partitions),
            Engine::Fjall => {
                Identity::of(Path::new(&config.node.data_dir), config.cluster.partitions)?
            }
        };
        Self::open_as(
            &identity,
            config,
            clock,
            Part {
                founds,
                alone: true,
            },
        )
    }

    /// Opens the data of a node that knows who it is.
    pub fn open_as(
        identity: &Identity,
        config: Config,
        clock: Clock,
        part: Part,
    ) -> Result<Arc<Self>, BootError> {
        let Part { founds, alone } = part;
        if identity.partitions != config.cluster.partitions {
            tracing::warn!(
                kept = identity.partitions,
                asked = config.cluster.partitions,
                "the number of partitions is fixed when the data is made"
            );
        }
        let directory = Path::new(&config.node.data_dir);
        let (keyspace, durable) = match config.storage.engine {
            Engine::Memory => (in_memory(identity, &clock), None),
            Engine::Fjall => {
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
                    alone,
                };
                let (keyspace, durable) = durable::open(durable_config, clock.clone())?;
                (keyspace, Some(durable))
            }
        };
        let started = clock.wall();
        let node = Arc::new(Self {
            id: identity.node,
            cluster: identity.cluster,
            founded: identity.founded(),
            pulses: Pulses::default(),
            faults: Faults::default(),
            began: clock.now(),
            view: ArcSwap::from_pointee(View::alone(identity.node, identity.partitions)),
            keyspace,
            durable,
            config: ArcSwap::from_pointee(Config::default()),
            changing: parking_lot::Mutex::default(),
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
        let policies = policies_of(&config);
        node.apply(config);
        node.take_policies(policies, founds)?;
        Ok(node)
    }

    /// Policies of the file are those of the data when it is made; afterwards POLICY changes them,
    /// and a file that differs is told.
    fn take_policies(&self, wanted: Policies, founds: bool) -> Result<(), BootError> {
        if wanted.iter().len() == 0 {
            return Ok(());
        }
        if founds {
            self.keyspace.policies.store(Arc::new(wanted));
            return self.keep_policies().map_err(BootError::Policies);
        }
        let kept = self.keyspace.policies.load();
        for (prefix, asked) in wanted.iter() {
            let has = kept.get(prefix);
            if has != Some(*asked) {
                tracing::warn!(
                    prefix = %String::from_utf8_lossy(prefix),
                    kept = ?has,
                    ?asked,
                    "the file's policy differs from the kept one, which holds; POLICY changes it"
                );
            }
        }
        Ok(())
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

fn policies_of(config: &Config) -> Policies {
    let mut policies = Policies::default();
    for asked in &config.policies {
        let conflict = if asked.siblings {
            Conflict::Siblings
        } else {
            Conflict::Lww
        };
        let policy = Policy {
            conflict,
            r: asked.r,
            w: asked.w,
            ttl_seconds: asked.ttl_seconds,
        };
        policies.set(asked.prefix.as_bytes(), policy);
    }
    policies
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
