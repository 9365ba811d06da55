//! What the node keeps beside records: actors, leases, floors, flush markers, policies. Entries of
//! the log first, entries of the tree's metadata once it is applied; each value begins with its
//! format version.

use crate::node::policy::{Conflict, Policies, Policy};
use crate::store::log::{Body, Entries, EntryKind, append_opaque};
use crate::types::{Actor, ActorIndex, Database, Hlc};
use crate::version::{ActorTable, Floor};

/// Names in the tree's metadata.
pub(super) const APPLIED: &[u8] = b"applied";
pub(super) const ACTORS: &[u8] = b"actors";
pub(super) const CEILING: &[u8] = b"ceiling";
pub(super) const COUNTS: &[u8] = b"counts";
pub(super) const FLOOR: &[u8] = b"floor";
pub(super) const FLUSHED: &[u8] = b"flushed";
pub(super) const POLICIES: &[u8] = b"policies";
pub(super) const SWEEP: &[u8] = b"sweep";
pub(super) const HANDOFF: &[u8] = b"handoff";

const VERSION: u8 = 1;

pub(super) fn encode_u64(value: u64) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&value.to_le_bytes());
    out
}

pub(super) fn decode_u64(bytes: &[u8]) -> Option<u64> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    Some(u64::from_le_bytes(rest.try_into().ok()?))
}

/// Hints and missed lists, as the log has their entries.
pub(super) fn encode_handoff(entries: &[(EntryKind, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![VERSION];
    for (kind, bytes) in entries {
        append_opaque(&mut out, *kind, bytes);
    }
    out
}

pub(super) fn decode_handoff(bytes: &[u8]) -> Option<Vec<(EntryKind, Vec<u8>)>> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    let mut all = Vec::new();
    for entry in Entries::new(rest) {
        let entry = entry.ok()?;
        let Body::Opaque(bytes) = entry.body else {
            return None;
        };
        all.push((entry.kind, bytes.to_vec()));
    }
    Some(all)
}

/// One line of the table of actors.
pub(super) fn encode_actor(index: ActorIndex, actor: Actor) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&index.0.to_le_bytes());
    out.extend_from_slice(&actor.0.to_le_bytes());
    out
}

pub(super) fn decode_actor(bytes: &[u8]) -> Option<(ActorIndex, Actor)> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    let (index, rest) = rest.split_first_chunk::<4>()?;
    let actor = Actor(u64::from_le_bytes(rest.try_into().ok()?));
    Some((ActorIndex(u32::from_le_bytes(*index)), actor))
}

pub(super) fn encode_actors(actors: &ActorTable) -> Vec<u8> {
    let mut out = vec![VERSION];
    for actor in actors.entries() {
        out.extend_from_slice(&actor.0.to_le_bytes());
    }
    out
}

pub(super) fn decode_actors(bytes: &[u8]) -> Option<ActorTable> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    let (chunks, []) = rest.as_chunks::<8>() else {
        return None;
    };
    ActorTable::from_entries(chunks.iter().map(|c| Actor(u64::from_le_bytes(*c)))).ok()
}

fn append_floor(out: &mut Vec<u8>, floor: &Floor) {
    out.extend_from_slice(&(floor.len() as u32).to_le_bytes());
    for (actor, hlc) in floor.iter() {
        out.extend_from_slice(&actor.0.to_le_bytes());
        out.extend_from_slice(&hlc.0.to_le_bytes());
    }
}

fn take_floor(bytes: &mut &[u8]) -> Option<Floor> {
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    let mut floor = Floor::default();
    for _ in 0..u32::from_le_bytes(*count) {
        let (actor, tail) = rest.split_first_chunk::<4>()?;
        let (hlc, tail) = tail.split_first_chunk::<8>()?;
        floor.raise(
            ActorIndex(u32::from_le_bytes(*actor)),
            Hlc(u64::from_le_bytes(*hlc)),
        );
        rest = tail;
    }
    *bytes = rest;
    Some(floor)
}

pub(super) fn encode_floor(floor: &Floor) -> Vec<u8> {
    let mut out = vec![VERSION];
    append_floor(&mut out, floor);
    out
}

pub(super) fn decode_floor(bytes: &[u8]) -> Option<Floor> {
    let (&VERSION, mut rest) = bytes.split_first()? else {
        return None;
    };
    take_floor(&mut rest).filter(|_| rest.is_empty())
}

