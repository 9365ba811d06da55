//! The RESP server: workers, each with its connections; one listener that deals them out.

mod cluster;
mod connection;
mod control;
mod forwarded;
mod handoff;
mod housekeeping;
mod listener;
mod peering;
mod severed;
mod waiting;
mod wire;
mod worker;

use std::sync::atomic::Ordering;

pub use cluster::{EnterError, Entered, enter, take_part};
pub use listener::{Bound, ListenError, Server};

use crate::node::Node;
use crate::session::Session;
use crate::types::WallMs;

/// A connection has ended: nobody finds it any more.
fn goodbye(node: &Node, session: &mut Session) {
    let id = session.handle.id;
    for channel in std::mem::take(&mut session.channels) {
        node.pubsub.unsubscribe(&channel, id);
    }
    for pattern in std::mem::take(&mut session.patterns) {
        node.pubsub.punsubscribe(&pattern, id);
    }
    node.stop_monitoring(id);
    node.clients.remove(id);
}

/// What CLIENT LIST shows, renewed after each batch.
fn publish_state(session: &Session, query_bytes: usize, now: WallMs) {
    let handle = &session.handle;
    handle.active_ms.store(now.0, Ordering::Relaxed);
    handle.database.store(session.database.0, Ordering::Relaxed);
    handle
        .authenticated
        .store(session.authenticated, Ordering::Relaxed);
    handle
        .query_bytes
        .store(query_bytes as u64, Ordering::Relaxed);
    let queued = session
        .queue
        .as_ref()
        .map_or(-1, |queue| queue.commands.len() as i64);
    handle.queued.store(queued, Ordering::Relaxed);
    handle
        .watched
        .store(session.watched.len() as u32, Ordering::Relaxed);
}
