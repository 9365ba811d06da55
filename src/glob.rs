//! Glob patterns over bytes, as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET take them.
//!
//! The grammar is Redis's: `*` any run, `?` any byte, `[a-z]` and `[^a-z]` classes in which `\`
//! escapes, `\x` the byte x, everything else itself. A class that is never closed ends with the
//! pattern, and a trailing `\` stands for itself.
//!
//! A pattern comes from a client, so matching must not recurse and must not back-track twice over
//! the same choice (CVE-2022-36021, CVE-2024-31228): only the last `*` seen is ever retried,
//! which is enough because every other token takes exactly one byte. The cost is at most
//! `pattern.len() * text.len()` steps, with no memory.

/// Whether all of `text` matches `pattern`.
///
/// As in Redis, the empty text matches the empty pattern alone, not even `*`: KEYS and SCAN look at
/// that for themselves.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    matches_folded(pattern, text, |byte| byte)
}

/// [`matches()`], with ASCII letters of either case being equal (CONFIG GET, COMMAND LIST).
pub fn matches_ignoring_case(pattern: &[u8], text: &[u8]) -> bool {
    matches_folded(pattern, text, |byte| byte.to_ascii_lowercase())
}

/// The bytes every matching text starts with: the pattern up to its first special byte.
pub fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let end = pattern
        .iter()
        .position(|byte| is_special(*byte))
        .unwrap_or(pattern.len());
    pattern.get(..end).unwrap_or(pattern)
}

/// Whether the pattern has no special byte, and so matches only itself.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| is_special(*byte))
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

fn matches_folded(pattern: &[u8], text: &[u8], fold: impl Fn(u8) -> u8 + Copy) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let mut pattern = pattern;
    let mut text = text;
    // What to go back to: the pattern after the last `*`, and the text it was last tried on.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(after_star) = pattern.strip_prefix(b"*") {
            if after_star.is_empty() {
                return true;
            }
            pattern = after_star;
            retry = Some((after_star, text));
            continue;
        }
        let Some((byte, text_rest)) = text.split_first() else {
            if pattern.is_empty() {
                return true;
            }
            // The `*` would have to take even more, leaving less than nothing for the rest.
            return false;
        };
        if let Some(pattern_rest) = take_token(pattern, *byte, fold) {
            pattern = pattern_rest;
            text = text_rest;
            continue;
        }
        let Some((after_star, tried)) = retry else {
            return false;
        };
        let Some((_, next)) = tried.split_first() else {
            return false;
        };
        retry = Some((after_star, next));
        pattern = after_star;
        text = next;
    }
}

