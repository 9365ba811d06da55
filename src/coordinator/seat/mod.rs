//! The seat: who coordinates the writes of a partition (the paper's section 4.5 says "a node handling
//! a read or write operation is known as the coordinator; typically, this is the first among the top
//! N nodes in the preference list"). `docs/seat.md` is the long form, with drawings.
//!
//! While it can be reached, one owner of each partition, the seat, coordinates every write of it, so
//! that a read-modify-write is atomic and plain clients make no siblings. There is no lease and no
//! majority: a seat is a habit that everybody who can be reached has agreed to, and a write never
//! waits for one.
//!
//! ```text
//!  S (seat)        C (claimant)         D (owner)
//!   │  ✗ believed down  │                   │
//!   │                   ├─ Claim (t, C) ───▶│  promises (t, C): a write of S is foreign from now on
//!   │                   │◀───────── Yield ──┤
//!   │                   │                   │  C coordinates: reads N − W + 1 owners before each
//!   │                   │◀════ exchange ═══▶│  read-modify-write
//!   │                   │                   │  C is seated: its own copy is enough
//! ```
//!
//! # What is always true
//!
//! An owner's promises rise, also across restarts: one that has started anew behaves as having
//! promised the time of its start to nobody ([`Epoch::forgotten`]), which is above all it promised
//! before, since its hybrid clock is. An epoch is claimed once. A claimant is seated when, in every
//! live layout, it and those that have promised its epoch number N − W + 1, and it has exchanged the
//! partition with that many after their promise. Every W owners of a layout contain one of those.
//!
//! A write is **clean** if, when W owners of each live layout have acknowledged it, none of them with
//! a [`Notice`], its coordinator still promises the epoch ([`SeatMap::promised`]) under which it
//! began it, either seated, or unseated after `reads` owners (itself counted) of each layout had
//! answered while promising that epoch. Then:
//!
//! > Of two clean writes of one partition, one was decided with the other in view; and a write that
//! > began after a clean one was acknowledged, and is clean, has it in view.
//!
//! Proof. Same epoch: one node, one lock. Else let a have the earlier epoch, b the later, of node Y.
//! One of the W that acknowledged a, say x, has promised Y. It took a before it promised, else its
//! acknowledgement had carried a notice (a replica first takes, then looks at its promise). Y read x
//! or exchanged with it after the promise. (If x is Y or the coordinator of a, the same holds.)
//!
//! So two nodes may *believe* themselves seated only while the one of the earlier epoch has heard
//! neither a claim nor an acknowledgement from any of the N − W + 1 of the later one; in that time
//! no write of it can be acknowledged by W owners without a notice, and with the notice it is
//! unseated. When all reach each other and nothing is on its way, one node is seated, the first owner.
//!
//! Not promised: that a command which writes nothing (GET, a SETNX that answers 0) at a superseded
//! seat sees the newest write; that writes acknowledged with fallbacks, or unclean ones, are in order.
//! They merge.
//!
//! # For the driver
//!
//! - Effects are executed in order; messages and deltas to one peer share a FIFO link, or more writes
//!   are unclean than need be (none is wrong).
//! - Ask [`SeatMap::standing`] under the partition's lock, [`SeatMap::observe_write`] after taking.
//! - A write carries [`SeatMap::stamp`]: no byte to an owner that has yielded.
//! - A node whose data is not whole (repairing, transferring) does not run the machine: its promise
//!   would vouch for state it does not have.

mod batch;
mod codec;
mod heard;
mod interface;
mod machine;
mod map;
mod message;
mod partitions;
mod place;

pub use codec::{BadMessage, MAX_MESSAGE_BYTES, decode, encode};
pub use interface::{Effect, Input};
pub use machine::{HOLD_MS, RESEND_MS, Seats};
pub use map::{SeatMap, Standing};
pub use message::{Epoch, Message, Notice};
pub use partitions::{MAX_PARTITIONS, Partitions};

#[cfg(test)]
mod tests;
