//! Links cut on purpose (`RING CUT`), as connections feel it: what is severed breaks, and is not dialled
//! anew before the cut is healed. In a process that was not started for it, nothing here ever ends.

use std::time::Duration;

use crate::env::clock::sleep;
use crate::node::Node;
use crate::types::NodeId;

/// How soon a cut is felt.
const LOOK: Duration = Duration::from_millis(20);

/// Ends once nothing may be sent to this node any more.
pub(super) async fn not_sent(node: &Node, to: NodeId) {
    while !node.faults.are_allowed() || node.faults.may_send(to) {
        pause(node).await;
    }
}

/// Ends once nothing may be heard from this node any more.
pub(super) async fn not_heard(node: &Node, from: NodeId) {
    while !node.faults.are_allowed() || node.faults.may_hear(from) {
        pause(node).await;
    }
}

/// Ends once something may be sent to this node: at once where nothing is cut.
pub(super) async fn until_sent(node: &Node, to: NodeId) {
    while !node.faults.may_send(to) {
        sleep(LOOK).await;
    }
}

/// What allows cuts is said at the start, before there are links.
async fn pause(node: &Node) {
    if node.faults.are_allowed() {
        sleep(LOOK).await;
    } else {
        std::future::pending::<()>().await;
    }
}
