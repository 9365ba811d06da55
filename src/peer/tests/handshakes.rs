//! Handshakes: frozen messages, who is let in, and attacks that must fail.

use proptest::prelude::*;

use super::{CLUSTER, HLC, SECRET, accepting, dialing, named, with_secret};
use crate::peer::*;
use crate::types::{Actor, ClusterId, NodeId};

const MESSAGES: &str = include_str!("../../../tests/fixtures/peer_v1_handshake.hex");
const DIALER_NONCE: Nonce = [0xd1; 32];
const ACCEPTOR_NONCE: Nonce = [0xac; 32];

fn shaken(
    dialer: Local,
    acceptor: &Local,
    class: Class,
) -> Result<(Established, Established), Refusal> {
    let dialer = Dialer::new(dialer, class, 3, &DIALER_NONCE);
    let acceptor = Acceptor::greeted(acceptor, dialer.hello(), &ACCEPTOR_NONCE)?;
    let (at_dialer, proof) = dialer.welcomed(acceptor.welcome())?;
    Ok((at_dialer, acceptor.proved(&proof)?))
}

fn greeted(hello: &[u8; HELLO_BYTES]) -> Result<Acceptor, Refusal> {
    Acceptor::greeted(&accepting(), hello, &ACCEPTOR_NONCE)
}

#[test]
fn the_messages_are_frozen() {
    let dialer = Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE);
    assert_eq!(dialer.hello()[..], named(MESSAGES, "hello"));
    let acceptor = greeted(dialer.hello()).expect("it is good");
    assert_eq!(acceptor.welcome()[..], named(MESSAGES, "welcome"));
    let (_, proof) = dialer.welcomed(acceptor.welcome()).expect("it is good");
    assert_eq!(proof[..], named(MESSAGES, "proof"));
}

#[test]
fn each_side_learns_who_the_other_is() {
    let (at_dialer, at_acceptor) =
        shaken(dialing(), &accepting(), Class::Bulk).expect("both are good");
    let expected = Established {
        peer: accepting().node,
        actor: accepting().actor,
        version: 1,
        class: Class::Bulk,
        worker: 3,
        peer_hlc: HLC.next(),
        cluster: CLUSTER,
        peer_belongs: true,
    };
    assert_eq!(at_dialer, expected);
    let expected = Established {
        peer: dialing().node,
        actor: dialing().actor,
        peer_hlc: HLC,
        ..expected
    };
    assert_eq!(at_acceptor, expected);
}

#[test]
fn another_secret_is_refused_before_anything_is_said() {
    for wrong in [&b"correct horsf"[..], b"", b"correct horse "] {
        let stranger = with_secret(dialing(), wrong, None);
        let refused = shaken(stranger, &accepting(), Class::Stream);
        assert_eq!(refused, Err(Refusal::WrongSecret));
    }
}

#[test]
fn an_acceptor_without_the_secret_gets_no_proof() {
    let dialer = Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE);
    // It has seen a hello and knows everything but the secret: it makes a welcome with its own.
    let other = Dialer::new(
        with_secret(dialing(), b"theirs", None),
        Class::Stream,
        3,
        &DIALER_NONCE,
    );
    let impostor = with_secret(accepting(), b"theirs", None);
    let acceptor =
        Acceptor::greeted(&impostor, other.hello(), &ACCEPTOR_NONCE).expect("its own secret");
    let refused = dialer.welcomed(acceptor.welcome());
    assert_eq!(refused, Err(Refusal::WrongSecret));
}

#[test]
fn a_secret_is_rotated_without_a_refusal() {
    let stages: [(&[u8], Option<&[u8]>); 4] = [
        (b"old", None),
        (b"old", Some(b"new")),
        (b"new", Some(b"old")),
        (b"new", None),
    ];
    // Nodes are at one stage or the next, never further apart.
    for pair in stages.windows(2) {
        for (dialer, acceptor) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let dialer = with_secret(dialing(), dialer.0, dialer.1);
            let acceptor = with_secret(accepting(), acceptor.0, acceptor.1);
            assert!(shaken(dialer, &acceptor, Class::Stream).is_ok());
        }
    }
    // Two stages at once is what the procedure forbids, and it fails.
    let late = with_secret(dialing(), b"old", None);
    let early = with_secret(accepting(), b"new", None);
    assert_eq!(
        shaken(late, &early, Class::Stream),
        Err(Refusal::WrongSecret)
    );
}

