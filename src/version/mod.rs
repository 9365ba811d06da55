//! Causality: which writes a copy knows of, and in which order `lww` shows them. Pure values; no
//! clock is asked and nothing is stored here.
//!
//! A *dot* (actor, hlc) names one write of one cell. A *history* is the set of dots that are live or
//! superseded here, kept as exact intervals per actor. A *floor* is the part of every history that a
//! whole owner need not store. A *context* is a history as a client carries it. What happens to the
//! values under these clocks is told in [`record`](crate::record).

mod actors;
mod context;
mod dot;
mod floor;
mod history;
mod hlc;
mod mint;
pub(crate) mod wire;

pub use actors::{ActorTable, DuplicateActor};
pub use context::{BadContext, ContextKey, MAX_TOKEN_BYTES, decode_context, encode_context};
pub use dot::{Dot, lww_order};
pub use floor::Floor;
pub use history::{History, Interval};
pub use hlc::{HlcClock, LEASE_MS, SkewTooLarge, is_exhausted, lease_needed, next_hlc, observed};
pub use mint::{Mint, may_extend, mint, mint_above};

#[cfg(test)]
mod tests;
