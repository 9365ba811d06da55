//! The ring: which nodes own which partition, as numbered layouts, and whom to ask in which order.
//! Pure values: the same inputs give the same bytes on every machine.
//!
//! ```text
//!  key ─ slot ─ partition ──▶ owners (distinct nodes, distinct zones) ──▶ fallbacks, zone by zone
//!                             └────────────── preference list ─────────────────────────────┘
//!  layout k ── claim(members, n) ──▶ layout k + 1        least moves, load as capacities say
//! ```
//!
//! The paper's partitioning "strategy 3" (section 6.2): Q equal parts, placed apart from each other
//! (sections 4.2 and 4.3). `docs/ring.md` tells how a claim works and what it reaches.
//!
//! Always true: a layout that [`claim`] returned has passed [`Layout::validate`], and no legal layout
//! with the same loads would have moved fewer replicas.

mod check;
mod claim;
mod codec;
mod flow;
mod layout;
mod member;
mod moves;
mod order;
mod preference;
mod quota;
mod spread;
mod zones;

#[cfg(test)]
mod tests;

pub use check::{Violation, Warning};
pub use claim::{ClaimError, claim};
pub use codec::{BadLayout, decode, encode};
pub use layout::Layout;
pub use member::{
    CAPACITY_MAX, Capacity, MEMBERS_MAX, Member, PARTITIONS_MAX, PARTITIONS_MIN, ZONE_BYTES_MAX,
};
pub use moves::{Dropped, Move, drops, moves};
pub use preference::{Target, Targets, reachable};
