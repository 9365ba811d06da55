//! RING CUT: cuts links of this node, in processes that were started for it.

use std::collections::BTreeMap;

use crate::commands::args::Args;
use crate::commands::{CommandError, Context, Flow, Outcome};
use crate::node::faults::Cut;
use crate::node::view::{NodeIndex, View};
use crate::resp::Argv;
use crate::types::NodeId;

const NOT_ALLOWED: CommandError = CommandError::text(
    "ERR RING CUT not allowed. Only a process started with --allow-faults cuts its links.",
);

fn other(view: &View, name: &[u8]) -> Result<NodeId, CommandError> {
    let mut others = view.nodes.iter().skip(usize::from(NodeIndex::ME.0) + 1);
    let found = others
        .find(|known| known.name.as_bytes() == name || known.id.to_string().as_bytes() == name);
    found.map(|known| known.id).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        format!("ERR no other node is called '{name}'").into()
    })
}

pub(super) fn cut(context: &mut Context<'_>, argv: Argv<'_>) -> Outcome {
    let faults = &context.node.faults;
    if !faults.are_allowed() {
        return Err(NOT_ALLOWED);
    }
    let view = context.node.view.load_full();
    let mut args = Args::new(argv, 2);
    let (mut how, mut cuts) = (Cut::Both, BTreeMap::new());
    while !args.is_done() {
        if args.take("TO") {
            how = Cut::To;
        } else {
            cuts.insert(other(&view, args.bytes()?)?, how);
        }
    }
    faults.set(cuts);
    context.reply.ok();
    Ok(Flow::Done)
}
