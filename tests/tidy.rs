//! The walls of the house, as tests: who may import whom, what pure code may not name, how long a
//! file may be. Error texts name the rule and the way out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Module → what it may import. A row may name only rows above it, so no circle can exist.
const LAYERS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("env", &["types"]),
    ("metrics", &["types"]),
    ("config", &["types", "glob"]),
    // Values: pure data and algebra.
    ("glob", &[]),
    ("resp", &["types"]),
    ("datatypes", &["types", "resp"]),
    ("rdb", &["types", "datatypes"]),
    ("version", &["types"]),
    ("record", &["types", "version"]),
    ("ring", &["types"]),
    // Machines: protocols as pure steps.
    ("membership", &["types", "version", "ring"]),
    (
        "coordinator",
        &["types", "version", "record", "ring", "membership"],
    ),
    // Disk: synchronous, no sockets, no Redis.
    ("store", &["types"]),
    // Shell: connections' state; the node with its keys, threads and settings.
    ("session", &["types", "glob", "resp"]),
    (
        "peer",
        &[
            "types",
            "env",
            "metrics",
            "config",
            "version",
            "record",
            "ring",
            "membership",
            "coordinator",
        ],
    ),
    (
        "node",
        &[
            "types",
            "env",
            "metrics",
            "config",
            "resp",
            "version",
            "record",
            "ring",
            "membership",
            "coordinator",
            "store",
            "session",
        ],
    ),
    // Surface.
    (
        "commands",
        &[
            "types",
            "env",
            "metrics",
            "config",
            "glob",
            "rdb",
            "datatypes",
            "resp",
            "version",
            "record",
            "ring",
            "membership",
            "session",
            "node",
        ],
    ),
    (
        "cluster",
        &[
            "types",
            "env",
            "metrics",
            "config",
            "resp",
            "version",
            "record",
            "ring",
            "membership",
            "coordinator",
            "store",
            "session",
            "peer",
            "node",
            "commands",
        ],
    ),
    (
        "server",
        &[
            "types",
            "env",
            "config",
            "resp",
            "version",
            "ring",
            "membership",
            "coordinator",
            "store",
            "session",
            "peer",
            "node",
            "commands",
            "cluster",
        ],
    ),
    (
        "http",
        &[
            "types", "env", "metrics", "config", "session", "node", "commands",
        ],
    ),
    (
        "cli",
        &[
            "types", "env", "metrics", "config", "resp", "store", "session", "peer", "node",
            "commands", "cluster", "server", "http",
        ],
    ),
];

/// Pure modules: decisions and data. Time, chance, files, sockets and tasks are arguments.
const PURE: &[&str] = &[
    "types",
    "glob",
    "rdb",
    "datatypes",
    "resp",
    "version",
    "record",
    "ring",
    "membership",
    "coordinator",
];

/// What pure code may not name, beside what clippy forbids everywhere.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    ".await",
    "std::env::",
];

/// The database stays below, Redis above: what the disk must not know.
const FOREIGN_TO_STORE: &[&str] = &["tokio", ".await", "std::net"];

/// Files under `src` may have so many lines, tests at their end not counted.
const LINES_MAX: usize = 400;

/// A table of commands or settings is one subject, row after row.
const TABLE_LINES_MAX: usize = 600;

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        let entries = fs::read_dir(directory).expect("src is readable");
        for entry in entries {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found.sort();
    found
}

