//! The server's own commands through the dispatcher.

use std::collections::BTreeSet;

use crate::commands::Registry;
use crate::commands::testing::Bench;

/// What one node has to know, as it was promised; `a|b` is a subcommand.
const PROMISED: &str = "\
    hello auth ping echo select quit reset client client|id client|getname client|setname \
    client|setinfo client|info client|list client|kill client|reply client|pause client|unpause \
    client|unblock client|no-evict client|no-touch client|trackinginfo client|help \
    info config|get config|set config|resetstat config|rewrite command command|count command|info \
    command|list command|docs command|getkeys dbsize time role module|list acl|whoami save bgsave \
    lastsave flushdb flushall move memory|usage slowlog|get slowlog|len slowlog|reset \
    latency|latest latency|history latency|reset latency|doctor latency|graph latency|histogram \
    monitor shutdown lolwut debug \
    del unlink exists type touch rename renamenx copy randomkey keys scan expire pexpire expireat \
    pexpireat ttl pttl expiretime pexpiretime persist object|encoding object|freq object|idletime \
    object|refcount object|help dump restore wait waitaof \
    set get getdel getex getset getrange substr setrange strlen append incr incrby decr decrby \
    incrbyfloat mget mset msetnx setnx setex psetex lcs \
    setbit getbit bitcount bitpos bitop bitfield bitfield_ro \
    multi exec discard watch unwatch \
    subscribe unsubscribe psubscribe punsubscribe publish pubsub|channels pubsub|numsub \
    pubsub|numpat getversions mgetversions putctx delctx quorum policy|set policy|get policy|del \
    policy|list";

#[test]
fn every_promised_command_is_there_and_listed() {
    let mut bench = Bench::new();
    let listed = bench.run("COMMAND LIST FILTERBY PATTERN *");
    let listed: BTreeSet<&str> = listed.trim_matches(['[', ']']).split(", ").collect();
    for name in PROMISED.split_whitespace() {
        assert!(listed.contains(name), "{name} is missing");
        let info = bench.run(&format!("COMMAND INFO {name}"));
        assert!(info.starts_with(&format!("[[{name}, ")), "{info}");
        let docs = bench.run(&format!("COMMAND DOCS {name}"));
        assert!(docs.starts_with(&format!("[{name}, [summary, ")), "{docs}");
    }
    let count = Registry::get().top_level().count();
    assert_eq!(bench.run("COMMAND COUNT"), format!(":{count}"));
    for absent in ["EVAL", "LPUSH k v", "HSET k f v"] {
        let reply = bench.run(absent);
        assert!(reply.starts_with("-ERR unknown command '"), "{reply}");
    }
}

/// Fields that redis-cli, `redis_exporter`, `RedisInsight`, Datadog and ioredis read.
const READ_BY_TOOLS: &str = "\
    redis_version redis_build_id redis_mode server_name os arch_bits tcp_port run_id process_id \
    uptime_in_seconds uptime_in_days hz configured_hz config_file \
    connected_clients blocked_clients maxclients \
    used_memory used_memory_rss used_memory_peak used_memory_lua used_memory_startup \
    used_memory_overhead used_memory_dataset maxmemory maxmemory_policy mem_fragmentation_ratio \
    number_of_cached_scripts loading rdb_bgsave_in_progress rdb_changes_since_last_save \
    rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec \
    rdb_current_bgsave_time_sec aof_enabled aof_rewrite_in_progress aof_last_write_status \
    total_connections_received total_commands_processed instantaneous_ops_per_sec \
    instantaneous_input_kbps instantaneous_output_kbps rejected_connections expired_keys \
    evicted_keys keyspace_hits keyspace_misses role connected_slaves master_replid \
    master_repl_offset repl_backlog_size repl_backlog_active repl_backlog_histlen used_cpu_sys \
    used_cpu_user cluster_enabled";

#[test]
fn info_has_the_sections_and_fields_that_tools_read() {
    let mut bench = Bench::new();
    bench.check(&[("SET a 1 PX 5000", "+OK"), ("SET b 1", "+OK")]);
    let info = bench.run("INFO ALL");
    for section in [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Stats",
        "Replication",
        "CPU",
        "Commandstats",
        "Latencystats",
        "Errorstats",
        "Cluster",
        "Keyspace",
        "Dynamo",
    ] {
        let header = format!("# {section}\r\n");
        assert!(
            info.starts_with(&header) || info.contains(&format!("\r\n\r\n{header}")),
            "{info}"
        );
    }
    let fields: BTreeSet<&str> = info
        .split("\r\n")
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    for name in READ_BY_TOOLS.split_whitespace() {
        assert!(fields.contains(name), "{name} is missing");
    }
    // Read by position.
    assert!(
        info.contains("\r\ndb0:keys=2,expires=1,avg_ttl=5000\r\n"),
        "{info}"
    );
    assert!(info.contains("\r\nloading:0\r\n"));
}