#[test]
fn a_node_of_another_cluster_is_refused_by_either_side() {
    let other = ClusterId(9);
    let foreign = Local {
        cluster: Some(other),
        ..dialing()
    };
    let refused = shaken(foreign, &accepting(), Class::Stream);
    let node = dialing().node;
    let error = Refusal::OtherCluster {
        node,
        cluster: other,
    };
    assert_eq!(refused, Err(error));
}

#[test]
fn a_node_without_a_cluster_may_ask_to_join_and_no_more() {
    let outside = |local| Local {
        cluster: None,
        ..local
    };
    let (at_dialer, at_acceptor) =
        shaken(outside(dialing()), &accepting(), Class::Control).expect("it asks to join");
    assert_eq!((at_dialer.cluster, at_dialer.peer_belongs), (CLUSTER, true));
    assert_eq!(
        (at_acceptor.cluster, at_acceptor.peer_belongs),
        (CLUSTER, false)
    );
    // A member may call on one that waits.
    assert!(shaken(dialing(), &outside(accepting()), Class::Control).is_ok());
    let node = dialing().node;
    let class = Class::Stream;
    assert_eq!(
        shaken(outside(dialing()), &accepting(), class),
        Err(Refusal::Outsider { node, class })
    );
    assert_eq!(
        shaken(outside(dialing()), &outside(accepting()), Class::Control),
        Err(Refusal::NoCluster(node))
    );
}

#[test]
fn talking_to_oneself_and_to_a_copy_of_oneself_are_refused() {
    let refused = shaken(accepting(), &accepting(), Class::Stream);
    assert_eq!(refused, Err(Refusal::Oneself));
    let copy = Local {
        actor: Actor(1),
        ..accepting()
    };
    let refused = shaken(copy, &accepting(), Class::Stream);
    assert_eq!(refused, Err(Refusal::SameNode(accepting().node)));
}

#[test]
fn a_recorded_handshake_is_no_use_again() {
    let dialer = Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE);
    let hello = *dialer.hello();
    let acceptor = greeted(&hello).expect("it is good");
    let welcome = *acceptor.welcome();
    let (_, proof) = dialer.welcomed(&welcome).expect("it is good");
    // To the acceptor: the hello is heard, the proof is of another day.
    let again = Acceptor::greeted(&accepting(), &hello, &[7; 32]).expect("a hello may be old");
    assert_eq!(again.proved(&proof), Err(Refusal::WrongSecret));
    // To the dialer: the welcome answers another hello.
    let anew = Dialer::new(dialing(), Class::Stream, 3, &[8; 32]);
    assert_eq!(anew.welcomed(&welcome), Err(Refusal::WrongSecret));
    // Negative control: with the same nonces the record would have been good.
    let same = greeted(&hello).expect("it is good");
    assert!(same.proved(&proof).is_ok());
}

#[test]
fn nothing_that_a_node_says_can_be_turned_against_it() {
    // A node dials an attacker, who plays its own messages back to it on a second connection.
    let victim = accepting();
    let dialing_out = Dialer::new(victim.clone(), Class::Stream, 0, &[1; 32]);
    let reflected = Acceptor::greeted(&victim, dialing_out.hello(), &[2; 32]);
    assert_eq!(reflected.map(|_| ()), Err(Refusal::Oneself));
    // And if ids were no obstacle: no tag of one role passes for one of another.
    let dialer = Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE);
    let acceptor = greeted(dialer.hello()).expect("it is good");
    let welcome = *acceptor.welcome();
    let hello = *dialer.hello();
    for (message, end) in [(&hello[..], HELLO_BYTES), (&welcome[..], WELCOME_BYTES)] {
        let tag: [u8; PROOF_BYTES] = message[end - PROOF_BYTES..].try_into().expect("32 bytes");
        let acceptor = greeted(&hello).expect("it is good");
        assert_eq!(acceptor.proved(&tag), Err(Refusal::WrongSecret));
    }
}

