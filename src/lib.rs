//! A Redis-protocol server that is a Dynamo inside. Modules in reading order, lowest layer first;
//! each imports only what stands above it in this list (`tests/tidy.rs` holds the walls).

pub mod datatypes;
pub mod glob;
pub mod rdb;
pub mod record;
pub mod resp;
pub mod store;
pub mod types;
pub mod version;
