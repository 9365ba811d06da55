//! Values as text: how each kind of setting is read and shown. `None` is "not allowed"; what is
//! allowed stands in the setting's row.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A number within bounds.
pub(super) fn number<T: FromStr + PartialOrd>(text: &str, allowed: RangeInclusive<T>) -> Option<T> {
    text.parse().ok().filter(|number| allowed.contains(number))
}

/// yes or no, as Redis and as TOML write it.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// Redis's words for it.
pub(super) fn yes_no(on: bool) -> String {
    if on { "yes" } else { "no" }.to_owned()
}

/// The word that stands for a value.
pub(super) fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<T> {
    let found = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value)
}

/// The first word that stands for a value.
pub(super) fn word_of<T: PartialEq>(value: &T, words: &[(&str, T)]) -> String {
    let found = words.iter().find(|(_, other)| other == value);
    found.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// An address to listen on: an IP address, `localhost`, or `*`.
pub(super) fn address(text: &str) -> Option<String> {
    let known = text == "localhost" || text == "*" || text.parse::<IpAddr>().is_ok();
    known.then(|| text.to_owned())
}

/// Is this address reached from this machine alone?
pub(super) fn is_loopback(text: &str) -> bool {
    text == "localhost" || text.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `HOST:PORT`s between spaces.
pub(super) fn hosts(text: &str) -> Option<Vec<String>> {
    let host = |text: &str| {
        let (host, port) = text.rsplit_once(':')?;
        (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
            .then(|| text.to_owned())
    };
    text.split_whitespace().map(host).collect()
}

/// Bytes with Redis's units: 1k = 1000, 1kb = 1024; `25%` is of the machine's (or cgroup's) memory.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    if let Some(percent) = lower.strip_suffix('%') {
        return number(percent, 1..=100).map(share_of_memory);
    }
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match lower.get(digits.len()..)? {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    // Sums of such figures are kept as i64.
    let count: u64 = digits.parse().ok()?;
    count.checked_mul(unit).filter(|&bytes| bytes < 1 << 62)
}

/// So many percent of memory.
pub(super) fn share_of_memory(percent: u64) -> u64 {
    machine_memory() / 100 * percent
}

/// Memory of the cgroup, or of the machine.
fn machine_memory() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let group = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .filter_map(|path| read(path)?.trim().parse::<u64>().ok())
    .min();
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        kilobytes.checked_mul(1024)
    });
    group.into_iter().chain(machine).min().unwrap_or(1 << 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_redis_units() {
        assert_eq!(bytes("1k"), Some(1_000));
        assert_eq!(bytes("1kb"), Some(1_024));
        assert_eq!(bytes("2GB"), Some(2 << 30));
        assert_eq!(bytes("50%"), Some(machine_memory() / 100 * 50));
        for wrong in ["x", "", "kb", "-1", "1.5gb", "101%", "0%", "99999999999gb"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_and_hosts_are_looked_at() {
        assert!(address("::1").is_some() && address("*").is_some());
        assert_eq!(address("example"), None);
        assert!(is_loopback("127.8.9.1") && is_loopback("::1") && !is_loopback("0.0.0.0"));
        assert_eq!(hosts("a:1  [::1]:2").map(|all| all.len()), Some(2));
        assert_eq!(hosts(""), Some(Vec::new()));
        assert!(hosts("a").is_none() && hosts(":1").is_none() && hosts("a:0").is_none());
    }
}
