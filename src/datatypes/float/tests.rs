//! Sums against answers of a real server (redis-server 7.0.15).

use proptest::prelude::*;

use super::*;

fn sum(current: &str, by: &str) -> Result<String, FloatError> {
    let sum = increment_by_float(current.as_bytes(), by.as_bytes())?;
    Ok(String::from_utf8(sum).unwrap())
}

#[test]
fn sums_are_those_of_redis() {
    for (current, by, expected) in [
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("3.0e3", "0", "3000"),
        ("0.1", "0.2", "0.3"),
        ("0", "-0", "0"),
        ("1.5", "-1.5", "0"),
        ("1e15", "0.1", "1000000000000000.0999755859375"),
        ("1e18", "0.5", "1000000000000000000.5"),
        ("18446744073709551615", "1", "18446744073709551616"),
        ("18446744073709551616", "1", "18446744073709551616"),
        ("3", "-1e-17", "2.99999999999999999"),
        ("0", "5e-18", "0"),
        ("0", "15e-18", "0.00000000000000002"),
        ("0.000000000000000005", "0", "0"),
        ("1e30", "1", "1000000000000000000024696061952"),
        ("+.5", "5.", "5.5"),
        ("0x1.8p1", "0x.8", "3.5"),
        ("3e-4951", "0", "0"),
        ("-123.456", "123.4", "-0.056"),
        ("9007199254740993", "0", "9007199254740993"),
        ("1.1", "2.2", "3.3"),
        ("1e22", "-1", "10000000000000000000000"),
        (
            "123456789.123456789",
            "0.000000001",
            "123456789.12345678999554366",
        ),
    ] {
        assert_eq!(
            sum(current, by).as_deref(),
            Ok(expected),
            "{current} + {by}"
        );
    }
}

#[test]
fn what_strtold_does_not_take_whole_is_no_number() {
    let longest = "1".repeat(LONGEST_TEXT + 1);
    for wrong in [
        "",
        " 1",
        "1 ",
        "x",
        "1x",
        ".",
        "-",
        "+",
        "--1",
        "1.2.3",
        "1e",
        "1e+",
        "0x",
        "0x.",
        "0x1p",
        "nan",
        "-nan",
        "in",
        "1,5",
        "1\0",
        "1e5000",
        "-1e5000",
        "1e-5000",
        "0x1p16384",
        "0x1p-16446",
        "1e99999999999999999999",
        &longest,
    ] {
        assert_eq!(sum("1", wrong), Err(FloatError::NotAFloat), "{wrong}");
        assert_eq!(sum(wrong, "1"), Err(FloatError::NotAFloat), "{wrong}");
    }
}

#[test]
fn infinite_sums_are_refused() {
    for (current, by) in [
        ("inf", "1"),
        ("1", "-INFINITY"),
        ("inf", "-inf"),
        ("1e4932", "1e4932"),
    ] {
        assert_eq!(
            sum(current, by),
            Err(FloatError::NotFinite),
            "{current} + {by}"
        );
    }
}

#[test]
fn the_greatest_numbers_are_printed_whole() {
    let text = sum("1e4932", "0").unwrap();
    // 64 bits are right in some 19 digits; the rest is what the mantissa stands for.
    assert!(text.starts_with("10000000000000000000") || text.starts_with("9999999999999999999"));
    assert!(text.len() >= 4932, "{}", text.len());
}

proptest! {
    #[test]
    fn eighths_add_up_exactly(one in -1_000_000_000_i64..1_000_000_000, other in any::<i32>()) {
        // Eighths are exact in binary and end within three decimals.
        let text = |eighths: i64| {
            let sign = if eighths < 0 { "-" } else { "" };
            let (whole, rest) = (eighths.abs() / 8, eighths.abs() % 8 * 125);
            let text = format!("{sign}{whole}.{rest:03}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let other = i64::from(other);
        prop_assert_eq!(sum(&text(one), &text(other)), Ok(text(one + other)));
    }

    #[test]
    fn what_it_answers_it_also_reads(text in "[-+0-9.eExpinfa]{0,12}", by in "[-+0-9.e]{0,9}") {
        if let Ok(answer) = sum(&text, &by) {
            prop_assert_eq!(sum(&answer, "0"), Ok(answer.clone()));
        }
    }
}
