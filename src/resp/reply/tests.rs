//! Golden bytes in both protocols, and an independent decoder as the judge.

use proptest::prelude::*;

use super::*;

fn written(protocol: Protocol, write: impl Fn(&mut Reply<'_>)) -> String {
    let mut out = b"before".to_vec();
    let mut reply = Reply::new(&mut out, protocol);
    assert!(reply.is_empty());
    write(&mut reply);
    let length = reply.len();
    assert_eq!(length, out.len() - 6);
    String::from_utf8(out[6..].to_vec()).unwrap()
}

/// The bytes in RESP2 and in RESP3.
fn both(write: impl Fn(&mut Reply<'_>)) -> (String, String) {
    (
        written(Protocol::Resp2, &write),
        written(Protocol::Resp3, &write),
    )
}

fn pair(resp2: &str, resp3: &str) -> (String, String) {
    (resp2.to_owned(), resp3.to_owned())
}

#[test]
fn shapes_of_both_protocols_are_the_same() {
    type Write = fn(&mut Reply<'_>);
    let cases: [(Write, &str); 12] = [
        (|r| r.ok(), "+OK\r\n"),
        (|r| r.simple("PONG"), "+PONG\r\n"),
        (|r| r.simple("a\r\nb"), "+a  b\r\n"),
        (|r| r.error("ERR syntax error"), "-ERR syntax error\r\n"),
        (|r| r.error("ERR a\r\n+OK\r\n"), "-ERR a  +OK\r\n"),
        (|r| r.integer(0), ":0\r\n"),
        (|r| r.integer(1), ":1\r\n"),
        (|r| r.integer(i64::MIN), ":-9223372036854775808\r\n"),
        (|r| r.bulk(b""), "$0\r\n\r\n"),
        (|r| r.bulk(b"hello world"), "$11\r\nhello world\r\n"),
        (|r| r.array(0), "*0\r\n"),
        (|r| r.array(1_048_576), "*1048576\r\n"),
    ];
    for (write, bytes) in cases {
        assert_eq!(both(write), pair(bytes, bytes));
    }
}

#[test]
#[allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the method binds one lifetime"
)]
fn resp2_degrades_as_redis_does() {
    assert_eq!(both(|r| r.null()), pair("$-1\r\n", "_\r\n"));
    assert_eq!(both(|r| r.null_array()), pair("*-1\r\n", "_\r\n"));
    assert_eq!(both(|r| r.map(7)), pair("*14\r\n", "%7\r\n"));
    assert_eq!(both(|r| r.set(3)), pair("*3\r\n", "~3\r\n"));
    assert_eq!(both(|r| r.push(3)), pair("*3\r\n", ">3\r\n"));
    assert_eq!(both(|r| r.boolean(true)), pair(":1\r\n", "#t\r\n"));
    assert_eq!(both(|r| r.boolean(false)), pair(":0\r\n", "#f\r\n"));
    assert_eq!(both(|r| r.double(0.1)), pair("$3\r\n0.1\r\n", ",0.1\r\n"));
    assert_eq!(both(|r| r.double(3.0)), pair("$1\r\n3\r\n", ",3\r\n"));
    let infinite = |r: &mut Reply<'_>| r.double(f64::NEG_INFINITY);
    assert_eq!(both(infinite), pair("$4\r\n-inf\r\n", ",-inf\r\n"));
    let text = |r: &mut Reply<'_>| r.verbatim("txt", b"Some string");
    assert_eq!(
        both(text),
        pair("$11\r\nSome string\r\n", "=15\r\ntxt:Some string\r\n")
    );
    let number = "1234567999999999999999999999999999999";
    assert_eq!(
        both(|r| r.big_number(number)),
        (format!("$37\r\n{number}\r\n"), format!("({number}\r\n"))
    );
}

#[test]
fn an_error_may_quote_any_bytes() {
    let mut out = Vec::new();
    Reply::new(&mut out, Protocol::Resp2).error_bytes(b"ERR unknown command '\xff\n'");
    assert_eq!(out, b"-ERR unknown command '\xff '\r\n");
}

/// A reply of any shape.
#[derive(Clone, Debug)]
enum Shape {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Null,
    Double(f64),
    Boolean(bool),
    Verbatim(Vec<u8>),
    Array(Vec<Shape>),
    Push(Vec<Shape>),
}

impl Shape {
    fn write(&self, reply: &mut Reply<'_>) {
        match self {
            Self::Simple(text) => reply.simple(text),
            Self::Error(text) => reply.error(text),
            Self::Integer(value) => reply.integer(*value),
            Self::Bulk(bytes) => reply.bulk(bytes),
            Self::Null => reply.null(),
            Self::Double(value) => reply.double(*value),
            Self::Boolean(value) => reply.boolean(*value),
            Self::Verbatim(bytes) => reply.verbatim("txt", bytes),
            Self::Array(elements) | Self::Push(elements) => {
                if matches!(self, Self::Push(_)) {
                    reply.push(elements.len());
                } else {
                    reply.array(elements.len());
                }
                for element in elements {
                    element.write(reply);
                }
            }
        }
    }

    fn resp2(&self) -> redis_protocol::resp2::types::OwnedFrame {
        use redis_protocol::resp2::types::OwnedFrame as Frame;
        match self {
            Self::Simple(text) => Frame::SimpleString(text.clone().into_bytes()),
            Self::Error(text) => Frame::Error(text.clone()),
            Self::Integer(value) => Frame::Integer(*value),
            Self::Boolean(value) => Frame::Integer(i64::from(*value)),
            Self::Bulk(bytes) | Self::Verbatim(bytes) => Frame::BulkString(bytes.clone()),
            Self::Null => Frame::Null,
            Self::Double(value) => Frame::BulkString(format_double(*value).as_bytes().to_vec()),
            Self::Array(elements) | Self::Push(elements) => {
                Frame::Array(elements.iter().map(Self::resp2).collect())
            }
        }
    }

    fn resp3(&self) -> redis_protocol::resp3::types::OwnedFrame {
        use redis_protocol::resp3::types::{OwnedFrame as Frame, VerbatimStringFormat};
        let attributes = None;
        match self {
            Self::Simple(text) => Frame::SimpleString {
                data: text.clone().into_bytes(),
                attributes,
            },
            Self::Error(text) => Frame::SimpleError {
                data: text.clone(),
                attributes,
            },
            Self::Integer(data) => Frame::Number {
                data: *data,
                attributes,
            },
            Self::Boolean(data) => Frame::Boolean {
                data: *data,
                attributes,
            },
            Self::Double(data) => Frame::Double {
                data: *data,
                attributes,
            },
            Self::Bulk(bytes) => Frame::BlobString {
                data: bytes.clone(),
                attributes,
            },
            Self::Verbatim(bytes) => Frame::VerbatimString {
                data: bytes.clone(),
                format: VerbatimStringFormat::Text,
                attributes,
            },
            Self::Null => Frame::Null,
            Self::Array(elements) => Frame::Array {
                data: elements.iter().map(Self::resp3).collect(),
                attributes,
            },
            Self::Push(elements) => Frame::Push {
                data: elements.iter().map(Self::resp3).collect(),
                attributes,
            },
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        "[a-zA-Z0-9 ']{0,20}".prop_map(Shape::Simple),
        "ERR [a-z ']{0,20}".prop_map(Shape::Error),
        any::<i64>().prop_map(Shape::Integer),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Shape::Bulk),
        Just(Shape::Null),
        prop::num::f64::NORMAL.prop_map(Shape::Double),
        any::<bool>().prop_map(Shape::Boolean),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Shape::Verbatim),
    ];
    let nested = leaf.clone().prop_recursive(3, 24, 6, |inner| {
        prop::collection::vec(inner, 0..6).prop_map(Shape::Array)
    });
    // A push stands only at the top.
    prop_oneof![
        4 => nested,
        1 => prop::collection::vec(leaf, 1..6).prop_map(Shape::Push),
    ]
}

