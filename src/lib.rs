//! A Redis-protocol server that is a Dynamo inside. Modules in reading order, lowest layer first;
//! each imports only what stands above it in this list (`tests/tidy.rs` holds the walls).

// Ground: ids, time and chance, settings.
pub mod types;

pub mod env;

pub mod config;

pub mod metrics;

// Values: pure data and algebra.
pub mod datatypes;
pub mod glob;
pub mod rdb;
pub mod resp;

pub mod version;

pub mod record;

pub mod ring;

// Machines: protocols as pure steps.
pub mod membership;

pub mod coordinator;

// Disk: synchronous storage.
pub mod store;

// Shell: connections' state, the links between nodes, the node.
pub mod session;

pub mod peer;

pub mod node;

// Surface: Redis's commands, the server.
pub mod commands;

pub mod cluster;

pub mod server;

pub mod http;

pub mod cli;
