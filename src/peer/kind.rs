//! What connections are for, and what frames are: the two small alphabets of the protocol. Frozen with
//! version 1; a number once given is never given again.

use std::fmt;

use super::frame::FRAME_BYTES_MAX;

/// Bytes of data in one chunk of the bulk class: at a gigabit half a millisecond, so that a small
/// thing never waits long behind a large one.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Beside a chunk's data its frame holds the header, numbers and a key's name.
const CHUNK_FRAME_BYTES_MAX: usize = CHUNK_BYTES + (8 << 10);

/// What a connection is for. Each class has its own connections, so that no bulk delays a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Operations of replicas, forwarded commands, reads, and their answers, in order.
    Stream,
    /// Large values, transfers and repair, in chunks.
    Bulk,
    /// Gossip, joins, probes, seats.
    Control,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Stream, Self::Bulk, Self::Control];

    /// No frame of the class is longer.
    pub fn frame_bytes_max(self) -> usize {
        match self {
            Self::Stream | Self::Control => FRAME_BYTES_MAX,
            Self::Bulk => CHUNK_FRAME_BYTES_MAX,
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Stream => 1,
            Self::Bulk => 2,
            Self::Control => 3,
        }
    }

    pub(super) fn of_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.byte() == byte)
    }
}

/// What a frame is. A newtype and no enum: a reader passes over the kinds that it does not know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameKind(pub u8);

macro_rules! kinds {
    ($($id:ident = $number:literal, $name:literal, $doc:literal;)*) => {
        impl FrameKind {
            $(
                #[doc = $doc]
                pub const $id: Self = Self($number);
            )*
            /// All kinds of version 1.
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// The kind's name, if this version knows it.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$id => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

// 0 to 9 stay free: whatever the handshake may need one day stands there.
kinds! {
    ACTORS = 10, "actors", "Names actor ids by the sender's indexes, before frames use them.";
    APPLY = 11, "apply", "Operations for a replica: an outbox's batch.";
    ACK = 12, "ack", "Which operations are committed and synced.";
    COMMAND = 13, "command", "Forwarded commands.";
    ANSWER = 14, "answer", "The outcomes of forwarded commands.";
    READ = 15, "read", "Reads of records or of their digests.";
    READ_ANSWER = 16, "read-answer", "What was read.";
    GOSSIP = 17, "gossip", "Membership, layouts, metadata.";
    SEAT = 18, "seat", "Claims, yields and handovers of seats.";
    PROBE = 19, "probe", "Are you there?";
    PROBE_ANSWER = 20, "probe-answer", "I am.";
    CHUNK = 21, "chunk", "A part of something large.";
    JOIN = 22, "join", "A node asks to become a member.";
    JOIN_ANSWER = 23, "join-answer", "What became of that.";
    PUBLISH = 24, "publish", "Messages of pub/sub.";
}

impl fmt::Debug for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "kind {}", self.0),
        }
    }
}
