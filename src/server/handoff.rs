//! Gives back what this node keeps for others: hints and missed keys go out as operations of the
//! worker's link, and are forgotten once acknowledged. One worker does it for the node.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::worker::Worker;
use crate::coordinator::hints::{self, Hint};
use crate::coordinator::missed::{self, Batch, MissedKey};
use crate::env::clock::sleep;
use crate::node::fanout::Named;
use crate::node::view::NodeIndex;
use crate::node::{Incoming, Locked, Place};
use crate::store::log::EntryKind;
use crate::types::{ActorIndex, Database, MonoMs, NodeId, PartitionId};

/// How often the machines look.
const STEP: Duration = Duration::from_millis(50);

/// Keys of a partition that are sent at a time when a whole partition is.
const SCAN_KEYS: usize = 256;

/// Something that is on its way.
#[derive(Debug)]
struct Sent {
    what: What,
    to: NodeId,
    index: NodeIndex,
    /// The operation that must be acknowledged.
    number: u64,
}

#[derive(Debug)]
enum What {
    Hint(hints::Delivery),
    Batch(Batch),
    Partition(PartitionId),
}

struct Giver {
    worker: Rc<Worker>,
    sent: Vec<Sent>,
    up: BTreeMap<NodeIndex, bool>,
}

/// Runs as long as the worker lives.
pub(super) async fn give_back(worker: Rc<Worker>) {
    let mut giver = Giver {
        worker,
        sent: Vec::new(),
        up: BTreeMap::new(),
    };
    loop {
        sleep(STEP).await;
        giver.step().await;
    }
}

impl Giver {
    async fn step(&mut self) {
        let node = Rc::clone(&self.worker).node.clone();
        let view = node.view.load_full();
        if view.alone {
            return;
        }
        let now = MonoMs(node.mono_ms());
        let mut up = Vec::new();
        for (place, known) in view.nodes.iter().enumerate().skip(1) {
            let index = NodeIndex(place as u16);
            let before = self.up.insert(index, known.reachable);
            if known.reachable && before != Some(true) {
                up.push(index);
            }
        }
        let hlc = node.keyspace.clock.last();
        let mut due = node.keyspace.handoff.step(now, hlc, &view, &up);
        self.look_at_sent(now, &mut due.hints, &mut due.missed);
        if due.hints.is_empty() && due.missed.is_empty() {
            return;
        }
        for effect in due.hints {
            match effect {
                hints::Effect::Deliver { delivery, to, hint } => self.deliver(delivery, to, &hint),
                hints::Effect::Remove(removed) => {
                    let mut bytes = Vec::new();
                    let entry = hints::Entry::Removed(removed);
                    hints::encode_entry(&entry, &mut bytes);
                    self.log(EntryKind::HINT, &bytes);
                }
                hints::Effect::Alarm { oldest_age_ms } => {
                    tracing::warn!(
                        oldest_age_ms,
                        "hints wait for an owner that does not come back"
                    );
                }
            }
        }
        for effect in due.missed {
            match effect {
                missed::Effect::SendCurrent { batch, to, keys } => {
                    self.send_current(What::Batch(batch), to, &keys).await;
                }
                missed::Effect::ExchangePartition { to, partition } => {
                    self.send_partition(to, partition).await;
                }
                missed::Effect::Forget(entry) => {
                    let mut bytes = Vec::new();
                    missed::encode_entry(&entry, &mut bytes);
                    self.log(EntryKind::MISSED, &bytes);
                }
            }
        }
        self.worker.want_fan_out();
    }

    fn log(&self, kind: EntryKind, bytes: &[u8]) {
        self.worker.stage.borrow_mut().own(kind, bytes);
    }

    /// What of it has been acknowledged, or never will be.
    fn look_at_sent(
        &mut self,
        now: MonoMs,
        hints: &mut Vec<hints::Effect>,
        missed: &mut Vec<missed::Effect>,
    ) {
        let handoff = &self.worker.node.keyspace.handoff;
        let plane = self.worker.plane.borrow();
        self.sent.retain(|sent| {
            let done = plane.has(sent.index, sent.number, false);
            if !done && plane.is_up(sent.index) {
                return true;
            }
            let to = sent.to;
            match sent.what {
                What::Hint(delivery) => {
                    let input = if done {
                        hints::Input::Delivered { delivery, to }
                    } else {
                        hints::Input::Failed { delivery, to }
                    };
                    hints.extend(handoff.hint_ended(now, input));
                }
                What::Batch(batch) => {
                    let input = if done {
                        missed::Input::Delivered { batch, to }
                    } else {
                        missed::Input::Failed { batch, to }
                    };
                    missed.extend(handoff.missed_ended(now, input));
                }
                What::Partition(partition) => {
                    let input = if done {
                        missed::Input::Exchanged { partition, to }
                    } else {
                        missed::Input::ExchangeFailed { partition, to }
                    };
                    missed.extend(handoff.missed_ended(now, input));
                }
            }
            false
        });
    }

