//! Vectors from C's printf and strtod and from a running Redis, and round trips.

use proptest::prelude::*;

use super::*;

#[test]
fn integers_have_one_text() {
    for value in [
        0,
        1,
        -1,
        9,
        10,
        -10,
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        i64::MIN + 1,
    ] {
        assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
    }
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-0",
        "-01",
        "00",
        " 1",
        "1 ",
        "1a",
        "a",
        "0x1",
        "1.0",
        "1e3",
        "--1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "1\0",
    ] {
        assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
#[allow(
    clippy::unreadable_literal,
    clippy::excessive_precision,
    reason = "printed by C"
)]
fn seventeen_digits_are_those_of_printf() {
    for (value, text) in [
        (0.1, "0.10000000000000001"),
        (1e-05, "1.0000000000000001e-05"),
        (0.0001, "0.0001"),
        (1e+17, "1e+17"),
        (1e+16, "10000000000000000"),
        (1.2345678901234568e+17, "1.2345678901234568e+17"),
        (1.5, "1.5"),
        (-2.25, "-2.25"),
        (1e+300, "1.0000000000000001e+300"),
        (5e-324, "4.9406564584124654e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (1.7976931348623157e+308, "1.7976931348623157e+308"),
        (0.3333333333333333, "0.33333333333333331"),
        (100.0, "100"),
        (1e+21, "1e+21"),
        (-1e-10, "-1e-10"),
        (0.3, "0.29999999999999999"),
        (2.5e-05, "2.5000000000000001e-05"),
        (9.999999999999998e+16, "99999999999999984"),
        (9.109, "9.109"),
        (-1.989032661366619e+244, "-1.989032661366619e+244"),
        (7.761117632285041e+178, "7.761117632285041e+178"),
        (3.980498358697587e-249, "3.980498358697587e-249"),
        (-1.5432835417340557e+88, "-1.5432835417340557e+88"),
        (1.3647584518757569e-192, "1.3647584518757569e-192"),
        (-1.3701135617873088e-206, "-1.3701135617873088e-206"),
        (-1.7160537630466207e+197, "-1.7160537630466207e+197"),
        (6.294675241195386e-44, "6.2946752411953861e-44"),
        (1.0613447212142254e-202, "1.0613447212142254e-202"),
        (4.708325160387546e+207, "4.7083251603875462e+207"),
        (6.387016158513563e-12, "6.3870161585135632e-12"),
        (-9.973130378568733e-246, "-9.9731303785687331e-246"),
        (8.779753225680271e-236, "8.7797532256802712e-236"),
        (-5.795503248498993e-228, "-5.7955032484989932e-228"),
    ] {
        assert_eq!(format_double_17g(value).as_str(), text);
    }
}

#[test]
fn doubles_are_written_as_redis_7_2_writes_them() {
    for (value, text) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-17.0, "-17"),
        (0.1, "0.1"),
        (1.0 / 3.0, "0.3333333333333333"),
        (3.5, "3.5"),
        (-2.25, "-2.25"),
        (123_456.789, "123456.789"),
        (1e15, "1000000000000000"),
        (4e18, "4000000000000000000"),
        (1e19, "1e+19"),
        (1e21, "1e+21"),
        (1.2e22, "1.2e+22"),
        (1e300, "1e+300"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e-3, "0.001"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (0.000_123_456_789, "1.23456789e-4"),
        (0.001_234_567_89, "0.00123456789"),
        (5e-324, "5e-324"),
        (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(format_double(value).as_str(), text);
    }
    assert_eq!(format_double_17g(-0.0).as_str(), "-0");
    assert_eq!(format_double_17g(f64::NAN).as_str(), "nan");
    assert_eq!(format_double_17g(f64::NEG_INFINITY).as_str(), "-inf");
}

#[test]
#[allow(clippy::float_cmp, reason = "exact is what is claimed")]
fn doubles_are_read_as_strtod_reads_them() {
    for (text, value) in [
        ("1", 1.0),
        ("+1", 1.0),
        ("-1.5", -1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("0e99999999999999999999", 0.0),
        ("5e-324", 5e-324),
        ("inf", f64::INFINITY),
        ("+INF", f64::INFINITY),
        ("-infinity", f64::NEG_INFINITY),
        ("0x10", 16.0),
        ("0x1p-3", 0.125),
        ("-0X.8P1", -1.0),
        ("0x1.fffffffffffff7", 1.999_999_999_999_999_8),
        ("0x1.fffffffffffff8", 2.0),
        ("0x1.fffffffffffff7ffffffffffff", 1.999_999_999_999_999_8),
        ("0x1.00000000000008", 1.0),
        ("0x1.000000000000080000000000001", 1.000_000_000_000_000_2),
        ("0x1p1023", 8.988_465_674_311_58e307),
        ("0x1p-1074", 5e-324),
        ("0x1.8p-1074", 1e-323),
        ("0x.8000001p-1074", 5e-324),
        ("0x1p-1022", f64::MIN_POSITIVE),
        ("0x1.fffffffffffffp-1023", f64::MIN_POSITIVE),
        ("0x1000000000000000000000000p-96", 1.0),
        ("0x0p99999999999999999999", 0.0),
    ] {
        assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
    }
    for text in [
        "",
        " ",
        " 1",
        "1 ",
        "1_0",
        "(1",
        "nan",
        "-nan",
        "NAN",
        "nan(1)",
        "infi",
        "1e",
        "1e+",
        "e1",
        ".",
        "-",
        "+",
        "+-1",
        "1.2.3",
        "1e400",
        "-1e400",
        "1e-400",
        "0x",
        "0xg",
        "0x.",
        "0x1p",
        "0x1p1024",
        "0x1p-1075",
        "0x.8p-1074",
        "0x1.p1.",
        "1\0",
        "1e5.5",
        "0x1p99999999999999999999",
        "0x1p-99999999999999999999",
        "\u{661}",
    ] {
        assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(parse_f64(b"\xff"), None);
    assert!(parse_f64(b"-0").is_some_and(f64::is_sign_negative));
}

proptest! {
    #[test]
    fn integers_round_trip(value in any::<i64>()) {
        prop_assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
    }

    #[test]
    fn doubles_round_trip_in_both_layouts(value in prop::num::f64::ANY) {
        prop_assume!(!value.is_nan());
        for text in [format_double(value), format_double_17g(value)] {
            prop_assert_eq!(parse_f64(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()));
        }
    }

    #[test]
    fn hexadecimal_has_the_bits_it_names(bits in 1u64..1 << 53, power in -1130i64..1000) {
        // Rust has no hexadecimal parser; the exact decimal of bits and a power of two judges.
        let text = format!("0x{bits:x}p{power}");
        let exact = (bits as f64) * 2f64.powi((power / 2) as i32)
            * 2f64.powi((power - power / 2) as i32);
        let normal = exact.is_finite() && exact >= f64::MIN_POSITIVE;
        if normal {
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(exact));
        } else if let Some(small) = parse_f64(text.as_bytes()) {
            prop_assert!(small > 0.0 && small <= f64::MIN_POSITIVE);
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in prop::collection::vec(any::<u8>(), 0..30)) {
        let double = parse_f64(&text);
        prop_assert!(double.is_none_or(|value| !value.is_nan()));
        if let Some(integer) = parse_i64(&text) {
            prop_assert_eq!(integer.to_string().into_bytes(), text);
        }
    }

    #[test]
    fn number_like_texts_agree_with_rust_on_decimals(
        text in "[+-]?[0-9]{0,3}[.]?[0-9]{0,3}(e[+-]?[0-9]{0,2})?",
    ) {
        prop_assert_eq!(parse_f64(text.as_bytes()), text.parse().ok());
    }
}