/// One database's flush marker, as the log carries it.
pub(super) fn encode_flush(database: Database, flushed: &[Floor]) -> Vec<u8> {
    let mut out = vec![VERSION, database.0];
    let none = Floor::default();
    append_floor(
        &mut out,
        flushed.get(usize::from(database.0)).unwrap_or(&none),
    );
    out
}

pub(super) fn decode_flush(bytes: &[u8]) -> Option<(Database, Floor)> {
    let ([VERSION, database], mut rest) = bytes.split_first_chunk::<2>()? else {
        return None;
    };
    let floor = take_floor(&mut rest)?;
    rest.is_empty().then_some((Database(*database), floor))
}

pub(super) fn encode_flushed(flushed: &[Floor]) -> Vec<u8> {
    let mut out = vec![VERSION];
    flushed
        .iter()
        .for_each(|floor| append_floor(&mut out, floor));
    out
}

pub(super) fn decode_flushed(bytes: &[u8]) -> Option<Vec<Floor>> {
    let (&VERSION, mut rest) = bytes.split_first()? else {
        return None;
    };
    let mut flushed = Vec::new();
    while !rest.is_empty() {
        flushed.push(take_floor(&mut rest)?);
    }
    Some(flushed)
}

/// All policies: few, so they travel together.
pub(super) fn encode_policies(policies: &Policies) -> Vec<u8> {
    let mut out = vec![VERSION];
    for (prefix, policy) in policies.iter() {
        out.extend_from_slice(&(prefix.len() as u32).to_le_bytes());
        out.extend_from_slice(prefix);
        out.push(u8::from(policy.conflict == Conflict::Siblings));
        out.push(policy.r.unwrap_or(0));
        out.push(policy.w.unwrap_or(0));
        out.extend_from_slice(&policy.ttl_seconds.unwrap_or(u64::MAX).to_le_bytes());
    }
    out
}

pub(super) fn decode_policies(bytes: &[u8]) -> Option<Policies> {
    let (&VERSION, mut rest) = bytes.split_first()? else {
        return None;
    };
    let mut policies = Policies::default();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (prefix, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let ([siblings, r, w], tail) = tail.split_first_chunk::<3>()?;
        let (ttl, tail) = tail.split_first_chunk::<8>()?;
        let conflict = if *siblings == 1 {
            Conflict::Siblings
        } else {
            Conflict::Lww
        };
        let count = |n: u8| (n > 0).then_some(n);
        let ttl = u64::from_le_bytes(*ttl);
        let ttl_seconds = (ttl != u64::MAX).then_some(ttl);
        policies.set(
            prefix,
            Policy {
                conflict,
                r: count(*r),
                w: count(*w),
                ttl_seconds,
            },
        );
        rest = tail;
    }
    Some(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back_and_garbage_does_not() {
        let mut floor = Floor::default();
        floor.raise(ActorIndex(2), Hlc(77));
        assert_eq!(decode_floor(&encode_floor(&floor)), Some(floor.clone()));
        let flushed = vec![Floor::default(), floor.clone()];
        assert_eq!(
            decode_flushed(&encode_flushed(&flushed)),
            Some(flushed.clone())
        );
        assert_eq!(
            decode_flush(&encode_flush(Database(1), &flushed)),
            Some((Database(1), floor))
        );
        let mut policies = Policies::default();
        policies.set(
            b"cart:",
            Policy {
                conflict: Conflict::Siblings,
                ..Policy::default()
            },
        );
        policies.set(
            b"t:",
            Policy {
                r: Some(1),
                ttl_seconds: Some(0),
                ..Policy::default()
            },
        );
        let decoded = decode_policies(&encode_policies(&policies)).expect("what was encoded");
        assert!(policies.iter().eq(decoded.iter()));
        let actors = ActorTable::from_entries([Actor(5), Actor(9)]).expect("two actors");
        let decoded = decode_actors(&encode_actors(&actors)).expect("what was encoded");
        assert_eq!(decoded.entries(), actors.entries());
        for length in 0..20 {
            let garbage = vec![0xFF; length];
            assert!(decode_floor(&garbage).is_none() && decode_policies(&garbage).is_none());
            assert!(decode_actors(&garbage).is_none() && decode_flush(&garbage).is_none());
        }
    }
}
