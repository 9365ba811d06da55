//! What a connection may ask for, and the words in which it is refused.

use crate::types::MAX_BULK_BYTES;

/// Most arguments of one request. Redis 6 refused more than this; later ones accept `INT_MAX`,
/// which no client uses and no limit of memory bears.
pub const MAX_ARGUMENTS: usize = 1024 * 1024;
/// Longest inline command, and longest line that tells a length: Redis's `PROTO_INLINE_MAX_SIZE`.
pub const MAX_INLINE_BYTES: usize = 64 * 1024;
/// Longest request in all: Redis's `client-query-buffer-limit`. Ranges in 32 bits rest on it.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024 * 1024;

/// What a connection may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest argument in bytes.
    pub bulk: usize,
    /// Most arguments.
    pub args: usize,
    /// Longest line in bytes: an inline command, or the digits of a length.
    pub inline: usize,
    /// Decides only the words of a refusal.
    authenticated: bool,
}

impl Limits {
    /// For a connection that may run commands; `bulk` is `proto-max-bulk-len`.
    pub fn trusted(bulk: usize) -> Self {
        Self {
            bulk,
            args: MAX_ARGUMENTS,
            inline: MAX_INLINE_BYTES,
            authenticated: true,
        }
    }

    /// For a connection that must authenticate first: enough for `AUTH` and `HELLO`, and no more,
    /// so that a stranger cannot fill the memory. Redis's figures.
    pub fn unauthenticated() -> Self {
        Self {
            bulk: 16_384,
            args: 10,
            inline: MAX_INLINE_BYTES,
            authenticated: false,
        }
    }

    /// The refusal of more arguments than are allowed.
    pub(super) fn too_many(&self) -> ProtocolError {
        if self.authenticated {
            ProtocolError::InvalidMultibulkLength
        } else {
            ProtocolError::UnauthenticatedMultibulkLength
        }
    }

    /// The count of a request's arguments; zero for any count below one, as Redis has it.
    pub(super) fn multibulk_length(&self, value: i64) -> Result<usize, ProtocolError> {
        let count = usize::try_from(value).unwrap_or(0);
        if count > MAX_ARGUMENTS {
            Err(ProtocolError::InvalidMultibulkLength)
        } else if count > self.args {
            Err(self.too_many())
        } else {
            Ok(count)
        }
    }

    /// The length of an argument.
    pub(super) fn bulk_length(&self, value: i64) -> Result<usize, ProtocolError> {
        let Ok(length) = usize::try_from(value) else {
            return Err(ProtocolError::InvalidBulkLength);
        };
        if length <= self.bulk {
            Ok(length)
        } else if self.authenticated || length > MAX_BULK_BYTES {
            Err(ProtocolError::InvalidBulkLength)
        } else {
            Err(ProtocolError::UnauthenticatedBulkLength)
        }
    }
}

/// A request that cannot be read. The connection is answered `-ERR Protocol error: ` and this
/// text, and closed: where the next request begins is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// An argument does not begin with `$`.
    #[error("expected '$', got '{}'", char::from(*.0))]
    ExpectedBulk(u8),
    /// The count of arguments is no number, or too great.
    #[error("invalid multibulk length")]
    InvalidMultibulkLength,
    /// The length of an argument is no number, negative, or too great.
    #[error("invalid bulk length")]
    InvalidBulkLength,
    /// An inline line with a quote that has no end.
    #[error("unbalanced quotes in request")]
    UnbalancedQuotes,
    /// The line with the count does not end.
    #[error("too big mbulk count string")]
    TooBigMultibulkCount,
    /// The line with an argument's length does not end.
    #[error("too big bulk count string")]
    TooBigBulkCount,
    /// An inline line does not end.
    #[error("too big inline request")]
    TooBigInline,
    /// More arguments than are allowed before authentication.
    #[error("unauthenticated multibulk length")]
    UnauthenticatedMultibulkLength,
    /// A longer argument than is allowed before authentication.
    #[error("unauthenticated bulk length")]
    UnauthenticatedBulkLength,
    /// An argument is not followed by CR LF: its length was a lie. Redis does not look.
    #[error("expected CRLF after bulk")]
    UnterminatedBulk,
    /// A zero byte in an inline line. Redis waits for 64 KiB of it and then calls it too big.
    #[error("zero byte in inline request")]
    ZeroInInline,
    /// Longer in all than [`MAX_REQUEST_BYTES`]. Redis closes such a connection without a word.
    #[error("too big request")]
    TooBigRequest,
}