proptest! {
    #[test]
    fn an_independent_decoder_reads_what_was_written(shape in shape()) {
        let mut out = Vec::new();
        shape.write(&mut Reply::new(&mut out, Protocol::Resp2));
        let (frame, length) = redis_protocol::resp2::decode::decode(&out).unwrap().unwrap();
        prop_assert_eq!(length, out.len());
        prop_assert_eq!(frame, shape.resp2());

        out.clear();
        shape.write(&mut Reply::new(&mut out, Protocol::Resp3));
        let decoded = redis_protocol::resp3::decode::complete::decode(&out).unwrap();
        let (frame, length) = decoded.unwrap();
        prop_assert_eq!(length, out.len());
        prop_assert_eq!(frame, shape.resp3());
    }
}

#[test]
fn an_independent_decoder_reads_maps_and_sets() {
    use redis_protocol::resp3::types::OwnedFrame;
    let mut out = Vec::new();
    let mut reply = Reply::new(&mut out, Protocol::Resp3);
    reply.map(2);
    reply.bulk(b"a");
    reply.integer(1);
    reply.bulk(b"b");
    reply.set(2);
    reply.bulk(b"x");
    reply.bulk(b"y");
    let decoded = redis_protocol::resp3::decode::complete::decode(&out).unwrap();
    let (OwnedFrame::Map { data, .. }, length) = decoded.unwrap() else {
        panic!("not a map");
    };
    assert_eq!((data.len(), length), (2, out.len()));
}
