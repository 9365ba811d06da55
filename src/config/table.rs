//! Every setting, once, in the order of `dynamo.toml`.

use super::settings::Setting;
use super::value::{address, bytes, hosts, number, truth, word, word_of, yes_no};
use super::{Durability, Engine};

const ANY: &str = "a text";
const PORT: &str = "a port from 0 to 65535";
const YES_NO: &str = "true or false (or yes, no)";
const ADDRESS: &str = "an IP address, localhost or *";
const BYTES: &str = "a number of bytes (with k, kb, m, mb, g, gb) or from 1% to 100% of memory";

const ENGINES: &[(&str, Engine)] = &[("fjall", Engine::Fjall), ("memory", Engine::Memory)];

const DURABILITIES: &[(&str, Durability)] = &[
    ("always", Durability::Always),
    ("everysec", Durability::Everysec),
    ("os", Durability::Os),
    ("no", Durability::Os), // Redis's word for it.
];

const EVICTIONS: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// A row that has no Redis name, no unit, is read at the start only, and works on one node.
const PLAIN: Setting = Setting {
    name: "",
    aliases: &[],
    default: "",
    allowed: ANY,
    unit: "",
    doc: "",
    mutable: false,
    works_alone: true,
    get: |_| String::new(),
    put: |_, _| None,
};

