//! Frames: frozen bytes, limits before allocation, no panic on any bytes, pieces of any size.

use proptest::prelude::*;

use super::{CLUSTER, HLC, fixture};
use crate::peer::*;
use crate::types::{ClusterId, Hlc};

const FRAMES: &str = include_str!("../../../tests/fixtures/peer_v1_frames.hex");

fn header(kind: FrameKind) -> Header {
    Header {
        kind,
        cluster: CLUSTER,
        layout: 7,
        hlc: HLC,
    }
}

fn encoded(header: &Header, extensions: &[(u64, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_extended(
        header,
        extensions,
        |out| out.extend_from_slice(body),
        &mut out,
    )
    .expect("it is small enough");
    out
}

#[test]
fn every_kind_has_a_frozen_frame() {
    let frames = fixture(FRAMES);
    for kind in FrameKind::ALL {
        let name = kind.name().expect("it is known");
        let (_, bytes) = frames.iter().find(|(n, _)| *n == name).expect(name);
        assert_eq!(&encoded(&header(*kind), &[], b"body"), bytes, "{name}");
        let parsed = parse(bytes, FRAME_BYTES_MAX).expect(name);
        assert_eq!(parsed.header, header(*kind));
        assert_eq!(parsed.body, b"body");
        assert_eq!(parsed.consumed, bytes.len());
        assert!(parsed.extensions.is_empty());
    }
    assert_eq!(frames.len(), FrameKind::ALL.len() + 3);
}

#[test]
fn frozen_frames_without_body_with_extensions_and_of_unknown_kind_open() {
    let empty = super::named(FRAMES, "empty");
    assert_eq!(encoded(&header(FrameKind::PROBE), &[], b""), empty);
    assert_eq!(empty.len(), HEADER_BYTES);

    let extended = super::named(FRAMES, "extended");
    let fields: [(u64, &[u8]); 2] = [(1, b"new"), (300, b"")];
    assert_eq!(
        encoded(&header(FrameKind::GOSSIP), &fields, b"body"),
        extended
    );
    let parsed = parse(&extended, FRAME_BYTES_MAX).expect("it opens");
    assert_eq!(parsed.body, b"body");
    assert_eq!(parsed.extensions.get(1), Some(&b"new"[..]));
    assert_eq!(parsed.extensions.get(2), None);
    assert_eq!(parsed.extensions.get(300), Some(&b""[..]));

    let unknown = super::named(FRAMES, "unknown-kind");
    let parsed = parse(&unknown, FRAME_BYTES_MAX).expect("it opens, to be passed over");
    assert_eq!(parsed.header.kind, FrameKind(200));
    assert_eq!(parsed.header.kind.name(), None);
}

#[test]
fn a_frame_is_written_behind_what_is_there() {
    let mut out = b"before".to_vec();
    let one = encoded(&header(FrameKind::READ), &[], b"one");
    encode(
        &header(FrameKind::READ),
        |out| out.extend_from_slice(b"one"),
        &mut out,
    )
    .expect("it is small");
    assert_eq!(out, [b"before", &*one].concat());
}

#[test]
fn a_body_that_is_too_long_leaves_no_trace() {
    let mut out = b"before".to_vec();
    let fill = |bytes: usize| move |out: &mut Vec<u8>| out.resize(out.len() + bytes, 0);
    let most = FRAME_BYTES_MAX - HEADER_BYTES;
    let refused = encode(&header(FrameKind::APPLY), fill(most + 1), &mut out);
    assert_eq!(refused, Err(FrameTooLarge(FRAME_BYTES_MAX + 1)));
    assert_eq!(out, b"before");
    encode(&header(FrameKind::APPLY), fill(most), &mut out).expect("the largest frame");
    let parsed = parse(&out[6..], FRAME_BYTES_MAX).expect("it opens");
    assert_eq!(parsed.body.len(), most);
}

#[test]
fn a_length_is_judged_by_its_four_bytes() {
    for length in [u32::MAX, (FRAME_BYTES_MAX - HEADER_BYTES + 1) as u32] {
        let start = length.to_le_bytes();
        let refused = parse(&start, FRAME_BYTES_MAX);
        let bytes = HEADER_BYTES + length as usize;
        let error = FrameError::TooLarge {
            bytes,
            limit: FRAME_BYTES_MAX,
        };
        assert_eq!(refused, Err(Unparsed::Bad(error)));
    }
    assert_eq!(
        parse(&100u32.to_le_bytes(), FRAME_BYTES_MAX),
        Err(Unparsed::Incomplete { needed: 142 })
    );
    // A chunk and its name fit the bulk class, a large frame does not.
    let bulk = Class::Bulk.frame_bytes_max();
    let large = ((bulk - HEADER_BYTES + 1) as u32).to_le_bytes();
    assert!(matches!(parse(&large, bulk), Err(Unparsed::Bad(_))));
    assert!(bulk >= CHUNK_BYTES + HEADER_BYTES);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let frame = encoded(&header(FrameKind::GOSSIP), &[(1, b"new")], b"body");
    for bit in 0..frame.len() * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let parsed = parse(&damaged, FRAME_BYTES_MAX);
        assert!(parsed.is_err(), "bit {bit}");
    }
}

/// A frame with these flags and bytes behind the header, its checksum right.
fn forged(flags: u8, rest: &[u8]) -> Vec<u8> {
    let mut frame = encoded(&header(FrameKind::GOSSIP), &[], rest);
    frame[9] = flags;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..4]);
    crc.update(&frame[8..]);
    let crc = crc.finalize().to_le_bytes();
    frame[4..8].copy_from_slice(&crc);
    frame
}

