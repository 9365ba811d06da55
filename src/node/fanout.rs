//! What goes to other nodes with a worker's next group: for each of them the operations of the group,
//! encoded as the log has them, numbered without gaps. Filled under the partition's lock, so that the
//! operations of one key leave in the order in which they were made.

use std::sync::Arc;

use smallvec::SmallVec;

use super::view::{NodeIndex, View};
use crate::store::log::{EntryKind, append_opaque, append_record};
use crate::types::{Database, PartitionId, Token};

/// Operations for one node since the last group.
#[derive(Debug, Default)]
pub struct Batch {
    /// Log entries, one after the other.
    pub ops: Vec<u8>,
    /// How many.
    pub count: u32,
    /// Number of the last operation ever put in: operations are numbered from 1.
    pub last: u64,
}

/// An owner that a write could not be sent to, and nobody stands in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// The owner.
    pub owner: NodeIndex,
    /// Where the key lives.
    pub partition: PartitionId,
    /// Its database.
    pub database: Database,
    /// Its token.
    pub token: Token,
    /// The key.
    pub key: Box<[u8]>,
}

/// See the module's head.
#[derive(Debug)]
pub struct Fanout {
    /// What routes are taken from.
    pub view: Arc<View>,
    /// By node index.
    pub batches: Vec<Batch>,
    /// Partitions written since somebody last took them: what a command's quorum is counted over.
    pub touched: SmallVec<[PartitionId; 2]>,
    /// For the missed lists.
    pub missed: Vec<Missed>,
    /// Commands are running: their writes go out. Off for what merely changes this copy: operations of
    /// others, reaping, forgetting.
    pub on: bool,
}

/// The key of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Named<'k> {
    /// Where it lives.
    pub partition: PartitionId,
    /// In which database.
    pub database: Database,
    /// Its place in the partition.
    pub token: Token,
    /// Its name.
    pub key: &'k [u8],
}

impl Fanout {
    /// Nothing to send yet.
    pub fn new(view: Arc<View>) -> Self {
        Self {
            view,
            batches: Vec::new(),
            touched: SmallVec::new(),
            missed: Vec::new(),
            on: false,
        }
    }

    /// The operations for one node.
    pub fn batch(&mut self, to: NodeIndex) -> &mut Batch {
        batch(&mut self.batches, to)
    }

    /// One record for one node alone: a repair.
    pub fn repair(&mut self, to: NodeIndex, named: Named<'_>, record: &[u8]) {
        let batch = self.batch(to);
        append(&mut batch.ops, named, record);
        batch.count += 1;
        batch.last += 1;
    }

    /// One record as it now is, for everyone who keeps its partition.
    #[inline]
    pub(super) fn record(&mut self, named: Named<'_>, record: &[u8]) {
        if !self.on {
            return;
        }
        if self.touched.last() != Some(&named.partition) {
            self.touched.push(named.partition);
        }
        let Self {
            view,
            batches,
            missed,
            ..
        } = self;
        let route = view.route(named.partition);
        for target in &route.targets {
            let stands_for = target.stands_for.and_then(|owner| view.node(owner));
            let batch = batch(batches, target.to);
            match stands_for {
                None => append(&mut batch.ops, named, record),
                Some(owner) => {
                    let mut hint = owner.id.0.to_le_bytes().to_vec();
                    append(&mut hint, named, record);
                    append_opaque(&mut batch.ops, EntryKind::HINT, &hint);
                }
            }
            batch.count += 1;
            batch.last += 1;
        }
        for owner in &route.missed {
            missed.push(Missed {
                owner: *owner,
                partition: named.partition,
                database: named.database,
                token: named.token,
                key: named.key.into(),
            });
        }
    }
}

#[inline]
fn batch(batches: &mut Vec<Batch>, to: NodeIndex) -> &mut Batch {
    let place = usize::from(to.0);
    if place >= batches.len() {
        batches.resize_with(place + 1, Batch::default);
    }
    batches
        .get_mut(place)
        .expect("the batches reach to this node: resized above")
}

#[inline]
fn append(out: &mut Vec<u8>, named: Named<'_>, record: &[u8]) {
    let Named {
        partition,
        database,
        token,
        key,
    } = named;
    append_record(out, 0, partition, database, token, key, record);
}