/// All settings.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "node.name",
        default: "\"\"",
        doc: "Name of the node in the cluster; empty: made from its id.",
        works_alone: false,
        get: |c| c.node.name.clone(),
        put: |c, text| {
            text.clone_into(&mut c.node.name);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "node.data_dir",
        aliases: &["dir"],
        default: "\"./dynamo-data\"",
        doc: "Directory of the commit log and the tree.",
        get: |c| c.node.data_dir.clone(),
        put: |c, text| {
            text.clone_into(&mut c.node.data_dir);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "node.zone",
        default: "\"default\"",
        doc: "Zone of the node: replicas of a key are put in distinct zones where that can be.",
        works_alone: false,
        get: |c| c.node.zone.clone(),
        put: |c, text| {
            text.clone_into(&mut c.node.zone);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "node.capacity",
        default: "1.0",
        allowed: "a number from 0.01 to 1000",
        doc: "Share of the data that the node takes, relative to the others.",
        works_alone: false,
        get: |c| c.node.capacity.to_string(),
        put: |c, text| number(text, 0.01..=1000.0).map(|n| c.node.capacity = n),
        ..PLAIN
    },
    Setting {
        name: "node.workers",
        aliases: &["io-threads"],
        default: "0",
        allowed: "a whole number from 0 to 1024",
        unit: "threads",
        doc: "Threads that serve clients; 0: as many as there are cores.",
        get: |c| c.node.workers.to_string(),
        put: |c, text| number(text, 0..=1024).map(|n| c.node.workers = n),
        ..PLAIN
    },
    Setting {
        name: "client.bind",
        aliases: &["bind"],
        default: "[\"127.0.0.1\"]",
        allowed: "IP addresses, localhost or *",
        doc: "Addresses of the client port.",
        get: |c| c.client.bind.join(" "),
        put: |c, text| {
            let all: Option<Vec<_>> = text.split_whitespace().map(address).collect();
            all.filter(|all| !all.is_empty())
                .map(|all| c.client.bind = all)
        },
        ..PLAIN
    },
    Setting {
        name: "client.port",
        aliases: &["port"],
        default: "6379",
        allowed: "a port from 1 to 65535",
        doc: "The client port (RESP).",
        get: |c| c.client.port.to_string(),
        put: |c, text| number(text, 1..=u16::MAX).map(|n| c.client.port = n),
        ..PLAIN
    },
    Setting {
        name: "client.databases",
        aliases: &["databases"],
        default: "16",
        allowed: "a whole number from 1 to 16",
        unit: "databases",
        doc: "Databases that SELECT knows.",
        get: |c| c.client.databases.to_string(),
        put: |c, text| number(text, 1..=16).map(|n| c.client.databases = n),
        ..PLAIN
    },
    Setting {
        name: "client.max_clients",
        aliases: &["maxclients"],
        default: "10000",
        allowed: "a whole number from 1 to 1000000",
        unit: "connections",
        doc: "Connections at most; lowered at the start when the system has fewer file \
              descriptors.",
        mutable: true,
        get: |c| c.client.max_clients.to_string(),
        put: |c, text| number(text, 1..=1_000_000).map(|n| c.client.max_clients = n),
        ..PLAIN
    },
    Setting {
        name: "client.password",
        aliases: &["requirepass"],
        default: "\"\"",
        doc: "Password for AUTH; empty: none is needed.",
        mutable: true,
        get: |c| c.client.password.clone(),
        put: |c, text| {
            text.clone_into(&mut c.client.password);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "client.protected_mode",
        aliases: &["protected-mode"],
        default: "true",
        allowed: YES_NO,
        doc: "Without a password, refuse clients that are not on loopback.",
        mutable: true,
        get: |c| yes_no(c.client.protected_mode),
        put: |c, text| truth(text).map(|on| c.client.protected_mode = on),
        ..PLAIN
    },
    Setting {
        name: "client.timeout_seconds",
        aliases: &["timeout"],
        default: "0",
        allowed: "a whole number from 0 to 2147483647",
        unit: "seconds",
        doc: "Close connections that are idle for so long; 0: never.",
        mutable: true,
        get: |c| c.client.timeout_seconds.to_string(),
        put: |c, text| number(text, 0..=0x7fff_ffff).map(|n| c.client.timeout_seconds = n),
        ..PLAIN
    },
    Setting {
        name: "client.max_bulk_bytes",
        aliases: &["proto-max-bulk-len"],
        default: "\"512mb\"",
        allowed: "from 1mb to 512mb",
        unit: "bytes",
        doc: "Longest key or value.",
        mutable: true,
        get: |c| c.client.max_bulk_bytes.to_string(),
        put: |c, text| {
            let within = |n: &u64| (1 << 20..=512 << 20).contains(n);
            bytes(text)
                .filter(within)
                .map(|n| c.client.max_bulk_bytes = n)
        },
        ..PLAIN
    },
    Setting {
        name: "client.enable_debug",
        aliases: &["enable-debug-command"],
        default: "false",
        allowed: YES_NO,
        doc: "Allow DEBUG SLEEP.",
        get: |c| yes_no(c.client.enable_debug),
        put: |c, text| truth(text).map(|on| c.client.enable_debug = on),
        ..PLAIN
    },
    Setting {
        name: "peer.bind",
        default: "\"127.0.0.1\"",
        allowed: ADDRESS,
        doc: "Address of the port that nodes talk to each other on.",
        works_alone: false,
        get: |c| c.peer.bind.clone(),
        put: |c, text| address(text).map(|at| c.peer.bind = at),
        ..PLAIN
    },
    Setting {
        name: "peer.port",
        default: "0",
        allowed: PORT,
        doc: "The peer port; 0: client port + 10000.",
        works_alone: false,
        get: |c| c.peer.port.to_string(),
        put: |c, text| number(text, 0..=u16::MAX).map(|n| c.peer.port = n),
        ..PLAIN
    },
    Setting {
        name: "peer.advertise",
        default: "\"\"",
        doc: "Address that other nodes reach this one at; empty: peer.bind.",
        works_alone: false,
        get: |c| c.peer.advertise.clone(),
        put: |c, text| {
            text.clone_into(&mut c.peer.advertise);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "peer.secret",
        default: "\"\"",
        doc: "What nodes prove to each other that they know.",
        works_alone: false,
        get: |c| c.peer.secret.clone(),
        put: |c, text| {
            text.clone_into(&mut c.peer.secret);
            Some(())
        },
        ..PLAIN
    },
    Setting {
        name: "peer.seeds",
        default: "[]",
        allowed: "HOST:PORTs",
        doc: "Nodes to join a cluster through. Clusters of several nodes are not built yet: a \
              seed refuses the start.",
        works_alone: false,
        get: |c| c.peer.seeds.join(" "),
        put: |c, text| hosts(text).map(|all| c.peer.seeds = all),
        ..PLAIN
    },
    Setting {
        name: "http.enabled",
        default: "true",
        allowed: YES_NO,
        doc: "Serve /metrics, /healthz and /readyz.",
        get: |c| yes_no(c.http.enabled),
        put: |c, text| truth(text).map(|on| c.http.enabled = on),
        ..PLAIN
    },
    Setting {
        name: "http.bind",
        default: "\"127.0.0.1\"",
        allowed: ADDRESS,
        doc: "Address of the http port.",
        get: |c| c.http.bind.clone(),
        put: |c, text| address(text).map(|at| c.http.bind = at),
        ..PLAIN
    },
    Setting {
        name: "http.port",
        default: "0",
        allowed: PORT,
        doc: "The http port; 0: client port + 2000.",
        get: |c| c.http.port.to_string(),
        put: |c, text| number(text, 0..=u16::MAX).map(|n| c.http.port = n),
        ..PLAIN
    },
    Setting {
        name: "cluster.partitions",
        default: "256",
        allowed: "a power of two from 64 to 4096",
        unit: "partitions",
        doc: "Partitions of the ring; fixed when the data is made.",
        get: |c| c.cluster.partitions.to_string(),
        put: |c, text| {
            let partitions = number::<u16>(text, 64..=4096).filter(|n| n.is_power_of_two());
            partitions.map(|n| c.cluster.partitions = n)
        },
        ..PLAIN
    },
    Setting {
        name: "cluster.n",
        default: "3",
        allowed: "a whole number from 1 to 16",
        unit: "nodes",
        doc: "Replicas of a key; clipped to the number of members (today: one).",
        get: |c| c.cluster.n.to_string(),
        put: |c, text| number(text, 1..=16).map(|n| c.cluster.n = n),
        ..PLAIN
    },
    Setting {
        name: "cluster.r",
        default: "2",
        allowed: "a whole number from 1 to 16",
        unit: "nodes",
        doc: "Answers that a read waits for, at most n; clipped to the number of members.",
        get: |c| c.cluster.r.to_string(),
        put: |c, text| number(text, 1..=16).map(|n| c.cluster.r = n),
        ..PLAIN
    },
    Setting {
        name: "cluster.w",
        default: "2",
        allowed: "a whole number from 1 to 16",
        unit: "nodes",
        doc: "Acknowledgements that a write waits for, at most n; clipped to the number of \
              members.",
        get: |c| c.cluster.w.to_string(),
        put: |c, text| number(text, 1..=16).map(|n| c.cluster.w = n),
        ..PLAIN
    },
    Setting {
        name: "cluster.dw",
        default: "0",
        allowed: "a whole number from 0 to 16",
        unit: "nodes",
        doc: "How many of the w acknowledgements come after an fsync.",
        works_alone: false,
        get: |c| c.cluster.dw.to_string(),
        put: |c, text| number(text, 0..=16).map(|n| c.cluster.dw = n),
        ..PLAIN
    },
    Setting {
        name: "cluster.sloppy",
        default: "true",
        allowed: YES_NO,
        doc: "Let other nodes stand in for owners that cannot be reached.",
        works_alone: false,
        get: |c| yes_no(c.cluster.sloppy),
        put: |c, text| truth(text).map(|on| c.cluster.sloppy = on),
        ..PLAIN
    },
    Setting {
        name: "cluster.auto_join",
        default: "true",
        allowed: YES_NO,
        doc: "Let nodes that arrive join without a plan being committed.",
        works_alone: false,
        get: |c| yes_no(c.cluster.auto_join),
        put: |c, text| truth(text).map(|on| c.cluster.auto_join = on),
        ..PLAIN
    },
    Setting {
        name: "cluster.request_timeout_ms",
        default: "1000",
        allowed: "a whole number from 1 to 600000",
        unit: "milliseconds",
        doc: "How long a command waits for other nodes.",
        works_alone: false,
        get: |c| c.cluster.request_timeout_ms.to_string(),
        put: |c, text| number(text, 1..=600_000).map(|n| c.cluster.request_timeout_ms = n),
        ..PLAIN
    },
    Setting {
        name: "storage.engine",
        default: "\"fjall\"",
        allowed: "fjall or memory",
        doc: "fjall (durable: commit log and LSM tree) or memory (a cache).",
        get: |c| word_of(&c.storage.engine, ENGINES),
        put: |c, text| word(text, ENGINES).map(|found| c.storage.engine = found),
        ..PLAIN
    },
    Setting {
        name: "storage.durability",
        aliases: &["appendfsync"],
        default: "\"everysec\"",
        allowed: "always, everysec or os",
        doc: "When the log is fsynced: always (before each acknowledgement), everysec, or os \
              (when a segment is full).",
        get: |c| word_of(&c.storage.durability, DURABILITIES),
        put: |c, text| word(text, DURABILITIES).map(|found| c.storage.durability = found),
        ..PLAIN
    },
    Setting {
        name: "storage.cache_bytes",
        default: "\"25%\"",
        allowed: BYTES,
        unit: "bytes",
        doc: "Logical bytes of the table over the tree.",
        get: |c| c.storage.cache_bytes.to_string(),
        put: |c, text| bytes(text).map(|n| c.storage.cache_bytes = n),
        ..PLAIN
    },
    Setting {
        name: "storage.dirty_bytes",
        default: "\"12%\"",
        allowed: BYTES,
        unit: "bytes",
        doc: "Logical bytes of records that the tree does not have yet; beyond, writes wait.",
        get: |c| c.storage.dirty_bytes.to_string(),
        put: |c, text| bytes(text).map(|n| c.storage.dirty_bytes = n),
        ..PLAIN
    },
    Setting {
        name: "storage.segment_bytes",
        default: "\"64mb\"",
        allowed: "from 64kb to 4gb",
        unit: "bytes",
        doc: "Size of a segment of the commit log.",
        get: |c| c.storage.segment_bytes.to_string(),
        put: |c, text| {
            let within = |n: &u64| (1 << 16..=4 << 30).contains(n);
            bytes(text)
                .filter(within)
                .map(|n| c.storage.segment_bytes = n)
        },
        ..PLAIN
    },
    Setting {
        name: "storage.reserve_bytes",
        default: "\"64mb\"",
        allowed: BYTES,
        unit: "bytes",
        doc: "Free space on the disk below which writes are refused.",
        get: |c| c.storage.reserve_bytes.to_string(),
        put: |c, text| bytes(text).map(|n| c.storage.reserve_bytes = n),
        ..PLAIN
    },
    Setting {
        name: "storage.max_memory",
        aliases: &["maxmemory"],
        default: "0",
        allowed: BYTES,
        unit: "bytes",
        doc: "Logical bytes that the memory engine may hold; 0: no bound.",
        mutable: true,
        get: |c| c.storage.max_memory.to_string(),
        put: |c, text| bytes(text).map(|n| c.storage.max_memory = n),
        ..PLAIN
    },
    Setting {
        name: "storage.eviction",
        aliases: &["maxmemory-policy"],
        default: "\"noeviction\"",
        allowed: "one of noeviction, allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru, \
              volatile-lfu, volatile-random, volatile-ttl",
        doc: "What the memory engine does at its bound.",
        mutable: true,
        get: |c| c.storage.eviction.clone(),
        put: |c, text| {
            EVICTIONS
                .contains(&text)
                .then(|| text.clone_into(&mut c.storage.eviction))
        },
        ..PLAIN
    },
    Setting {
        name: "slowlog.slower_than_us",
        aliases: &["slowlog-log-slower-than"],
        default: "10000",
        allowed: "a whole number, -1 or greater",
        unit: "microseconds",
        doc: "Keep commands slower than this; -1: none.",
        mutable: true,
        get: |c| c.slowlog.slower_than_us.to_string(),
        put: |c, text| number(text, -1..=i64::MAX).map(|n| c.slowlog.slower_than_us = n),
        ..PLAIN
    },
    Setting {
        name: "slowlog.max_len",
        aliases: &["slowlog-max-len"],
        default: "128",
        allowed: "a whole number from 0 to 1000000",
        unit: "entries",
        doc: "Entries that SLOWLOG keeps.",
        mutable: true,
        get: |c| c.slowlog.max_len.to_string(),
        put: |c, text| number(text, 0..=1_000_000).map(|n| c.slowlog.max_len = n),
        ..PLAIN
    },
    Setting {
        name: "log.level",
        aliases: &["loglevel"],
        default: "\"info\"",
        allowed: "error, warn, info, debug or trace",
        doc: "What is written to standard error; the variable RUST_LOG, when set, rules instead.",
        get: |c| c.log.level.clone(),
        put: |c, text| {
            LEVELS
                .contains(&text)
                .then(|| text.clone_into(&mut c.log.level))
        },
        ..PLAIN
    },
];
