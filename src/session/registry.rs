//! All connections of the node, by id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::handle::ClientHandle;

/// Who is connected.
#[derive(Debug, Default)]
pub struct Clients {
    by_id: DashMap<u64, Arc<ClientHandle>>,
    last_id: AtomicU64,
}

impl Clients {
    /// The id of the next connection.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A connection begins.
    pub fn add(&self, handle: Arc<ClientHandle>) {
        self.by_id.insert(handle.id, handle);
    }

    /// A connection has ended.
    pub fn remove(&self, id: u64) {
        self.by_id.remove(&id);
    }

    /// One of them.
    pub fn get(&self, id: u64) -> Option<Arc<ClientHandle>> {
        self.by_id.get(&id).map(|found| Arc::clone(&found))
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<ClientHandle>> {
        let mut all: Vec<_> = self.by_id.iter().map(|found| Arc::clone(&found)).collect();
        all.sort_unstable_by_key(|handle| handle.id);
        all
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Is nobody connected?
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
