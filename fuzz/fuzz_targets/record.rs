//! The record decoder before a damaged disk or a broken peer: no bytes may make it panic, what it
//! accepts has one spelling, and what it accepts merges with itself to itself.

#![no_main]

use dynamo::record::codec::{Peek, decode, encode, encode_simple, peek};
use dynamo::record::merge;
use dynamo::version::Floor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let peeked = peek(bytes);
    let Ok(record) = decode(bytes) else {
        assert!(!matches!(peeked, Ok(Peek::Simple(_))));
        return;
    };
    let mut again = Vec::new();
    encode(&record, &mut again);
    assert_eq!(again, bytes);
    if let Ok(Peek::Simple(simple)) = peeked {
        again.clear();
        encode_simple(&simple, &mut again);
        assert_eq!(again, bytes);
    }
    let merged = merge(record.clone(), Floor::NONE, record.clone(), Floor::NONE);
    assert_eq!(merged, record);
});
