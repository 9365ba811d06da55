//! GET GETRANGE SUBSTR STRLEN MGET LCS.

use crate::commands::args::{Args, integer};
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::datatypes::{lcs as algorithm, string};
use crate::node::Refusal;
use crate::resp::Argv;

pub(super) fn get(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    if let Some(shown) = context.keys.get(argv.get(1).unwrap_or_default())? {
        context.reply.bulk(shown.value);
        context.stats.hits.add(1);
    } else {
        context.reply.null();
        context.stats.misses.add(1);
    }
    Ok(Flow::Done)
}

pub(super) fn strlen(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let length = context
        .keys
        .peek(argv.get(1).unwrap_or_default())?
        .map_or(0, |shown| shown.value.len());
    context.reply.integer(length as i64);
    Ok(Flow::Done)
}

pub(super) fn getrange(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let start = integer(argv.get(2).unwrap_or_default())?;
    let end = integer(argv.get(3).unwrap_or_default())?;
    let shown = context.keys.get(argv.get(1).unwrap_or_default())?;
    let value = shown.map_or(&[][..], |shown| shown.value);
    context.reply.bulk(string::get_range(value, start, end));
    Ok(Flow::Done)
}

pub(super) fn substr(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    getrange(context, argv)
}

/// A key of another type answers nil; a conflict fails the whole command, since nil would lie.
pub(super) fn mget(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    context.reply.array(argv.len() - 1);
    for key in argv.from(1).iter() {
        match context.keys.get(key) {
            Ok(Some(shown)) => {
                context.reply.bulk(shown.value);
                context.stats.hits.add(1);
            }
            Ok(None) | Err(Refusal::WrongType) => {
                context.reply.null();
                context.stats.misses.add(1);
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(Flow::Done)
}

pub(super) fn lcs(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let text = |error: algorithm::LcsError| CommandError::from(error.to_string());
    let mut args = Args::new(argv, 1);
    let (first, second) = (args.bytes()?, args.bytes()?);
    let (mut len, mut idx, mut with_length, mut least) = (false, false, false, 0);
    while !args.is_done() {
        if args.take("LEN") {
            len = true;
        } else if args.take("IDX") {
            idx = true;
        } else if args.take("WITHMATCHLEN") {
            with_length = true;
        } else if args.left() >= 2 && args.take("MINMATCHLEN") {
            least = usize::try_from(args.integer()?).unwrap_or(0);
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if len && idx {
        return Err(CommandError::text(
            "ERR If you want both the length and indexes, please just use IDX.",
        ));
    }
    let mut value = |key| -> Result<Vec<u8>, CommandError> {
        match context.keys.get(key) {
            Ok(shown) => Ok(shown.map_or_else(Vec::new, |shown| shown.value.to_vec())),
            Err(Refusal::WrongType) => Err(CommandError::text(
                "ERR The specified keys must contain string values",
            )),
            Err(refusal) => Err(refusal.into()),
        }
    };
    let (first, second) = (value(first)?, value(second)?);
    if len {
        context
            .reply
            .integer(algorithm::length(&first, &second).map_err(text)? as i64);
    } else if idx {
        let total = algorithm::length(&first, &second).map_err(text)?;
        let matches = algorithm::matches(&first, &second, least).map_err(text)?;
        context.reply.map(2);
        context.reply.bulk(b"matches");
        context.reply.array(matches.len());
        for found in &matches {
            context.reply.array(if with_length { 3 } else { 2 });
            for range in [&found.first, &found.second] {
                context.reply.array(2);
                context.reply.integer(range.0 as i64);
                context.reply.integer(range.1 as i64);
            }
            if with_length {
                context.reply.integer(found.length() as i64);
            }
        }
        context.reply.bulk(b"len");
        context.reply.integer(total as i64);
    } else {
        context
            .reply
            .bulk(&algorithm::subsequence(&first, &second).map_err(text)?);
    }
    Ok(Flow::Done)
}
