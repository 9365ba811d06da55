//! What a node must remember of its cluster, as bytes for its log. Version 1, frozen:
//! `tests/fixtures/membership_v1.hex` must open for ever.
//!
//! ```text
//!   format 1 | cluster 16 | node 16 | count, items in the order of their keys
//! ```
//!
//! Gossip asks for it to be made durable (`Effect::Persist`) before anything that rests on it leaves
//! the node: a node that forgot what it had said would say something else under the same number.

use super::codec::{CodecError, put_id, put_item, read_id, read_item};
use super::facts::{LAYOUTS_KEPT, MAX_FACTS};
use super::member::MAX_MEMBERS;
use super::state::{Outcome, State};
use crate::types::{ClusterId, NodeId};
use crate::version::wire::{Reader, put_varint};

const FORMAT: u8 = 1;

/// A node's memory of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persisted {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// The node itself.
    pub node: NodeId,
    /// Members, facts and layouts.
    pub state: State,
}

impl Persisted {
    /// All of it as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        put_id(&mut out, self.cluster.0);
        put_id(&mut out, self.node.0);
        put_varint(&mut out, self.state.fingerprints().len() as u64);
        for item in self.state.items() {
            put_item(&mut out, &item);
        }
        out
    }

    /// A memory from bytes that may be anything.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader::new(bytes);
        let format = reader.byte()?;
        if format != FORMAT {
            return Err(CodecError::UnknownFormat(format));
        }
        let cluster = ClusterId(read_id(&mut reader)?);
        let node = NodeId(read_id(&mut reader)?);
        let count = reader.varint()?;
        if count > (MAX_MEMBERS + MAX_FACTS + LAYOUTS_KEPT) as u64 {
            return Err(CodecError::TooLarge);
        }
        let mut state = State::default();
        for _ in 0..count {
            let item = read_item(&mut reader)?.ok_or(CodecError::Unknown)?;
            let last = state.fingerprints().last_key_value();
            if last.is_some_and(|(last, _)| *last >= item.key()) {
                return Err(CodecError::NotCanonical);
            }
            if state.merge_item(item) != Outcome::Changed {
                return Err(CodecError::TooLarge);
            }
        }
        // A layout more than are kept would have pushed another out.
        if !reader.is_empty() || state.fingerprints().len() as u64 != count {
            return Err(CodecError::NotCanonical);
        }
        Ok(Self {
            cluster,
            node,
            state,
        })
    }
}
