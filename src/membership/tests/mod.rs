//! Tests of membership: laws, formats, machines by their effects, and whole clusters in a small network.

mod codec;
mod convergence;
mod detector;
mod gossip;
mod laws;
mod lifecycle;
mod network;
mod values;
