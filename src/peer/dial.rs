//! Opening a connection to a peer: the dialer's handshake on a socket, within a time limit. What is
//! always true: a stream that is given out has proved its peer, and not a byte behind the handshake
//! has been read from it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::handshake::{Dialer, Established, Local, Refusal};
use super::hello::WELCOME_BYTES;
use super::kind::Class;
use super::link::{is_closing, prepare, random_nonce};

/// Why there is no connection. Nothing but the handshake was sent.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody listens there, or the name has no address.
    #[error("unreachable: {0}")]
    Unreachable(io::Error),
    /// Connecting and the handshake took too long.
    #[error("no handshake within {0:?}")]
    TimedOut(Duration),
    /// The peer closed without a word, as it does when it refuses; its log says why.
    #[error("the peer closed: another secret, cluster or version, or not a node (its log says)")]
    Closed,
    /// The socket failed.
    #[error("connection lost: {0}")]
    Lost(io::Error),
    /// We refuse the peer.
    #[error("{0}")]
    Refused(#[from] Refusal),
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        if is_closing(&error) {
            Self::Closed
        } else {
            Self::Lost(error)
        }
    }
}

/// Connects to `address` (host:port) and proves both sides, all within `limit`. Frames may be written
/// at once.
pub async fn dial(
    address: &str,
    local: &Local,
    class: Class,
    worker: u16,
    limit: Duration,
) -> Result<(TcpStream, Established), DialError> {
    let connect = async {
        let stream = TcpStream::connect(address).await;
        let mut stream = stream.map_err(DialError::Unreachable)?;
        prepare(&stream)?;
        let dialer = Dialer::new(local.clone(), class, worker, &random_nonce());
        stream.write_all(dialer.hello()).await?;
        let mut welcome = [0; WELCOME_BYTES];
        stream.read_exact(&mut welcome).await?;
        let (established, proof) = dialer.welcomed(&welcome)?;
        stream.write_all(&proof).await?;
        Ok((stream, established))
    };
    let within = tokio::time::timeout(limit, connect).await;
    within.unwrap_or(Err(DialError::TimedOut(limit)))
}
