//! Where settings come from: default < file < environment < flags. Every problem is told at once,
//! each on a line with where it stands and what was meant.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{SETTINGS, find, set, unknown};
use super::{Config, PolicyConfig, rules, value};

/// What is wrong with the configuration: one line a problem.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct LoadError(pub Vec<String>);

/// A configuration to start with.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What the operator should know, one line each.
    pub warnings: Vec<String>,
}

/// Reads the configuration. `file`: a TOML file; `environment`: variables, of which those named
/// `DYNAMO_SECTION_KEY` count; `flags`: `section.key=value`, last.
pub fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[String],
) -> Result<Loaded, LoadError> {
    let mut config = Config::default();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    if let Some(path) = file {
        from_file(&mut config, path, &mut problems);
        config.file = std::path::absolute(path).ok();
    }
    for (variable, text) in environment {
        let found = SETTINGS.iter().find(|known| known.variable() == variable);
        if let Some(setting) = found {
            if let Err(reason) = setting.set(&mut config, &text) {
                problems.push(format!("environment: {variable}={text}: {reason}"));
            }
        } else if let Some(name) = meant(&variable) {
            // Kubernetes and others make variables with our prefix: no reason not to start.
            let said = unknown(&name);
            warnings.push(format!("environment: {variable} is not used: {said}"));
        }
    }
    for flag in flags {
        match flag.split_once('=') {
            Some((name, text)) => {
                if let Err(reason) = set(&mut config, name.trim(), text) {
                    problems.push(format!("--set {reason}"));
                }
            }
            None => problems.push(format!("--set {flag}: write section.key=value")),
        }
    }
    if problems.is_empty() {
        problems = rules::problems(&config);
    }
    if !problems.is_empty() {
        return Err(LoadError(problems));
    }
    warnings.extend(rules::warnings(&config));
    Ok(Loaded { config, warnings })
}

/// The setting's name that a variable of one of our sections seems to mean.
fn meant(variable: &str) -> Option<String> {
    let rest = variable.strip_prefix("DYNAMO_")?.to_ascii_lowercase();
    let (section, key) = rest.split_once('_')?;
    let ours = SETTINGS.iter().any(|known| known.section() == section);
    ours.then(|| format!("{section}.{key}"))
}

fn from_file(config: &mut Config, path: &Path, problems: &mut Vec<String>) {
    let shown = path.display();
    match std::fs::read_to_string(path) {
        Ok(text) => from_text(config, &shown.to_string(), &text, problems),
        Err(error) => problems.push(format!("{shown}: {error}")),
    }
}

/// Takes over what a file says; `shown` is its name in what is wrong with it.
pub(super) fn from_text(config: &mut Config, shown: &str, text: &str, problems: &mut Vec<String>) {
    let line = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    };
    let document = match DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let line = error.span().map_or(1, |span| line(span.start));
            let message = error.message().replace('\n', " ");
            return problems.push(format!("{shown}:{line}: {message}"));
        }
    };
    for (section, found) in in_file_order(document.get_ref()) {
        let mut tell = |at: usize, reason: String| {
            problems.push(format!("{shown}:{}: {reason}", line(at)));
        };
        let at = section.span().start;
        match (section.get_ref().as_ref(), found.get_ref()) {
            ("policy", DeValue::Table(prefixes)) => {
                for (prefix, keys) in in_file_order(prefixes) {
                    match policy(prefix.get_ref(), keys.get_ref()) {
                        Ok(policy) => config.policies.push(policy),
                        Err(reason) => tell(prefix.span().start, reason),
                    }
                }
            }
            (section, DeValue::Table(keys)) => {
                for (key, found) in in_file_order(keys) {
                    let name = format!("{section}.{}", key.get_ref());
                    let done = plain(found.get_ref())
                        .ok_or_else(|| format!("{name}: must be a plain value"))
                        .and_then(|text| set(config, &name, &text));
                    done.unwrap_or_else(|reason| tell(key.span().start, reason));
                }
            }
            (name, _) => {
                let hint = find(name).map_or_else(
                    || format!("{name} must be a section, as in [{name}]"),
                    |known| format!("{name} is {} in section [{}]", known.key(), known.section()),
                );
                tell(at, hint);
            }
        }
    }
    config.policies.sort_by(|a, b| a.prefix.cmp(&b.prefix));
}

type Entry<'a, 'i> = (
    &'a Spanned<std::borrow::Cow<'i, str>>,
    &'a Spanned<DeValue<'i>>,
);

fn in_file_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Entry<'a, 'i>> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

/// A value as the environment and flags would write it.
fn plain(found: &DeValue<'_>) -> Option<String> {
    Some(match found {
        DeValue::String(text) => text.to_string(),
        DeValue::Boolean(on) => value::yes_no(*on),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Array(items) => {
            let all: Option<Vec<_>> = items.iter().map(|item| plain(item.get_ref())).collect();
            all?.join(" ")
        }
        _ => return None,
    })
}

