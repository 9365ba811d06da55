//! Contexts: honest ones are good everywhere, all others nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::{dot, interval};
use crate::types::{Actor, ActorIndex, Database};
use crate::version::*;

const SECRET: ContextKey = ContextKey([7; 16]);
const DB: Database = Database(0);

fn actors() -> ActorTable {
    ActorTable::from_entries([Actor(0xffff_0000_1111_2222), Actor(5), Actor(u64::MAX)]).unwrap()
}

fn usual() -> History {
    // Times of 2026: the size of a real context.
    let hlc = 1_790_000_000_000 << 16;
    (0..3)
        .map(|actor| (ActorIndex(actor), interval(0, hlc + u64::from(actor))))
        .collect()
}

fn token(history: &History) -> String {
    encode_context(history, DB, b"cart:7", &actors(), &SECRET)
}

fn decode(token: &str, table: &mut ActorTable) -> Result<History, BadContext> {
    decode_context(token.as_bytes(), DB, b"cart:7", &SECRET, |actor| {
        table.intern(actor).0
    })
}

#[test]
fn a_context_of_three_owners_has_about_ninety_characters() {
    assert_eq!(token(&usual()).len(), 91);
    assert_eq!(token(&History::default()), "");
}

#[test]
fn an_honest_context_is_good_on_a_node_that_never_met_its_actors() {
    let mut elsewhere = ActorTable::from_entries([Actor(99), Actor(u64::MAX)]).unwrap();
    let there = decode(&token(&usual()), &mut elsewhere).unwrap();
    assert_eq!(elsewhere.len(), 4);
    let back = encode_context(&there, DB, b"cart:7", &elsewhere, &SECRET);
    assert_eq!(back, token(&usual()), "one history has one token");
    assert_eq!(decode(&back, &mut actors()), Ok(usual()));
    assert_eq!(decode("", &mut actors()), Ok(History::default()));
}

#[test]
fn a_context_is_bound_to_its_key_its_database_and_its_cluster() {
    let token = token(&usual());
    let decode = |db, key: &[u8], secret| {
        decode_context(token.as_bytes(), db, key, &secret, |_| ActorIndex(0)).map(drop)
    };
    assert_eq!(decode(DB, b"cart:7", SECRET), Ok(()));
    assert_eq!(decode(DB, b"cart:8", SECRET), Err(BadContext::OtherKey));
    assert_eq!(
        decode(Database(1), b"cart:7", SECRET),
        Err(BadContext::OtherKey)
    );
    assert_eq!(
        decode(DB, b"cart:7", ContextKey([8; 16])),
        Err(BadContext::BadTag)
    );
}

#[test]
fn a_damaged_context_is_refused_and_interns_nobody() {
    let token = token(&usual());
    let mut table = ActorTable::default();
    for end in 1..token.len() {
        assert!(decode(&token[..end], &mut table).is_err());
    }
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << bit;
            let refused = decode(&URL_SAFE_NO_PAD.encode(&flipped), &mut table);
            assert!(refused.is_err(), "bit {bit} of byte {place}");
        }
    }
    assert_eq!(
        decode(&format!("{token}AAAA"), &mut table),
        Err(BadContext::BadTag)
    );
    assert_eq!(
        decode("not base64!", &mut table),
        Err(BadContext::Malformed)
    );
    assert_eq!(
        decode(&"A".repeat(MAX_TOKEN_BYTES + 1), &mut table),
        Err(BadContext::TooLong)
    );
    assert_eq!(
        decode("AgAA", &mut table),
        Err(BadContext::UnknownFormat(2))
    );
    assert!(table.is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let mut table = ActorTable::default();
        let raw = decode_context(&bytes, DB, b"k", &SECRET, |actor| table.intern(actor).0);
        prop_assert!(raw.is_err());
        let mut framed = vec![1];
        framed.extend(bytes);
        let token = URL_SAFE_NO_PAD.encode(framed);
        prop_assert!(decode(&token, &mut table).is_err());
    }

    #[test]
    fn any_history_survives_its_token(
        spans in prop::collection::vec((0..3u32, any::<u64>(), any::<u64>()), 0..20),
        holes in prop::collection::vec((0..3u32, any::<u64>()), 0..5),
    ) {
        let mut history = History::default();
        for (actor, from, to) in spans {
            history.insert(ActorIndex(actor), interval(from.min(to), from.max(to)));
        }
        history.subtract(holes.into_iter().map(|(actor, hlc)| dot(actor, hlc)));
        prop_assert_eq!(decode(&token(&history), &mut actors()), Ok(history));
    }
}
