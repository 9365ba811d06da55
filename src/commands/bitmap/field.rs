//! BITFIELD and `BITFIELD_RO`.

use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::datatypes::bitfield as fields;
use crate::node::Deadline;
use crate::resp::Argv;

fn operate(context: &mut Context<'_>, argv: Argv<'_>, read_only: bool) -> Outcome {
    let key = argv.get(1).unwrap_or_default();
    let operations = fields::parse(argv.from(2).iter(), read_only)
        .map_err(|error| CommandError::from(error.to_string()))?;
    let results = if operations.iter().any(fields::Operation::writes) {
        let mut value = context
            .keys
            .get(key)?
            .map_or_else(Vec::new, |shown| shown.value.to_vec());
        let results = fields::run(&mut value, &operations);
        context.keys.set(key, &value, Deadline::Keep)?;
        results
    } else {
        let shown = context.keys.get(key)?;
        fields::run_reads(shown.map_or(&[][..], |shown| shown.value), &operations)
    };
    context.reply.array(results.len());
    for result in results {
        match result {
            Some(value) => context.reply.integer(value),
            None => context.reply.null(),
        }
    }
    Ok(Flow::Done)
}

pub(super) fn bitfield(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    operate(context, argv, false)
}

pub(super) fn bitfield_ro(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    operate(context, argv, true)
}
