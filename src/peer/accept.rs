//! The peer port's door: the acceptor's handshake on a socket, and how many strangers may stand before
//! it. What is always true: a stranger is dropped at its first wrong byte or after the time limit, has
//! been told nothing, has cost one small task, and at most [`BYTES_FROM_STRANGER_MAX`] bytes of it
//! were read. A stream that is given out has proved its peer, and not a byte behind the handshake has
//! been read from it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::handshake::{Acceptor, Established, Local, Refusal};
use super::hello::{HELLO_BYTES, PROOF_BYTES, hello_may_follow};
use super::link::{HANDSHAKE_TIMEOUT, is_closing, prepare, random_nonce};
use crate::env::clock::sleep;
use crate::env::{Clock, task};

/// Unproven connections at one time: a node's own peers take a millisecond each. When all places are
/// taken the one who has stood there longest, a stranger most likely, makes room.
pub const UNPROVEN_MAX: usize = 64;

/// No more is read from a connection that has not proved itself.
pub const BYTES_FROM_STRANGER_MAX: usize = HELLO_BYTES + PROOF_BYTES;
const _: () = assert!(BYTES_FROM_STRANGER_MAX <= 256);

/// The log takes one line about refusals in this time, however many knock.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// Why an incoming connection was closed. Nothing was said to it that it did not know.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// It took too long.
    #[error("no handshake within {0:?}")]
    TimedOut(Duration),
    /// It closed before it had proved itself.
    #[error("closed before the handshake was done")]
    Closed,
    /// The socket failed.
    #[error("connection lost: {0}")]
    Lost(io::Error),
    /// We refuse it.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

impl From<io::Error> for AcceptError {
    fn from(error: io::Error) -> Self {
        if is_closing(&error) {
            Self::Closed
        } else {
            Self::Lost(error)
        }
    }
}

/// The handshake with whoever connected, within `limit`. On an error the connection is closed.
pub async fn accept(
    mut stream: TcpStream,
    local: &Local,
    limit: Duration,
) -> Result<(TcpStream, Established), AcceptError> {
    let shake = async {
        prepare(&stream)?;
        let hello = read_hello(&mut stream).await?;
        let acceptor = Acceptor::greeted(local, &hello, &random_nonce())?;
        stream.write_all(acceptor.welcome()).await?;
        let mut proof = [0; PROOF_BYTES];
        stream.read_exact(&mut proof).await?;
        Ok(acceptor.proved(&proof)?)
    };
    let within = tokio::time::timeout(limit, shake).await;
    let established = within.unwrap_or(Err(AcceptError::TimedOut(limit)))?;
    Ok((stream, established))
}

/// Reads a hello as it comes, and no further than the first byte that is in none.
async fn read_hello(stream: &mut TcpStream) -> Result<[u8; HELLO_BYTES], AcceptError> {
    let mut hello = [0; HELLO_BYTES];
    let mut filled = 0;
    while filled < HELLO_BYTES {
        let space = hello.get_mut(filled..).unwrap_or_default();
        match stream.read(space).await? {
            0 => return Err(AcceptError::Closed),
            count => filled += count,
        }
        if !hello_may_follow(hello.get(..filled).unwrap_or_default()) {
            return Err(Refusal::Stranger.into());
        }
    }
    Ok(hello)
}

/// The listening side of the peer port.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    unproven: Unproven,
}

/// Handshakes that are under way, oldest first; ended with the door.
#[derive(Debug, Default)]
struct Unproven(VecDeque<JoinHandle<()>>);

impl Drop for Unproven {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Unproven {
    /// Makes room for one more.
    fn make_room(&mut self) {
        self.0.retain(|handshake| !handshake.is_finished());
        while self.0.len() >= UNPROVEN_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
    }
}

impl Door {
    /// A door in this listener.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            unproven: Unproven::default(),
        }
    }

    /// Lets peers in until the future is dropped. `local` says who we are as each handshake begins;
    /// whoever proved itself goes to `proven`, and is closed if that is full: it will dial again. Runs
    /// on a thread with a local task set.
    pub async fn run(
        mut self,
        local: impl Fn() -> Local,
        proven: mpsc::Sender<(TcpStream, Established)>,
    ) -> Infallible {
        let complaints = Rc::new(Complaints::default());
        loop {
            let (stream, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, most likely: waiting is all that helps.
                    tracing::warn!(%error, "cannot accept a peer's connection");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            self.unproven.make_room();
            let local = local();
            let proven = proven.clone();
            let complaints = Rc::clone(&complaints);
            let handshake = async move {
                match accept(stream, &local, HANDSHAKE_TIMEOUT).await {
                    Ok(peer) => {
                        if proven.try_send(peer).is_err() {
                            tracing::warn!(%from, "too many peers at once: one was closed");
                        }
                    }
                    Err(error) => complaints.refused(from, &error),
                }
            };
            let handshake = task::local("peer handshake", handshake);
            self.unproven.0.push_back(handshake);
        }
    }
}

/// What the log is told about refusals.
#[derive(Debug, Default)]
struct Complaints {
    last: Cell<Option<Instant>>,
    unsaid: Cell<u64>,
}

impl Complaints {
    fn refused(&self, from: SocketAddr, error: &AcceptError) {
        // A scanner or a health check is none of an operator's worries; a misconfigured node is.
        if !matches!(error, AcceptError::Refused(refusal) if *refusal != Refusal::Stranger) {
            tracing::debug!(%from, %error, "a connection to the peer port was closed");
            return;
        }
        let now = Clock::System.now();
        let last = self.last.get();
        if last.is_some_and(|last| now.duration_since(last) < COMPLAINT_INTERVAL) {
            self.unsaid.set(self.unsaid.get() + 1);
            return;
        }
        self.last.set(Some(now));
        let unsaid = self.unsaid.take();
        tracing::warn!(%from, reason = %error, unsaid, "a peer's connection was refused");
    }
}
