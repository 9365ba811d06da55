//! The tree of the simulator: a map that forgets nothing durable, and fails when it is told to.
//!
//! Clones are handles to one tree. [`MemoryTree::crash`] ends a life: handles of before are dead, and
//! [`MemoryTree::reopen`] gives one of the next.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Change, Order, Pair, Tree, TreeError, TreeSizes, Visit};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// When a scripted write fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before anything is durable.
    Before,
    /// After all of it is: the outcome is unknown to the caller, and the change is there.
    After,
}

/// An ordered tree in memory.
#[derive(Clone, Default)]
pub struct MemoryTree {
    state: Arc<Mutex<State>>,
    life: u64,
}

#[derive(Clone, Default)]
struct State {
    data: Arc<Map>,
    meta: Map,
    life: u64,
    writes: u64,
    fail_at: Option<(u64, When)>,
    failed: Option<String>,
}

impl MemoryTree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// An independent copy as things stand: an old backup, or a branch of a test.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state.lock().clone();
        Self {
            state: Arc::new(Mutex::new(state)),
            life: self.life,
        }
    }

    /// Ends this life. What was durable stays.
    pub fn crash(&self) {
        let mut state = self.state.lock();
        state.life += 1;
        state.failed = None;
        state.fail_at = None;
    }

    /// A handle for the life that is.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let life = self.state.lock().life;
        Self {
            state: Arc::clone(&self.state),
            life,
        }
    }

    /// Fails the `nth` write from now; 1 is the next.
    pub fn fail_write(&self, nth: u64, when: When) {
        let mut state = self.state.lock();
        state.fail_at = Some((state.writes + nth, when));
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, TreeError> {
        let state = self.state.lock();
        if state.life != self.life {
            return Err(TreeError::Unreadable(
                "a handle of a life before the crash".into(),
            ));
        }
        Ok(read(&state))
    }

    fn write(&self, change: impl FnOnce(&mut State)) -> Result<(), TreeError> {
        let mut state = self.state.lock();
        if state.life != self.life {
            return Err(TreeError::Failed(
                "a handle of a life before the crash".into(),
            ));
        }
        if let Some(reason) = &state.failed {
            return Err(TreeError::Failed(reason.clone()));
        }
        state.writes += 1;
        let fails = state
            .fail_at
            .filter(|&(nth, _)| nth == state.writes)
            .map(|(_, when)| when);
        if fails != Some(When::Before) {
            change(&mut state);
        }
        if fails.is_some() {
            let reason = "a scripted fault".to_owned();
            state.failed = Some(reason.clone());
            return Err(TreeError::Failed(reason));
        }
        Ok(())
    }
}

fn apply(map: &mut Map, (key, value): Change) {
    match value {
        Some(value) => {
            map.insert(key, value);
        }
        None => {
            map.remove(&key);
        }
    }
}

impl Tree for MemoryTree {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.read(|state| state.data.get(key).cloned())
    }

    fn visit(
        &self,
        from: &[u8],
        to: Option<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), TreeError> {
        let data = self.read(|state| Arc::clone(&state.data))?;
        if to.is_some_and(|to| to <= from) {
            return Ok(());
        }
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        for (key, value) in data.range::<[u8], _>((Bound::Included(from), end)) {
            if visit(key, value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn ingest(&self, changes: &mut dyn Iterator<Item = Change>) -> Result<u64, TreeError> {
        let mut order = Order::default();
        let mut sorted = Vec::new();
        for change in changes {
            order.check(&change.0)?;
            sorted.push(change);
        }
        let count = sorted.len() as u64;
        self.write(|state| {
            let data = Arc::make_mut(&mut state.data);
            for change in sorted {
                apply(data, change);
            }
        })?;
        Ok(count)
    }

    fn put_meta_all(&self, changes: &[Change]) -> Result<(), TreeError> {
        for (key, _) in changes {
            Order::default().check(key)?;
        }
        self.write(|state| {
            for change in changes {
                apply(&mut state.meta, change.clone());
            }
        })
    }

    fn get_meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        self.read(|state| state.meta.get(key).cloned())
    }

    fn meta_prefix(&self, prefix: &[u8]) -> Result<Vec<Pair>, TreeError> {
        self.read(|state| {
            let from = state
                .meta
                .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded));
            from.take_while(|(key, _)| key.starts_with(prefix))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
    }

    fn sizes(&self) -> Result<TreeSizes, TreeError> {
        self.read(|state| {
            let bytes =
                |map: &Map| -> u64 { map.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum() };
            let data_bytes = bytes(&state.data);
            TreeSizes {
                data_bytes,
                disk_bytes: data_bytes + bytes(&state.meta),
                entries: state.data.len() as u64,
                unmerged_tables: 0,
            }
        })
    }

    fn compact(&self) -> Result<(), TreeError> {
        self.read(|_| ())
    }

    fn tick(&self) -> Result<(), TreeError> {
        self.read(|_| ())
    }

    fn failed(&self) -> Option<String> {
        self.state.lock().failed.clone()
    }
}
