//! Questions of one node to another that are no client's command: what a command over all keys, or all
//! nodes, is made of. They travel as forwarded commands do, marked as what they are; a client can't
//! ask them.
//!
//! ```text
//!   count BITMAP     keys of the partitions whose bits are set: an integer
//!   print KEY        what WATCH remembers of a key: an integer
//!   fix              the first round of a flush: a bulk string, see [`take_fixed`]
//!   mark MARKERS     the second: OK
//! ```

use super::wire::{Malformed, put_numbers};
use crate::node::flush::{Fixed, Marker};
use crate::node::{Locked, Node, Stage};
use crate::resp::Reply;
use crate::types::{Actor, Database, Hlc, PartitionId};
use crate::version::wire::Reader;

/// Keys of some partitions.
pub const COUNT: &[u8] = b"count";
/// What WATCH remembers.
pub const PRINT: &[u8] = b"print";
/// A flush begins.
pub const FIX: &[u8] = b"fix";
/// A flush is made known.
pub const MARK: &[u8] = b"mark";

/// Answers a question in `reply`; `Some`: this key must be loaded first, nothing was done.
pub fn answer(
    node: &Node,
    stage: &mut Stage,
    database: Database,
    words: &[Box<[u8]>],
    reply: &mut Reply<'_>,
) -> Option<Box<[u8]>> {
    let mut locked = Locked::new(&node.keyspace, database, node.clock.wall(), stage);
    let argument = words.get(1).map(|word| &**word).unwrap_or_default();
    match words.first().map(|word| &**word).unwrap_or_default() {
        COUNT => reply.integer(count(&mut locked, argument)),
        PRINT => {
            locked.lock_one(argument);
            if locked.first_cold(std::iter::once(argument)).is_some() {
                return Some(argument.into());
            }
            reply.integer(locked.fingerprint(argument) as i64);
        }
        FIX => reply.bulk(&put_fixed(&node.fix(&mut locked))),
        MARK => match take_markers(argument) {
            Ok(markers) => match node.take_markers(&mut locked, &markers) {
                Ok(()) => reply.ok(),
                Err(error) => reply.error(error),
            },
            Err(Malformed) => reply.error("ERR markers that do not parse"),
        },
        _ => reply.error("ERR a question that this version does not know"),
    }
    None
}

fn count(locked: &mut Locked<'_>, bitmap: &[u8]) -> i64 {
    let (database, mut keys) = (locked.database, 0);
    locked.for_each_partition(|id, partition| {
        if has(bitmap, id) {
            keys += partition.space(database).map_or(0, |space| space.keys);
        }
    });
    keys as i64
}

/// A set of partitions, a bit for each.
pub fn bitmap(partitions: impl Iterator<Item = PartitionId>, of: u16) -> Box<[u8]> {
    let mut bits = vec![0u8; usize::from(of).div_ceil(8)];
    for id in partitions {
        if let Some(byte) = bits.get_mut(usize::from(id.0 / 8)) {
            *byte |= 1 << (id.0 % 8);
        }
    }
    bits.into()
}

fn has(bitmap: &[u8], id: PartitionId) -> bool {
    bitmap
        .get(usize::from(id.0 / 8))
        .is_some_and(|byte| byte >> (id.0 % 8) & 1 == 1)
}

fn put_marker(out: &mut Vec<u8>, marker: &[(Actor, Hlc)]) {
    put_numbers(out, &[marker.len() as u64]);
    for (actor, hlc) in marker {
        out.extend_from_slice(&actor.0.to_le_bytes());
        put_numbers(out, &[hlc.0]);
    }
}

fn take_marker(reader: &mut Reader<'_>) -> Result<Marker, Malformed> {
    let mut marker = Marker::new();
    for _ in 0..reader.varint()? {
        let actor = Actor(reader.fixed_u64()?);
        marker.push((actor, Hlc(reader.varint()?)));
    }
    Ok(marker)
}

fn put_fixed(fixed: &Fixed) -> Vec<u8> {
    let mut out = Vec::new();
    put_marker(&mut out, &fixed.named);
    put_marker(&mut out, &fixed.others);
    out
}

/// What a member says in the first round: two vectors, each a count and pairs of actor (8 bytes) and
/// hybrid time.
pub fn take_fixed(bytes: &[u8]) -> Result<Fixed, Malformed> {
    let mut reader = Reader::new(bytes);
    Ok(Fixed {
        named: take_marker(&mut reader)?,
        others: take_marker(&mut reader)?,
    })
}

/// The markers of databases, each with its database before it.
pub fn put_markers(markers: &[(Database, Marker)]) -> Box<[u8]> {
    let mut out = Vec::new();
    for (database, marker) in markers {
        out.push(database.0);
        put_marker(&mut out, marker);
    }
    out.into()
}

fn take_markers(bytes: &[u8]) -> Result<Vec<(Database, Marker)>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut markers = Vec::new();
    while !reader.is_empty() {
        markers.push((Database(reader.byte()?), take_marker(&mut reader)?));
    }
    Ok(markers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_and_garbage_is_refused() {
        let marker = vec![(Actor(1), Hlc(7)), (Actor(u64::MAX), Hlc(1 << 60))];
        let fixed = Fixed {
            named: marker.clone(),
            others: Vec::new(),
        };
        assert_eq!(take_fixed(&put_fixed(&fixed)), Ok(fixed));
        let markers = vec![(Database(0), marker.clone()), (Database(15), marker)];
        let bytes = put_markers(&markers);
        assert_eq!(take_markers(&bytes), Ok(markers));
        assert_eq!(take_markers(&bytes[..bytes.len() - 1]), Err(Malformed));
        assert_eq!(take_fixed(&[255; 20]), Err(Malformed));
    }

    #[test]
    fn a_bitmap_has_what_was_put_in() {
        let bits = bitmap([PartitionId(0), PartitionId(9)].into_iter(), 16);
        let found = (0..16).filter(|id| has(&bits, PartitionId(*id)));
        assert_eq!(found.collect::<Vec<_>>(), [0, 9]);
        assert!(!has(&bits, PartitionId(4_000)));
    }
}
