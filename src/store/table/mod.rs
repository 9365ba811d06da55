//! The table in memory: the truth for what the tree does not have yet, and the cache of the rest.

mod directory;
pub mod entry;

pub use directory::{Directory, Slot};
pub use entry::Entry;