    fn deliver(&mut self, delivery: hints::Delivery, to: NodeId, hint: &Hint) {
        let worker = Rc::clone(&self.worker);
        let place = Place {
            partition: hint.partition,
            token: hint.token,
        };
        if to == worker.node.id {
            self.merge_here(place, hint);
            self.end(What::Hint(delivery), to, NodeIndex::ME, 0);
            return;
        }
        let Some(index) = worker.node.view.load().index_of(to) else {
            return;
        };
        let named = Named {
            partition: hint.partition,
            database: hint.database,
            token: hint.token,
            key: &hint.key,
        };
        let number = self.push(index, named, &hint.record);
        self.end(What::Hint(delivery), to, index, number);
    }

    /// This node has become an owner of what it kept.
    fn merge_here(&self, place: Place, hint: &Hint) {
        let node = &self.worker.node;
        let mut stage = self.worker.stage.borrow_mut();
        let own: Vec<ActorIndex> = (0..node.keyspace.actors.lock().len())
            .map(|index| ActorIndex(index as u32))
            .collect();
        let now = node.clock.wall();
        let mut locked = Locked::new(&node.keyspace, hint.database, now, &mut stage);
        locked.lock_at(place.partition);
        let incoming = Incoming {
            place,
            key: &hint.key,
            record: &hint.record,
            actors: &own,
        };
        if let Err(error) = locked.absorb(&incoming) {
            tracing::error!(%error, "a hint could not be merged");
        }
    }

    fn push(&self, to: NodeIndex, named: Named<'_>, record: &[u8]) -> u64 {
        let mut stage = self.worker.stage.borrow_mut();
        let Some(fanout) = &mut stage.fanout else {
            return 0;
        };
        fanout.repair(to, named, record);
        fanout.batch(to).last
    }

    fn end(&mut self, what: What, to: NodeId, index: NodeIndex, number: u64) {
        self.sent.push(Sent {
            what,
            to,
            index,
            number,
        });
    }

    /// Reads records as they now stand and sends them.
    async fn send_current(&mut self, what: What, to: NodeId, keys: &[MissedKey]) {
        let Some(index) = self.worker.node.view.load().index_of(to) else {
            return;
        };
        for key in keys {
            self.send_key(index, key).await;
        }
        let number = {
            let mut stage = self.worker.stage.borrow_mut();
            stage
                .fanout
                .as_mut()
                .map_or(0, |fanout| fanout.batch(index).last)
        };
        self.end(what, to, index, number);
    }

    async fn send_key(&self, to: NodeIndex, key: &MissedKey) {
        let worker = &self.worker;
        let place = Place {
            partition: key.partition,
            token: key.token,
        };
        for _ in 0..LOADS {
            let cold = {
                let stage = &mut *worker.stage.borrow_mut();
                let now = worker.node.clock.wall();
                let mut locked = Locked::new(&worker.node.keyspace, key.database, now, stage);
                locked.lock_at(key.partition);
                let cold = locked.first_cold(std::iter::once(&*key.key)).is_some();
                let record = locked.record_bytes_at(place, &key.key).map(<[u8]>::to_vec);
                if let (false, Some(record), Some(fanout)) =
                    (cold, record, &mut locked.stage.fanout)
                {
                    let named = Named {
                        partition: key.partition,
                        database: key.database,
                        token: key.token,
                        key: &key.key,
                    };
                    fanout.repair(to, named, &record);
                }
                cold
            };
            if !cold {
                return;
            }
            worker.node.load(key.database, &key.key).await;
        }
    }

    /// A whole partition, where too many keys of it were missed to name them.
    async fn send_partition(&mut self, to: NodeId, partition: PartitionId) {
        let node = Rc::clone(&self.worker).node.clone();
        let databases = node.config.load().client.databases;
        for database in (0..databases).map(Database) {
            let keys = node.keys_of(partition, database).await;
            for chunk in keys.chunks(SCAN_KEYS) {
                let Some(index) = node.view.load().index_of(to) else {
                    return;
                };
                for key in chunk {
                    let place = node.keyspace.place(key);
                    let key = MissedKey {
                        partition,
                        database,
                        token: place.token,
                        key: key.clone().into(),
                    };
                    self.send_key(index, &key).await;
                }
                self.worker.want_fan_out();
                tokio::task::yield_now().await;
            }
        }
        self.send_current(What::Partition(partition), to, &[]).await;
    }
}

/// A key may be evicted between its load and the look at it; more than this is bad luck, and the batch
/// is sent again when it fails.
const LOADS: usize = 8;
