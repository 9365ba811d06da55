//! What is written from the table of settings: `dynamo.toml` and `docs/configuration.md`.

use std::fmt::Write as _;

use super::settings::{SETTINGS, Setting};

/// How wide a comment may be.
const COLUMNS: usize = 98;

const POLICY: &str = "\
# Policies of keys by prefix, the longest prefix wins. Read when the data is made; afterwards they
# are kept with it and changed by the command POLICY. Keys: conflict (\"lww\": the last writer masks
# concurrent versions; \"siblings\": the application reconciles them), r, w, ttl (seconds).
#
# [policy.\"cart:\"]
# conflict = \"siblings\"
";

/// The shipped `dynamo.toml`: every setting with its default.
pub fn shipped_file() -> String {
    let mut out = String::from(
        "# Every setting with its default. One name everywhere: file `[cluster] n`, flag\n\
         # `--set cluster.n=3`, environment `DYNAMO_CLUSTER_N=3`, `CONFIG GET cluster.n`.\n\
         # Precedence: default < file < environment < flags < CONFIG SET.\n\
         # Generated from the table of settings, like docs/configuration.md.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.section() != section {
            section = setting.section();
            // Writing to a string does not fail.
            let _ = write!(out, "\n[{section}]\n");
        }
        comment(&mut out, &explained(setting));
        let _ = writeln!(out, "{} = {}", setting.key(), setting.default);
    }
    out.push('\n');
    out.push_str(POLICY);
    out
}

/// What stands above a setting.
fn explained(setting: &Setting) -> String {
    let mut text = setting.doc.to_owned();
    let free = setting.allowed == "a text" || setting.allowed.starts_with("true");
    // "fjall or memory" is said by its own sentence.
    if !free && !setting.doc.starts_with(setting.allowed) {
        let _ = write!(text, " {}", sentence(setting));
    }
    if !setting.works_alone {
        text.push_str(" For clusters of several nodes.");
    }
    text
}

fn sentence(setting: &Setting) -> String {
    let mut chars = setting.allowed.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let capital: String = first.chain(chars).collect();
    if setting.unit.is_empty() || setting.allowed.contains(setting.unit) {
        format!("{capital}.")
    } else {
        format!("{capital} ({}).", setting.unit)
    }
}

/// Writes a text as comment lines.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > COLUMNS {
            let _ = writeln!(out, "{line}");
            "#".clone_into(&mut line);
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(out, "{line}");
}

/// `docs/configuration.md`.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Generated from the table of settings; `BLESS=1 cargo test --test generated` writes it \
         anew.\n\n\
         A setting has one name everywhere: in the file (`dynamo server --config dynamo.toml`) \
         `[cluster] n = 3`, as a flag `--set cluster.n=3`, in the environment \
         `DYNAMO_CLUSTER_N=3`, in CONFIG `cluster.n`. Precedence: default < file < environment < \
         flags < CONFIG SET. An unknown name in file or flags refuses the start; `dynamo check \
         --config F` tells every problem of a file at once. *Live*: CONFIG SET changes it; all \
         others are read at the start. *Cluster*: has no effect before clusters of several nodes \
         are built; one that is set is warned about, and `peer.seeds` refuses the start.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.section() != section {
            section = setting.section();
            let _ = write!(
                out,
                "\n## [{section}]\n\n| key | default | allowed | unit | what | Redis's name | |\n\
                 |---|---|---|---|---|---|---|\n"
            );
        }
        let note = match (setting.mutable, setting.works_alone) {
            (true, _) => "live",
            (_, false) => "cluster",
            _ => "",
        };
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {} | {} | {} | {} | {note} |",
            setting.key(),
            setting.default,
            setting.allowed,
            setting.unit,
            setting.doc,
            setting.aliases.join(", "),
        );
    }
    out.push_str(
        "\n## [policy.\"prefix\"]\n\n\
         What holds for the keys under a prefix, the longest prefix wins. Read when the data is \
         made; afterwards kept with it and changed by POLICY; a file that differs is warned \
         about.\n\n\
         | key | default | allowed |\n|---|---|---|\n\
         | `conflict` | `\"lww\"` | lww or siblings |\n\
         | `r` | `cluster.r` | a whole number from 1 to 16 |\n\
         | `w` | `cluster.w` | a whole number from 1 to 16 |\n\
         | `ttl` | none | seconds, at least 1: for writes that name no expiry |\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Loaded, load};

    #[test]
    fn the_shipped_file_gives_the_defaults_and_has_every_setting() {
        let text = shipped_file();
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("dynamo.toml");
        std::fs::write(&path, &text).expect("written");
        let config = Config {
            file: Some(path.clone()),
            ..Config::default()
        };
        let wanted = Loaded {
            config,
            warnings: Vec::new(),
        };
        let loaded = load(Some(&path), std::iter::empty(), &[]).expect("loads");
        assert_eq!(loaded, wanted);
        let keys = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(" = "))
            .count();
        assert_eq!(keys, SETTINGS.len());
        assert!(text.lines().all(|line| line.len() <= 100));
        // The policy in its last comment is one that loads.
        let uncommented = text
            .replace("# [policy", "[policy")
            .replace("# conflict", "conflict");
        std::fs::write(&path, &uncommented).expect("written");
        let loaded = load(Some(&path), std::iter::empty(), &[]).expect("loads");
        assert_eq!(loaded.config.policies.len(), 1);
    }
}
