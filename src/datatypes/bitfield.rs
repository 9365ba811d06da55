//! BITFIELD: integers of any width, at any bit, in a string.
//!
//! [`parse`] reads the subcommands once, refusing all if one is wrong; [`run`] then cannot fail.

use super::bits::{BitError, check_offset};
use super::string::{StringError, parse_integer};

/// The widest integer.
const MAX_WIDTH: u8 = 64;

/// Why a BITFIELD is refused. Nothing of it has been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BitfieldError {
    /// A subcommand that is unknown or has too few arguments.
    #[error("ERR syntax error")]
    Syntax,
    /// OVERFLOW with something other than WRAP, SAT, FAIL.
    #[error("ERR Invalid OVERFLOW type specified")]
    OverflowType,
    /// A type that is not i1 to i64 or u1 to u63.
    #[error(
        "ERR Invalid bitfield type. Use something like i16 u8. \
         Note that u64 is not supported but i64 is."
    )]
    Type,
    /// An offset that is no number, or outside of the longest string.
    #[error(transparent)]
    Offset(#[from] BitError),
    /// A value or increment that is no `i64`.
    #[error(transparent)]
    Value(#[from] StringError),
    /// `BITFIELD_RO` with SET or INCRBY.
    #[error("ERR BITFIELD_RO only supports the GET subcommand")]
    ReadOnly,
}

/// An integer type: signed of 1 to 64 bits, or unsigned of 1 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldType {
    signed: bool,
    width: u8,
}

/// What becomes of a number that does not fit its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Its low bits are kept.
    #[default]
    Wrap,
    /// It becomes the nearest that fits.
    Saturate,
    /// It is not stored, and the answer is nil.
    Fail,
}

/// What to do with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Answer it.
    Get,
    /// Store a number, answer what was there.
    Set(i64, Overflow),
    /// Add a number, answer the sum.
    Increment(i64, Overflow),
}

/// One subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// How the bits are read as a number.
    pub field: FieldType,
    /// The first bit.
    pub offset: u64,
    /// What to do with it.
    pub action: Action,
}

impl Operation {
    /// Whether it may change the string.
    pub fn writes(&self) -> bool {
        self.action != Action::Get
    }
}

/// Reads the arguments that follow the key.
pub fn parse<'a>(
    arguments: impl IntoIterator<Item = &'a [u8]>,
    read_only: bool,
) -> Result<Vec<Operation>, BitfieldError> {
    let arguments: Vec<&[u8]> = arguments.into_iter().collect();
    let mut rest = arguments.as_slice();
    let mut operations = Vec::new();
    let mut overflow = Overflow::default();
    while let [subcommand, following @ ..] = rest {
        let (kind, following) = match following {
            [kind, following @ ..] if subcommand.eq_ignore_ascii_case(b"overflow") => {
                overflow = parse_overflow(kind)?;
                rest = following;
                continue;
            }
            [kind, following @ ..] => (*kind, following),
            [] => return Err(BitfieldError::Syntax),
        };
        let get = subcommand.eq_ignore_ascii_case(b"get");
        let set = subcommand.eq_ignore_ascii_case(b"set");
        let increment = subcommand.eq_ignore_ascii_case(b"incrby");
        let (offset, number) = match following {
            [offset, following @ ..] if get => {
                rest = following;
                (*offset, None)
            }
            [offset, number, following @ ..] if set || increment => {
                rest = following;
                (*offset, Some(*number))
            }
            _ => return Err(BitfieldError::Syntax),
        };
        let field = FieldType::parse(kind)?;
        let offset = field.parse_offset(offset)?;
        let action = match number.map(parse_integer).transpose()? {
            None => Action::Get,
            Some(number) if set => Action::Set(number, overflow),
            Some(number) => Action::Increment(number, overflow),
        };
        operations.push(Operation {
            field,
            offset,
            action,
        });
    }
    // Redis looks at the whole command before it minds a write in BITFIELD_RO.
    if read_only && operations.iter().any(Operation::writes) {
        return Err(BitfieldError::ReadOnly);
    }
    Ok(operations)
}

/// Runs the operations in order; one answer for each, `None` being nil.
///
/// If any of them writes, the string first grows to hold them all, also where an overflow then
/// keeps a number from being stored.
pub fn run(value: &mut Vec<u8>, operations: &[Operation]) -> Vec<Option<i64>> {
    let writes = operations.iter().filter(|operation| operation.writes());
    let last_bit = writes
        .map(|write| write.offset + u64::from(write.field.width) - 1)
        .max();
    if let Some(length) = last_bit.map(|bit| (bit >> 3) as usize + 1)
        && value.len() < length
    {
        value.resize(length, 0);
    }
    operations
        .iter()
        .map(|operation| run_one(value, operation))
        .collect()
}

