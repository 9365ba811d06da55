//! What tests with a real process share: starting one, and talking to it.

#![allow(
    dead_code,
    reason = "each test binary compiles this for itself and uses its own part"
)]

pub(crate) mod server;
pub(crate) mod wire;
