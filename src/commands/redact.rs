//! Secrets in arguments: MONITOR and SLOWLOG show a command without them, as Redis does.

use super::registry::Command;
use crate::config::settings;
use crate::resp::{Argv, OwnedArgv};

/// What stands in a secret's place.
const REDACTED: &[u8] = b"(redacted)";

/// Settings whose values nobody may see who happens to watch.
const SECRET_SETTINGS: [&str; 2] = ["client.password", "peer.secret"];

/// May a call of this command carry a secret?
pub(super) fn may_hold_secrets(full_name: &str) -> bool {
    matches!(full_name, "auth" | "hello" | "config|set")
}

/// The arguments as others may see them; `None`: as they are.
pub(super) fn redacted(command: &Command, argv: Argv<'_>) -> Option<OwnedArgv> {
    if !command.secrets {
        return None;
    }
    let before = |index: usize, by: usize| {
        let at = index.checked_sub(by).filter(|at| *at > 0);
        at.and_then(|at| argv.get(at)).unwrap_or_default()
    };
    let is_secret = |index: usize| match command.spec.name {
        "auth" => index > 0,
        "hello" => (1..=2).any(|by| before(index, by).eq_ignore_ascii_case(b"auth")),
        _ => {
            index >= 3
                && index % 2 == 1
                && std::str::from_utf8(before(index, 1))
                    .ok()
                    .and_then(settings::find)
                    .is_some_and(|setting| SECRET_SETTINGS.contains(&setting.name))
        }
    };
    let shown = argv.iter().enumerate();
    let shown = shown.map(
        |(index, argument)| {
            if is_secret(index) { REDACTED } else { argument }
        },
    );
    Some(OwnedArgv::from_words(shown))
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn the_slow_log_and_monitors_see_no_secrets() {
        let mut bench = Bench::new();
        bench.check(&[
            ("CONFIG SET slowlog-log-slower-than 0", "+OK"),
            ("MONITOR", "+OK"),
            ("CONFIG SET requirepass first timeout 7", "+OK"),
            ("AUTH first", "+OK"),
            ("AUTH default first", "+OK"),
        ]);
        bench.run("HELLO 2 AUTH default first SETNAME me");
        bench.check(&[("CONFIG SET client.password ''", "+OK")]);
        let slow = bench.run("SLOWLOG GET 128");
        for shown in [
            "[CONFIG, SET, requirepass, (redacted), timeout, 7]",
            "[AUTH, (redacted)]",
            "[AUTH, (redacted), (redacted)]",
            "[HELLO, 2, AUTH, (redacted), (redacted), SETNAME, me]",
        ] {
            assert!(slow.contains(shown), "{shown}: {slow}");
        }
        let mut seen = Vec::new();
        bench.session.handle.mailbox.drain(&mut seen);
        let seen = String::from_utf8_lossy(&seen).into_owned();
        assert!(
            seen.contains("\"HELLO\" \"2\" \"AUTH\" \"(redacted)\""),
            "{seen}"
        );
        assert!(
            !seen.contains("CONFIG"),
            "commands of administrators are not shown: {seen}"
        );
        for told in [slow, seen] {
            assert!(!told.contains("first"), "{told}");
        }
    }
}
