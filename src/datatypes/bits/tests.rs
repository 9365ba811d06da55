//! Bit commands against their definition, one bit at a time, and against answers of Redis.

use proptest::prelude::*;

use super::*;

#[allow(
    clippy::unnecessary_wraps,
    reason = "what the functions under test take"
)]
fn range(start: i64, end: impl Into<Option<i64>>, unit: Unit) -> Option<Range> {
    Some(Range {
        start,
        end: end.into(),
        unit,
    })
}

fn bits_of(value: &[u8]) -> Vec<bool> {
    (0..value.len() as u64 * 8)
        .map(|offset| get(value, offset))
        .collect()
}

#[test]
fn bits_are_numbered_from_the_most_significant() {
    let mut value = Vec::new();
    assert!(!set(&mut value, 7, true));
    assert_eq!(value, [1]);
    assert!(!set(&mut value, 8, true));
    assert_eq!(value, [1, 0x80]);
    assert!(set(&mut value, 7, false));
    assert_eq!(value, [0, 0x80]);
    assert!(get(&value, 8) && !get(&value, 9) && !get(&value, u64::MAX));
}

#[test]
fn clearing_a_bit_behind_the_end_grows_the_value() {
    let mut value = Vec::new();
    assert!(!set(&mut value, 20, false));
    assert_eq!(value, [0, 0, 0]);
}

#[test]
fn offsets_end_with_the_longest_string() {
    assert_eq!(parse_offset(b"4294967295"), Ok(4_294_967_295));
    for wrong in ["4294967296", "-1", "", "x", "1.0", "9223372036854775808"] {
        assert_eq!(
            parse_offset(wrong.as_bytes()),
            Err(BitError::Offset),
            "{wrong}"
        );
    }
}

#[test]
fn a_bit_that_is_none_is_refused_in_the_words_of_its_command() {
    assert_eq!(parse_bit(b"1"), Ok(true));
    assert_eq!(parse_wanted(b"0"), Ok(false));
    let text = |refused: Result<bool, BitError>| refused.unwrap_err().to_string();
    assert_eq!(
        text(parse_bit(b"2")),
        "ERR bit is not an integer or out of range"
    );
    assert_eq!(
        text(parse_wanted(b"2")),
        "ERR The bit argument must be 1 or 0."
    );
    assert_eq!(
        text(parse_wanted(b"x")),
        "ERR value is not an integer or out of range"
    );
    assert_eq!(Operator::parse(b"xOr"), Some(Operator::Xor));
    assert_eq!(Unit::parse(b"bits"), None);
}

#[test]
fn counts_are_those_of_redis() {
    // Answers of redis-server 7.0.15 on "foobar".
    for (wanted, part) in [
        (26, None),
        (4, range(0, 0, Unit::Byte)),
        (6, range(1, 1, Unit::Byte)),
        (17, range(5, 30, Unit::Bit)),
        (7, range(-2, -1, Unit::Byte)),
        (0, range(-1, -2, Unit::Byte)),
        (0, range(-100, -200, Unit::Byte)),
        (4, range(-200, -100, Unit::Byte)),
        (0, range(6, 9, Unit::Byte)),
    ] {
        assert_eq!(count(b"foobar", part), wanted, "{part:?}");
    }
}

#[test]
fn positions_are_those_of_redis() {
    // Answers of redis-server 7.0.15.
    let full = b"\xff\xff\xff";
    assert_eq!(position(full, false, None), 24);
    assert_eq!(position(full, false, range(1, None, Unit::Byte)), 24);
    assert_eq!(position(full, false, range(0, -1, Unit::Byte)), -1);
    assert_eq!(position(full, false, range(3, None, Unit::Byte)), -1);
    assert_eq!(position(full, true, range(2, None, Unit::Byte)), 16);
    assert_eq!(position(b"\0\0\0", true, None), -1);
    assert_eq!(position(b"\x00\xff\xf0", true, range(7, 15, Unit::Bit)), 8);
    assert_eq!(
        position(b"\xff\xf0\x00", false, range(2, 11, Unit::Bit)),
        -1
    );
    assert_eq!(position(b"", false, None), -1);
    assert_eq!(position(b"", true, None), -1);
    assert_eq!(position(b"\x00", false, range(-100, -200, Unit::Byte)), 0);
}

#[test]
fn sources_of_unequal_length_end_in_zeroes() {
    let (long, short): (&[u8], &[u8]) = (b"\xff\x0f\xaa", b"\xf0");
    assert_eq!(combine(Operator::And, &[long, short]).unwrap(), b"\xf0\0\0");
    assert_eq!(
        combine(Operator::Or, &[short, long]).unwrap(),
        b"\xff\x0f\xaa"
    );
    assert_eq!(
        combine(Operator::Xor, &[short, long]).unwrap(),
        b"\x0f\x0f\xaa"
    );
    assert_eq!(combine(Operator::Not, &[long]).unwrap(), b"\x00\xf0\x55");
    assert_eq!(combine(Operator::And, &[long, b""]).unwrap(), b"\0\0\0");
    assert_eq!(
        combine(Operator::Not, &[long, short]),
        Err(BitError::NotOfMany)
    );
}

proptest! {
    #[test]
    fn count_and_position_agree_with_a_walk(
        value in proptest::collection::vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..40),
        start in 0_usize..340,
        end in 0_usize..340,
        wanted in any::<bool>(),
    ) {
        let bits = bits_of(&value);
        let part = range(start as i64, end as i64, Unit::Bit);
        let within = || (start..=end).take_while(|offset| *offset < bits.len());
        let set = within().filter(|offset| bits[*offset]).count();
        prop_assert_eq!(count(&value, part), set as u64);
        let first = within().find(|offset| bits[*offset] == wanted);
        let expected = first.map_or(-1, |offset| offset as i64);
        prop_assert_eq!(position(&value, wanted, part), expected);
    }

    #[test]
    fn a_range_of_bytes_is_a_range_of_their_bits(
        value in proptest::collection::vec(any::<u8>(), 0..12),
        start in 0_i64..14,
        end in 0_i64..14,
        wanted in any::<bool>(),
    ) {
        let bytes = range(start, end, Unit::Byte);
        let bits = range(start * 8, end * 8 + 7, Unit::Bit);
        prop_assert_eq!(count(&value, bytes), count(&value, bits));
        prop_assert_eq!(position(&value, wanted, bytes), position(&value, wanted, bits));
    }

    #[test]
    fn combining_is_done_bit_by_bit(
        sources in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 1..5),
    ) {
        let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
        let and = combine(Operator::And, &sources).unwrap();
        let or = combine(Operator::Or, &sources).unwrap();
        let xor = combine(Operator::Xor, &sources).unwrap();
        let longest = sources.iter().map(|source| source.len()).max().unwrap();
        prop_assert!([&and, &or, &xor].iter().all(|result| result.len() == longest));
        for offset in 0..longest as u64 * 8 {
            let set = sources.iter().filter(|source| get(source, offset)).count();
            prop_assert_eq!(get(&and, offset), set == sources.len());
            prop_assert_eq!(get(&or, offset), set > 0);
            prop_assert_eq!(get(&xor, offset), set % 2 == 1);
        }
    }
}
