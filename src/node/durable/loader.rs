//! Cold keys: read from the tree on threads of their own, one read per key however many wait.
//!
//! A pinned placeholder in the table stands for the key while it is read. Every command on the key
//! waits for it, so nobody can write, ingest and evict the key behind the reader's back
//! (counterexample G6).

use std::collections::BTreeMap;
use std::sync::{Arc, Weak, mpsc};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::env::task;
use crate::node::keyspace::{Keyspace, Place};
use crate::node::partition::Known;
use crate::record;
use crate::store::key::{append_record_key, parse_record_key, parse_record_value};
use crate::store::table::{Entry, entry};
use crate::store::tree::Tree;
use crate::types::{Database, PartitionId, Token};

/// Threads that read. Two keep a disk with little queue busy; reads of hot blocks are short.
const THREADS: usize = 2;

/// Jobs that may wait; beyond, whoever asks waits to ask.
const QUEUE: usize = 4_096;

pub(super) type Job = Box<dyn FnOnce() + Send>;
type Waiting = BTreeMap<(Database, Vec<u8>), Vec<oneshot::Sender<()>>>;

/// The readers, and who waits for which key.
pub(super) struct Loader {
    jobs: mpsc::SyncSender<Job>,
    waiting: Arc<Mutex<Waiting>>,
    tree: Arc<dyn Tree>,
    name_key: [u8; 16],
}

