//! BITFIELD against answers of Redis, and fields against their neighbours.

use proptest::prelude::*;

use super::*;
use crate::datatypes::bits;

fn bitfield(value: &mut Vec<u8>, command: &str) -> Result<Vec<Option<i64>>, BitfieldError> {
    let operations = parse(command.split_ascii_whitespace().map(str::as_bytes), false)?;
    Ok(run(value, &operations))
}

#[test]
fn answers_are_those_of_redis() {
    // One string, command after command, with the answers of redis-server 7.0.15.
    let mut value = Vec::new();
    for (command, answers) in [
        ("INCRBY i5 100 1 GET u4 0", vec![Some(1), Some(0)]),
        (
            "SET i8 #0 -1 GET u8 #0 GET i4 2",
            vec![Some(0), Some(255), Some(-1)],
        ),
        (
            "OVERFLOW SAT SET u8 0 -1 GET u8 0",
            vec![Some(255), Some(255)],
        ),
        ("SET u8 0 257 GET u8 0", vec![Some(255), Some(1)]),
        (
            "OVERFLOW FAIL INCRBY u2 0 -1 INCRBY u2 0 3",
            vec![None, Some(3)],
        ),
        (
            "INCRBY u2 0 1 OVERFLOW SAT INCRBY u2 0 9",
            vec![Some(0), Some(3)],
        ),
        (
            "SET i64 0 9223372036854775807 INCRBY i64 0 1",
            vec![Some(-4_539_628_424_389_459_968), Some(i64::MIN)],
        ),
        ("GET i64 1 GET u63 1000", vec![Some(0), Some(0)]),
    ] {
        assert_eq!(bitfield(&mut value, command), Ok(answers), "{command}");
    }
    assert_eq!(value.len(), 14);
}

#[test]
fn one_wrong_subcommand_refuses_all() {
    for (command, text) in [
        ("GET u8", "ERR syntax error"),
        ("FOO u8 0", "ERR syntax error"),
        ("SET u8 0", "ERR syntax error"),
        ("OVERFLOW", "ERR syntax error"),
        ("OVERFLOW x", "ERR Invalid OVERFLOW type specified"),
        (
            "GET u8 -1",
            "ERR bit offset is not an integer or out of range",
        ),
        (
            "GET u8 #4294967295",
            "ERR bit offset is not an integer or out of range",
        ),
        (
            "GET i9 #9223372036854775807",
            "ERR bit offset is not an integer or out of range",
        ),
        ("SET u8 0 x", "ERR value is not an integer or out of range"),
    ] {
        let mut value = Vec::new();
        let command = format!("SET u8 0 1 {command}");
        let refused = bitfield(&mut value, &command).unwrap_err();
        assert_eq!(
            (refused.to_string().as_str(), value.len()),
            (text, 0),
            "{command}"
        );
    }
    for wrong in ["u64", "i65", "u0", "i", "U8", "u-1", "u08", ""] {
        assert_eq!(
            FieldType::parse(wrong.as_bytes()),
            Err(BitfieldError::Type),
            "{wrong}"
        );
    }
}

#[test]
fn only_reads_are_taken_read_only() {
    let read: [&[u8]; 3] = [b"GET", b"u8", b"8"];
    let operations = parse(read, true).unwrap();
    assert_eq!(run_reads(b"ab", &operations), [Some(98)]);
    let write: [&[u8]; 4] = [b"SET", b"u8", b"0", b"1"];
    assert_eq!(parse(write, true), Err(BitfieldError::ReadOnly));
}

#[test]
fn a_failed_write_grows_the_string_all_the_same() {
    let mut value = Vec::new();
    assert_eq!(
        bitfield(&mut value, "OVERFLOW FAIL SET u1 8 2"),
        Ok(vec![None])
    );
    assert_eq!(value, [0, 0]);
}

proptest! {
    #[test]
    fn a_number_is_read_back_and_touches_nothing_else(
        mut value in proptest::collection::vec(any::<u8>(), 20),
        offset in 0_u64..96,
        signed in any::<bool>(),
        width in 1_u8..64,
        number in any::<i64>(),
    ) {
        let field = FieldType { signed, width };
        let before = value.clone();
        let stored = field.fit(number.into(), Overflow::Wrap).unwrap();
        field.write(&mut value, offset, stored);
        prop_assert_eq!(field.read(&value, offset), stored);
        prop_assert_eq!((stored ^ number) << (64 - width), 0);
        let inside = offset..offset + u64::from(width);
        for bit in (0..160).filter(|bit| !inside.contains(bit)) {
            let (now, then) = (bits::get(&value, bit), &before);
            prop_assert_eq!(now, bits::get(then, bit), "bit {}", bit);
        }
    }
}
