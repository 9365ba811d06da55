//! The Rust client that users use, unmodified, against a real node: blocking and asynchronous
//! connections, RESP2 and RESP3, transactions and pub/sub.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test of sockets lives in real time; a panic is how it fails, in its helpers too"
)]

mod common;

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use common::server::{Launch, Server};
use redis::aio::ConnectionManager;
use redis::{AsyncTypedCommands, ErrorKind, PushKind, ServerErrorKind, TypedCommands};

const PROTOCOLS: [&str; 2] = ["", "?protocol=resp3"];
const PATIENCE: Duration = Duration::from_secs(10);

/// A node without a disk, and the directory it was given all the same.
struct Node {
    server: Server,
    _directory: tempfile::TempDir,
}

impl Node {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            server: Launch::memory(&directory.path().join("data")).start(),
            _directory: directory,
        }
    }

    /// A client of this node; the rest of its address is a database, or `?protocol=resp3`.
    fn client(&self, rest: &str) -> redis::RedisResult<redis::Client> {
        redis::Client::open(format!("redis://127.0.0.1:{}/{rest}", self.server.port))
    }
}

#[test]
fn blocking_connections_store_and_expire() {
    let node = Node::start();
    for protocol in PROTOCOLS {
        let mut connection = node.client(protocol).unwrap().get_connection().unwrap();
        let value: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        connection.set("key", value.as_slice()).unwrap();
        let found: Vec<u8> = redis::cmd("GET").arg("key").query(&mut connection).unwrap();
        assert!(found == value, "1 MB must come back as it was");
        assert_eq!(connection.get("none").unwrap(), None);
        assert_eq!(connection.incr("number", 41).unwrap(), 41);
        assert_eq!(connection.decr("number", 1).unwrap(), 40);
        assert!(connection.expire("number", 100).unwrap());
        let left: i64 = redis::cmd("TTL")
            .arg("number")
            .query(&mut connection)
            .unwrap();
        assert!((99..=100).contains(&left), "{left} s are left");
        connection.mset(&[("one", "1"), ("two", "2")]).unwrap();
        let names = ["one", "none", "two"];
        let found: Vec<Option<String>> = redis::cmd("MGET")
            .arg(&names)
            .query(&mut connection)
            .unwrap();
        assert_eq!(found, [Some("1".into()), None, Some("2".into())]);
        assert_eq!(connection.del(&["one", "two", "none"]).unwrap(), 2);
        assert_eq!(connection.get_del("number").unwrap().unwrap(), "40");
        assert!(!connection.exists("number").unwrap());
    }
}

#[test]
fn errors_keep_their_code_and_the_connection() {
    let node = Node::start();
    for protocol in PROTOCOLS {
        let mut connection = node.client(protocol).unwrap().get_connection().unwrap();
        connection.set("text", "no number").unwrap();
        let error = connection.incr("text", 1).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ResponseError)
        );
        assert_eq!(
            error.detail(),
            Some("value is not an integer or out of range")
        );
        let error = redis::cmd("NOSUCH")
            .arg("a")
            .exec(&mut connection)
            .unwrap_err();
        let expected = "unknown command 'NOSUCH', with args beginning with: 'a' ";
        assert_eq!(error.detail(), Some(expected));
        assert_eq!(connection.ping().unwrap(), "PONG");
    }
}

#[test]
fn pipelines_and_transactions_answer_in_order() {
    let node = Node::start();
    for protocol in PROTOCOLS {
        let mut connection = node.client(protocol).unwrap().get_connection().unwrap();
        let mut pipeline = redis::pipe();
        for number in 0..2_000 {
            pipeline.set(format!("key:{number}"), number).ignore();
            pipeline.get(format!("key:{number}"));
        }
        let found: Vec<usize> = pipeline.query(&mut connection).unwrap();
        assert_eq!(found, (0..2_000).collect::<Vec<_>>());
        let (number, text): (i64, String) = redis::pipe()
            .atomic()
            .set("number", 1)
            .ignore()
            .incr("number", 1)
            .get("number")
            .query(&mut connection)
            .unwrap();
        assert_eq!((number, text.as_str()), (2, "2"));
    }
}

#[test]
fn watched_increments_from_four_threads_lose_nothing() {
    let node = Node::start();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let mut connection = node.client("").unwrap().get_connection().unwrap();
                for _ in 0..25 {
                    let work = |connection: &mut redis::Connection, pipe: &mut redis::Pipeline| {
                        let old = connection.get_int("number")?.unwrap_or(0);
                        pipe.set("number", old + 1).ignore().query(connection)
                    };
                    let () = redis::transaction(&mut connection, &["number"], work).unwrap();
                }
            });
        }
    });
    let mut connection = node.client("").unwrap().get_connection().unwrap();
    assert_eq!(connection.get_int("number").unwrap(), Some(100));
}

#[test]
fn scan_finds_each_key_once() {
    let node = Node::start();
    let mut connection = node.client("").unwrap().get_connection().unwrap();
    let names: Vec<String> = (0..500).map(|number| format!("scan:{number:03}")).collect();
    for name in &names {
        connection.set(name, 1).unwrap();
    }
    let found = connection.scan_match::<_, String>("scan:*").unwrap();
    let mut found: Vec<String> = found.collect::<Result<_, _>>().unwrap();
    found.sort();
    assert_eq!(found, names);
}