/// Matches the pattern's first token, which is not a `*`, against one byte: the rest of the
/// pattern, or `None` if it does not match (or no token is left).
fn take_token(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> Option<&[u8]> {
    let (first, rest) = pattern.split_first()?;
    match first {
        b'?' => Some(rest),
        b'[' => take_class(rest, byte, fold),
        b'\\' => {
            let (literal, rest) = rest.split_first().unwrap_or((first, rest));
            (fold(*literal) == fold(byte)).then_some(rest)
        }
        literal => (fold(*literal) == fold(byte)).then_some(rest),
    }
}

/// Matches a class, `pattern` being what follows its `[`.
fn take_class(pattern: &[u8], byte: u8, fold: impl Fn(u8) -> u8 + Copy) -> Option<&[u8]> {
    let (negated, mut pattern) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut found = false;
    loop {
        pattern = match pattern {
            // An unclosed class is closed by the end of the pattern.
            [] => break,
            // Redis compares an escaped byte as it is, also when letters are folded.
            [b'\\', literal, rest @ ..] => {
                found |= *literal == byte;
                rest
            }
            [b']', rest @ ..] => {
                pattern = rest;
                break;
            }
            // The end of a range may be any byte, also `]`: `[a-]` is an unclosed class.
            [low, b'-', high, rest @ ..] => {
                let (low, high) = (fold(*low.min(high)), fold(*low.max(high)));
                found |= (low..=high).contains(&fold(byte));
                rest
            }
            [literal, rest @ ..] => {
                found |= fold(*literal) == fold(byte);
                rest
            }
        };
    }
    (found != negated).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, as plain as it can be said: exponential, and so fit for short input only.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => {
                model(rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(_, next)| model(pattern, next))
            }
            (_, []) => false,
            ([b'?', rest @ ..], [_, text @ ..]) => model(rest, text),
            ([b'\\', literal, rest @ ..], [byte, text @ ..]) => {
                literal == byte && model(rest, text)
            }
            ([b'[', rest @ ..], [byte, text @ ..]) => {
                let (wanted, rest) = model_class(rest);
                wanted(*byte) && model(rest, text)
            }
            ([literal, rest @ ..], [byte, text @ ..]) => literal == byte && model(rest, text),
        }
    }

    fn model_class(pattern: &[u8]) -> (impl Fn(u8) -> bool, &[u8]) {
        let negated = pattern.first() == Some(&b'^');
        let mut at = usize::from(negated);
        let mut ranges = Vec::new();
        while at < pattern.len() && pattern[at] != b']' {
            if pattern[at] == b'\\' && at + 1 < pattern.len() {
                ranges.push((pattern[at + 1], pattern[at + 1]));
                at += 2;
            } else if at + 2 < pattern.len() && pattern[at + 1] == b'-' {
                let (one, other) = (pattern[at], pattern[at + 2]);
                ranges.push((one.min(other), one.max(other)));
                at += 3;
            } else {
                ranges.push((pattern[at], pattern[at]));
                at += 1;
            }
        }
        let rest = &pattern[(at + 1).min(pattern.len())..];
        let wanted = move |byte| {
            ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&byte))
                != negated
        };
        (wanted, rest)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn agrees_with_the_recursive_definition(
            pattern in "[ab*?\\[\\]^\\\\-]{0,9}",
            text in "[ab\\]^\\\\-]{1,7}",
        ) {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), model(pattern, text));
        }

        #[test]
        fn a_match_starts_with_the_literal_prefix(
            pattern in "[ab*?\\[\\]\\\\]{0,6}",
            text in "[ab]{1,6}",
        ) {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            if matches(pattern, text) {
                prop_assert!(text.starts_with(literal_prefix(pattern)));
                prop_assert!(!is_literal(pattern) || pattern == text);
            }
        }
    }

    #[test]
    fn follows_redis_case_by_case() {
        // (pattern, text, does it match), checked against redis-server.
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", false),
            ("**", "", false),
            ("", "a", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[b-a]llo", "hallo", true),
            ("a*", "a", true),
            ("a**", "a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", true),
            ("[", "a", false),
            ("[^", "a", true),
            ("[abc", "c", true),
            ("[]", "]", false),
            ("[]]", "]", false),
            ("[^]", "a", true),
            ("[\\]]", "]", true),
            ("[a-]", "b", false),
            ("[a-]", "_", true),
            ("[a-]x", "_x", false),
            ("[\\", "\\", true),
            ("*foo*bar", "xfooybarbar", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn case_is_folded_only_when_asked() {
        assert!(!matches(b"MAX*", b"maxmemory"));
        assert!(matches_ignoring_case(b"MAX*", b"maxmemory"));
        assert!(matches_ignoring_case(b"[A-C]x", b"bX"));
    }

    #[test]
    fn prefix_ends_at_the_first_special_byte() {
        assert_eq!(literal_prefix(b"user:*"), b"user:");
        assert_eq!(literal_prefix(b"a\\*b"), b"a");
        assert_eq!(literal_prefix(b"plain"), b"plain");
        assert!(is_literal(b"plain"));
        assert!(!is_literal(b"pl?in"));
    }

    #[test]
    fn many_stars_cost_a_product_not_a_power() {
        // Recursion would take 2^n steps on these; they must end before anyone notices.
        let text = vec![b'a'; 20_000];
        let stars = b"a*".repeat(1000);
        assert!(matches(&stars, &text));
        let never = [stars.as_slice(), b"b"].concat();
        assert!(!matches(&never, &text));
        let classes = [b"*[a]".repeat(500).as_slice(), b"[^a]"].concat();
        assert!(!matches(&classes, &text));
        let unclosed = [b'['].repeat(100_000);
        assert!(!matches(&unclosed, &text));
    }
}
