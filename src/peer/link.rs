//! What dialing and accepting share: the socket's options, the time a handshake may take, and how the
//! ways in which a connection breaks are told apart.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use super::hello::Nonce;
use crate::env::rng;

/// A handshake takes two round trips; a peer that needs longer than this is down for us.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(2);

/// The kernel probes a silent connection after so long, three times at the interval below: a peer
/// whose machine is gone is noticed in half a minute also when nothing is sent. Failure detection is
/// much quicker; this frees the socket.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// Small frames go out at once, and dead peers are noticed.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Whether the other side closed, which is all that it ever says when it refuses.
pub(super) fn is_closing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// 32 bytes from the system's generator.
pub(super) fn random_nonce() -> Nonce {
    let mut nonce = [0; 32];
    let (low, high) = nonce.split_at_mut(16);
    low.copy_from_slice(&rng::random_u128().to_le_bytes());
    high.copy_from_slice(&rng::random_u128().to_le_bytes());
    nonce
}