#[test]
fn info_counts_calls_durations_and_errors_by_name() {
    let mut bench = Bench::new();
    bench
        .node
        .stats
        .add_worker(std::sync::Arc::clone(&bench.stats));
    bench.run("INCR");
    bench.check(&[
        ("SET a x", "+OK"),
        ("INCR a", "-ERR value is not an integer or out of range"),
    ]);
    let info = bench.run("INFO everything");
    let line = |start: &str| {
        info.split("\r\n")
            .find(|line| line.starts_with(start))
            .map(str::to_owned)
    };
    let set = line("cmdstat_set:").expect("SET was called");
    assert!(set.starts_with("cmdstat_set:calls=1,usec="), "{set}");
    assert!(set.contains(",usec_per_call=") && set.ends_with(",rejected_calls=0,failed_calls=0"));
    let incr = line("cmdstat_incr:").expect("INCR was called");
    assert!(incr.ends_with(",failed_calls=1"), "{incr}");
    let latency = line("latency_percentiles_usec_set:").expect("it took a time");
    assert!(latency.contains("p50=") && latency.contains(",p99=") && latency.contains(",p99.9="));
    assert!(line("errorstat_ERR:").is_some_and(|line| line.starts_with("errorstat_ERR:count=")));
    // The sections by default are Redis's.
    let info = bench.run("INFO");
    assert!(info.contains("# Errorstats") && !info.contains("# Commandstats"));
    assert_eq!(bench.run("INFO nosuch"), "");
    bench.check(&[("CONFIG RESETSTAT", "+OK")]);
    assert!(!bench.run("INFO commandstats").contains("cmdstat_set:"));
}

#[test]
fn config_set_takes_all_or_none_and_nothing_that_is_fixed() {
    let mut bench = Bench::new();
    bench.check(&[
        ("CONFIG SET timeout 7 maxmemory 1mb", "+OK"),
        ("CONFIG GET timeout", "[timeout, 7]"),
        (
            "CONFIG GET storage.max_memory",
            "[storage.max_memory, 1048576]",
        ),
        (
            "CONFIG SET timeout 8 port 1",
            "-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable \
             config",
        ),
        (
            "CONFIG SET timeout 8 nosuch 1",
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (
            "CONFIG SET timeout 8 timeout 9",
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter",
        ),
        ("CONFIG GET timeout", "[timeout, 7]"),
        (
            "CONFIG SET timeout",
            "-ERR wrong number of arguments for 'config|set' command",
        ),
        (
            "CONFIG REWRITE",
            "-ERR The server is running without a config file",
        ),
    ]);
    for fixed in [
        "dir",
        "bind",
        "node.data_dir",
        "peer.bind",
        "http.bind",
        "http.port",
        "peer.secret",
    ] {
        let reply = bench.run(&format!("CONFIG SET {fixed} x"));
        assert!(
            reply.ends_with("can't set immutable config"),
            "{fixed}: {reply}"
        );
    }
}

#[test]
fn config_rewrite_keeps_what_was_set_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("dynamo.toml");
    std::fs::write(&file, "# ours\n[client]\ntimeout_seconds = 5 # idle\n").expect("written");
    let mut bench = Bench::new();
    let mut config = bench.node.config.load().as_ref().clone();
    config.client.timeout_seconds = 5;
    config.file = Some(file.clone());
    bench.node.apply(config);
    bench.check(&[("CONFIG SET timeout 9", "+OK"), ("CONFIG REWRITE", "+OK")]);
    let text = std::fs::read_to_string(&file).expect("is there");
    assert_eq!(text, "# ours\n[client]\ntimeout_seconds = 9 # idle\n");
    std::fs::remove_file(&file).expect("was there");
    let reply = bench.run("CONFIG REWRITE");
    assert!(
        reply.starts_with("-ERR Rewriting config file: No such file"),
        "{reply}"
    );
}

#[test]
fn debug_sleeps_only_where_that_is_allowed() {
    use crate::commands::Wait;
    use crate::commands::dispatch::Ended;
    let mut bench = Bench::new();
    let reply = bench.run("DEBUG SLEEP 1");
    assert!(
        reply.starts_with("-ERR DEBUG command not allowed."),
        "{reply}"
    );
    let mut config = bench.node.config.load().as_ref().clone();
    config.client.enable_debug = true;
    bench.node.apply(config);
    let (ended, _) = bench.end(&[b"DEBUG", b"SLEEP", b"0.5"]);
    let half = std::time::Duration::from_millis(500);
    assert_eq!(ended, Ended::Wait(Wait::Sleep(half)));
    let reply = bench.run("DEBUG OBJECT a");
    assert!(
        reply.starts_with("-ERR unknown subcommand 'OBJECT'"),
        "{reply}"
    );
    // Locks are held inside a transaction: nothing sleeps there.
    bench.check(&[
        ("MULTI", "+OK"),
        ("DEBUG SLEEP 1", "+QUEUED"),
        ("WAIT 1 0", "+QUEUED"),
    ]);
    bench.check(&[(
        "EXEC",
        "[-ERR Command not allowed inside a transaction, :0]",
    )]);
}

#[test]
fn what_a_node_is_in_a_few_words() {
    let mut bench = Bench::new();
    bench.check(&[
        ("ROLE", "[master, :0, []]"),
        ("MODULE LIST", "[]"),
        ("ACL WHOAMI", "default"),
        ("TIME", "[1700000000, 0]"),
        ("LASTSAVE", ":1700000000"),
        ("LATENCY LATEST", "[]"),
        ("LATENCY RESET", ":0"),
        (
            "CLUSTER INFO",
            "-ERR This instance has cluster support disabled",
        ),
        ("DBSIZE", ":0"),
        ("MEMORY USAGE nosuch", "nil"),
        ("BGSAVE", "+Background saving started"),
    ]);
    let lolwut = bench.run("LOLWUT");
    assert!(lolwut.contains("Dynamo ver. "), "{lolwut}");
    let doctor = bench.run("MEMORY DOCTOR");
    assert!(doctor.contains("storage.max_memory"), "{doctor}");
}
