//! Dialing and accepting over loopback: the right secret, the wrong one, strangers of every kind.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::{CLUSTER, accepting, dialing, with_secret};
use crate::env::task;
use crate::peer::*;
use crate::types::ClusterId;

const SECOND: Duration = Duration::from_secs(1);

/// A door on loopback: its address, and who came through.
async fn door(local: Local) -> (String, mpsc::Receiver<(TcpStream, Established)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (sender, receiver) = mpsc::channel(64);
    let run = async move {
        Door::new(listener).run(move || local.clone(), sender).await;
    };
    task::local("door", run);
    (address, receiver)
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        timeout(20 * SECOND, test).await.expect("the test hangs");
    });
}

async fn dialed(address: &str, local: Local) -> Result<(TcpStream, Established), DialError> {
    dial(address, &local, Class::Stream, 3, HANDSHAKE_TIMEOUT).await
}

/// Everything the other side says until it closes.
async fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    // A reset is a close as well: there were bytes that nobody wanted to read.
    let _ = stream.read_to_end(&mut heard).await;
    heard
}

#[test]
fn two_nodes_prove_themselves_and_frames_follow_at_once() {
    run(async {
        let (address, mut proven) = door(accepting()).await;
        let (mut out, at_dialer) = dialed(&address, dialing()).await.expect("they agree");
        let header = Header {
            kind: FrameKind::PROBE,
            cluster: at_dialer.cluster,
            layout: 1,
            hlc: super::HLC,
        };
        let mut frame = Vec::new();
        encode(
            &header,
            |body| body.extend_from_slice(b"there?"),
            &mut frame,
        )
        .expect("small");
        out.write_all(&frame).await.expect("it is open");
        let (mut inward, at_acceptor) = proven.recv().await.expect("it came through");
        assert_eq!(
            (at_dialer.peer, at_acceptor.peer),
            (accepting().node, dialing().node)
        );
        assert_eq!((at_acceptor.class, at_acceptor.worker), (Class::Stream, 3));
        assert!(out.nodelay().expect("open") && inward.nodelay().expect("open"));
        let mut reader = FrameReader::new(at_acceptor.class, at_acceptor.cluster);
        let got = loop {
            if let Some(frame) = reader.next_frame().expect("nothing is wrong") {
                break (frame.header, frame.body.to_vec());
            }
            inward.read_buf(reader.room()).await.expect("it is open");
        };
        assert_eq!(got, (header, b"there?".to_vec()));
        assert_eq!(at_acceptor.cluster, CLUSTER);
    });
}

#[test]
fn the_dialer_learns_nothing_from_a_refusal() {
    run(async {
        let (address, mut proven) = door(accepting()).await;
        let foreign = Local {
            cluster: Some(ClusterId(9)),
            ..dialing()
        };
        let wrong = with_secret(dialing(), b"wrong", None);
        let new = super::with_versions(dialing(), 7, 9);
        for local in [foreign, wrong, new, accepting()] {
            let refused = dialed(&address, local).await;
            assert!(matches!(refused, Err(DialError::Closed)), "{refused:?}");
        }
        assert!(proven.try_recv().is_err());
    });
}

#[test]
fn the_dialer_refuses_an_impostor_before_it_proves_anything() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("it is bound").to_string();
        let impostor = tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.expect("it is dialed");
            let mut hello = [0; HELLO_BYTES];
            stream.read_exact(&mut hello).await.expect("a hello");
            stream
                .write_all(&[1; WELCOME_BYTES])
                .await
                .expect("it is open");
            heard(&mut stream).await
        });
        let refused = dialed(&address, dialing()).await;
        let wrong = Refusal::WrongSecret;
        assert!(
            matches!(refused, Err(DialError::Refused(r)) if r == wrong),
            "{refused:?}"
        );
        assert_eq!(impostor.await.expect("it ran"), b"", "no proof came");
    });
}