#[test]
fn no_bit_of_any_message_can_be_changed() {
    let dialer = || Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE);
    let hello = *dialer().hello();
    let welcome = *greeted(&hello).expect("it is good").welcome();
    let (_, proof) = dialer().welcomed(&welcome).expect("it is good");
    for bit in 0..HELLO_BYTES * 8 {
        let mut changed = hello;
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 64 {
            Refusal::Stranger
        } else {
            Refusal::WrongSecret
        };
        assert_eq!(greeted(&changed).map(|_| ()), Err(expected), "bit {bit}");
    }
    for bit in 0..WELCOME_BYTES * 8 {
        let mut changed = welcome;
        changed[bit / 8] ^= 1 << (bit % 8);
        let refused = dialer().welcomed(&changed).map(|_| ());
        assert_eq!(refused, Err(Refusal::WrongSecret), "bit {bit}");
    }
    for bit in 0..PROOF_BYTES * 8 {
        let mut changed = proof;
        changed[bit / 8] ^= 1 << (bit % 8);
        let acceptor = greeted(&hello).expect("it is good");
        assert_eq!(acceptor.proved(&changed), Err(Refusal::WrongSecret));
    }
}

#[test]
fn a_stranger_is_told_by_its_first_byte() {
    assert!(hello_may_follow(b""));
    assert!(hello_may_follow(b"dyn"));
    assert!(hello_may_follow(&named(MESSAGES, "hello")));
    for stranger in [&b"G"[..], b"*", b"\x16\x03\x01", b"dynpeer2"] {
        assert!(!hello_may_follow(stranger));
    }
}

#[test]
fn a_class_of_a_later_version_is_refused_by_name() {
    let mut hello = *Dialer::new(dialing(), Class::Stream, 3, &DIALER_NONCE).hello();
    hello[10] = 77;
    seal(&mut hello);
    let refused = greeted(&hello).map(|_| ());
    assert_eq!(refused, Err(Refusal::UnknownClass(77)));
}

/// Puts a right tag behind changed fields.
fn seal(hello: &mut [u8; HELLO_BYTES]) {
    use crate::peer::secret::Role;
    let (fields, tag) = hello.split_at_mut(HELLO_BYTES - PROOF_BYTES);
    tag.copy_from_slice(&Secrets::new(SECRET, None).prove(Role::Hello, &[fields]));
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", with_secret(dialing(), b"hunter2", Some(b"hunter3")));
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("Secrets(2 hidden)"));
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(fields in any::<[u8; 32]>(), more in any::<[u8; 31]>(), rest in any::<[u8; 31]>()) {
        let mut hello = [0; HELLO_BYTES];
        let all = fields.iter().chain(&more).chain(&rest);
        hello.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        prop_assert!(greeted(&hello).is_err());
        // With the right beginning and a right tag, the fields are reached.
        hello[..8].copy_from_slice(b"dynpeer1");
        seal(&mut hello);
        if let Ok(acceptor) = greeted(&hello) {
            prop_assert!(acceptor.proved(&fields).is_err());
        }
    }

    #[test]
    fn any_node_with_the_secret_gets_in(node in any::<u128>(), worker in any::<u16>(), nonces in any::<[[u8; 32]; 2]>()) {
        prop_assume!(NodeId(node) != accepting().node);
        let local = Local { node: NodeId(node), ..dialing() };
        let dialer = Dialer::new(local, Class::Control, worker, &nonces[0]);
        let acceptor = Acceptor::greeted(&accepting(), dialer.hello(), &nonces[1]).expect("good");
        let (_, proof) = dialer.welcomed(acceptor.welcome()).expect("good");
        let established = acceptor.proved(&proof).expect("good");
        prop_assert_eq!((established.peer, established.worker), (NodeId(node), worker));
    }
}