/// The top-level module that a file belongs to.
fn module_of(path: &Path) -> String {
    let relative = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .expect("the file is under src");
    let first = relative.components().next().expect("a file has a name");
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

fn is_test_file(path: &Path) -> bool {
    let text = path.to_string_lossy();
    [
        "/tests/",
        "/tests.rs",
        "/testing.rs",
        "/contract.rs",
        "/laws.rs",
    ]
    .iter()
    .any(|part| text.contains(part))
        || text.ends_with("_tests.rs")
}

/// The lines before the tests, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]" || line.starts_with("    "))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

fn words_after<'a>(line: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(prefix).map(move |(at, _)| {
        let rest = &line[at + prefix.len()..];
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn the_table_of_layers_has_no_circle() {
    for (row, (module, imports)) in LAYERS.iter().enumerate() {
        for import in *imports {
            let above = LAYERS[..row].iter().any(|(name, _)| name == import);
            let pure_value = *module == "config" && *import == "glob";
            assert!(
                above || pure_value,
                "{module} may import {import} only if it stands above it in LAYERS"
            );
        }
    }
}

#[test]
fn imports_point_down() {
    let allowed: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        if module == "lib" || module == "main" || is_test_file(&path) {
            continue;
        }
        let Some(imports) = allowed.get(module.as_str()) else {
            wrong.push(format!(
                "{}: module {module} has no row in LAYERS",
                path.display()
            ));
            continue;
        };
        for (number, line) in code(&text) {
            for import in words_after(line, "crate::") {
                let known = allowed.contains_key(import);
                if known && import != module && !imports.contains(&import) {
                    wrong.push(format!(
                        "{}:{number}: {module} may not import {import}: move the code up, or the \
                         thing it needs down",
                        path.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn pure_code_names_no_outside_world() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        let banned: &[&str] = if PURE.contains(&module.as_str()) {
            IMPURE
        } else if module == "store" {
            FOREIGN_TO_STORE
        } else {
            continue;
        };
        if is_test_file(&path) {
            continue;
        }
        for (number, line) in code(&text) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!(
                    "{}:{number}: {module} is pure and may not name {word}: make it an argument",
                    path.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_and_is_short() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!(
                "{}: begin with `//!`: what it is, why",
                path.display()
            ));
        }
        let lines = if is_test_file(&path) {
            0
        } else {
            code_length(&text)
        };
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let is_table = name.is_some_and(|n| n.starts_with("table") || n == "settings.rs");
        if lines > if is_table { TABLE_LINES_MAX } else { LINES_MAX } {
            wrong.push(format!(
                "{}: {lines} lines: it has two subjects; name them",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn code_length(text: &str) -> usize {
    let tests = text.lines().position(|line| line == "#[cfg(test)]");
    tests.unwrap_or_else(|| text.lines().count())
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!("] {
                if line.contains(word) {
                    wrong.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "finish it, or say in an issue what is missing:\n{}",
        wrong.join("\n")
    );
}

/// Files that documents name in backquotes, relative to the root, to `src` or to the document.
#[test]
fn documents_name_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<PathBuf> = ["", "docs", "docs/decisions", "benches", "compat"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect("is a folder"))
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    documents.sort();
    let (mut wrong, mut named) = (Vec::new(), 0);
    for document in documents {
        let text = fs::read_to_string(&document).expect("documents are UTF-8");
        let beside = document.parent().expect("is in a folder");
        for name in text.split('`').skip(1).step_by(2) {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            let is_path = ["rs", "py", "md"].contains(&extension);
            if !is_path || name.contains([' ', '*', '{']) {
                continue;
            }
            named += 1;
            let places = [
                root.join(name),
                root.join("src").join(name),
                beside.join(name),
            ];
            if !places.iter().any(|place| place.exists()) {
                wrong.push(format!("{} names {name}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(
        named > 20,
        "only {named} files are named: are they found at all?"
    );
}

#[test]
fn the_lines_of_code_are_found() {
    // The checks above must be able to fail: a planted import and a planted word are seen.
    let planted = "//! x\nuse crate::server::Server;\n// crate::server in a comment\n";
    let seen: Vec<_> = code(planted)
        .flat_map(|(_, line)| words_after(line, "crate::"))
        .collect();
    assert_eq!(seen, ["server"]);
    assert_eq!(code_length("a\nb\n#[cfg(test)]\nmod tests {}\n"), 2);
}