/// One `[policy."prefix"]`.
fn policy(prefix: &str, found: &DeValue<'_>) -> Result<PolicyConfig, String> {
    let named = |reason: &str| format!("policy.\"{prefix}\"{reason}");
    let DeValue::Table(keys) = found else {
        return Err(named(": must be a section, as in [policy.\"cart:\"]"));
    };
    let mut policy = PolicyConfig {
        prefix: prefix.to_owned(),
        ..PolicyConfig::default()
    };
    for (key, found) in in_file_order(keys) {
        let text = plain(found.get_ref()).unwrap_or_default();
        let key = key.get_ref().as_ref();
        let (done, allowed) = match key {
            "conflict" => (
                value::word(&text, &[("lww", false), ("siblings", true)])
                    .map(|siblings| policy.siblings = siblings),
                "lww or siblings",
            ),
            "r" | "w" => {
                let quorum = value::number(&text, 1..=16);
                let place = if key == "r" {
                    &mut policy.r
                } else {
                    &mut policy.w
                };
                *place = quorum;
                (quorum.map(|_| ()), "a whole number from 1 to 16")
            }
            "ttl" => {
                policy.ttl_seconds = value::number(&text, 1..=1 << 32);
                (policy.ttl_seconds.map(|_| ()), "seconds, at least 1")
            }
            other => {
                let reason = format!(".{other}: a policy has conflict, r, w and ttl");
                return Err(named(&reason));
            }
        };
        if done.is_none() {
            return Err(named(&format!(".{key} = {text}: must be {allowed}")));
        }
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Loaded, String> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("d.toml");
        std::fs::write(&path, text).expect("written");
        let parent = format!("{}/", directory.path().display());
        load(Some(&path), std::iter::empty(), &[])
            .map_err(|error| error.to_string().replace(&parent, ""))
    }

    fn flags(flags: &[&str]) -> Result<Loaded, LoadError> {
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        load(None, std::iter::empty(), &flags)
    }

    #[test]
    fn flags_win_over_environment_over_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("dynamo.toml");
        let text = "[client]\nport = 1\ntimeout_seconds = 7\n[cluster]\nn = 5\n";
        std::fs::write(&path, text).expect("written");
        let environment = [
            ("DYNAMO_CLIENT_PORT", "2"),
            ("DYNAMO_CLUSTER_N", "4"),
            ("DYNAMO_CLUSTER_M", "4"),
            ("DYNAMO_BINARY", "not ours"),
            ("HOME", "/"),
        ]
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let flags = ["client.port=3".to_owned()];
        let loaded = load(Some(&path), environment.into_iter(), &flags).expect("loads");
        assert_eq!(loaded.config.client.port, 3);
        assert_eq!(loaded.config.cluster.n, 4);
        assert_eq!(loaded.config.client.timeout_seconds, 7);
        let [warning] = loaded.warnings.as_slice() else {
            panic!("one warning: {:?}", loaded.warnings);
        };
        assert!(
            warning.contains("DYNAMO_CLUSTER_M is not used"),
            "{warning}"
        );
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_line() {
        let text = "port = 7\n[client]\nport = 'x'\n\n[storage]\ndurabilty = 'always'\n\
                    [policy.'a:']\nconflict = 'maybe'\n[policy.'b:']\nrr = 1\n[log]\nlevel = {}\n";
        let told = loaded(text).expect_err("six problems");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "d.toml:1: port is port in section [client]",
                "d.toml:3: client.port = x: must be a port from 1 to 65535",
                "d.toml:6: unknown setting storage.durabilty; did you mean storage.durability?",
                "d.toml:7: policy.\"a:\".conflict = maybe: must be lww or siblings",
                "d.toml:9: policy.\"b:\".rr: a policy has conflict, r, w and ttl",
                "d.toml:12: log.level: must be a plain value",
            ]
        );
        let told = flags(&["client.port=x", "nothing", "cluster.n=0"]).expect_err("three problems");
        assert_eq!(told.0.len(), 3, "{told}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_one_line() {
        let told = loaded("[client]\nport = = 1\n").expect_err("no TOML");
        assert!(told.starts_with("d.toml:2: "), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        let missing = load(Some(Path::new("/nowhere/d.toml")), std::iter::empty(), &[]);
        let told = missing.expect_err("no file").to_string();
        assert!(told.starts_with("/nowhere/d.toml: "), "{told}");
    }

    #[test]
    fn policies_and_lists_are_read() {
        let text = "[client]\nbind = ['::1', '127.0.0.1']\n[policy.'cart:']\nconflict = 'siblings'\n\
                    w = 1\nttl = 60\n[policy.a]\n";
        let config = loaded(text).expect("loads").config;
        assert_eq!(config.client.bind, ["::1", "127.0.0.1"]);
        let cart = PolicyConfig {
            prefix: "cart:".to_owned(),
            siblings: true,
            r: None,
            w: Some(1),
            ttl_seconds: Some(60),
        };
        let prefixes: Vec<_> = config.policies.iter().map(|p| p.prefix.as_str()).collect();
        assert_eq!(prefixes, ["a", "cart:"]);
        assert_eq!(config.policies.last(), Some(&cart));
    }

    #[test]
    fn a_peer_port_open_to_others_needs_a_secret() {
        let seeds = flags(&["peer.seeds=a:16379"]).expect("seeds alone are fine");
        assert_eq!(seeds.config.peer.seeds, ["a:16379"]);
        let told = flags(&["peer.bind=0.0.0.0"])
            .expect_err("refused")
            .to_string();
        assert!(told.contains("peer.secret"), "{told}");
        flags(&["peer.bind=0.0.0.0", "peer.secret=s"]).expect("with a secret");
    }
}
