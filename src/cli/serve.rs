//! `dynamo server`: from flags to a served node, and out again in order.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{ServerArgs, limits};
use crate::config::{Config, Engine, Loaded, load, settings};
use crate::env::Clock;
use crate::env::clock::sleep;
use crate::http::Opening;
use crate::node::Node;
use crate::server::{Bound, Server, enter, take_part};

/// What has arrived when the node is told to stop is still executed: so long is listened for it.
const GRACE: Duration = Duration::from_millis(100);

/// Connections get so long to finish what they are at.
const FINISH: Duration = Duration::from_secs(10);

/// The flags before the verb and after it: `dynamo --port 1 server --set a=b`.
pub(super) fn merged(before: ServerArgs, after: ServerArgs) -> ServerArgs {
    let both = |mut first: Vec<String>, second| {
        first.extend(second);
        first
    };
    ServerArgs {
        config: after.config.or(before.config),
        port: after.port.or(before.port),
        data_dir: after.data_dir.or(before.data_dir),
        seed: both(before.seed, after.seed),
        found: after.found || before.found,
        allow_faults: after.allow_faults || before.allow_faults,
        set: both(before.set, after.set),
    }
}

pub(super) fn configuration(args: &ServerArgs) -> anyhow::Result<Loaded> {
    let mut flags = Vec::new();
    if let Some(port) = args.port {
        flags.push(format!("client.port={port}"));
    }
    if let Some(directory) = &args.data_dir {
        flags.push(format!("node.data_dir={}", directory.display()));
    }
    if !args.seed.is_empty() {
        flags.push(format!("peer.seeds={}", args.seed.join(" ")));
    }
    flags.extend(args.set.iter().cloned());
    // Not every variable of other programs is Unicode; ours are.
    let environment = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    Ok(load(args.config.as_deref(), environment, &flags)?)
}

pub(super) fn serve(args: &ServerArgs) -> anyhow::Result<()> {
    let Loaded {
        mut config,
        warnings,
    } = configuration(args)?;
    start_logging(&config.log.level);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    limits::fit_max_clients(&mut config.client.max_clients);
    let workers = match config.node.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    };
    let bound = Bound::take(&config.client)?;
    let http = open_http(&config)?;
    let banner = banner(&config, http.as_ref());
    let opening = Opening::default();
    if let Some(listener) = http {
        crate::http::serve(Arc::clone(&opening), listener).context("the http port")?;
    }
    let alone = !args.found && config.peer.seeds.is_empty() && config.peer.port == 0;
    let peers = match open_peer_port(&config) {
        Err(error) if alone => {
            tracing::warn!("no other node can join this one: {error:#}; see peer.port");
            None
        }
        opened => opened?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (found, allow_faults) = (args.found, args.allow_faults);
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let entered = tokio::select! {
            entered = enter(&config, &Clock::System, found) => entered?,
            () = told_to_stop() => return Ok(()),
        };
        let node = Node::open_as(&entered.identity, config, Clock::System, entered.part)?;
        if allow_faults {
            node.faults.allow();
        }
        // Before anyone is told that we are here: who then says "stop" is heard.
        let mut signals = Signals::new()?;
        let mut server = Server::start(Arc::clone(&node), bound, workers)?;
        take_part(&node, &server, entered, peers).context("the peer port")?;
        // Set once, here.
        let _ = opening.set(Arc::clone(&node));
        let mut out = std::io::stdout().lock();
        // Nobody may be reading.
        let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());
        drop(out);
        tokio::select! {
            biased;
            () = node.stopping.notified() => tracing::info!("SHUTDOWN: stopping"),
            name = signals.next() => tracing::info!("{name}: stopping"),
            failed = server.accept() => failed.context("cannot accept connections")?,
        }
        stop(&node, &mut signals).await
    })
}

