//! The context decoder before a stranger: no token may make it panic or name an actor unless this
//! cluster made it, and one that it accepts is the only spelling of its history.
//!
//! A first byte below 128: the rest is a token as it came. From 128 on: the rest is the body of a
//! token that an insider signs, so that the parser behind the tag is reached too.

#![no_main]

use std::hash::Hasher as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dynamo::types::{ActorIndex, Database};
use dynamo::version::{ActorTable, ContextKey, decode_context, encode_context};
use libfuzzer_sys::fuzz_target;
use siphasher::sip::SipHasher24;

const SECRET: [u8; 16] = [7; 16];

fn tag(domain: &[u8], body: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher24::new_with_key(&SECRET);
    hasher.write(domain);
    hasher.write(body);
    hasher.finish().to_le_bytes()
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else {
        return;
    };
    let token = if choice < 128 {
        rest.to_vec()
    } else {
        let fingerprint = tag(b"F", b"\0key");
        let mut body = [&[1], &fingerprint[..4], rest].concat();
        let tag = tag(b"T", &body);
        body.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(body).into_bytes()
    };
    let mut actors = ActorTable::default();
    let key = ContextKey(SECRET);
    let intern = |actor| -> ActorIndex { actors.intern(actor).0 };
    match decode_context(&token, Database(0), b"key", &key, intern) {
        Err(_) => assert!(actors.is_empty()),
        Ok(history) => {
            let again = encode_context(&history, Database(0), b"key", &actors, &key);
            assert_eq!(again.as_bytes(), token);
        }
    }
});
