//! Membership: who belongs to the cluster, spread by gossip, and who seems to be down, judged alone.
//!
//! ```text
//!   lifecycle   found, wait, join, serve; who commits the joins
//!      │ admits
//!   gossip      one random peer a second: summary → digest → delta → items
//!      │ merges              message   what travels
//!   state       members + facts + layouts: a join-semilattice, key by key
//!                            persist   what is durable before it is used
//!   detector    up, suspect, down: this node's own opinion; steers routing, never membership
//! ```
//!
//! Three machines that know nothing of each other: the node's shell carries effects of one to inputs of
//! another. What is always true: state only ever grows in its semilattice, so every order of every
//! message, lost, late or twice, ends in the same state (paper, section 4.8). An outage changes no
//! membership: no input of the detector reaches the state.

mod codec;
mod detector;
mod exchange;
mod facts;
mod gossip;
mod lifecycle;
mod member;
mod message;
mod persist;
mod state;

pub use codec::CodecError;
pub use detector::{
    Belief, DOWN_AFTER_MS, Detector, Effect as DetectorEffect, Input as DetectorInput,
};
pub use exchange::{Delta, Digest, MAX_WANTED, MESSAGE_BYTES};
pub use facts::{
    Fact, Facts, LAYOUTS_KEPT, Layout, Layouts, MAX_FACTS, MAX_LAYOUT_BYTES, MAX_NAME_BYTES,
    MAX_VALUE_BYTES,
};
pub use gossip::{Change, Effect, Gossip, Input, MAX_SEEDS, ROUND_MS, Reason, Start};
pub use lifecycle::{
    Effect as LifecycleEffect, Input as LifecycleInput, Lifecycle, Phase, Saved, Setup, View,
};
pub use member::{
    MAX_LATER_BYTES, MAX_MEMBERS, MAX_TEXT_BYTES, MemberEntry, Members, Status, default_name,
};
pub use message::{FORMAT, JoinAnswer, MAX_MESSAGE_BYTES, Message, Refusal};
pub use persist::Persisted;
pub use state::{Item, Key, Outcome, State};

#[cfg(test)]
mod tests;