/// Human lines to standard error. `RUST_LOG` rules over the setting.
fn start_logging(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        // The tree's library speaks of its own insides.
        EnvFilter::new(format!("{level},fjall=warn,lsm_tree=warn"))
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

fn open_http(config: &Config) -> anyhow::Result<Option<std::net::TcpListener>> {
    let Some(port) = config.http_port().filter(|_| config.http.enabled) else {
        return Ok(None);
    };
    let host = match config.http.bind.as_str() {
        "*" => "0.0.0.0",
        host => host,
    };
    let listener = std::net::TcpListener::bind((host, port))
        .with_context(|| format!("cannot listen on {host}:{port} (http)"))?;
    Ok(Some(listener))
}

/// A node that waits for its seeds is told to stop.
async fn told_to_stop() {
    if let Ok(mut signals) = Signals::new() {
        let name = signals.next().await;
        tracing::info!("{name}: stopping");
    } else {
        std::future::pending::<()>().await;
    }
}

/// The peer port, when it may be open: without a secret only on loopback.
fn open_peer_port(config: &Config) -> anyhow::Result<Option<std::net::TcpListener>> {
    let Some(port) = config.peer_port() else {
        return Ok(None);
    };
    let host = match config.peer.bind.as_str() {
        "*" => "0.0.0.0",
        host => host,
    };
    let listener = std::net::TcpListener::bind((host, port))
        .with_context(|| format!("cannot listen on {host}:{port} (peers)"))?;
    Ok(Some(listener))
}

fn banner(config: &Config, http: Option<&std::net::TcpListener>) -> String {
    let port = config.client.port;
    let first = config.client.bind.first();
    let host = match first.map_or("127.0.0.1", String::as_str) {
        v6 if v6.contains(':') => format!("[{v6}]"),
        "*" => "0.0.0.0".to_owned(),
        host => host.to_owned(),
    };
    let http = http
        .and_then(|listener| listener.local_addr().ok())
        .map_or("off".to_owned(), |address| {
            format!("http://{address}/metrics")
        });
    let durability = settings::find("storage.durability").map_or(String::new(), |s| s.get(config));
    let data = match config.storage.engine {
        Engine::Fjall => format!("{} (fjall, {})", config.node.data_dir, durability),
        Engine::Memory => "in memory only: a restart forgets everything".to_owned(),
    };
    let cluster = &config.cluster;
    format!(
        "dynamo {} serves redis://{host}:{port}\n\
         metrics  {http}\n\
         data     {data}\n\
         ring     {} partitions, n={} r={} w={}, clipped to 1 by the one member\n\
         next     redis-cli -p {port}\n",
        env!("CARGO_PKG_VERSION"),
        cluster.partitions,
        cluster.n,
        cluster.r,
        cluster.w,
    )
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Nobody is accepted any more. Lets connections finish what they are at, then brings the log into
/// the tree; a second signal leaves that to the next start.
async fn stop(node: &Arc<Node>, signals: &mut Signals) -> anyhow::Result<()> {
    node.draining.store(true, Ordering::Relaxed);
    sleep(GRACE).await;
    for client in node.clients.all() {
        client.kill();
    }
    let begun = node.clock.now();
    while !node.clients.is_empty() && begun.elapsed() < FINISH {
        sleep(Duration::from_millis(5)).await;
    }
    if !node.clients.is_empty() {
        let clients = node.clients.len();
        tracing::warn!(clients, "closing connections that do not finish");
    }
    if let Some(durable) = &node.durable {
        if durable.failure().is_none() {
            if !durable.fsynced(Some(FINISH)).await {
                tracing::warn!("the log could not be fsynced before the end");
            }
            tokio::select! {
                drained = durable.drain() => drained.map_err(anyhow::Error::msg)?,
                name = signals.next() => tracing::info!(
                    "{name} again: what the tree lacks stays in the log"
                ),
            }
        }
        durable.stop();
    }
    tracing::info!("stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_has_five_lines() {
        assert_eq!(banner(&Config::default(), None).lines().count(), 5);
    }
}
