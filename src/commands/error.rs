//! Error replies, in Redis's own words.

use std::borrow::Cow;

use crate::node::Refusal;
use crate::resp::Reply;

/// Why a command was refused or failed. Nothing was written unless the text says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Arguments in an order or combination that the command does not know.
    #[error("ERR syntax error")]
    Syntax,
    /// Not a signed 64-bit integer.
    #[error("ERR value is not an integer or out of range")]
    NotInteger,
    /// Not a floating point number.
    #[error("ERR value is not a valid float")]
    NotFloat,
    /// Wrong number of arguments.
    #[error("ERR wrong number of arguments for '{0}' command")]
    Arity(Cow<'static, str>),
    /// The key is missing and the command needs it.
    #[error("ERR no such key")]
    NoSuchKey,
    /// The key could not be read or written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A text that quotes what the client sent, which need not be UTF-8.
    #[error("{}", String::from_utf8_lossy(.0))]
    Quoted(Vec<u8>),
    /// Any other text, first word included.
    #[error("{0}")]
    Text(Cow<'static, str>),
}

impl CommandError {
    /// Writes the error as the reply.
    pub fn write(&self, reply: &mut Reply<'_>) {
        match self {
            Self::Quoted(bytes) => reply.error_bytes(bytes),
            other => reply.error(&other.to_string()),
        }
    }

    /// AUTH first.
    pub const NO_AUTH: Self = Self::text("NOAUTH Authentication required.");

    /// An integer that C's `int` does not hold.
    pub const OUT_OF_INT: Self =
        Self::text("ERR value is out of range, value must between -2147483648 and 2147483647");

    /// A fixed text.
    pub const fn text(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for CommandError {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}
