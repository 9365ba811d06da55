//! What is generated is committed and current. `BLESS=1` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dynamo::commands::{Registry, docs};

#[test]
fn the_page_of_commands_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    let wanted = docs::markdown();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &wanted).expect("docs is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/commands.md is stale: BLESS=1 cargo test --test generated"
    );
}

#[test]
fn every_command_says_what_it_does_under_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for command in Registry::get().all() {
        let spec = command.spec;
        assert!(
            !spec.summary.is_empty(),
            "{} has no summary",
            command.full_name
        );
        assert!(
            !spec.complexity.is_empty(),
            "{} has no complexity",
            command.full_name
        );
        assert!(spec.arity != 0, "{} has no arity", command.full_name);
        assert!(
            names.insert(command.full_name.clone()),
            "{} stands twice",
            command.full_name
        );
        let found = Registry::get().find(spec.name.as_bytes());
        assert!(command.container.is_some() || found.is_some_and(|f| f.number == command.number));
    }
    assert!(
        names.len() > 130,
        "{} commands and subcommands",
        names.len()
    );
}
