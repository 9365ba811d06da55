//! `INCRBYFLOAT` as Redis's users meet it, with sums taken from a running Redis.

use proptest::prelude::*;

use super::*;

fn add(a: &str, b: &str) -> Option<String> {
    let a = parse_long_double(a.as_bytes()).expect(a);
    let b = parse_long_double(b.as_bytes()).expect(b);
    a.checked_add(&b).as_ref().map(format_human)
}

#[test]
fn sums_are_those_of_redis() {
    for (a, b, sum) in [
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("5.0e3", "0", "5000"),
        ("3.0", "0", "3"),
        ("3.0", "1.000000000000000005", "4"),
        ("0", "0x10", "16"),
        ("0", "0x1p-3", "0.125"),
        ("3", "-3", "0"),
        ("0", "-0.00000000000000000001", "0"),
        ("1", "1e-17", "1.00000000000000001"),
        ("1", "5e-18", "1"),
        ("17179869184", "1.5", "17179869185.5"),
        ("-0", "0", "0"),
        ("0", ".5", "0.5"),
        ("0", "5.", "5"),
        ("0", "+5", "5"),
        ("-1.5", "1", "-0.5"),
        ("1", "-1.5", "-0.5"),
        ("99.9", "0.1", "100"),
        ("-100", "0.01", "-99.99"),
        ("0.1", "0.2", "0.3"),
        // Where an x86 long double runs out of digits, decimals go on.
        ("1e15", "0.3", "1000000000000000.3"),
        ("100000000000000000000", "0.1", "100000000000000000000.1"),
    ] {
        assert_eq!(add(a, b).as_deref(), Some(sum), "{a} + {b}");
        assert_eq!(add(b, a).as_deref(), Some(sum), "{b} + {a}");
    }
}

#[test]
fn rounding_is_half_to_even_at_seventeen_decimals() {
    for (text, rounded) in [
        ("0.000000000000000005", "0"),
        ("0.0000000000000000050000001", "0.00000000000000001"),
        ("0.000000000000000015", "0.00000000000000002"),
        ("0.000000000000000025", "0.00000000000000002"),
        ("0.000000000000000026", "0.00000000000000003"),
        ("9.999999999999999999", "10"),
        ("-9.999999999999999999", "-10"),
        ("0.9e-17", "0.00000000000000001"),
        ("9e-19", "0"),
        ("1e-4000", "0"),
    ] {
        let value = parse_long_double(text.as_bytes()).unwrap();
        assert_eq!(format_human(&value), rounded, "{text}");
    }
}

#[test]
fn infinities_are_read_and_not_added() {
    assert_eq!(add("0", "inf"), None);
    assert_eq!(add("-infinity", "1"), None);
    assert_eq!(add("inf", "-inf"), None);
    let infinite = parse_long_double(b"-INF").unwrap();
    assert_eq!(format_human(&infinite), "-inf");
}

#[test]
fn the_range_is_that_of_a_long_double() {
    assert_eq!(add("0", "1e4931").map(|text| text.len()), Some(4932));
    let nines = "9".repeat(4932);
    assert_eq!(add(&nines, "0"), Some(nines.clone()));
    assert_eq!(add(&nines, "1"), None);
    for text in [
        "",
        " 1",
        "1 ",
        "nan",
        "1e",
        "1e4932",
        "1e5000",
        "-1e5000",
        "1e-5000",
        "1e99999999999999",
        "1e-99999999999999",
        "0x",
        "0x1p20000",
        ".",
        "1\0",
    ] {
        assert_eq!(parse_long_double(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(parse_long_double(&[b'1'; 5120]), None);
    assert_eq!(add("0e99999999999999", "0"), Some("0".to_owned()));
}

fn small() -> impl Strategy<Value = (i64, String)> {
    // Millionths, written with a point.
    (-1_000_000_000_000i64..1_000_000_000_000).prop_map(|units| {
        let sign = if units < 0 { "-" } else { "" };
        let (whole, fraction) = (units.abs() / 1_000_000, units.abs() % 1_000_000);
        (units, format!("{sign}{whole}.{fraction:06}"))
    })
}

proptest! {
    #[test]
    fn decimals_add_as_integers_do((a, left) in small(), (b, right) in small()) {
        let sum = add(&left, &right).unwrap();
        let expected = format!("{}e-6", a + b);
        prop_assert_eq!(parse_long_double(sum.as_bytes()), parse_long_double(expected.as_bytes()));
    }

    #[test]
    fn a_text_written_is_read_back(whole in "-?[1-9][0-9]{0,60}", fraction in "[0-9]{0,16}[1-9]") {
        let text = format!("{whole}.{fraction}");
        prop_assert_eq!(format_human(&parse_long_double(text.as_bytes()).unwrap()), text);
    }

    #[test]
    fn doubles_of_whole_numbers_agree(value in -1_000_000_000i64..1_000_000_000) {
        let text = format!("{:e}", value as f64);
        let read = parse_long_double(text.as_bytes()).unwrap();
        prop_assert_eq!(format_human(&read), value.to_string());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-+.0-9eExXpPinf]{0,12}") {
        if let Some(value) = parse_long_double(text.as_bytes()) {
            let again = parse_long_double(format_human(&value).as_bytes());
            prop_assert_eq!(again, Some(value));
        }
    }
}
