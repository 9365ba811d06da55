//! The one gate to time, chance and tasks. Everything below the shell takes them as arguments; the
//! shell takes them from here, so that a simulator can put its own in their place.
#![allow(
    clippy::disallowed_methods,
    reason = "this is the gate that the lint guards"
)]

pub mod clock;
pub mod rng;
pub mod task;

pub use clock::Clock;
