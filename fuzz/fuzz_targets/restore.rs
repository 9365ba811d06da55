//! RESTORE before a stranger: no payload may make it panic or allocate what is not there, and a
//! string it takes comes back from its own DUMP.
//!
//! The input is a payload without its footer, so that the fuzzer need not find a checksum; it is
//! also tried as it is.

#![no_main]

use dynamo::rdb::{Restored, crc64, dump_string, restore};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = restore(body);
    let mut payload = body.to_vec();
    payload.extend_from_slice(&10_u16.to_le_bytes());
    let checksum = crc64::checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    if let Ok(Restored::String(value)) = restore(&payload) {
        assert_eq!(restore(&dump_string(&value)), Ok(Restored::String(value)));
    }
});
