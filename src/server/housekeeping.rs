//! What one worker does for the node between commands: the clock of uses, expiry, forgetting, the
//! floor. Its writes go through the worker's stage like any other.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::Worker;
use crate::env::clock::sleep;
use crate::node::expire::{advance_floor, forget, reap_due};
use crate::types::Hlc;

/// How often.
const STEP: Duration = Duration::from_millis(100);

/// Keys reaped, and records forgotten, in one go: well under a millisecond.
const BUDGET: usize = 500;

/// Goes in one step while there is more to do.
const ROUNDS_MAX: usize = 20;

/// The floor of a one-member cluster follows the clock by so many steps: ten seconds.
const FLOOR_STEPS: usize = 100;

/// Runs as long as the worker lives.
pub(super) async fn housekeeping(worker: Rc<Worker>) {
    let node = Rc::clone(&worker).node.clone();
    let mut minted: VecDeque<Hlc> = VecDeque::new();
    loop {
        sleep(STEP).await;
        let now = node.clock.wall();
        let seconds = now.0.saturating_sub(node.started.0) / 1_000;
        node.keyspace
            .use_clock
            .store(seconds as u32, Ordering::Relaxed);
        minted.push_back(node.keyspace.clock.last());
        // Alone, everything is settled after ten seconds. Among several, nothing is until all of them
        // have said so.
        if minted.len() > FLOOR_STEPS
            && let Some(settled) = minted.pop_front()
            && node.view.load().alone
        {
            advance_floor(&node.keyspace, settled);
        }
        for _ in 0..ROUNDS_MAX {
            let (done, staged) = {
                let mut stage = worker.stage.borrow_mut();
                let reaped = reap_due(&node.keyspace, &mut stage, now, BUDGET);
                let forgotten = forget(&node.keyspace, &mut stage, now, BUDGET);
                worker.add_sums(&mut stage);
                (reaped + forgotten, !stage.is_empty())
            };
            if staged {
                worker.commit(worker.group()).await;
            }
            if done < BUDGET {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}