#[test]
fn databases_are_apart() {
    let node = Node::start();
    let mut zero = node.client("").unwrap().get_connection().unwrap();
    let mut three = node.client("3").unwrap().get_connection().unwrap();
    three.set("key", "three").unwrap();
    assert_eq!(zero.get("key").unwrap(), None);
    redis::cmd("SELECT").arg(3).exec(&mut zero).unwrap();
    assert_eq!(zero.get("key").unwrap().unwrap(), "three");
    assert!(node.client("16").unwrap().get_connection().is_err());
}

#[test]
fn blocking_subscribers_hear_messages_and_leave() {
    let node = Node::start();
    let client = node.client("").unwrap();
    let mut listener = client.get_connection().unwrap();
    let mut sender = client.get_connection().unwrap();
    {
        let mut subscription = listener.as_pubsub();
        subscription.set_read_timeout(Some(PATIENCE)).unwrap();
        subscription.subscribe("news").unwrap();
        subscription.psubscribe("n*").unwrap();
        assert_eq!(sender.publish("news", "first").unwrap(), 2);
        let mut heard: Vec<(String, bool)> = (0..2)
            .map(|_| subscription.get_message().unwrap())
            .map(|message| (message.get_payload().unwrap(), message.from_pattern()))
            .collect();
        heard.sort();
        assert_eq!(
            heard,
            [("first".to_owned(), false), ("first".to_owned(), true)]
        );
        subscription.unsubscribe("news").unwrap();
        subscription.punsubscribe("n*").unwrap();
    }
    assert_eq!(sender.publish("news", "nobody").unwrap(), 0);
    assert_eq!(listener.ping().unwrap(), "PONG");
}

#[tokio::test]
async fn multiplexed_connections_overlap_commands() {
    let node = Node::start();
    for protocol in PROTOCOLS {
        let client = node.client(protocol).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        let (mut one, mut two) = (connection.clone(), connection.clone());
        let name = format!("number{protocol}");
        tokio::join!(
            async {
                for _ in 0..200 {
                    one.incr(&name, 1).await.unwrap();
                }
            },
            async {
                for _ in 0..200 {
                    two.incr(&name, 1).await.unwrap();
                }
            }
        );
        let mut connection = connection;
        assert_eq!(connection.get_int(&name).await.unwrap(), Some(400));
        let (text, number): (String, i64) = redis::pipe()
            .atomic()
            .get(&name)
            .incr(&name, 1)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!((text.as_str(), number), ("400", 401));
    }
}

#[tokio::test]
async fn a_connection_manager_comes_back_after_a_kill() {
    let node = Node::start();
    for protocol in PROTOCOLS {
        let client = node.client(protocol).unwrap();
        let mut manager = ConnectionManager::new(client.clone()).await.unwrap();
        manager.set("key", "before").await.unwrap();
        let id: i64 = redis::cmd("CLIENT")
            .arg("ID")
            .query_async(&mut manager)
            .await
            .unwrap();
        let mut other = client.get_multiplexed_async_connection().await.unwrap();
        let mut kill = redis::cmd("CLIENT");
        let killed: i64 = kill
            .arg("KILL")
            .arg("ID")
            .arg(id)
            .query_async(&mut other)
            .await
            .unwrap();
        assert_eq!(killed, 1);
        // The command that meets the closed connection may fail; the manager then reconnects.
        let mut found = manager.get("key").await;
        for _ in 0..100 {
            if found.is_ok() {
                break;
            }
            found = manager.get("key").await;
        }
        assert_eq!(found.unwrap().as_deref(), Some("before"));
    }
}

#[tokio::test]
async fn resp3_pushes_reach_an_ordinary_connection() {
    let node = Node::start();
    let client = node.client("?protocol=resp3").unwrap();
    let (pushes, received) = sync_channel(64);
    let config = redis::AsyncConnectionConfig::new()
        .set_push_sender(move |push: redis::PushInfo| pushes.try_send(push).map_err(|_| "full"));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap();
    connection.subscribe("news").await.unwrap();
    connection.psubscribe("n*").await.unwrap();
    // In RESP3 the same connection goes on running commands.
    connection.set("key", "value").await.unwrap();
    assert_eq!(connection.publish("news", "first").await.unwrap(), 2);
    assert_eq!(
        connection.get("key").await.unwrap().as_deref(),
        Some("value")
    );
    let mut kinds: Vec<PushKind> = Vec::new();
    while kinds.len() < 4 {
        kinds.push(received.recv_timeout(PATIENCE).unwrap().kind);
    }
    for kind in [
        PushKind::Subscribe,
        PushKind::PSubscribe,
        PushKind::Message,
        PushKind::PMessage,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} is not among {kinds:?}");
    }
    connection.unsubscribe("news").await.unwrap();
    connection.punsubscribe("n*").await.unwrap();
    assert_eq!(connection.publish("news", "nobody").await.unwrap(), 0);
}

#[tokio::test]
async fn hello_and_info_name_the_server() {
    let node = Node::start();
    let client = node.client("?protocol=resp3").unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let hello: redis::Value = redis::cmd("HELLO")
        .query_async(&mut connection)
        .await
        .unwrap();
    let fields: Vec<(String, redis::Value)> = redis::from_redis_value(hello).unwrap();
    let text = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| name == wanted);
        redis::from_redis_value::<String>(found.unwrap().1.clone()).unwrap()
    };
    assert_eq!(
        (text("proto").as_str(), text("role").as_str()),
        ("3", "master")
    );
    assert!(text("version").starts_with("7.2."), "{}", text("version"));
    let info: redis::InfoDict = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(info.get::<String>("server_name").as_deref(), Some("dynamo"));
}
