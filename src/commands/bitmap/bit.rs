//! SETBIT GETBIT BITCOUNT BITPOS BITOP.

use crate::commands::args::integer;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::datatypes::bits::{self, Operator, Range, Unit};
use crate::node::Deadline;
use crate::resp::Argv;

fn text(error: impl std::fmt::Display) -> CommandError {
    error.to_string().into()
}

pub(super) fn setbit(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    let offset = bits::parse_offset(argv.get(2).unwrap_or_default()).map_err(text)?;
    let on = bits::parse_bit(argv.get(3).unwrap_or_default()).map_err(text)?;
    let mut value = context
        .keys
        .get(key)?
        .map_or_else(Vec::new, |shown| shown.value.to_vec());
    let before = bits::set(&mut value, offset, on);
    context.keys.set(key, &value, Deadline::Keep)?;
    context.reply.integer(i64::from(before));
    Ok(Flow::Done)
}

pub(super) fn getbit(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let offset = bits::parse_offset(argv.get(2).unwrap_or_default()).map_err(text)?;
    let shown = context.keys.get(argv.get(1).unwrap_or_default())?;
    let bit = shown.is_some_and(|shown| bits::get(shown.value, offset));
    context.reply.integer(i64::from(bit));
    Ok(Flow::Done)
}

fn range(start: &[u8], end: Option<&[u8]>) -> Result<Range, CommandError> {
    let start = integer(start)?;
    let end = end.map(integer).transpose()?;
    Ok(Range {
        start,
        end,
        unit: Unit::Byte,
    })
}

fn unit(name: Option<&[u8]>) -> Result<Unit, CommandError> {
    name.map_or(Ok(Unit::Byte), |name| {
        Unit::parse(name).ok_or(CommandError::Syntax)
    })
}

/// As Redis 7.0 does, a missing key is answered before the range is looked at, and a range that is
/// empty by its signs alone before its unit.
pub(super) fn bitcount(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let Some(shown) = context.keys.get(argv.get(1).unwrap_or_default())? else {
        context.reply.integer(0);
        return Ok(Flow::Done);
    };
    let range = match (argv.len(), argv.get(2)) {
        (2, _) => None,
        (4 | 5, Some(start)) => {
            let range = range(start, argv.get(3))?;
            let end = range.end.unwrap_or(-1);
            if range.start < 0 && end < 0 && range.start > end {
                context.reply.integer(0);
                return Ok(Flow::Done);
            }
            let unit = unit(argv.get(4))?;
            Some(Range { unit, ..range })
        }
        _ => return Err(CommandError::Syntax),
    };
    context
        .reply
        .integer(bits::count(shown.value, range) as i64);
    Ok(Flow::Done)
}

pub(super) fn bitpos(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let wanted = bits::parse_wanted(argv.get(2).unwrap_or_default()).map_err(text)?;
    let Some(shown) = context.keys.get(argv.get(1).unwrap_or_default())? else {
        context.reply.integer(if wanted { -1 } else { 0 });
        return Ok(Flow::Done);
    };
    let range = match (argv.len(), argv.get(3)) {
        (3, _) => None,
        // In Redis's order: the unit is looked at before the end.
        (6, Some(start)) => {
            let unit = integer(start).and_then(|_| unit(argv.get(5)))?;
            Some(Range {
                unit,
                ..range(start, argv.get(4))?
            })
        }
        (4 | 5, Some(start)) => Some(range(start, argv.get(4))?),
        _ => return Err(CommandError::Syntax),
    };
    context
        .reply
        .integer(bits::position(shown.value, wanted, range));
    Ok(Flow::Done)
}

pub(super) fn bitop(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let operator = Operator::parse(argv.get(1).unwrap_or_default()).ok_or(CommandError::Syntax)?;
    let target = argv.get(2).unwrap_or_default();
    if operator == Operator::Not && argv.len() != 4 {
        return Err(CommandError::text(
            "ERR BITOP NOT must be called with a single source key.",
        ));
    }
    let mut sources: Vec<Vec<u8>> = Vec::new();
    for key in argv.from(3).iter() {
        sources.push(
            context
                .keys
                .get(key)?
                .map_or_else(Vec::new, |shown| shown.value.to_vec()),
        );
    }
    let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
    let combined = bits::combine(operator, &slices).map_err(text)?;
    if combined.is_empty() {
        context.keys.delete(target)?;
    } else {
        context.keys.set(target, &combined, Deadline::Never)?;
    }
    context.reply.integer(combined.len() as i64);
    Ok(Flow::Done)
}
