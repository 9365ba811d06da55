//! CONFIG REWRITE: brings the settings in force into the operator's file.
//!
//! Only settings that CONFIG SET may change are written: never a path, an address or a port, so that
//! a client cannot move what a later start reads, writes or listens on. Everything else of the file
//! stays as it is, comments and order too. What would not be read back is not written.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::settings::{SETTINGS, Setting};
use super::{Config, load};

/// Why the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// There is none.
    #[error("The server is running without a config file")]
    NoFile,
    /// It could not be read or replaced.
    #[error("Rewriting config file: {0}")]
    Io(#[from] std::io::Error),
    /// It does not load any more, or has a form that cannot be added to.
    #[error("Rewriting config file: {0}")]
    Content(String),
}

/// Writes the settings in force to the file that they were read from.
pub fn rewrite(wanted: &Config) -> Result<(), RewriteError> {
    let path = wanted.file.as_ref().ok_or(RewriteError::NoFile)?;
    let text = std::fs::read_to_string(path)?;
    let new = rewritten(&text, wanted).map_err(RewriteError::Content)?;
    if new != text {
        replace(path, &new)?;
    }
    Ok(())
}

/// The whole file or none of it: written beside, then put in its place.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link.
    let path = path.canonicalize()?;
    let beside = path.with_extension("rewritten");
    let written = write_like(&path, &beside, text).and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // What failed is what the client is told.
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

/// It may hold a password: nobody may read it who could not before.
fn write_like(path: &Path, beside: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(beside)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(std::fs::metadata(path)?.permissions())?;
    file.sync_all()
}

/// The text with every live setting as it is wanted; the error says why that cannot be.
fn rewritten(text: &str, wanted: &Config) -> Result<String, String> {
    let before = read(text)?;
    let mut new = text.to_owned();
    for setting in live() {
        let value = setting.get(wanted);
        if setting.get(&before) != value {
            new = with(&new, setting, &literal(setting, &value));
        }
    }
    let after = read(&new)?;
    for setting in SETTINGS {
        let source = if setting.mutable { wanted } else { &before };
        if setting.get(&after) != setting.get(source) {
            return Err(format!("{} has no place in it", setting.name));
        }
    }
    Ok(new)
}

fn live() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| setting.mutable)
}

fn read(text: &str) -> Result<Config, String> {
    let (mut config, mut problems) = (Config::default(), Vec::new());
    load::from_text(&mut config, "line", text, &mut problems);
    problems.into_iter().next().map_or(Ok(config), Err)
}