impl Loader {
    pub(super) fn start(tree: Arc<dyn Tree>, name_key: [u8; 16]) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..THREADS {
            let queue = Arc::clone(&queue);
            task::thread(&format!("reader-{number}"), move || {
                loop {
                    let job = queue.lock().recv();
                    match job {
                        Ok(job) => job(),
                        Err(mpsc::RecvError) => return,
                    }
                }
            })?;
        }
        Ok(Self {
            jobs,
            waiting: Arc::default(),
            tree,
            name_key,
        })
    }

    /// Waits until the key is in the table, or known to be missing.
    pub(super) async fn load(&self, keyspace: &Arc<Keyspace>, database: Database, key: &[u8]) {
        let Some((receiver, job)) = self.join_or_begin(keyspace, database, key) else {
            return;
        };
        if let Some(job) = job {
            self.submit(job).await;
        }
        // An error: the readers have stopped, and so has the node.
        let _ = receiver.await;
    }

    /// Joins whoever waits for the key; the first of them has a job to submit. `None`: it is here.
    pub(super) fn join_or_begin(
        &self,
        keyspace: &Arc<Keyspace>,
        database: Database,
        key: &[u8],
    ) -> Option<(oneshot::Receiver<()>, Option<Job>)> {
        let place = keyspace.place(key);
        let mut partition = keyspace.lock(place.partition);
        let cold = match partition.look(database, place.token, key) {
            Known::Here(_) | Known::Absent => return None,
            Known::Loading => false,
            Known::Cold => true,
        };
        let (sender, receiver) = oneshot::channel();
        let waiter = (database, key.to_vec());
        self.waiting.lock().entry(waiter).or_default().push(sender);
        let job = cold.then(|| {
            let marker = Entry::marker(key, entry::LOADING);
            partition
                .space_mut(database)
                .table
                .insert(place.token, marker);
            self.read_job(Arc::downgrade(keyspace), place, database, key)
        });
        Some((receiver, job))
    }

    /// The same without waiting, for the sweep; gives up when the readers are busy.
    pub(super) fn load_detached(&self, keyspace: &Arc<Keyspace>, database: Database, key: &[u8]) {
        let place = keyspace.place(key);
        let mut partition = keyspace.lock(place.partition);
        if !matches!(partition.look(database, place.token, key), Known::Cold) {
            return;
        }
        let marker = Entry::marker(key, entry::LOADING);
        partition
            .space_mut(database)
            .table
            .insert(place.token, marker);
        let job = self.read_job(Arc::downgrade(keyspace), place, database, key);
        if self.jobs.try_send(job).is_err() {
            partition.space_mut(database).table.remove(place.token, key);
        }
    }

    /// Runs a job on a reader's thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.submit(Box::new(move || {
            // Whoever asked may have gone.
            let _ = sender.send(job());
        }))
        .await;
        receiver.await.ok()
    }

    async fn submit(&self, mut job: Job) {
        loop {
            match self.jobs.try_send(job) {
                Ok(()) | Err(mpsc::TrySendError::Disconnected(_)) => return,
                Err(mpsc::TrySendError::Full(back)) => {
                    job = back;
                    crate::env::clock::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        }
    }

    fn read_job(
        &self,
        keyspace: Weak<Keyspace>,
        place: Place,
        database: Database,
        key: &[u8],
    ) -> Job {
        let (tree, waiting) = (Arc::clone(&self.tree), Arc::clone(&self.waiting));
        let (name_key, key) = (self.name_key, key.to_vec());
        Box::new(move || {
            let Some(keyspace) = keyspace.upgrade() else {
                return;
            };
            let mut name = Vec::new();
            append_record_key(
                &mut name,
                (place.partition, database, place.token),
                &key,
                &name_key,
            );
            let read = tree.get(&name);
            if let Err(error) = &read {
                tracing::error!(%error, "a cold key could not be read");
            }
            install(&keyspace, place, database, &key, &name, read);
            for waiter in waiting.lock().remove(&(database, key)).unwrap_or_default() {
                // Whoever waited may have gone.
                let _ = waiter.send(());
            }
        })
    }
}

/// Puts what the tree had in the place of the placeholder. A read that failed leaves no trace: the
/// next command on the key asks again, and a tree that cannot be read has its own alarm.
fn install(
    keyspace: &Keyspace,
    place: Place,
    database: Database,
    key: &[u8],
    name: &[u8],
    read: Result<Option<Vec<u8>>, crate::store::tree::TreeError>,
) {
    use std::sync::atomic::Ordering::Relaxed;
    keyspace.sums.cold_reads.fetch_add(1, Relaxed);
    let mut partition = keyspace.lock(place.partition);
    let space = partition.space_mut(database);
    let pinned = space
        .table
        .get(place.token, key)
        .is_some_and(|found| found.is(entry::LOADING));
    if !pinned {
        return; // FLUSHALL took it away.
    }
    space.table.remove(place.token, key);
    let Ok(read) = read else { return };
    let bytes = read.as_deref().and_then(|value| {
        let parsed = parse_record_key(name)?;
        let (found, bytes) = parse_record_value(parsed.name, value)?;
        (found == key).then_some(bytes)
    });
    let entry = match bytes.filter(|bytes| !is_flushed(keyspace, database, bytes)) {
        Some(bytes) => cold_entry(keyspace, key, bytes),
        None => Entry::marker(key, entry::ABSENT),
    };
    keyspace.add_sums(entry.bytes() as isize, 0);
    super::cache::index_expiry(space, place.token, &entry);
    space.table.insert(place.token, entry);
}

fn is_flushed(keyspace: &Keyspace, database: Database, bytes: &[u8]) -> bool {
    !keyspace.flushed.load().is_empty()
        && record::decode(bytes).is_ok_and(|decoded| keyspace.is_flushed(database, &decoded))
}

/// A clean entry over a record of the tree.
pub(super) fn cold_entry(keyspace: &Keyspace, key: &[u8], bytes: &[u8]) -> Entry {
    let counted = match record::peek(bytes) {
        Ok(record::Peek::Simple(simple)) => simple.value.is_some(),
        _ => record::decode(bytes).is_ok_and(|decoded| decoded.has_value()),
    };
    let state = if counted { entry::COUNTED } else { 0 };
    let mut entry = Entry::new(key, state, bytes.len(), |to| to.copy_from_slice(bytes));
    let frequency = keyspace.eviction.policy().counts_frequency();
    let now = keyspace
        .use_clock
        .load(std::sync::atomic::Ordering::Relaxed);
    entry.set_used(crate::node::eviction::first_use(now, frequency));
    entry
}

/// Where a name in the tree points.
pub(super) fn place_of(name: &[u8]) -> Option<(PartitionId, Database, Token)> {
    parse_record_key(name).map(|parsed| (parsed.partition, parsed.database, parsed.token))
}
