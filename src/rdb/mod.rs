//! Redis's serialization of one value: what DUMP answers and RESTORE takes.
//!
//! ```text
//! | type, 1 byte | the value, as in an RDB file | RDB version, 2 | CRC-64 of all before, 8 |
//! ```
//!
//! Integers of the footer are little-endian. One file per kind of value ([`string`]); [`length`]
//! has the variable-length integers, [`lzf`] the compression, [`crc64`] the checksum.
//!
//! The checksum guards against accidents, not against malice, so what stands behind it is read as
//! any other client input: a length is checked against the bytes that are there, and against
//! [`string::MAX_LENGTH`](crate::datatypes::string::MAX_LENGTH), before anything is allocated.

pub mod crc64;
pub mod length;
pub mod lzf;
pub mod string;

/// The version written: that of Redis 7.0, which every later server reads.
const VERSION_WRITTEN: u16 = 10;

/// The greatest version read: that of Redis 7.2, the server whose commands are spoken here.
const VERSION_READ: u16 = 11;

/// Version and checksum at the end of a payload.
const FOOTER: usize = 10;

/// A value taken from a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// A string, also one that Redis would hold as an integer.
    String(Vec<u8>),
}

/// Why a payload is refused. The text is the whole error reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The footer is missing, of a later version, or does not fit what it follows.
    #[error("ERR DUMP payload version or checksum are wrong")]
    Footer,
    /// The footer is right, but the value in front of it cannot be read.
    #[error("ERR Bad data format")]
    Format,
}

/// The payload of a string, byte for byte as Redis 7.0 writes it.
pub fn dump_string(value: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(value.len().min(4096) + FOOTER + 16);
    payload.push(string::TYPE);
    string::write(&mut payload, value);
    payload.extend_from_slice(&VERSION_WRITTEN.to_le_bytes());
    let checksum = crc64::checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// Reads a payload. As in Redis, bytes between the value and the footer are not looked at.
pub fn restore(payload: &[u8]) -> Result<Restored, RestoreError> {
    let body = check_footer(payload).ok_or(RestoreError::Footer)?;
    let (kind, mut body) = body.split_first().ok_or(RestoreError::Format)?;
    match *kind {
        string::TYPE => string::read(&mut body)
            .map(Restored::String)
            .ok_or(RestoreError::Format),
        _ => Err(RestoreError::Format),
    }
}

/// What the footer covers, if the footer is right.
fn check_footer(payload: &[u8]) -> Option<&[u8]> {
    let (covered, checksum) = payload.split_last_chunk::<8>()?;
    let (body, version) = covered.split_last_chunk::<2>()?;
    let known = u16::from_le_bytes(*version) <= VERSION_READ;
    (known && crc64::checksum(covered) == u64::from_le_bytes(*checksum)).then_some(body)
}

#[cfg(test)]
mod tests;
