//! The `dynamo` binary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arc_swap::ArcSwap;
use dynamo::config::Config;
use dynamo::env::{Clock, rng};
use dynamo::node::{Founding, Keyspace, Node};
use dynamo::server::Server;
use dynamo::types::{Actor, Hlc, NodeId};
use dynamo::version::{ActorTable, Floor};

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    let mut config = Config::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--port" {
            config.client.port = args.next().unwrap_or_default().parse()?;
        }
    }
    let clock = Clock::System;
    let now = clock.wall();
    let mut actors = ActorTable::default();
    let (actor, _) = actors.intern(Actor(rng::random_u64()));
    let keyspace = Keyspace::new(Founding {
        partitions: 256,
        token_key: rng::random_u128().to_le_bytes(),
        context_key: rng::random_u128().to_le_bytes(),
        actor,
        actors,
        clock_from: Hlc::from_wall(now),
        ceiling: Hlc(u64::MAX / 2),
        floor: Floor::default(),
        complete: true,
    });
    let node = Arc::new(Node {
        id: NodeId(rng::random_u128()),
        keyspace,
        config: ArcSwap::from_pointee(config),
        clock,
        started: now,
        run_id: format!("{:032x}", rng::random_u128()),
        clients: dynamo::session::Clients::default(),
        pubsub: dynamo::session::PubSub::default(),
        stats: dynamo::node::stats::Stats::default(),
        durable: None,
        guesses: Default::default(),
        monitors: Default::default(),
        slowlog_all: AtomicBool::new(false),
        slowlog: Default::default(),
        stopping: Default::default(),
        paused_until: AtomicU64::new(0),
        paused_all: AtomicBool::new(false),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        Server::bind(node, 2)?.accept().await?;
        Ok(())
    })
}
