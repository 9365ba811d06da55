//! `docs/commands.md`, written from the table.

use std::fmt::Write as _;

use super::registry::Registry;
use super::spec::{CommandSpec, Group};

const GROUPS: [Group; 8] = [
    Group::String,
    Group::Bitmap,
    Group::Generic,
    Group::Transactions,
    Group::PubSub,
    Group::Connection,
    Group::Server,
    Group::Dynamo,
];

/// The whole page.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Commands\n\nGenerated from the command table; `BLESS=1 cargo test --test generated` writes it anew.\n",
    );
    let registry = Registry::get();
    for group in GROUPS {
        // Writing to a string does not fail.
        let _ = write!(
            page,
            "\n## {}\n\n| command | since | what it does |\n|---|---|---|\n",
            group.name()
        );
        let mut commands: Vec<_> = registry
            .all()
            .iter()
            .filter(|command| command.spec.group == group)
            .collect();
        commands.sort_by(|a, b| a.full_name.cmp(&b.full_name));
        for command in commands {
            let name = command.full_name.replace('|', " ").to_uppercase();
            let _ = writeln!(
                page,
                "| {name} | {} | {} |",
                command.spec.since,
                told(command.spec)
            );
        }
    }
    page
}

fn told(spec: &CommandSpec) -> String {
    match spec.divergence {
        None => spec.summary.to_owned(),
        Some(divergence) => format!("{} **Differs from Redis:** {divergence}", spec.summary),
    }
}