/// A value as the file writes it.
fn literal(setting: &Setting, value: &str) -> String {
    match setting.default {
        "true" | "false" => (value == "yes").to_string(),
        text if text.starts_with('"') => quoted(value),
        _ => value.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\U{:08X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// The text with one setting written in its place.
fn with(text: &str, setting: &Setting, literal: &str) -> String {
    let (place, new) = place(text, setting, literal);
    let before = text.get(..place.start).unwrap_or(text);
    let after = text.get(place.end..).unwrap_or_default();
    let end = if place.start == text.len() && !before.is_empty() && !before.ends_with('\n') {
        "\n"
    } else {
        ""
    };
    [before, end, &new, after].concat()
}

/// What of the text is replaced, and by what.
fn place(text: &str, setting: &Setting, literal: &str) -> (Range<usize>, String) {
    let (section, key) = (setting.section(), setting.key());
    let at_end = (
        text.len()..text.len(),
        format!("\n[{section}]\n{key} = {literal}\n"),
    );
    let Ok(document) = DeTable::parse(text) else {
        return at_end;
    };
    let mut sections = document.get_ref().iter();
    let Some((name, found)) = sections.find(|(name, _)| name.get_ref() == section) else {
        return at_end;
    };
    let DeValue::Table(keys) = found.get_ref() else {
        return at_end;
    };
    if let Some((_, value)) = keys.iter().find(|(name, _)| name.get_ref() == key) {
        return (value.span(), literal.to_owned());
    }
    let start = name.span().start;
    let line = text
        .get(..start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |end| end + 1);
    let is_header = text
        .get(line..start)
        .is_some_and(|head| head.trim_start().starts_with('['));
    if is_header {
        let rest = text.get(start..).unwrap_or_default();
        let next = rest.find('\n').map_or(text.len(), |end| start + end + 1);
        return (next..next, format!("{key} = {literal}\n"));
    }
    let inline = found.span().start;
    if text.get(inline..).is_some_and(|rest| rest.starts_with('{')) {
        let comma = if keys.is_empty() { "" } else { "," };
        return (inline + 1..inline + 1, format!(" {key} = {literal}{comma}"));
    }
    (line..line, format!("{section}.{key} = {literal}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    #[test]
    fn a_file_keeps_everything_but_what_changed() {
        let text = "# ours\n[client]  # the port\nport = 7000 # mine\ntimeout_seconds = 5 # idle\n\n\
                    [storage]\nengine = 'memory'\n";
        let wanted = changed(|c| {
            c.client.timeout_seconds = 9;
            "a\"b\\\n#".clone_into(&mut c.client.password);
            c.client.protected_mode = false;
            c.slowlog.max_len = 7;
            // Not live: the file's stays.
            c.client.port = 1;
            "/elsewhere".clone_into(&mut c.node.data_dir);
            c.client.bind = vec!["*".to_owned()];
        });
        assert_eq!(
            rewritten(text, &wanted).as_deref(),
            Ok("# ours\n[client]  # the port\nprotected_mode = false\n\
                password = \"a\\\"b\\\\\\U0000000A#\"\nport = 7000 # mine\n\
                timeout_seconds = 9 # idle\n\n[storage]\nengine = 'memory'\n\n\
                [slowlog]\nmax_len = 7\n")
        );
    }

    #[test]
    fn every_form_that_a_section_may_have_is_added_to() {
        let wanted = changed(|c| c.client.timeout_seconds = 9);
        for (text, new) in [
            ("", "\n[client]\ntimeout_seconds = 9\n"),
            ("[client]", "[client]\ntimeout_seconds = 9\n"),
            (
                "[log]\nlevel = 'warn'",
                "[log]\nlevel = 'warn'\n\n[client]\ntimeout_seconds = 9\n",
            ),
            (
                "client.port = 7\n",
                "client.timeout_seconds = 9\nclient.port = 7\n",
            ),
            (
                "client = { port = 7 }\n",
                "client = { timeout_seconds = 9, port = 7 }\n",
            ),
            ("client = {}\n", "client = { timeout_seconds = 9}\n"),
            (
                "client.timeout_seconds = '5'\n",
                "client.timeout_seconds = 9\n",
            ),
        ] {
            assert_eq!(rewritten(text, &wanted).as_deref(), Ok(new), "{text}");
        }
    }

    #[test]
    fn what_is_as_wanted_stays_as_it_is_written() {
        let text = "[storage]\nmax_memory = '1kb'\n[client]\nprotected_mode = true\n";
        let wanted = changed(|c| c.storage.max_memory = 1_024);
        assert_eq!(rewritten(text, &wanted).as_deref(), Ok(text));
    }

    #[test]
    fn a_file_that_no_longer_loads_is_left_alone() {
        let told = rewritten("[client]\nprot = 1\n", &Config::default()).expect_err("unknown");
        assert!(told.starts_with("line:2: unknown setting"), "{told}");
    }

    /// A client that may use CONFIG must not choose what a later start reads, writes or listens on.
    #[test]
    fn no_path_address_port_or_secret_of_peers_is_live() {
        for setting in live() {
            let fixed = ["bind", "port", "data_dir", "advertise", "seeds", "secret"];
            assert!(!fixed.contains(&setting.key()), "{}", setting.name);
        }
    }

    #[test]
    fn the_file_is_replaced_whole_with_its_rights_and_behind_its_link() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (
            directory.path().join("d.toml"),
            directory.path().join("link"),
        );
        std::fs::write(&file, "# mine\n").expect("written");
        let rights = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&file, rights).expect("set");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        let wanted = changed(|c| {
            c.client.timeout_seconds = 9;
            c.file = Some(link.clone());
        });
        rewrite(&wanted).expect("writes");
        let text = std::fs::read_to_string(&file).expect("readable");
        assert_eq!(text, "# mine\n\n[client]\ntimeout_seconds = 9\n");
        assert!(link.is_symlink());
        let mode = std::fs::metadata(&file)
            .expect("is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(
            std::fs::read_dir(directory.path())
                .expect("readable")
                .count(),
            2
        );
        assert!(matches!(
            rewrite(&Config::default()),
            Err(RewriteError::NoFile)
        ));
    }
}