#[test]
fn what_no_sender_writes_is_malformed() {
    let malformed: [(u8, &[u8]); 8] = [
        (2, b"body"),
        (0x81, b"\x03\x01\x01a"),
        // No block, an empty one, one longer than the frame, one that ends inside a field.
        (1, b""),
        (1, b"\x00"),
        (1, b"\x7f\x01\x01a"),
        (1, b"\x02\x01\x01a"),
        // The same tag twice, and falling tags.
        (1, b"\x06\x01\x01a\x01\x01b"),
        (1, b"\x06\x02\x01a\x01\x01b"),
    ];
    for (flags, rest) in malformed {
        let refused = parse(&forged(flags, rest), FRAME_BYTES_MAX).map(|p| p.consumed);
        assert_eq!(
            refused,
            Err(Unparsed::Bad(FrameError::Malformed)),
            "{rest:?}"
        );
    }
    // The helper forges nothing else.
    assert!(parse(&forged(1, b"\x03\x01\x01abody"), FRAME_BYTES_MAX).is_ok());
}

#[test]
fn a_reader_gives_frames_of_its_cluster_only() {
    let mut reader = FrameReader::new(Class::Stream, CLUSTER);
    let ours = encoded(&header(FrameKind::READ), &[], b"");
    let theirs = Header {
        cluster: ClusterId(5),
        ..header(FrameKind::READ)
    };
    reader.room().extend_from_slice(&ours);
    reader.room().extend_from_slice(&encoded(&theirs, &[], b""));
    assert!(reader.next_frame().is_ok_and(|frame| frame.is_some()));
    assert_eq!(
        reader.next_frame(),
        Err(FrameError::OtherCluster(ClusterId(5)))
    );
}

#[test]
fn a_reader_gives_large_memory_back() {
    let mut reader = FrameReader::new(Class::Stream, CLUSTER);
    let large = encoded(&header(FrameKind::APPLY), &[], &vec![7; 900_000]);
    for piece in large.chunks(10_000) {
        assert_eq!(reader.next_frame(), Ok(None));
        let room = reader.room();
        assert!(room.capacity() <= 2 * FRAME_BYTES_MAX);
        room.extend_from_slice(piece);
    }
    assert!(reader.next_frame().is_ok_and(|frame| frame.is_some()));
    assert_eq!(reader.next_frame(), Ok(None));
    assert!(reader.room().capacity() <= 128 << 10);
}

prop_compose! {
    fn frames()(
        kind in any::<u8>(),
        cluster in any::<u128>(),
        layout in any::<u64>(),
        hlc in any::<u64>(),
        tags in prop::collection::btree_map(any::<u64>(), prop::collection::vec(any::<u8>(), 0..9), 0..3),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) -> (Header, Vec<(u64, Vec<u8>)>, Vec<u8>) {
        let header = Header {
            kind: FrameKind(kind),
            cluster: ClusterId(cluster),
            layout,
            hlc: Hlc(hlc),
        };
        (header, tags.into_iter().collect(), body)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read((header, tags, body) in frames(), tail in any::<[u8; 5]>()) {
        let fields: Vec<_> = tags.iter().map(|(tag, field)| (*tag, &**field)).collect();
        let mut bytes = encoded(&header, &fields, &body);
        let length = bytes.len();
        bytes.extend_from_slice(&tail);
        let parsed = parse(&bytes, FRAME_BYTES_MAX).expect("it was just written");
        prop_assert_eq!(parsed.header, header);
        prop_assert_eq!(parsed.body, &*body);
        prop_assert_eq!(parsed.consumed, length);
        for (tag, field) in &tags {
            prop_assert_eq!(parsed.extensions.get(*tag), Some(&**field));
        }
        for end in 0..length {
            let incomplete = matches!(
                parse(&bytes[..end], FRAME_BYTES_MAX),
                Err(Unparsed::Incomplete { needed }) if needed > end && needed <= length
            );
            prop_assert!(incomplete, "{} of {} bytes", end, length);
        }
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, FRAME_BYTES_MAX);
        // Behind a right checksum the parser reaches everything.
        if let Some((flags, rest)) = bytes.split_first() {
            let frame = forged(flags & 1, rest);
            if let Ok(parsed) = parse(&frame, FRAME_BYTES_MAX) {
                let skipped = frame.len() - HEADER_BYTES - parsed.body.len();
                prop_assert_eq!(parsed.extensions.is_empty(), skipped == 0);
            }
        }
    }

    #[test]
    fn pieces_of_any_size_make_the_same_frames(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
        piece in 1usize..100,
    ) {
        let mut bytes = Vec::new();
        for body in &bodies {
            bytes.extend_from_slice(&encoded(&header(FrameKind::APPLY), &[], body));
        }
        let mut reader = FrameReader::new(Class::Stream, CLUSTER);
        let mut read = Vec::new();
        for piece in bytes.chunks(piece) {
            reader.room().extend_from_slice(piece);
            while let Some(frame) = reader.next_frame().expect("nothing is wrong") {
                read.push(frame.body.to_vec());
            }
        }
        prop_assert_eq!(read, bodies);
    }
}
