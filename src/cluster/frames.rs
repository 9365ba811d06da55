//! Operations and bodies as frames: cut where a frame would be too long, in pieces where one operation
//! alone is.

use crate::peer::{FrameKind, Header, encode};
use crate::store::log::Entries;
use crate::version::wire::put_varint;

/// One operation of a group.
pub(super) fn operation(ops: &[u8], place: usize) -> Option<&[u8]> {
    let mut entries = Entries::new(ops);
    for _ in 0..place {
        entries.next()?.ok()?;
    }
    let from = ops.len() - entries.left();
    entries.next()?.ok()?;
    ops.get(from..ops.len() - entries.left())
}

/// Bytes of operations in one frame: below the limit of a frame with room for its head.
const FRAME_OPS_BYTES: usize = 512 << 10;

/// One group as frames: cut between operations, and an operation that fits no frame in pieces.
pub(super) fn encode_apply(header: &Header, first: u64, last: u64, ops: &[u8], out: &mut Vec<u8>) {
    if ops.len() <= FRAME_OPS_BYTES {
        return encode_ops(header, first, last, ops, out);
    }
    let mut entries = Entries::new(ops);
    let (mut from, mut number, mut start) = (0, first, first);
    loop {
        let before = ops.len() - entries.left();
        let more = entries.next().is_some();
        let after = ops.len() - entries.left();
        if (!more || after - from > FRAME_OPS_BYTES) && number > start {
            let part = ops.get(from..before).unwrap_or_default();
            encode_ops(header, start, number - 1, part, out);
            (from, start) = (before, number);
        }
        if !more {
            return;
        }
        if after - before > FRAME_OPS_BYTES {
            let op = ops.get(before..after).unwrap_or_default();
            encode_chunks(header, number, op, out);
            (from, start) = (after, number + 1);
        }
        number += 1;
    }
}

fn encode_ops(header: &Header, first: u64, last: u64, ops: &[u8], out: &mut Vec<u8>) {
    put_frame(header, FrameKind::APPLY, out, |out| {
        put_varint(out, first);
        put_varint(out, last + 1 - first);
        out.extend_from_slice(ops);
    });
}

fn encode_chunks(header: &Header, number: u64, op: &[u8], out: &mut Vec<u8>) {
    let mut chunks = op.chunks(FRAME_OPS_BYTES).peekable();
    while let Some(chunk) = chunks.next() {
        put_frame(header, FrameKind::CHUNK, out, |out| {
            put_varint(out, number);
            out.push(u8::from(chunks.peek().is_none()));
            out.extend_from_slice(chunk);
        });
    }
}

/// Appends a frame of a size that its writer has seen to.
pub(super) fn put_frame(
    header: &Header,
    kind: FrameKind,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let header = Header { kind, ..*header };
    if let Err(error) = encode(&header, body, out) {
        tracing::error!(%error, kind = kind.0, "a frame was not sent");
    }
}
