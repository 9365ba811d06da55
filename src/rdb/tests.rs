//! Payloads against those of a real server (redis-server 7.0.15), and against damage.

use proptest::prelude::*;

use super::*;

/// Values, and what DUMP answered for them: integers of each width and beyond, texts that only
/// look like integers, and texts that compress.
#[rustfmt::skip]
const DUMPED: &[(&[u8], &str)] = &[
    (b"", "00000a005d9b5c400f7fa2da"),
    (b"hello", "000568656c6c6f0a006372df766534200a"),
    (b"0", "00c0000a009840a778f8500308"),
    (b"-1", "00c0ff0a000c937e2485089dc5"),
    (b"127", "00c07f0a000db5eb315254c514"),
    (b"-129", "00c17fff0a001760822854808480"),
    (b"32768", "00c2008000000a0045d82eedd5bda910"),
    (b"2147483648", "000a323134373438333634380a00e7b129a34c1d76ee"),
    (b"007", "00033030370a007258e27b4c69bad9"),
    (b"aaaaaaaaaaaaaaaaaaaa", "001461616161616161616161616161616161616161610a0083b46b5e1b11acf1"),
    (b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "00c3091e016161e011000161610a0045737cbb2b647bbb"),
    (b"abcabcabdabcabcabdabcabcabdabcabcabdabcabcabdabcabcab\
        dabcabcabdabcabcabdabcabcabdabcabcabdabcabcabdabcabcabd",
        "00c313406c0361626361400200646005200be050080162640a00eb35c768d8358362"),
    (b"the quick brown fox the quick red fox the slow brown fox",
        "00c32a381474686520717569636b2062726f776e20666f782074e0001302726564e0001103736c6f77c0\
        24016f780a0029e62523f5027088"),
];

/// A list of one element.
const DUMPED_LIST: &str = "1201020a0a0000000100816102ff0a0009b9edf594ded995";

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a fixture") as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// A payload with a right footer around whatever body.
fn seal(body: &[u8], version: u16) -> Vec<u8> {
    let mut payload = body.to_vec();
    payload.extend_from_slice(&version.to_le_bytes());
    payload.extend_from_slice(&crc64::checksum(&payload).to_le_bytes());
    payload
}

#[test]
fn dump_writes_what_redis_writes() {
    for (value, payload) in DUMPED {
        assert_eq!(
            dump_string(value),
            unhex(payload),
            "{}",
            value.escape_ascii()
        );
    }
}

#[test]
fn restore_reads_what_redis_writes() {
    for (value, payload) in DUMPED {
        assert_eq!(
            restore(&unhex(payload)),
            Ok(Restored::String(value.to_vec()))
        );
    }
}

#[test]
fn types_that_are_not_known_are_bad_data() {
    assert_eq!(restore(&unhex(DUMPED_LIST)), Err(RestoreError::Format));
}

#[test]
fn versions_up_to_that_of_redis_7_2_are_read() {
    let body = [string::TYPE, 1, b'x'];
    for version in [6, 10, 11] {
        assert_eq!(
            restore(&seal(&body, version)),
            Ok(Restored::String(b"x".to_vec()))
        );
    }
    assert_eq!(restore(&seal(&body, 12)), Err(RestoreError::Footer));
}

#[test]
fn every_damaged_bit_is_noticed() {
    let payload = dump_string(b"the quick brown fox");
    for bit in 0..payload.len() * 8 {
        let mut damaged = payload.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(restore(&damaged), Err(RestoreError::Footer), "bit {bit}");
    }
    for cut in 0..payload.len() {
        assert_eq!(
            restore(&payload[..cut]),
            Err(RestoreError::Footer),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_length_that_is_not_there_is_refused_without_allocating_it() {
    let huge = u64::MAX.to_be_bytes();
    let plain = [&[string::TYPE, 0x81][..], &huge].concat();
    assert_eq!(restore(&seal(&plain, 10)), Err(RestoreError::Format));
    // 512 MB of text said to stand in six compressed bytes.
    let bomb = [
        string::TYPE,
        0xc3,
        6,
        0x80,
        0x20,
        0,
        0,
        0,
        0,
        b'a',
        0xe0,
        0xff,
        0,
        0,
    ];
    assert_eq!(restore(&seal(&bomb, 10)), Err(RestoreError::Format));
}

#[test]
fn errors_are_worded_as_redis_words_them() {
    assert_eq!(
        RestoreError::Footer.to_string(),
        "ERR DUMP payload version or checksum are wrong"
    );
    assert_eq!(RestoreError::Format.to_string(), "ERR Bad data format");
}

proptest! {
    #[test]
    fn restore_undoes_dump(value in proptest::collection::vec(0_u8..3, 0..2000)) {
        prop_assert_eq!(restore(&dump_string(&value)), Ok(Restored::String(value)));
    }

    #[test]
    fn integers_come_back_as_their_text(integer in any::<i64>(), shift in 0_u32..64) {
        let value = (integer >> shift).to_string().into_bytes();
        prop_assert_eq!(restore(&dump_string(&value)), Ok(Restored::String(value)));
    }

    #[test]
    fn no_body_makes_restore_panic(mut body in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Some(kind) = body.first_mut() {
            *kind %= 2;
        }
        let _ = restore(&seal(&body, 10));
        let _ = restore(&body);
    }
}
