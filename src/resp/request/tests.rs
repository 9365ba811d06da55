//! Requests as Redis reads them, refusals in its words, and the bounds.

mod laws;

use super::*;
use crate::resp::{MAX_INLINE_BYTES, OwnedArgv, looks_like_http};
use crate::types::MAX_BULK_BYTES;

fn trusted() -> Limits {
    Limits::trusted(MAX_BULK_BYTES)
}

type Words = Vec<Vec<u8>>;

fn words(argv: Argv<'_>) -> Words {
    argv.iter().map(<[u8]>::to_vec).collect()
}

/// All requests of a stream that arrives in pieces of the given lengths (then the rest at once),
/// and the error that ended it.
fn read_in_pieces(
    stream: &[u8],
    pieces: &[usize],
    limits: &Limits,
) -> (Vec<Words>, Option<ProtocolError>) {
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let mut seen = Vec::new();
    let mut buffer = Vec::new();
    let mut rest = stream;
    let mut pieces = pieces.iter();
    loop {
        match reader.next(&buffer, limits, &mut request) {
            Err(error) => return (seen, Some(error)),
            Ok(Progress::Complete { consumed }) => {
                seen.push(words(request.argv(&buffer)));
                buffer.drain(..consumed);
            }
            Ok(Progress::Incomplete { missing }) => {
                assert!(missing > 0);
                if rest.is_empty() {
                    return (seen, None);
                }
                let length = pieces.next().map_or(rest.len(), |&n| n.min(rest.len()));
                buffer.extend_from_slice(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
}

fn read(stream: &[u8]) -> (Vec<Words>, Option<ProtocolError>) {
    read_in_pieces(stream, &[], &trusted())
}

/// The one request of `stream`.
fn one(stream: &[u8]) -> Vec<String> {
    let (requests, error) = read(stream);
    assert_eq!(error, None, "{stream:?}");
    assert_eq!(requests.len(), 1, "{stream:?}");
    requests[0]
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn refusal(stream: &[u8], limits: &Limits) -> String {
    let whole = read_in_pieces(stream, &[], limits).1;
    let bytewise = read_in_pieces(stream, &vec![1; stream.len()], limits).1;
    assert_eq!(whole, bytewise, "{stream:?}");
    whole.expect("a refusal").to_string()
}

fn encode(words: &Words) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[test]
fn an_array_of_bulks_is_a_request() {
    assert_eq!(one(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), ["GET", "k"]);
    assert_eq!(one(b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"), ["ECHO", ""]);
    assert_eq!(
        one(b"*1\r\n$13\r\n\r\n*1\r\n$3\r\na\r\n\r\n"),
        ["\r\n*1\r\n$3\r\na\r\n"]
    );
}

#[test]
fn the_caller_is_told_what_to_drop_and_what_is_missing() {
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let stream = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n*1\r\n";
    let mut next = |bytes: &[u8]| reader.next(bytes, &trusted(), &mut request).unwrap();
    assert_eq!(next(b""), Progress::Incomplete { missing: 1 });
    assert_eq!(next(&stream[..5]), Progress::Incomplete { missing: 1 });
    assert_eq!(next(&stream[..10]), Progress::Incomplete { missing: 4 });
    assert_eq!(next(&stream[..20]), Progress::Incomplete { missing: 5 });
    assert_eq!(next(stream), Progress::Complete { consumed: 25 });
}

#[test]
fn an_argument_seen_is_not_read_again() {
    // The head of the second argument is spoilt after the reader has passed it: it does not look.
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let mut stream = b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n".to_vec();
    reader
        .next(&stream[..20], &trusted(), &mut request)
        .unwrap();
    stream[..18].fill(b'#');
    let progress = reader.next(&stream, &trusted(), &mut request).unwrap();
    assert_eq!(progress, Progress::Complete { consumed: 25 });
    assert_eq!(request.argv(&stream).get(1), Some(&b"hello"[..]));
}

#[test]
fn a_count_cut_in_two_hides_nothing_of_the_next_line() {
    // What is known of the count's line said nothing of the argument's: it was once carried over,
    // so that the end of a short line was not seen.
    let stream = b"*1000\r\n$a\r\n";
    for cut in 1..stream.len() {
        let (_, error) = read_in_pieces(stream, &[cut], &trusted());
        assert_eq!(
            error,
            Some(ProtocolError::InvalidBulkLength),
            "cut at {cut}"
        );
    }
}

#[test]
fn requests_without_arguments_are_complete_and_empty() {
    let (requests, error) = read(b"*0\r\n*-1\r\n*-5\r\n\r\n\n  \t\r\nPING\r\n");
    assert_eq!(error, None);
    assert_eq!(requests.len(), 7);
    assert!(requests[..6].iter().all(Vec::is_empty));
    assert_eq!(requests[6], [b"PING"]);
}

#[test]
fn malformed_arrays_are_refused_in_redis_words() {
    let limits = trusted();
    for (stream, text) in [
        (&b"*1\r\n#4\r\n"[..], "expected '$', got '#'"),
        (
            b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n",
            "expected '$', got 'f'",
        ),
        (b"*1\r\n\xff\r\n", "expected '$', got '\u{ff}'"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*+1\r\n", "invalid multibulk length"),
        (b"*-0\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*a\r\n", "invalid multibulk length"),
        (b"* 1\r\n", "invalid multibulk length"),
        (b"*1\r1\n", "invalid multibulk length"),
        (b"*1048577\r\n", "invalid multibulk length"),
        (b"*2147483648\r\n", "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$ 4\r\n", "invalid bulk length"),
        (b"*1\r\n$04\r\n", "invalid bulk length"),
        (b"*1\r\n$00\r\n", "invalid bulk length"),
        (b"*1\r\n$\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n$9223372036854775807\r\n", "invalid bulk length"),
        (b"*1\r\n$9223372036854775808\r\n", "invalid bulk length"),
        (b"*1\r\n$3\r\nfooXX", "expected CRLF after bulk"),
        (b"*1\r\n$3\r\nfoo\n\r", "expected CRLF after bulk"),
        (b"GET \0\r\n", "zero byte in inline request"),
    ] {
        assert_eq!(refusal(stream, &limits), text, "{stream:?}");
    }
}

#[test]
fn lines_without_end_are_refused_at_64_kib() {
    let limits = trusted();
    for (head, text) in [
        ("*", "too big mbulk count string"),
        ("*1\r\n$", "too big bulk count string"),
        ("", "too big inline request"),
    ] {
        let digits = |count| format!("{head}{}", "1".repeat(count)).into_bytes();
        assert_eq!(refusal(&digits(MAX_INLINE_BYTES + 1), &limits), text);
        // The end makes no difference to a line that is too long already, however it is cut.
        let mut ended = digits(MAX_INLINE_BYTES + 1);
        ended.extend_from_slice(b"\r\n");
        assert_eq!(refusal(&ended, &limits), text);
        assert_eq!(read(&digits(MAX_INLINE_BYTES - 1)).1, None);
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    assert_eq!(read(b"*1048576\r\n").1, None);
    assert_eq!(read(b"*1\r\n$536870912\r\n").1, None);
    let small = Limits::trusted(4);
    assert_eq!(
        read_in_pieces(b"*1\r\n$4\r\nPING\r\n", &[], &small).0.len(),
        1
    );
    assert_eq!(
        refusal(b"*1\r\n$5\r\nPINGS\r\n", &small),
        "invalid bulk length"
    );
}

#[test]
fn strangers_may_send_little() {
    let limits = Limits::unauthenticated();
    for (stream, text) in [
        (&b"*11\r\n"[..], "unauthenticated multibulk length"),
        (
            b"a b c d e f g h i j k\r\n",
            "unauthenticated multibulk length",
        ),
        (b"*2000000\r\n", "invalid multibulk length"),
        (b"*1\r\n$16385\r\n", "unauthenticated bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
    ] {
        assert_eq!(refusal(stream, &limits), text, "{stream:?}");
    }
    assert_eq!(read_in_pieces(b"*10\r\n$16384\r\n", &[], &limits).1, None);
    let ten = read_in_pieces(b"a b c d e f g h i j\r\n", &[], &limits);
    assert_eq!((ten.0[0].len(), ten.1), (10, None));
}

#[test]
fn a_request_of_more_than_a_gibibyte_is_refused_before_it_is_sent() {
    // A reader that stands near the bound; the bytes before it are never looked at again.
    let mut reader = RequestReader {
        position: 8,
        remaining: 1,
        ..RequestReader::new()
    };
    let limits = Limits::trusted(MAX_REQUEST_BYTES);
    let mut request = Request::new();
    let buffer = format!("########${}\r\n", MAX_REQUEST_BYTES - 10);
    let error = reader.next(buffer.as_bytes(), &limits, &mut request);
    assert_eq!(error, Err(ProtocolError::TooBigRequest));
}

#[test]
fn inline_lines_are_split_as_redis_splits_them() {
    assert_eq!(one(b"PING\n"), ["PING"]);
    assert_eq!(one(b"  SET\tk   v \r\n"), ["SET", "k", "v"]);
    assert_eq!(one(b"ECHO \"\"\r\n"), ["ECHO", ""]);
    assert_eq!(
        one(b"ECHO \"a\\x41\\q\\xzz\\\"\"\r\n"),
        ["ECHO", "aAqxzz\""]
    );
    assert_eq!(
        one(b"ECHO \"\\n\\r\\t\\b\\a\"\r\n"),
        ["ECHO", "\n\r\t\u{8}\u{7}"]
    );
    assert_eq!(one(b"ECHO 'it\\'s \\n'\r\n"), ["ECHO", "it's \\n"]);
    assert_eq!(one(b"ECHO a\"b c\"\r\n"), ["ECHO", "ab c"]);
    assert_eq!(one(b"ECHO a\x0bb \x0bc\r\n"), ["ECHO", "a\u{b}b", "c"]);
    for stream in [
        &b"ECHO \"a\"b\r\n"[..],
        b"ECHO 'a'b\r\n",
        b"ECHO \"abc\r\n",
        b"ECHO 'abc\r\n",
        b"ECHO \"abc\\\"\r\n",
    ] {
        assert_eq!(refusal(stream, &trusted()), "unbalanced quotes in request");
    }
}

#[test]
fn an_inline_request_and_an_array_share_a_place() {
    let (requests, error) = read(b"ECHO \"a b\"\r\n*1\r\n$4\r\nPING\r\nECHO c\r\n");
    assert_eq!(error, None);
    let expected: Vec<Words> = vec![
        vec![b"ECHO".to_vec(), b"a b".to_vec()],
        vec![b"PING".to_vec()],
        vec![b"ECHO".to_vec(), b"c".to_vec()],
    ];
    assert_eq!(requests, expected);
}

#[test]
fn room_that_a_great_request_took_is_given_back() {
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let great = encode(&vec![b"x".to_vec(); 5000]);
    reader.next(&great, &trusted(), &mut request).unwrap();
    assert_eq!(request.argv(&great).len(), 5000);
    reader.next(b"PING\r\n", &trusted(), &mut request).unwrap();
    assert!(!request.ranges.spilled());
}

#[test]
fn argv_is_sliced_and_outlives_its_buffer() {
    let mut reader = RequestReader::new();
    let mut request = Request::new();
    let buffer = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n".to_vec();
    reader.next(&buffer, &trusted(), &mut request).unwrap();
    let argv = request.argv(&buffer);
    assert_eq!((argv.len(), argv.is_empty()), (3, false));
    assert_eq!(argv.get(2), Some(&b"value"[..]));
    assert_eq!(argv.get(3), None);
    assert_eq!(words(argv.from(1)), [&b"k"[..], b"value"]);
    assert!(argv.from(3).is_empty() && argv.from(9).is_empty());
    let owned = OwnedArgv::from(argv.from(1));
    drop(buffer);
    assert_eq!(words(owned.argv()), [&b"k"[..], b"value"]);
    assert_eq!(owned.size(), 6 + 16);
}

#[test]
fn browsers_are_recognised() {
    let is_http = |stream: &[u8]| {
        let mut request = Request::new();
        RequestReader::new()
            .next(stream, &trusted(), &mut request)
            .unwrap();
        looks_like_http(request.argv(stream))
    };
    assert!(is_http(b"POST / HTTP/1.1\r\n"));
    assert!(is_http(b"Host: localhost:6379\r\n"));
    assert!(is_http(b"*1\r\n$4\r\npost\r\n"));
    assert!(is_http(b"GET / HTTP/1.1\r\n"));
    assert!(is_http(b"OPTIONS * HTTP/1.0\r\n"));
    assert!(!is_http(b"GET HTTP/1.1\r\n"));
    assert!(!is_http(b"SET page HTTP/1.1\r\n"));
    assert!(!is_http(
        b"*3\r\n$3\r\nGET\r\n$1\r\n/\r\n$8\r\nHTTP/1.1\r\n"
    ));
    assert!(!is_http(b"\r\n"));
}