/// Runs the operations of a command that only reads, on a string that stays as it is.
pub fn run_reads(value: &[u8], operations: &[Operation]) -> Vec<Option<i64>> {
    let read = |operation: &Operation| Some(operation.field.read(value, operation.offset));
    operations.iter().map(read).collect()
}

fn run_one(value: &mut [u8], operation: &Operation) -> Option<i64> {
    let Operation {
        field,
        offset,
        action,
    } = *operation;
    let old = field.read(value, offset);
    let (stored, answer) = match action {
        Action::Get => return Some(old),
        Action::Set(number, overflow) => {
            // A negative number for an unsigned field counts as a huge one, as in Redis.
            let exact = if field.signed {
                number.into()
            } else {
                i128::from(number as u64)
            };
            (field.fit(exact, overflow)?, old)
        }
        Action::Increment(by, overflow) => {
            let sum = field.fit(i128::from(old) + i128::from(by), overflow)?;
            (sum, sum)
        }
    };
    field.write(value, offset, stored);
    Some(answer)
}

fn parse_overflow(argument: &[u8]) -> Result<Overflow, BitfieldError> {
    match argument.to_ascii_lowercase().as_slice() {
        b"wrap" => Ok(Overflow::Wrap),
        b"sat" => Ok(Overflow::Saturate),
        b"fail" => Ok(Overflow::Fail),
        _ => Err(BitfieldError::OverflowType),
    }
}

impl FieldType {
    fn parse(argument: &[u8]) -> Result<FieldType, BitfieldError> {
        let (sign, width) = argument.split_first().ok_or(BitfieldError::Type)?;
        let signed = match sign {
            b'i' => true,
            b'u' => false,
            _ => return Err(BitfieldError::Type),
        };
        let widest = if signed { MAX_WIDTH } else { MAX_WIDTH - 1 };
        let width = parse_integer(width)
            .ok()
            .and_then(|width| u8::try_from(width).ok());
        match width {
            Some(width) if (1..=widest).contains(&width) => Ok(FieldType { signed, width }),
            _ => Err(BitfieldError::Type),
        }
    }

    /// An offset in bits or, after `#`, in fields of this type.
    fn parse_offset(self, argument: &[u8]) -> Result<u64, BitError> {
        let (digits, unit) = match argument.strip_prefix(b"#") {
            Some(digits) => (digits, i64::from(self.width)),
            None => (argument, 1),
        };
        let index = parse_integer(digits).map_err(|_| BitError::Offset)?;
        check_offset(index.checked_mul(unit).ok_or(BitError::Offset)?)
    }

    /// The number at a bit; bits behind the end are zero.
    fn read(self, value: &[u8], offset: u64) -> i64 {
        let start = (offset >> 3) as usize;
        let mut window = [0_u8; 16];
        let there = value.get(start..).unwrap_or_default();
        window
            .iter_mut()
            .zip(there)
            .for_each(|(byte, stored)| *byte = *stored);
        // A field of at most 64 bits that starts in the first byte ends within the first nine.
        let from_first = u128::from_be_bytes(window) << (offset & 7);
        if self.signed {
            (from_first as i128 >> (128 - u32::from(self.width))) as i64
        } else {
            (from_first >> (128 - u32::from(self.width))) as i64
        }
    }

    /// Stores the low bits of a number; the string is long enough.
    fn write(self, value: &mut [u8], offset: u64, number: i64) {
        let start = (offset >> 3) as usize;
        let shift = 128 - u32::from(self.width) - (offset & 7) as u32;
        let ones = (1_u128 << self.width) - 1;
        let mask = (ones << shift).to_be_bytes();
        let bits = ((u128::from(number as u64) & ones) << shift).to_be_bytes();
        let place = value.get_mut(start..).unwrap_or_default();
        for ((byte, mask), bits) in place.iter_mut().zip(mask).zip(bits) {
            *byte = *byte & !mask | bits;
        }
    }

    /// A number as this type can hold it; `None` if it must not be stored.
    fn fit(self, exact: i128, overflow: Overflow) -> Option<i64> {
        let (least, greatest) = if self.signed {
            (
                -1_i128 << (self.width - 1),
                (1_i128 << (self.width - 1)) - 1,
            )
        } else {
            (0, (1_i128 << self.width) - 1)
        };
        let fitting = match overflow {
            _ if (least..=greatest).contains(&exact) => exact,
            Overflow::Fail => return None,
            Overflow::Saturate => exact.clamp(least, greatest),
            Overflow::Wrap => {
                let low = exact & ((1_i128 << self.width) - 1);
                if low > greatest {
                    low - (1_i128 << self.width)
                } else {
                    low
                }
            }
        };
        Some(fitting as i64)
    }
}

#[cfg(test)]
mod tests;