#[test]
fn a_stranger_is_dropped_at_its_first_byte_and_hears_nothing() {
    run(async {
        let (address, mut proven) = door(accepting()).await;
        let words: [&[u8]; 4] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"*",
            b"\x16\x03\x01\x02\x00",
            &[0; 500],
        ];
        for word in words {
            let mut stream = TcpStream::connect(&address).await.expect("it listens");
            stream.write_all(word).await.expect("it is open");
            let heard = timeout(SECOND, heard(&mut stream)).await;
            assert_eq!(heard.expect("closed at once"), b"", "{word:?}");
        }
        assert!(proven.try_recv().is_err());
    });
}

#[test]
fn a_hello_without_the_secret_hears_nothing_and_one_with_it_hears_a_welcome() {
    run(async {
        let (address, _proven) = door(accepting()).await;
        let wrong = with_secret(dialing(), b"wrong", None);
        let mut lengths = Vec::new();
        for local in [wrong, dialing()] {
            let dialer = Dialer::new(local, Class::Stream, 0, &[1; 32]);
            let mut stream = TcpStream::connect(&address).await.expect("it listens");
            stream.write_all(dialer.hello()).await.expect("it is open");
            // In the place of a proof.
            stream
                .write_all(&[0; PROOF_BYTES])
                .await
                .expect("it is open");
            lengths.push(heard(&mut stream).await.len());
        }
        assert_eq!(lengths[0], 0);
        // A close with unread bytes may take the welcome away with it; nothing longer comes.
        assert!([0, WELCOME_BYTES].contains(&lengths[1]), "{lengths:?}");
    });
}

#[test]
fn a_slow_stranger_is_closed_in_time() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("it is bound");
        let mut slow = TcpStream::connect(address).await.expect("it listens");
        let (stream, _) = listener.accept().await.expect("it connected");
        let limit = Duration::from_millis(100);
        let drip = tokio::task::spawn_local(async move {
            for byte in b"dynpeer1........" {
                if slow.write_all(&[*byte]).await.is_err() {
                    break;
                }
                crate::env::clock::sleep(Duration::from_millis(30)).await;
            }
            heard(&mut slow).await
        });
        let error = accept(stream, &accepting(), limit).await;
        assert!(
            matches!(error, Err(AcceptError::TimedOut(l)) if l == limit),
            "{error:?}"
        );
        assert_eq!(drip.await.expect("it ran"), b"");
    });
}

#[test]
fn a_dial_that_nobody_answers_ends_in_time() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("it is bound").to_string();
        let limit = Duration::from_millis(100);
        let silent = dial(&address, &dialing(), Class::Bulk, 0, limit).await;
        assert!(matches!(silent, Err(DialError::TimedOut(_))), "{silent:?}");
        drop(listener);
        let nobody = dial(&address, &dialing(), Class::Bulk, 0, limit).await;
        assert!(
            matches!(nobody, Err(DialError::Unreachable(_))),
            "{nobody:?}"
        );
    });
}

#[test]
fn rotation_lets_both_secrets_in() {
    run(async {
        let both = with_secret(accepting(), b"new", Some(b"old"));
        let (address, _proven) = door(both).await;
        for secret in [&b"old"[..], b"new"] {
            let local = with_secret(dialing(), secret, Some(b"new"));
            dialed(&address, local).await.expect("it is valid");
        }
        let third = with_secret(dialing(), b"third", Some(b"new"));
        assert!(dialed(&address, third).await.is_err());
    });
}

#[test]
fn strangers_who_wait_make_room_for_a_peer() {
    run(async {
        let (address, mut proven) = door(accepting()).await;
        let mut strangers = Vec::new();
        for _ in 0..200 {
            let stream = TcpStream::connect(&address).await.expect("it listens");
            strangers.push(stream);
        }
        // All places are taken, and a peer gets in at once all the same.
        let peer = timeout(SECOND, dialed(&address, dialing())).await;
        peer.expect("it need not wait").expect("it is let in");
        assert!(proven.recv().await.is_some());
        let mut closed = 0;
        for stream in &mut strangers {
            let mut byte = [0];
            let read = timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
            closed += usize::from(read.is_ok());
        }
        assert!(closed >= 200 - UNPROVEN_MAX, "{closed} were closed");
    });
}
