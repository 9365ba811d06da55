//! The cluster as a worker drives it: routing, replication, reads that ask others, forwarded commands.
//!
//! ```text
//!   connection ─► dispatch ─► hook ──► here: table, stage ──► fanout ──► link ──► peer's serve
//!                              │                                          ▲             │
//!                              └──► elsewhere: link ── Command ───────────┘   Ack, Answer, ReadAnswer
//!   pass: the replies of one pass over the input, each until it has its quorum
//! ```
//!
//! No socket, task or clock here: drivers in `server` write [`Link::out`] and [`Served::out`], and hand
//! in what arrives. What is always true: a reply leaves only when W distinct nodes have committed what
//! it acknowledges, or R hold what it shows; what a peer sent is understood or its link is closed.

mod ask;
mod asks;
mod frames;
mod hook;
pub mod inner;
mod link;
mod operations;
mod pass;
mod plane;
mod requests;
mod serve;
mod unit;
pub mod view;
mod wire;

pub use ask::{Question, Whom};
pub use asks::{Ask, put_answers};
pub use hook::Hook;
pub use link::Link;
pub use pass::{Anew, Pass, Span};
pub use plane::Plane;
pub use serve::{Cold, Served};
pub use wire::Malformed;

#[cfg(test)]
mod tests;
