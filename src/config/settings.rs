//! What a setting is, and how one is found. The settings themselves are rows of `config::table`:
//! the file, the environment, flags, CONFIG GET, CONFIG SET and the documentation go through it.

use super::Config;
pub use super::table::SETTINGS;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// `section.key`.
    pub name: &'static str,
    /// Names that Redis's tools ask for.
    pub aliases: &'static [&'static str],
    /// The default, as the file writes it.
    pub default: &'static str,
    /// What it may be: completes "must be ...".
    pub allowed: &'static str,
    /// Of the number that CONFIG GET shows; empty: none.
    pub unit: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// May CONFIG SET change it?
    pub mutable: bool,
    /// Has it an effect on one node? What has not is for clusters of several, and is warned about.
    pub works_alone: bool,
    /// Its present value as text.
    pub get: fn(&Config) -> String,
    /// Sets it from text; `None`: not allowed, and nothing was changed.
    pub put: fn(&mut Config, &str) -> Option<()>,
}

impl Setting {
    /// Its present value as text.
    pub fn get(&self, config: &Config) -> String {
        (self.get)(config)
    }

    /// Sets it from text; the error says what is allowed, and nothing was changed.
    pub fn set(&self, config: &mut Config, text: &str) -> Result<(), String> {
        (self.put)(config, text).ok_or_else(|| format!("must be {}", self.allowed))
    }

    /// The part of the name before the point.
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// The part of the name after the point.
    pub fn key(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!(
            "DYNAMO_{}_{}",
            self.section().to_ascii_uppercase(),
            self.key().to_ascii_uppercase()
        )
    }
}

/// A setting by its name or one of Redis's.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| {
        std::iter::once(&setting.name)
            .chain(setting.aliases)
            .any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// Sets one by its name; the error says what is wrong with either.
pub fn set(config: &mut Config, name: &str, text: &str) -> Result<(), String> {
    match find(name) {
        Some(setting) => setting
            .set(config, text)
            .map_err(|reason| format!("{} = {text}: {reason}", setting.name)),
        None => Err(unknown(name)),
    }
}

/// What to say of a name that no setting has.
pub(super) fn unknown(name: &str) -> String {
    match nearest(name) {
        Some(near) => format!("unknown setting {name}; did you mean {near}?"),
        None => format!("unknown setting {name}; docs/configuration.md lists all"),
    }
}

/// The name most like an unknown one, when it is like enough: by its whole name, or by its key in
/// another section.
pub fn nearest(name: &str) -> Option<&'static str> {
    let key = name.rsplit_once('.').map_or(name, |(_, key)| key);
    let likeness = |setting: &Setting| {
        let whole = strsim::jaro_winkler(setting.name, name);
        let known = std::iter::once(setting.key()).chain(setting.aliases.iter().copied());
        let part = known
            .map(|known| strsim::jaro_winkler(known, key))
            .fold(0.0, f64::max);
        // A key in the wrong section counts a little less than the right section.
        whole.max(part - 0.05)
    };
    SETTINGS
        .iter()
        .map(|setting| (likeness(setting), setting.name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_is_read_can_be_set() {
        for setting in SETTINGS {
            let mut config = Config::default();
            let text = setting.get(&config);
            setting.set(&mut config, &text).expect(setting.name);
            assert_eq!(setting.get(&config), text, "{}", setting.name);
        }
    }

    #[test]
    fn every_setting_has_names_of_its_own_and_says_what_it_is() {
        let mut names = BTreeSet::new();
        for setting in SETTINGS {
            for name in std::iter::once(&setting.name).chain(setting.aliases) {
                assert!(names.insert(name.to_ascii_lowercase()), "{name} twice");
            }
            assert!(setting.name.split('.').count() == 2, "{}", setting.name);
            assert!(setting.doc.ends_with('.'), "{}", setting.name);
            assert!(!setting.allowed.is_empty(), "{}", setting.name);
        }
    }

    #[test]
    fn what_is_not_allowed_changes_nothing() {
        for setting in SETTINGS {
            let mut config = Config::default();
            // No setting but the free texts takes this.
            let Err(reason) = setting.set(&mut config, "\u{1}") else {
                assert!(setting.default.starts_with('"'), "{}", setting.name);
                continue;
            };
            assert!(reason.starts_with("must be "), "{reason}");
            assert_eq!(config, Config::default(), "{}", setting.name);
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        assert_eq!(nearest("storage.durabilty"), Some("storage.durability"));
        assert_eq!(nearest("client.cache_bytes"), Some("storage.cache_bytes"));
        assert_eq!(nearest("requirepas"), Some("client.password"));
        assert_eq!(nearest("zzz"), None);
    }
}
