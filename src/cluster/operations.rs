//! What operations, actors and acknowledgements say, apart from the links that they travel on.

use super::frames::put_frame;
use super::wire::{self, Malformed};
use crate::node::fanout::{Missed, Named};
use crate::node::view::{NodeIndex, View};
use crate::node::{Node, Place};
use crate::peer::{FrameKind, Header};
use crate::store::log::{Body, Entries, EntryRef};
use crate::types::{ActorIndex, NodeId};

/// A log entry that names a key and its record; an empty record says that there is none.
pub(super) fn record_entry(entry: &[u8]) -> Option<(Named<'_>, Place, &[u8])> {
    let EntryRef { body, .. } = Entries::new(entry).next()?.ok()?;
    let Body::Record {
        partition,
        database,
        token,
        key,
        record,
    } = body
    else {
        return None;
    };
    let named = Named {
        partition,
        database,
        token,
        key,
    };
    Some((named, Place { partition, token }, record))
}

/// A peer names its actors: ours for each of its indexes, kept before anything uses them.
pub(super) fn name_actors(
    node: &Node,
    known: &mut Vec<ActorIndex>,
    body: &[u8],
) -> Result<(), Malformed> {
    let (first, actors) = wire::take_actors(body)?;
    if first > known.len() {
        return Err(Malformed);
    }
    known.truncate(first);
    for actor in actors {
        known.push(node.intern_actor(actor).map_err(|_| Malformed)?);
    }
    Ok(())
}

/// An acknowledgement.
pub(super) fn put_ack(
    header: &Header,
    out: &mut Vec<u8>,
    committed: u64,
    synced: u64,
    refused: &[u64],
) {
    put_frame(header, FrameKind::ACK, out, |out| {
        wire::put_numbers(out, &[committed, synced, refused.len() as u64]);
        wire::put_numbers(out, refused);
    });
}

/// Keys of operations that a peer has not acknowledged and will not.
pub(super) fn given_up(to: NodeIndex, view: &View, groups: &[Vec<u8>], noted: &mut Vec<Missed>) {
    for entry in groups.iter().flat_map(|ops| Entries::new(ops)) {
        let Ok(entry) = entry else { continue };
        let (owner, bytes) = match entry.body {
            Body::Record {
                partition,
                database,
                token,
                key,
                ..
            } => {
                noted.push(Missed {
                    owner: to,
                    partition,
                    database,
                    token,
                    key: key.into(),
                });
                continue;
            }
            Body::Opaque(bytes) => match bytes.split_first_chunk::<16>() {
                Some((owner, bytes)) => (NodeId(u128::from_le_bytes(*owner)), bytes),
                None => continue,
            },
        };
        // A hint that its holder never took: the owner itself has missed the write.
        if let (Some(owner), Some((named, ..))) = (view.index_of(owner), record_entry(bytes)) {
            noted.push(Missed {
                owner,
                partition: named.partition,
                database: named.database,
                token: named.token,
                key: named.key.into(),
            });
        }
    }
}
