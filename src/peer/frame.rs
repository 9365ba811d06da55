//! Frames: what two nodes say to each other once each has proved itself. Pure: bytes to values and
//! back.
//!
//! ```text
//!  0        4     8      9       10            26         34      42
//!  | length | CRC | kind | flags | cluster id  | layout   | hlc   | extensions? | body ... |
//!                                                                   `---- length bytes ----´
//! ```
//!
//! What is always true: a length is compared with the limit as soon as its four bytes are there,
//! before anything is allocated or waited for; the checksum covers every byte but its own; a frame
//! has one spelling; any bytes give a frame, a wish for more, or an error, never a panic. Kinds and
//! extensions that a reader does not know are skipped, so that a later version may add some.
//! `docs/wire-format.md` has every byte; version 1 is frozen by `tests/fixtures/peer_v1_*.hex`.

use crc32fast::Hasher;
use thiserror::Error;

use super::kind::FrameKind;
use crate::types::{ClusterId, Hlc};
use crate::version::wire::{Reader, WireError, put_varint};

/// Bytes of a frame before its extensions and body.
pub const HEADER_BYTES: usize = 42;

/// No frame of a stream is longer, its header counted. Values over 64 KiB travel in chunks, so a
/// frame is a batch of small operations: a mebibyte is some ten thousand of them, and a link of a
/// gigabit is busy with it for 8 ms.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// The only flag: extensions stand before the body.
const EXTENDED: u8 = 1;

/// What every frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: FrameKind,
    /// The cluster that it belongs to; a reader refuses any other.
    pub cluster: ClusterId,
    /// The number of the newest layout that the sender knows.
    pub layout: u64,
    /// The sender's clock; the reader's becomes at least this.
    pub hlc: Hlc,
}

/// A frame in somebody's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// Its header.
    pub header: Header,
    /// Fields that a later version added.
    pub extensions: Extensions<'a>,
    /// What its kind says.
    pub body: &'a [u8],
    /// How many bytes it took.
    pub consumed: usize,
}

/// Why bytes are no frame. The connection ends: what follows cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Longer than the class allows.
    #[error("a frame of {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its whole length.
        bytes: usize,
        /// What the class allows.
        limit: usize,
    },
    /// Damaged on its way.
    #[error("a frame's checksum is wrong")]
    Checksum,
    /// Another cluster's.
    #[error("a frame of cluster {0}")]
    OtherCluster(ClusterId),
    /// What no sender of the agreed version writes.
    #[error("a malformed frame")]
    Malformed,
}

/// Why bytes do not hold a frame, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unparsed {
    /// More bytes must come: `needed` in all, as far as is known.
    Incomplete {
        /// Bytes from the frame's start.
        needed: usize,
    },
    /// None will help.
    Bad(FrameError),
}

impl From<FrameError> for Unparsed {
    fn from(error: FrameError) -> Self {
        Self::Bad(error)
    }
}

impl From<WireError> for Unparsed {
    fn from(_: WireError) -> Self {
        Self::Bad(FrameError::Malformed)
    }
}

/// A body too long for any frame; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a frame of {0} bytes would be too large")]
pub struct FrameTooLarge(pub usize);

/// Fields that a later version added to a frame of any kind, each with a tag: ascending, skipped by
/// whoever does not know the tag. Version 1 writes none, which takes no byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// The field with this tag.
    pub fn get(self, tag: u64) -> Option<&'a [u8]> {
        let mut reader = Reader::new(self.0);
        while !reader.is_empty() {
            let (found, field) = extension(&mut reader).ok()?;
            if found == tag {
                return Some(field);
            }
        }
        None
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Takes the block of extensions before a body, in its one spelling.
    fn take(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let length = reader.varint()?;
        let block = reader.bytes(length)?;
        let mut fields = Reader::new(block);
        let mut last = None;
        while !fields.is_empty() {
            let (tag, _) = extension(&mut fields)?;
            if last.is_some_and(|last| last >= tag) {
                return Err(WireError::NotCanonical);
            }
            last = Some(tag);
        }
        match last {
            None => Err(WireError::NotCanonical),
            Some(_) => Ok(Self(block)),
        }
    }
}

