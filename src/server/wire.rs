//! A socket that several tasks of one worker write to: whoever has bytes tries at once, without waking
//! anybody; what the socket does not take is finished by the task that owns it.

use std::cell::{Cell, RefCell};

use tokio::net::TcpStream;
use tokio::sync::Notify;

/// See the module's head.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    left: RefCell<Vec<u8>>,
    stuck: Notify,
    /// Nothing is written until told otherwise.
    muted: Cell<bool>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            left: RefCell::default(),
            stuck: Notify::new(),
            muted: Cell::new(false),
        }
    }

    /// Writes what the socket takes, and keeps the rest: `bytes` is empty afterwards.
    pub(super) fn send(&self, bytes: &mut Vec<u8>) {
        let mut left = self.left.borrow_mut();
        if !left.is_empty() || self.muted.get() {
            left.append(bytes);
            return;
        }
        let mut from = 0;
        while from < bytes.len() {
            let rest = bytes.get(from..).unwrap_or_default();
            match self.stream.try_write(rest) {
                Ok(some) => from += some,
                // A broken socket is found by whoever reads from it.
                Err(_) => break,
            }
        }
        if from < bytes.len() {
            left.extend_from_slice(bytes.get(from..).unwrap_or_default());
            self.stuck.notify_one();
        }
        bytes.clear();
    }

    /// Holds back what is sent from now on, or lets it go.
    pub(super) fn mute(&self, muted: bool) {
        self.muted.set(muted);
        self.stuck.notify_one();
    }

    /// Finishes what got stuck, for as long as the socket lives.
    pub(super) async fn drain(&self) -> std::io::Result<()> {
        loop {
            self.stuck.notified().await;
            while !self.muted.get() && !self.left.borrow().is_empty() {
                self.stream.writable().await?;
                let mut left = self.left.borrow_mut();
                match self.stream.try_write(&left) {
                    Ok(some) => {
                        left.drain(..some);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
