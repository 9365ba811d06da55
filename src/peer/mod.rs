//! Peers: frames between nodes, the challenge before anything is parsed, and the links they travel on.
//!
//! ```text
//!  dial ──► handshake ──► frames ──► outbox (numbered, retained until acknowledged)
//!                           ▲                      │
//!  accept ─► handshake ─────┘        ack ◄─────────┘
//! ```
//!
//! `frame`, `handshake`, `ack`, `outbox` and `backoff` are pure: bytes, time and chance are arguments.
//! `dial` and `accept` put sockets and a time limit around the handshake. `docs/wire-format.md` has
//! every byte.

mod accept;
mod ack;
mod backoff;
mod batch;
mod dial;
mod frame;
mod handshake;
mod hello;
mod kind;
mod link;
mod outbox;
mod reader;
mod secret;

pub use accept::{AcceptError, BYTES_FROM_STRANGER_MAX, Door, UNPROVEN_MAX, accept};
pub use ack::{Ack, Exception, Late, MalformedAck};
pub use backoff::Backoff;
pub use batch::{Batch, MalformedBatch};
pub use dial::{DialError, dial};
pub use frame::{
    Extensions, FRAME_BYTES_MAX, FrameError, FrameTooLarge, HEADER_BYTES, Header, Parsed, Unparsed,
    encode, encode_extended, parse,
};
pub use handshake::{Acceptor, Dialer, Established, Local, Refusal, VERSIONS};
pub use hello::{HELLO_BYTES, Nonce, PROOF_BYTES, Versions, WELCOME_BYTES, hello_may_follow};
pub use kind::{CHUNK_BYTES, Class, FrameKind};
pub use link::HANDSHAKE_TIMEOUT;
pub use outbox::{
    Acked, OP_BYTES_MAX, OUTBOX_BYTES_MAX, Outbox, OutboxFull, Seq, SeqRange, WrongAck,
};
pub use reader::FrameReader;
pub use secret::Secrets;

#[cfg(test)]
mod tests;
