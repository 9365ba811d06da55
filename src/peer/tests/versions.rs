//! Version 1 is frozen, and a version 2 with one more field talks to it both ways. Version 2 exists in
//! this test only: it puts a load into every gossip frame, as extension 1.

use super::{CLUSTER, HLC, accepting, dialing, with_versions};
use crate::peer::*;

const LOAD: u64 = 1;

/// Both ends of a connection after the handshake.
fn connected(dialer: Local, acceptor: &Local) -> Result<(Established, Established), Refusal> {
    let dialer = Dialer::new(dialer, Class::Control, 0, &[1; 32]);
    let acceptor = Acceptor::greeted(acceptor, dialer.hello(), &[2; 32])?;
    let (at_dialer, proof) = dialer.welcomed(acceptor.welcome())?;
    Ok((at_dialer, acceptor.proved(&proof)?))
}

/// What a node of version 2 sends on a connection of an agreed version.
fn sent_by_version_2(agreed: u8, load: &[u8]) -> Vec<u8> {
    let header = Header {
        kind: FrameKind::GOSSIP,
        cluster: CLUSTER,
        layout: 1,
        hlc: HLC,
    };
    let fields: &[(u64, &[u8])] = if agreed >= 2 { &[(LOAD, load)] } else { &[] };
    let mut out = Vec::new();
    encode_extended(
        &header,
        fields,
        |out| out.extend_from_slice(b"gossip"),
        &mut out,
    )
    .expect("it is small");
    out
}

#[test]
fn version_2_and_version_1_agree_on_1_whoever_dials() {
    let two = |local| with_versions(local, 1, 2);
    let pairs = [
        (dialing(), two(accepting()), 1),
        (two(dialing()), accepting(), 1),
        (two(dialing()), two(accepting()), 2),
        (dialing(), accepting(), 1),
    ];
    for (dialer, acceptor, agreed) in pairs {
        let (at_dialer, at_acceptor) = connected(dialer, &acceptor).expect("they agree");
        assert_eq!((at_dialer.version, at_acceptor.version), (agreed, agreed));
    }
}

#[test]
fn a_field_of_version_2_reaches_version_2_and_is_no_trouble_to_version_1() {
    let spoken_to_1 = sent_by_version_2(1, b"0.7");
    let spoken_to_2 = sent_by_version_2(2, b"0.7");
    assert_eq!(spoken_to_2.len(), spoken_to_1.len() + 6);

    let parsed = parse(&spoken_to_2, FRAME_BYTES_MAX).expect("it opens");
    assert_eq!(parsed.extensions.get(LOAD), Some(&b"0.7"[..]));
    assert_eq!(parsed.body, b"gossip");
    // A reader of version 1 asks for no extension, and its body is the same in both.
    let old = parse(&spoken_to_1, FRAME_BYTES_MAX).expect("it opens");
    assert_eq!((old.header, old.body), (parsed.header, parsed.body));
    assert_eq!(old.extensions.get(LOAD), None);
}

#[test]
fn versions_without_a_common_one_part() {
    let (old, new) = (Versions { min: 1, max: 1 }, Versions { min: 2, max: 3 });
    let refused = connected(dialing(), &with_versions(accepting(), 2, 3));
    let (theirs, ours) = (old, new);
    assert_eq!(refused, Err(Refusal::NoCommonVersion { theirs, ours }));
    let refused = connected(with_versions(dialing(), 2, 3), &accepting());
    let (theirs, ours) = (new, old);
    assert_eq!(refused, Err(Refusal::NoCommonVersion { theirs, ours }));
}
