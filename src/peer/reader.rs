//! Frames out of a connection that brings bytes in pieces. Pure: whoever has the socket appends to
//! the buffer. What is always true: the buffer holds at most one frame of the class and one read.

use super::frame::{FrameError, HEADER_BYTES, Parsed, Unparsed, parse};
use super::kind::Class;
use crate::types::ClusterId;

/// A reader takes so much from a socket at once, and keeps no more when it has nothing to do.
const READ_BYTES: usize = 16 << 10;

/// A reader whose buffer grew beyond this gives it back when it is empty.
const KEEP_BYTES: usize = 128 << 10;

/// Frames out of what a connection brings in pieces. Its buffer never grows beyond one frame of the
/// class and one read.
#[derive(Debug)]
pub struct FrameReader {
    buffer: Vec<u8>,
    /// Bytes at the start that frames already given out took.
    taken: usize,
    /// Bytes that the next frame needs, as far as is known.
    needed: usize,
    cluster: ClusterId,
    frame_bytes_max: usize,
}

impl FrameReader {
    /// A reader of one connection's frames: of this class, from this cluster.
    pub fn new(class: Class, cluster: ClusterId) -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            needed: HEADER_BYTES,
            cluster,
            frame_bytes_max: class.frame_bytes_max(),
        }
    }

    /// The buffer to append bytes to: as many as it has room for without growing, please. Ask again
    /// for every read, and only after [`next_frame`](Self::next_frame) gave `None`.
    pub fn room(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP_BYTES {
            self.buffer = Vec::new();
        }
        let missing = self.needed.saturating_sub(self.buffer.len());
        self.buffer.reserve(missing.max(READ_BYTES));
        &mut self.buffer
    }

    /// The next frame that is there; `None` when more must be read first. After an error the
    /// connection is to be closed.
    pub fn next_frame(&mut self) -> Result<Option<Parsed<'_>>, FrameError> {
        let bytes = self.buffer.get(self.taken..).unwrap_or_default();
        match parse(bytes, self.frame_bytes_max) {
            Ok(parsed) if parsed.header.cluster != self.cluster => {
                Err(FrameError::OtherCluster(parsed.header.cluster))
            }
            Ok(parsed) => {
                self.taken += parsed.consumed;
                self.needed = HEADER_BYTES;
                Ok(Some(parsed))
            }
            Err(Unparsed::Incomplete { needed }) => {
                self.needed = needed;
                Ok(None)
            }
            Err(Unparsed::Bad(error)) => Err(error),
        }
    }
}
