//! EX, PX, EXAT, PXAT: the deadline that a write names.

use crate::commands::CommandError;
use crate::commands::args::{Args, integer};
use crate::types::WallMs;

/// A deadline as named: in what unit, from when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// So many seconds from now.
    Seconds,
    /// So many milliseconds from now.
    Millis,
    /// At this Unix second.
    AtSeconds,
    /// At this Unix millisecond.
    AtMillis,
}

impl Until {
    /// Takes EX, PX, EXAT or PXAT with its amount, if one is next.
    pub(crate) fn take<'a>(args: &mut Args<'a>) -> Result<Option<(Self, &'a [u8])>, CommandError> {
        let unit = if args.take("EX") {
            Self::Seconds
        } else if args.take("PX") {
            Self::Millis
        } else if args.take("EXAT") {
            Self::AtSeconds
        } else if args.take("PXAT") {
            Self::AtMillis
        } else {
            return Ok(None);
        };
        Ok(Some((unit, args.bytes()?)))
    }
}

/// The deadline in wall milliseconds. Zero, negative and overflowing amounts are refused in the words
/// of the command.
pub(crate) fn until(
    unit: Until,
    amount: &[u8],
    now: WallMs,
    command: &str,
) -> Result<WallMs, CommandError> {
    let invalid = || CommandError::from(format!("ERR invalid expire time in '{command}' command"));
    let amount = integer(amount)?;
    if amount <= 0 {
        return Err(invalid());
    }
    let millis = match unit {
        Until::Seconds | Until::AtSeconds => amount.checked_mul(1_000).ok_or_else(invalid)?,
        Until::Millis | Until::AtMillis => amount,
    };
    let base = match unit {
        Until::Seconds | Until::Millis => now.0 as i64,
        Until::AtSeconds | Until::AtMillis => 0,
    };
    millis
        .checked_add(base)
        .map(|at| WallMs(at as u64))
        .ok_or_else(invalid)
}
