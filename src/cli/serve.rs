//! `dynamo server`: from flags to a served node, and out again in order.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::ServerArgs;
use crate::config::{Config, Engine, load};
use crate::env::Clock;
use crate::node::Node;
use crate::server::Server;

/// Commands in flight get so long after SIGTERM.
const GRACE: Duration = Duration::from_millis(300);

pub(super) fn configuration(args: &ServerArgs) -> anyhow::Result<Config> {
    let mut flags = Vec::new();
    if let Some(port) = args.port {
        flags.push(format!("client.port={port}"));
    }
    if let Some(directory) = &args.data_dir {
        flags.push(format!("node.data_dir={}", directory.display()));
    }
    flags.extend(args.set.iter().cloned());
    Ok(load(args.config.as_deref(), std::env::vars(), &flags)?)
}

pub(super) fn serve(args: &ServerArgs) -> anyhow::Result<()> {
    let config = configuration(args)?;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,fjall=warn,lsm_tree=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let workers = match config.node.workers {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    };
    let http = open_http(&config)?;
    raise_descriptors(config.client.max_clients);
    let banner = banner(&config, http.as_ref());
    let node = Node::open(config, Clock::System)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let server = Server::bind(Arc::clone(&node), workers)?;
        if let Some(listener) = http {
            crate::http::serve(Arc::clone(&node), listener)?;
        }
        let mut out = std::io::stdout().lock();
        // Nobody may be reading.
        let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());
        drop(out);
        let accepting = tokio::task::spawn_local(server.accept());
        until_stopped(&node).await?;
        accepting.abort();
        stop(&node).await
    })
}

fn open_http(config: &Config) -> anyhow::Result<Option<std::net::TcpListener>> {
    if !config.http.enabled {
        return Ok(None);
    }
    let port = match config.http.port {
        0 => config.client.port.checked_add(2_000).unwrap_or(0),
        port => port,
    };
    let address = format!("{}:{port}", config.http.bind);
    let listener = std::net::TcpListener::bind(&address)
        .with_context(|| format!("cannot listen on {address} (http)"))?;
    Ok(Some(listener))
}

fn banner(config: &Config, http: Option<&std::net::TcpListener>) -> String {
    let port = config.client.port;
    let host = config
        .client
        .bind
        .first()
        .map_or("127.0.0.1", String::as_str);
    let http = http
        .and_then(|listener| listener.local_addr().ok())
        .map_or("off".to_owned(), |address| {
            format!("http://{address}/metrics")
        });
    let data = match config.storage.engine {
        Engine::Fjall => format!(
            "{} (fjall, {:?})",
            config.node.data_dir, config.storage.durability
        ),
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

/// As Redis does: enough descriptors for `max_clients`, if the system lets us.
fn raise_descriptors(max_clients: u32) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::from(max_clients) + 128;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(limit.maximum.map_or(wanted, |max| max.min(wanted))),
            ..limit
        };
        if setrlimit(Resource::Nofile, raised).is_err() || raised.current < Some(wanted) {
            tracing::warn!(wanted, "too few file descriptors for client.max_clients");
        }
    }
}

async fn until_stopped(node: &Node) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        biased;
        () = node.stopping.notified() => tracing::info!("SHUTDOWN: stopping"),
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
    }
    Ok(())
}

/// Lets what is in flight finish, closes connections, brings the log into the tree.
async fn stop(node: &Arc<Node>) -> anyhow::Result<()> {
    node.draining.store(true, Ordering::Relaxed);
    crate::env::clock::sleep(GRACE).await;
    for client in node.clients.all() {
        client.kill();
    }
    if let Some(durable) = &node.durable {
        if durable.failure().is_none() {
            durable.drain().await.map_err(anyhow::Error::msg)?;
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
