//! What a peer, or who passes for one, may send: frames, acknowledgements, batches of operations and
//! the messages of a handshake. No bytes may panic or allocate beyond themselves, and what is accepted
//! has one spelling.
//!
//! The first byte chooses what the rest of the input is.

#![no_main]

use dynamo::peer::{
    Acceptor, Ack, Batch, Class, Dialer, FRAME_BYTES_MAX, FrameReader, HEADER_BYTES, HELLO_BYTES,
    Header, Local, PROOF_BYTES, Secrets, Unparsed, VERSIONS, WELCOME_BYTES, encode, parse,
};
use dynamo::types::{Actor, ClusterId, Hlc, NodeId};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

const SECRET: &[u8] = b"correct horse";

fn local(node: u128) -> Local {
    Local {
        node: NodeId(node),
        actor: Actor(1),
        cluster: Some(ClusterId(7)),
        hlc: Hlc(1),
        versions: VERSIONS,
        secrets: Secrets::new(SECRET, None),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    match choice % 6 {
        0 => frames(bytes),
        1 => {
            if let Ok(ack) = Ack::decode(bytes) {
                assert!(ack.except.len() + ack.later.len() <= bytes.len());
                let mut again = Vec::new();
                ack.encode(&mut again);
                assert_eq!(again, bytes);
            }
        }
        2 => {
            if let Ok(batch) = Batch::decode(bytes) {
                assert_eq!(batch.iter().count() as u64, batch.count);
                let mut again = Vec::new();
                batch.encode(&mut again);
                assert_eq!(again, bytes);
            }
        }
        3 => handshake(bytes),
        4 => {
            let dialer = Dialer::new(local(2), Class::Stream, 0, &[1; 32]);
            assert!(dialer.welcomed(&padded::<WELCOME_BYTES>(bytes)).is_err());
        }
        _ => {
            // Fields of any content with a right tag: the decoder behind the tag is reached.
            let mut hello = padded::<HELLO_BYTES>(bytes);
            hello[..8].copy_from_slice(b"dynpeer1");
            let (fields, tag) = hello.split_at_mut(HELLO_BYTES - PROOF_BYTES);
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any length");
            mac.update(b"dynamo peer hell");
            mac.update(fields);
            tag.copy_from_slice(&mac.finalize().into_bytes());
            if let Ok(acceptor) = Acceptor::greeted(&local(1), &hello, &[2; 32]) {
                assert!(acceptor.proved(&[0; PROOF_BYTES]).is_err());
            }
        }
    }
});

/// Frames in pieces, as a connection brings them; and one whose checksum is made right.
fn frames(bytes: &[u8]) {
    let mut reader = FrameReader::new(Class::Bulk, ClusterId(7));
    let mut given = 0;
    'pieces: for piece in bytes.chunks(37) {
        reader.room().extend_from_slice(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => given += frame.consumed,
                Ok(None) => break,
                Err(_) => break 'pieces,
            }
        }
    }
    assert!(given <= bytes.len());

    let Some((&flags, rest)) = bytes.split_first() else { return };
    let header = Header {
        kind: dynamo::peer::FrameKind(flags >> 1),
        cluster: ClusterId(7),
        layout: 1,
        hlc: Hlc(1),
    };
    let mut frame = Vec::new();
    if encode(&header, |out| out.extend_from_slice(rest), &mut frame).is_err() {
        return;
    }
    frame[9] = flags & 1;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..4]);
    crc.update(&frame[8..]);
    let crc = crc.finalize().to_le_bytes();
    frame[4..8].copy_from_slice(&crc);
    match parse(&frame, FRAME_BYTES_MAX) {
        Ok(parsed) => {
            assert_eq!(parsed.consumed, frame.len());
            assert!(parsed.body.len() <= frame.len() - HEADER_BYTES);
            let _ = parsed.extensions.get(u64::from(flags));
        }
        Err(Unparsed::Bad(_)) => assert_eq!(flags & 1, 1),
        Err(Unparsed::Incomplete { .. }) => panic!("it is whole"),
    }
}

fn handshake(bytes: &[u8]) {
    let hello = padded::<HELLO_BYTES>(bytes);
    // The only hello that is good without the secret is one that was heard: the corpus has it.
    if let Ok(acceptor) = Acceptor::greeted(&local(1), &hello, &[2; 32]) {
        assert!(acceptor.proved(&padded(bytes)).is_err());
    }
}

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut all = [0; N];
    all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    all
}
