//! The peer port before strangers without end. A process of its own, so that its memory is what the
//! door takes and nothing else.

use std::time::Duration;

use dynamo::env::task;
use dynamo::peer::{Class, Door, HANDSHAKE_TIMEOUT, Local, Secrets, UNPROVEN_MAX, VERSIONS, dial};
use dynamo::types::{Actor, ClusterId, Hlc, NodeId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What each stranger sends; kept for all of them it would be 64 MB.
const GARBAGE: [u8; 64 << 10] = [b'd'; 64 << 10];

fn local(node: u128) -> Local {
    Local {
        node: NodeId(node),
        actor: Actor(node as u64),
        cluster: Some(ClusterId(7)),
        hlc: Hlc(1),
        versions: VERSIONS,
        secrets: Secrets::new(b"correct horse", None),
    }
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .expect("it has seven fields");
    pages.parse::<usize>().expect("a number") * 4_096
}

/// One who sends garbage that begins as a hello does, or as none, and hears nothing.
async fn knock(address: &str, begin: &[u8]) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let _ = stream.write_all(begin).await;
    let _ = stream.write_all(&GARBAGE).await;
    let mut heard = Vec::new();
    // A reset is a close too: there were bytes that nobody wanted to read.
    let _ = stream.read_to_end(&mut heard).await;
    assert_eq!(heard, b"");
}

#[test]
fn a_thousand_garbage_connections_do_not_grow_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (sender, mut proven) = mpsc::channel(8);
        let run = async move {
            Door::new(listener).run(|| local(1), sender).await;
        };
        task::local("door", run);
        let mut before = 0;
        for n in 0..1_100 {
            if n == 100 {
                before = resident_bytes();
            }
            let begin: &[u8] = if n % 2 == 0 { b"dynpeer1" } else { b"" };
            knock(&address, begin).await;
        }
        let mut silent = Vec::new();
        for _ in 0..3 * UNPROVEN_MAX {
            silent.push(TcpStream::connect(&address).await.expect("it listens"));
        }
        let second = local(2);
        let peer = dial(&address, &second, Class::Stream, 0, HANDSHAKE_TIMEOUT);
        let peer = timeout(Duration::from_secs(1), peer).await;
        peer.expect("peers need not wait").expect("it is let in");
        assert!(proven.recv().await.is_some());
        assert!(proven.try_recv().is_err(), "nobody else was");
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 8 << 20, "{grown} bytes");
    });
}
