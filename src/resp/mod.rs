//! The Redis protocol: reading requests from strangers and writing replies in RESP2 and RESP3.
//!
//! Pure: bytes in, bytes out. A request is never copied while it is read; it is a list of ranges
//! of the connection's buffer. Nothing is allocated on the word of a client: every length is
//! checked against a limit first, and memory grows only with bytes that have arrived.

mod argv;
mod decimal;
mod extent;
mod inline;
mod limits;
pub mod number;
mod reply;
mod request;

pub use argv::{Argv, OwnedArgv, looks_like_http};
pub use decimal::{Decimal, format_human, parse_long_double};
pub use extent::reply_length;
pub use limits::{Limits, MAX_ARGUMENTS, MAX_INLINE_BYTES, MAX_REQUEST_BYTES, ProtocolError};
pub use reply::Reply;
pub use request::{Progress, Request, RequestReader};

/// The version of the protocol that a connection has chosen with `HELLO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, with which every connection begins.
    #[default]
    Resp2,
    /// RESP3, after `HELLO 3`.
    Resp3,
}
