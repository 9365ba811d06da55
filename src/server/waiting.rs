//! What a connection waits for between two commands, without holding a lock or a thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::commands::Wait;
use crate::commands::context::Walk;
use crate::commands::generic::walks::run_blocking;
use crate::env::clock::sleep;
use crate::node::Node;
use crate::resp::Reply;
use crate::session::Session;
use crate::types::Database;

/// Waits, then writes the command's reply.
pub(super) async fn wait(node: &Arc<Node>, session: &Session, wait: Wait, reply: &mut Reply<'_>) {
    match wait {
        Wait::Replicas { count, timeout } => {
            // What this connection wrote and was answered OK has W copies, this node's or the seat's
            // among them; nobody counts beyond. One node has no replicas.
            let view = node.view.load_full();
            let w = session.quorum.w.unwrap_or(view.w).min(view.n);
            let others = u64::from(w.saturating_sub(1));
            if count > others {
                unblocked_or(session, timeout).await;
            }
            if !unblock_error(session, reply) {
                reply.integer(others as i64);
            }
        }
        Wait::Fsync {
            local,
            others,
            timeout,
        } => {
            let own = if local == 0 {
                true
            } else {
                node.fsynced(timeout).await
            };
            if others > 0 {
                unblocked_or(session, timeout).await;
            }
            if !unblock_error(session, reply) {
                reply.array(2);
                reply.integer(i64::from(own && node.is_logged()));
                reply.integer(0);
            }
        }
        Wait::Drain => match node.drain().await {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(&error),
        },
        Wait::Walk { walk, database } => walk_off_thread(node, walk, database, reply).await,
        Wait::Sleep(duration) => {
            sleep(duration).await;
            reply.ok();
        }
        Wait::Shutdown { no_save } => node.shut_down(no_save),
    }
}

/// SCAN, KEYS and RANDOMKEY over keys that may be in the tree only.
pub(super) async fn walk_off_thread(
    node: &Arc<Node>,
    walk: Walk,
    database: Database,
    reply: &mut Reply<'_>,
) {
    let (shared, protocol, now) = (Arc::clone(node), reply.protocol(), node.clock.wall());
    let job = move || {
        let mut out = Vec::new();
        let mut reply = Reply::new(&mut out, protocol);
        run_blocking(&shared, &walk, database, now, &mut reply);
        out
    };
    let Some(durable) = &node.durable else {
        return reply.error("ERR nothing to wait for without a log");
    };
    match durable.run_blocking(job).await {
        Some(out) => reply.raw(&out),
        None => reply.error("ERR the node is stopping"),
    }
}

/// Sleeps until the time-out (`None`: for ever), CLIENT UNBLOCK or CLIENT KILL.
async fn unblocked_or(session: &Session, timeout: Option<Duration>) {
    const STEP: Duration = Duration::from_millis(20);
    let handle = &session.handle;
    let mut left = timeout;
    loop {
        if handle.unblock.load(Ordering::Acquire) != 0 || handle.killed.load(Ordering::Acquire) {
            return;
        }
        let step = left.map_or(STEP, |left| left.min(STEP));
        if step.is_zero() {
            return;
        }
        sleep(step).await;
        left = left.map(|left| left.saturating_sub(step));
    }
}

/// CLIENT UNBLOCK id ERROR answers the blocked command with an error.
fn unblock_error(session: &Session, reply: &mut Reply<'_>) -> bool {
    let error = session.handle.unblock.swap(0, Ordering::AcqRel) == 2;
    if error {
        reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    }
    error
}
