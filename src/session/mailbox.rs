//! Frames that others push to a connection: messages, MONITOR lines. Bounded in bytes: a subscriber
//! that does not read is closed, as Redis closes it at its output buffer limit.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

/// Redis's hard limit for pub/sub clients (`client-output-buffer-limit pubsub 32mb`).
pub const PUSH_BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    overflowed: bool,
    nudged: bool,
    waker: Option<Waker>,
}

/// Where frames wait for their connection's task.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<State>);

impl Mailbox {
    /// Queues a frame and wakes the connection. False when the mailbox overflowed: the caller's
    /// frame is dropped and the connection closes.
    pub fn push(&self, frame: Bytes) -> bool {
        let mut state = self.0.lock();
        if state.overflowed || state.bytes + frame.len() > PUSH_BYTES_MAX {
            state.overflowed = true;
            state.frames.clear();
        } else {
            state.bytes += frame.len();
            state.frames.push_back(frame);
        }
        let delivered = !state.overflowed;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        delivered
    }

    /// Wakes the connection so that it looks at its handle (killed, unblocked).
    pub fn nudge(&self) {
        let mut state = self.0.lock();
        state.nudged = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Is there something to look at? Otherwise the task is woken when there is.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> bool {
        let mut state = self.0.lock();
        if !state.frames.is_empty() || state.overflowed || std::mem::take(&mut state.nudged) {
            return true;
        }
        if !state
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(context.waker()))
        {
            state.waker = Some(context.waker().clone());
        }
        false
    }

    /// Moves all waiting frames to `out`; false when frames were lost to overflow.
    pub fn drain(&self, out: &mut Vec<u8>) -> bool {
        let mut state = self.0.lock();
        for frame in state.frames.drain(..) {
            out.extend_from_slice(&frame);
        }
        state.bytes = 0;
        !state.overflowed
    }

    /// Bytes waiting.
    pub fn bytes(&self) -> usize {
        self.0.lock().bytes
    }
}
