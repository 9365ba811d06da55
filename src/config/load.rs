//! Where settings come from: default < file < environment < flags. Every problem is told at once, each
//! with where it stands and what was meant.

use std::path::Path;

use super::Config;
use super::settings::{SETTINGS, find, nearest};

/// What is wrong with the configuration: one line a problem.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct LoadError(pub Vec<String>);

/// Reads the configuration. `file`: a TOML file; `environment`: variables, of which those named
/// `DYNAMO_SECTION_KEY` count; `flags`: `section.key=value`, last.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[String],
) -> Result<Config, LoadError> {
    let mut config = Config::default();
    let mut problems = Vec::new();
    if let Some(path) = file {
        from_file(&mut config, path, &mut problems);
    }
    for (variable, value) in environment {
        let Some(rest) = variable.strip_prefix("DYNAMO_") else {
            continue;
        };
        let wanted = rest.to_ascii_lowercase();
        let named = SETTINGS
            .iter()
            .find(|setting| setting.name.replace('.', "_") == wanted);
        // Other programs may use the prefix too: an unknown variable is no error.
        if let Some(setting) = named
            && let Err(reason) = (setting.set)(&mut config, &value)
        {
            problems.push(format!("environment {variable}={value}: {reason}"));
        }
    }
    for flag in flags {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        apply(&mut config, name, value, "--set", &mut problems);
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(LoadError(problems))
    }
}

fn from_file(config: &mut Config, path: &Path, problems: &mut Vec<String>) {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return problems.push(format!("{shown}: {error}")),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return problems.push(format!("{shown}: {error}")),
    };
    for (section, value) in &table {
        let Some(keys) = value.as_table() else {
            problems.push(format!(
                "{shown}: {section} must be a section, as in [{section}]"
            ));
            continue;
        };
        for (key, value) in keys {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Boolean(on) => if *on { "yes" } else { "no" }.to_owned(),
                toml::Value::Array(items) => items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
                other => other.to_string(),
            };
            apply(
                config,
                &format!("{section}.{key}"),
                &text,
                &shown.to_string(),
                problems,
            );
        }
    }
}

fn apply(config: &mut Config, name: &str, value: &str, at: &str, problems: &mut Vec<String>) {
    match find(name) {
        None => {
            let hint = nearest(name).map(|near| format!("; did you mean {near}?"));
            problems.push(format!(
                "{at}: unknown setting {name}{}",
                hint.unwrap_or_default()
            ));
        }
        Some(setting) => {
            if let Err(reason) = (setting.set)(config, value) {
                problems.push(format!("{at}: {name} = {value}: {reason}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_environment_over_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("dynamo.toml");
        std::fs::write(
            &path,
            "[client]\nport = 1\ntimeout_seconds = 7\n[cluster]\nn = 5\n",
        )
        .expect("written");
        let environment = [
            ("DYNAMO_CLIENT_PORT", "2"),
            ("DYNAMO_CLUSTER_N", "4"),
            ("HOME", "/"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags = ["client.port=3".to_owned()];
        let config = load(Some(&path), environment.into_iter(), &flags).expect("loads");
        assert_eq!(config.client.port, 3);
        assert_eq!(config.cluster.n, 4);
        assert_eq!(config.client.timeout_seconds, 7);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let flags = [
            "storage.durabilty=always".to_owned(),
            "client.port=x".to_owned(),
        ];
        let error = load(None, std::iter::empty(), &flags)
            .expect_err("two problems")
            .to_string();
        assert!(
            error.contains("did you mean storage.durability?"),
            "{error}"
        );
        assert!(error.contains("client.port = x: must be a port"), "{error}");
    }

    #[test]
    fn the_shipped_file_gives_the_defaults_and_names_every_setting() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dynamo.toml");
        let config = load(Some(&path), std::iter::empty(), &[]).expect("loads");
        let mut default = Config::default();
        default.storage.cache_bytes = config.storage.cache_bytes;
        default.storage.dirty_bytes = config.storage.dirty_bytes;
        assert_eq!(config, default);
        let text = std::fs::read_to_string(path).expect("is there");
        for setting in SETTINGS {
            let key = setting.name.split('.').nth(1).unwrap_or_default();
            assert!(
                text.contains(&format!("\n{key} = ")),
                "{} is missing",
                setting.name
            );
        }
    }
}