fn extension<'a>(reader: &mut Reader<'a>) -> Result<(u64, &'a [u8]), WireError> {
    let tag = reader.varint()?;
    let length = reader.varint()?;
    Ok((tag, reader.bytes(length)?))
}

/// Appends a frame to `out`; `body` appends the body, and touches nothing before it.
pub fn encode(
    header: &Header,
    body: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) -> Result<(), FrameTooLarge> {
    encode_extended(header, &[], body, out)
}

/// [`encode`] with extensions: (tag, field), the tags ascending.
pub fn encode_extended(
    header: &Header,
    extensions: &[(u64, &[u8])],
    body: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) -> Result<(), FrameTooLarge> {
    let start = out.len();
    let flags = if extensions.is_empty() { 0 } else { EXTENDED };
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&[header.kind.0, flags]);
    out.extend_from_slice(&header.cluster.0.to_le_bytes());
    out.extend_from_slice(&header.layout.to_le_bytes());
    out.extend_from_slice(&header.hlc.0.to_le_bytes());
    if !extensions.is_empty() {
        put_extensions(out, extensions);
    }
    body(out);
    let frame = out
        .get_mut(start..)
        .filter(|frame| frame.len() >= HEADER_BYTES)
        .expect("a body is appended, nothing is taken away");
    let bytes = frame.len();
    if bytes > FRAME_BYTES_MAX {
        out.truncate(start);
        return Err(FrameTooLarge(bytes));
    }
    let length = ((bytes - HEADER_BYTES) as u32).to_le_bytes();
    if let Some((head, rest)) = frame.split_first_chunk_mut::<8>() {
        let crc = checksum(length, rest).to_le_bytes();
        let (length_field, crc_field) = head.split_at_mut(4);
        length_field.copy_from_slice(&length);
        crc_field.copy_from_slice(&crc);
    }
    Ok(())
}

fn put_extensions(out: &mut Vec<u8>, extensions: &[(u64, &[u8])]) {
    debug_assert!(extensions.is_sorted_by(|(a, _), (b, _)| a < b));
    let mut block = Vec::new();
    for (tag, field) in extensions {
        put_varint(&mut block, *tag);
        put_varint(&mut block, field.len() as u64);
        block.extend_from_slice(field);
    }
    put_varint(out, block.len() as u64);
    out.extend_from_slice(&block);
}

fn checksum(length: [u8; 4], rest: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&length);
    hasher.update(rest);
    hasher.finalize()
}

/// The frame at the start of `bytes`. Nothing is copied, and a frame longer than `frame_bytes_max`,
/// header counted, is refused from its first four bytes.
pub fn parse(bytes: &[u8], frame_bytes_max: usize) -> Result<Parsed<'_>, Unparsed> {
    let Some((length, _)) = bytes.split_first_chunk::<4>() else {
        return Err(Unparsed::Incomplete {
            needed: HEADER_BYTES,
        });
    };
    let needed = HEADER_BYTES.saturating_add(u32::from_le_bytes(*length) as usize);
    if needed > frame_bytes_max {
        return Err(Unparsed::Bad(FrameError::TooLarge {
            bytes: needed,
            limit: frame_bytes_max,
        }));
    }
    let frame = bytes.get(..needed).ok_or(Unparsed::Incomplete { needed })?;
    let (head, rest) = frame.split_at(8);
    if head.get(4..) != Some(&checksum(*length, rest).to_le_bytes()) {
        return Err(Unparsed::Bad(FrameError::Checksum));
    }
    let mut reader = Reader::new(rest);
    let kind = FrameKind(reader.byte()?);
    let flags = reader.byte()?;
    let low = reader.fixed_u64()?;
    let high = reader.fixed_u64()?;
    let header = Header {
        kind,
        cluster: ClusterId(u128::from(high) << 64 | u128::from(low)),
        layout: reader.fixed_u64()?,
        hlc: Hlc(reader.fixed_u64()?),
    };
    // A flag changes what the bytes mean; an unknown one cannot be passed over.
    let extensions = match flags {
        0 => Extensions::default(),
        EXTENDED => Extensions::take(&mut reader)?,
        _ => return Err(Unparsed::Bad(FrameError::Malformed)),
    };
    Ok(Parsed {
        header,
        extensions,
        body: reader.rest(),
        consumed: needed,
    })
}
