//! SCAN, KEYS, RANDOMKEY and DBSIZE over all partitions: each is asked of one owner that can be reached.
//! An owner's walk stops at the first partition that it does not own; its cursor stands there, good
//! for any node, so that a walk goes from owner to owner and nobody remembers it. A key that a lagging
//! replica lacks may be missed, as it may by any read with R = 1.

use std::collections::BTreeMap;

use super::Connection;
use super::replies::Told;
use crate::cluster::{Question, inner};
use crate::env::rng;
use crate::node::partition_of;
use crate::node::view::NodeIndex;
use crate::types::PartitionId;

/// Answers of owners that one SCAN may gather: short stretches of one owner must not make a client
/// come back for nothing.
const STEPS_MAX: usize = 32;

/// Keys that KEYS asks for at a time.
const KEYS_STEP: &[u8] = b"1000";

/// No owner of some partition can be reached.
fn unreached() -> Told {
    Told::Error(b"-NOQUORUM R=1 not met (answered 0)\r\n".to_vec())
}

/// One step of a walk.
enum Step {
    Went { cursor: u64, keys: Vec<Told> },
    Refused(Told),
}

impl Connection {
    fn partitions(&self) -> u16 {
        self.worker.node.keyspace.partition_count()
    }

    fn owners_up(&self, partition: PartitionId) -> Vec<NodeIndex> {
        let plane = self.worker.plane.borrow();
        plane.owners_up(partition).to_vec()
    }

    /// SCAN's step at an owner of the cursor's partition.
    async fn step(&mut self, cursor: u64, rest: &[Box<[u8]>]) -> Step {
        let partition = partition_of(cursor);
        if partition.0 >= self.partitions() {
            return Step::Went {
                cursor: 0,
                keys: Vec::new(),
            };
        }
        for to in self.owners_up(partition) {
            let mut words: Vec<Box<[u8]>> = vec![b"SCAN"[..].into()];
            words.push(cursor.to_string().into_bytes().into());
            words.extend_from_slice(rest);
            let question = Question {
                to,
                inner: false,
                words,
            };
            match self.ask(&[question]).await.pop().flatten() {
                Some(Told::Array(both)) => {
                    let Some((next, keys)) = taken(both) else {
                        continue;
                    };
                    // It owns the partition no more: another one does.
                    if next.max(1) == cursor.max(1) && next != 0 && keys.is_empty() {
                        continue;
                    }
                    return Step::Went { cursor: next, keys };
                }
                Some(told @ Told::Error(_)) => return Step::Refused(told),
                _ => {}
            }
        }
        Step::Refused(unreached())
    }

    /// SCAN.
    pub(super) async fn scan(&mut self, words: &[Box<[u8]>]) -> Told {
        let text = words.get(1).and_then(|text| std::str::from_utf8(text).ok());
        let rest = words.get(2..).unwrap_or_default();
        let cursor = match text.map(|text| (text, text.parse::<u64>())) {
            Some((_, Ok(cursor))) => cursor,
            Some(("", _)) => 0,
            _ => return Told::Error(b"-ERR invalid cursor\r\n".to_vec()),
        };
        let wanted = count_of(rest);
        let (mut at, mut found) = (cursor, Vec::new());
        for _ in 0..STEPS_MAX {
            match self.step(at, rest).await {
                Step::Went { cursor, keys } => {
                    found.extend(keys);
                    at = cursor;
                }
                // What was found is not lost: the next step meets the refusal again.
                Step::Refused(_) if !found.is_empty() => break,
                Step::Refused(told) => return told,
            }
            if at == 0 || found.len() >= wanted {
                break;
            }
        }
        let cursor = Told::Bulk(Some(at.to_string().into_bytes()));
        Told::Array(vec![cursor, Told::Array(found)])
    }

    /// KEYS.
    pub(super) async fn keys(&mut self, words: &[Box<[u8]>]) -> Told {
        let pattern = words.get(1).cloned().unwrap_or_default();
        let rest: [Box<[u8]>; 4] = [
            b"MATCH"[..].into(),
            pattern,
            b"COUNT"[..].into(),
            KEYS_STEP.into(),
        ];
        let (mut at, mut found) = (0, Vec::new());
        loop {
            match self.step(at, &rest).await {
                Step::Went { cursor, keys } => {
                    found.extend(keys);
                    at = cursor;
                }
                Step::Refused(told) => return told,
            }
            if at == 0 {
                return Told::Array(found);
            }
        }
    }

    /// RANDOMKEY: of an owner of a partition taken by chance; of everybody when that one has none.
    pub(super) async fn random_key(&mut self) -> Told {
        let partitions = self.partitions();
        let chosen = PartitionId((rng::random_u64() % u64::from(partitions)) as u16);
        let first = self.owners_up(chosen);
        let whom = self.worker.plane.borrow().whom();
        let mut covered = true;
        for to in first.into_iter().take(1).chain(whom.up) {
            let question = Question {
                to,
                inner: false,
                words: vec![b"RANDOMKEY"[..].into()],
            };
            match self.ask(&[question]).await.pop().flatten() {
                Some(told @ Told::Bulk(Some(_))) => return told,
                Some(Told::Bulk(None)) => {}
                _ => covered = false,
            }
        }
        covered &= (0..partitions).all(|id| !self.owners_up(PartitionId(id)).is_empty());
        if covered {
            Told::Bulk(None)
        } else {
            unreached()
        }
    }

    /// DBSIZE: each partition counted at one owner.
    pub(super) async fn size(&mut self) -> Told {
        let of = self.partitions();
        let mut left: Vec<PartitionId> = (0..of).map(PartitionId).collect();
        let (mut failed, mut keys): (Vec<NodeIndex>, i64) = (Vec::new(), 0);
        while !left.is_empty() {
            let mut parts: BTreeMap<NodeIndex, Vec<PartitionId>> = BTreeMap::new();
            for partition in left.drain(..) {
                let owners = self.owners_up(partition);
                let Some(to) = owners.into_iter().find(|to| !failed.contains(to)) else {
                    return unreached();
                };
                parts.entry(to).or_default().push(partition);
            }
            let questions = parts.iter().map(|(to, part)| Question {
                to: *to,
                inner: true,
                words: vec![inner::COUNT.into(), inner::bitmap(part.iter().copied(), of)],
            });
            let told = self.ask(&questions.collect::<Vec<_>>()).await;
            for ((to, part), told) in parts.into_iter().zip(told) {
                match told {
                    Some(Told::Integer(some)) => keys += some,
                    _ => {
                        failed.push(to);
                        left.extend(part);
                    }
                }
            }
        }
        Told::Integer(keys)
    }
}

/// Cursor and keys.
fn taken(both: Vec<Told>) -> Option<(u64, Vec<Told>)> {
    let Ok([Told::Bulk(Some(cursor)), Told::Array(keys)]) = <[Told; 2]>::try_from(both) else {
        return None;
    };
    let cursor = std::str::from_utf8(&cursor).ok()?.parse().ok()?;
    Some((cursor, keys))
}

/// SCAN's COUNT; what does not parse is for the owner to refuse.
fn count_of(rest: &[Box<[u8]>]) -> usize {
    let mut count = 10;
    for pair in rest.chunks(2) {
        if let [name, value] = pair
            && name.eq_ignore_ascii_case(b"count")
            && let Some(number) = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok())
        {
            count = number;
        }
    }
    count
}
