//! Every setting, once: its name, Redis's name for it, what it means, how it is read and set. The
//! file, the environment, flags, CONFIG GET and CONFIG SET all go through this table.

use super::{Config, Durability, Engine};

/// One setting.
pub struct Setting {
    /// `section.key`.
    pub name: &'static str,
    /// Names that Redis's tools ask for.
    pub aliases: &'static [&'static str],
    /// One sentence, with the unit.
    pub doc: &'static str,
    /// May CONFIG SET change it?
    pub mutable: bool,
    /// Its present value as text.
    pub get: fn(&Config) -> String,
    /// Sets it from text; the error says what is allowed.
    pub set: fn(&mut Config, &str) -> Result<(), String>,
}

fn number<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("must be {what}"))
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err("must be yes or no".to_owned()),
    }
}

fn yes_no(on: bool) -> String {
    if on { "yes" } else { "no" }.to_owned()
}

/// Bytes with Redis's units: 1k = 1000, 1kb = 1024; `25%` is of the machine's memory.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    const ALLOWED: &str = "must be a number of bytes, with kb, mb or gb, or a percentage of memory";
    let lower = text.trim().to_ascii_lowercase();
    if let Some(percent) = lower.strip_suffix('%') {
        let percent: u64 = percent.parse().map_err(|_| ALLOWED.to_owned())?;
        return Ok(machine_memory() / 100 * percent.min(100));
    }
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match lower.get(digits.len()..).unwrap_or_default() {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return Err(ALLOWED.to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| ALLOWED.to_owned())?;
    count.checked_mul(unit).ok_or_else(|| ALLOWED.to_owned())
}

/// Memory of the cgroup, or of the machine.
pub fn machine_memory() -> u64 {
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
        Some(kilobytes * 1024)
    });
    group.into_iter().chain(machine).min().unwrap_or(1 << 30)
}

const PORT: &str = "a port from 0 to 65535";
const COUNT: &str = "a whole number";

