//! What is generated is committed and current. `BLESS=1` writes it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dynamo::commands::{Registry, docs};
use dynamo::config::document;
use dynamo::metrics;

#[test]
fn the_page_of_commands_is_current() {
    is_current("docs/commands.md", &docs::markdown());
}

#[test]
fn the_shipped_file_and_the_page_of_settings_are_current() {
    is_current("dynamo.toml", &document::shipped_file());
    is_current("docs/configuration.md", &document::markdown());
}

#[test]
fn the_page_of_metrics_is_current() {
    is_current("docs/metrics.md", &metrics::markdown());
}

fn is_current(file: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, wanted).expect("the repository is writable");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{file} is stale: BLESS=1 cargo test --test generated"
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
