//! Laws of the reader: cutting the stream changes nothing, and no bytes make it panic or take
//! more memory than they are worth.

use proptest::prelude::*;

use super::*;

/// Bytes that are often protocol.
fn protocol_bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(b"*".to_vec()),
        Just(b"$".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\"".to_vec()),
        Just(b"'".to_vec()),
        Just(b"\\x".to_vec()),
        (-2i64..12).prop_map(|n| n.to_string().into_bytes()),
        (1u32..20_000).prop_map(|n| format!("*{n}\r\n$").into_bytes()),
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        (1u32..4, 0usize..5)
            .prop_map(|(n, m)| format!("*{n}\r\n${m}\r\n{}\r\n", "x".repeat(m)).into_bytes()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

fn pipeline() -> impl Strategy<Value = Vec<Words>> {
    let word = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec(prop::collection::vec(word, 1..12), 1..8)
}

proptest! {
    #[test]
    fn any_cutting_of_a_pipeline_gives_its_requests(
        requests in pipeline(),
        pieces in prop::collection::vec(1usize..50, 0..100),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(encode).collect();
        let (read, error) = read_in_pieces(&stream, &pieces, &trusted());
        prop_assert_eq!(error, None);
        prop_assert_eq!(read, requests);
    }

    #[test]
    fn any_cutting_of_any_bytes_gives_one_outcome(
        stream in protocol_bytes(),
        pieces in prop::collection::vec(1usize..10, 0..100),
        stranger in any::<bool>(),
    ) {
        let limits = if stranger { Limits::unauthenticated() } else { trusted() };
        let whole = read_in_pieces(&stream, &[], &limits);
        prop_assert_eq!(&whole, &read_in_pieces(&stream, &pieces, &limits));
        prop_assert_eq!(&whole, &read_in_pieces(&stream, &vec![1; stream.len()], &limits));
    }

    #[test]
    fn memory_is_bounded_by_what_arrived(stream in protocol_bytes()) {
        let mut reader = RequestReader::new();
        let mut request = Request::new();
        let _ = reader.next(&stream, &trusted(), &mut request);
        // An argument of a line costs a byte and a blank; vectors grow to twice what they hold.
        prop_assert!(request.ranges.capacity() <= 8 + 2 * stream.len());
        prop_assert!(request.words.capacity() <= 8 + 2 * stream.len());
    }

    #[test]
    fn quoted_words_are_read_back(words in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..20), 1..6,
    )) {
        let mut line = Vec::new();
        for word in &words {
            line.extend(b"\"");
            line.extend(word.iter().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()));
            line.extend(b"\" ");
        }
        line.extend(b"\r\n");
        prop_assert_eq!(read(&line), (vec![words], None));
    }

    #[test]
    fn what_redis_protocol_encodes_is_read_back(words in prop::collection::vec(
        prop::collection::vec(any::<u8>(), 0..40), 1..12,
    )) {
        use redis_protocol::resp2::{encode::encode, types::OwnedFrame};
        let frame = OwnedFrame::Array(words.iter().cloned().map(OwnedFrame::BulkString).collect());
        let mut buffer = vec![0; 2048];
        let length = encode(&mut buffer, &frame, false).unwrap();
        prop_assert_eq!(read(&buffer[..length]), (vec![words], None));
    }
}