/// All settings.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "node.name",
        aliases: &[],
        doc: "Name of the node in the cluster; empty: made from its id.",
        mutable: false,
        get: |c| c.node.name.clone(),
        set: |c, text| {
            text.clone_into(&mut c.node.name);
            Ok(())
        },
    },
    Setting {
        name: "node.data_dir",
        aliases: &["dir"],
        doc: "Directory of the commit log and the tree.",
        mutable: false,
        get: |c| c.node.data_dir.clone(),
        set: |c, text| {
            text.clone_into(&mut c.node.data_dir);
            Ok(())
        },
    },
    Setting {
        name: "node.workers",
        aliases: &["io-threads"],
        doc: "Threads that serve clients; 0: as many as there are cores.",
        mutable: false,
        get: |c| c.node.workers.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.node.workers = n),
    },
    Setting {
        name: "client.bind",
        aliases: &["bind"],
        doc: "Addresses of the client port, separated by spaces.",
        mutable: false,
        get: |c| c.client.bind.join(" "),
        set: |c, text| {
            c.client.bind = text.split_whitespace().map(str::to_owned).collect();
            if c.client.bind.is_empty() {
                Err("must name an address".to_owned())
            } else {
                Ok(())
            }
        },
    },
    Setting {
        name: "client.port",
        aliases: &["port"],
        doc: "The client port (RESP).",
        mutable: false,
        get: |c| c.client.port.to_string(),
        set: |c, text| number(text, PORT).map(|n| c.client.port = n),
    },
    Setting {
        name: "client.databases",
        aliases: &["databases"],
        doc: "Databases that SELECT knows, 1 to 16.",
        mutable: false,
        get: |c| c.client.databases.to_string(),
        set: |c, text| match text.parse() {
            Ok(n @ 1..=16) => {
                c.client.databases = n;
                Ok(())
            }
            _ => Err("must be from 1 to 16".to_owned()),
        },
    },
    Setting {
        name: "client.max_clients",
        aliases: &["maxclients"],
        doc: "Connections at most.",
        mutable: true,
        get: |c| c.client.max_clients.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.client.max_clients = n),
    },
    Setting {
        name: "client.password",
        aliases: &["requirepass"],
        doc: "Password for AUTH; empty: none is needed.",
        mutable: true,
        get: |c| c.client.password.clone(),
        set: |c, text| {
            text.clone_into(&mut c.client.password);
            Ok(())
        },
    },
    Setting {
        name: "client.protected_mode",
        aliases: &["protected-mode"],
        doc: "Without a password, refuse clients that are not on loopback.",
        mutable: true,
        get: |c| yes_no(c.client.protected_mode),
        set: |c, text| truth(text).map(|on| c.client.protected_mode = on),
    },
    Setting {
        name: "client.timeout_seconds",
        aliases: &["timeout"],
        doc: "Close connections that are idle for so many seconds; 0: never.",
        mutable: true,
        get: |c| c.client.timeout_seconds.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.client.timeout_seconds = n),
    },
    Setting {
        name: "client.max_bulk_bytes",
        aliases: &["proto-max-bulk-len"],
        doc: "Longest key or value in bytes, up to 512mb.",
        mutable: true,
        get: |c| c.client.max_bulk_bytes.to_string(),
        set: |c, text| {
            let bytes = parse_bytes(text)?;
            if !(1 << 20..=512 << 20).contains(&bytes) {
                return Err("must be from 1mb to 512mb".to_owned());
            }
            c.client.max_bulk_bytes = bytes;
            Ok(())
        },
    },
    Setting {
        name: "client.enable_debug",
        aliases: &["enable-debug-command"],
        doc: "Allow DEBUG SLEEP.",
        mutable: false,
        get: |c| yes_no(c.client.enable_debug),
        set: |c, text| truth(text).map(|on| c.client.enable_debug = on),
    },
    Setting {
        name: "http.enabled",
        aliases: &[],
        doc: "Serve /metrics, /healthz and /readyz.",
        mutable: false,
        get: |c| yes_no(c.http.enabled),
        set: |c, text| truth(text).map(|on| c.http.enabled = on),
    },
    Setting {
        name: "http.bind",
        aliases: &[],
        doc: "Address of the http port.",
        mutable: false,
        get: |c| c.http.bind.clone(),
        set: |c, text| {
            text.clone_into(&mut c.http.bind);
            Ok(())
        },
    },
    Setting {
        name: "http.port",
        aliases: &[],
        doc: "The http port; 0: client port + 2000.",
        mutable: false,
        get: |c| c.http.port.to_string(),
        set: |c, text| number(text, PORT).map(|n| c.http.port = n),
    },
    Setting {
        name: "storage.engine",
        aliases: &[],
        doc: "fjall (durable) or memory (a cache).",
        mutable: false,
        get: |c| match c.storage.engine {
            Engine::Fjall => "fjall".to_owned(),
            Engine::Memory => "memory".to_owned(),
        },
        set: |c, text| {
            c.storage.engine = match text {
                "fjall" => Engine::Fjall,
                "memory" => Engine::Memory,
                _ => return Err("must be fjall or memory".to_owned()),
            };
            Ok(())
        },
    },
    Setting {
        name: "storage.durability",
        aliases: &["appendfsync"],
        doc: "When the log is fsynced: always, everysec, or os (at rotation only).",
        mutable: false,
        get: |c| match c.storage.durability {
            Durability::Always => "always".to_owned(),
            Durability::Everysec => "everysec".to_owned(),
            Durability::Os => "os".to_owned(),
        },
        set: |c, text| {
            c.storage.durability = match text {
                "always" => Durability::Always,
                "everysec" => Durability::Everysec,
                "os" | "no" => Durability::Os,
                _ => return Err("must be always, everysec or os".to_owned()),
            };
            Ok(())
        },
    },
    Setting {
        name: "storage.cache_bytes",
        aliases: &[],
        doc: "Logical bytes of the table over the tree.",
        mutable: false,
        get: |c| c.storage.cache_bytes.to_string(),
        set: |c, text| parse_bytes(text).map(|bytes| c.storage.cache_bytes = bytes),
    },
    Setting {
        name: "storage.dirty_bytes",
        aliases: &[],
        doc: "Logical bytes of records that the tree does not have yet; beyond, writes wait.",
        mutable: false,
        get: |c| c.storage.dirty_bytes.to_string(),
        set: |c, text| parse_bytes(text).map(|bytes| c.storage.dirty_bytes = bytes),
    },
    Setting {
        name: "storage.segment_bytes",
        aliases: &[],
        doc: "Size of a segment of the commit log in bytes.",
        mutable: false,
        get: |c| c.storage.segment_bytes.to_string(),
        set: |c, text| parse_bytes(text).map(|bytes| c.storage.segment_bytes = bytes.max(1 << 16)),
    },
    Setting {
        name: "storage.reserve_bytes",
        aliases: &[],
        doc: "Free space in bytes below which writes are refused.",
        mutable: false,
        get: |c| c.storage.reserve_bytes.to_string(),
        set: |c, text| parse_bytes(text).map(|bytes| c.storage.reserve_bytes = bytes),
    },
    Setting {
        name: "storage.max_memory",
        aliases: &["maxmemory"],
        doc: "Logical bytes that the memory engine may hold; 0: no bound.",
        mutable: true,
        get: |c| c.storage.max_memory.to_string(),
        set: |c, text| parse_bytes(text).map(|bytes| c.storage.max_memory = bytes),
    },
    Setting {
        name: "storage.eviction",
        aliases: &["maxmemory-policy"],
        doc: "What the memory engine does at its bound: noeviction, allkeys-lru, allkeys-lfu, \
              allkeys-random, volatile-lru, volatile-lfu, volatile-random, volatile-ttl.",
        mutable: true,
        get: |c| c.storage.eviction.clone(),
        set: |c, text| {
            const POLICIES: [&str; 8] = [
                "noeviction",
                "allkeys-lru",
                "allkeys-lfu",
                "allkeys-random",
                "volatile-lru",
                "volatile-lfu",
                "volatile-random",
                "volatile-ttl",
            ];
            if !POLICIES.contains(&text) {
                return Err(format!("must be one of {}", POLICIES.join(", ")));
            }
            text.clone_into(&mut c.storage.eviction);
            Ok(())
        },
    },
    Setting {
        name: "cluster.partitions",
        aliases: &[],
        doc: "Partitions of the ring, a power of two from 64 to 4096; fixed when the data is made.",
        mutable: false,
        get: |c| c.cluster.partitions.to_string(),
        set: |c, text| match text.parse::<u16>() {
            Ok(n) if (64..=4096).contains(&n) && n.is_power_of_two() => {
                c.cluster.partitions = n;
                Ok(())
            }
            _ => Err("must be a power of two from 64 to 4096".to_owned()),
        },
    },
    Setting {
        name: "cluster.n",
        aliases: &[],
        doc: "Replicas of a key; clipped to the number of members.",
        mutable: false,
        get: |c| c.cluster.n.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.cluster.n = n),
    },
    Setting {
        name: "cluster.r",
        aliases: &[],
        doc: "Answers that a read waits for; clipped to the number of members.",
        mutable: false,
        get: |c| c.cluster.r.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.cluster.r = n),
    },
    Setting {
        name: "cluster.w",
        aliases: &[],
        doc: "Acknowledgements that a write waits for; clipped to the number of members.",
        mutable: false,
        get: |c| c.cluster.w.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.cluster.w = n),
    },
    Setting {
        name: "slowlog.slower_than_us",
        aliases: &["slowlog-log-slower-than"],
        doc: "Log commands slower than so many microseconds; negative: none.",
        mutable: true,
        get: |c| c.slowlog.slower_than_us.to_string(),
        set: |c, text| {
            number(text, "a number of microseconds").map(|n| c.slowlog.slower_than_us = n)
        },
    },
    Setting {
        name: "slowlog.max_len",
        aliases: &["slowlog-max-len"],
        doc: "Entries that SLOWLOG keeps.",
        mutable: true,
        get: |c| c.slowlog.max_len.to_string(),
        set: |c, text| number(text, COUNT).map(|n| c.slowlog.max_len = n),
    },
];

/// A setting by its name or one of Redis's.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| {
        setting.name.eq_ignore_ascii_case(name)
            || setting
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    })
}

/// The name most like an unknown one, when it is like enough.
pub fn nearest(name: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .map(|setting| (strsim::jaro_winkler(setting.name, name), setting.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_can_be_set() {
        for setting in SETTINGS {
            let mut config = Config::default();
            let text = (setting.get)(&config);
            (setting.set)(&mut config, &text).expect(setting.name);
            assert_eq!((setting.get)(&config), text, "{}", setting.name);
        }
    }

    #[test]
    fn bytes_have_redis_units() {
        assert_eq!(parse_bytes("1k"), Ok(1_000));
        assert_eq!(parse_bytes("1kb"), Ok(1_024));
        assert_eq!(parse_bytes("2GB"), Ok(2 << 30));
        assert!(parse_bytes("50%").expect("a percentage") > 0);
        assert!(parse_bytes("x").is_err() && parse_bytes("99999999999gb").is_err());
    }

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        assert_eq!(nearest("storage.durabilty"), Some("storage.durability"));
        assert_eq!(nearest("zzz"), None);
    }
}
