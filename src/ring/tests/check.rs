//! The validator's negative controls: each violation planted by hand and seen.

use super::{equals, grown, member};
use crate::ring::{Layout, Violation, Warning};
use crate::types::{NodeId, PartitionId};

/// A good layout of nine nodes in three zones, damaged by `plant`.
fn damaged(plant: impl FnOnce(&mut Layout)) -> Vec<Violation> {
    let members: Vec<_> = (1..=9)
        .map(|id| member(id, ["a", "b", "c"][id as usize % 3], 1000))
        .collect();
    let mut layout = grown(&members, 64, 3);
    assert_eq!(layout.validate(), Ok(()));
    plant(&mut layout);
    layout.validate().unwrap_err()
}

#[test]
fn a_node_twice_on_a_list_is_seen() {
    let found = damaged(|layout| layout.owners[16] = layout.owners[15]);
    let seen =
        |v: &Violation| matches!(v, Violation::Repeated { partition, .. } if partition.0 == 5);
    assert!(found.iter().any(seen), "{found:?}");
}

#[test]
fn a_list_of_another_length_is_seen() {
    let found = damaged(|layout| layout.replicas = 2);
    let short = Violation::Replicas {
        partition: PartitionId(0),
        found: 2,
        wanted: 3,
    };
    assert!(found.contains(&short), "{found:?}");
    let found = damaged(|layout| layout.owners = layout.owners[..190].into());
    let lengths = Violation::Length {
        found: 190,
        wanted: 192,
    };
    assert!(found.contains(&lengths), "{found:?}");
    let last = Violation::Replicas {
        partition: PartitionId(63),
        found: 0,
        wanted: 3,
    };
    assert!(found.contains(&last), "{found:?}");
}

#[test]
fn an_unknown_owner_is_seen() {
    let found = damaged(|layout| layout.owners[0] = 9);
    let unknown = Violation::Unknown {
        partition: PartitionId(0),
        place: 9,
    };
    assert!(found.contains(&unknown), "{found:?}");
}

#[test]
fn a_zone_with_two_replicas_is_seen() {
    // The places of one zone differ by three: another node of the second owner's zone comes first.
    let found = damaged(|layout| layout.owners[3] = (layout.owners[4] + 3) % 9);
    let zones: Vec<_> = found
        .iter()
        .filter_map(|v| match v {
            Violation::Zone {
                partition, found, ..
            } => Some((partition.0, *found)),
            _ => None,
        })
        .collect();
    assert_eq!(zones, [(1, 2)], "{found:?}");
}

#[test]
fn a_load_beyond_the_quota_is_seen() {
    // One replica goes from a node to another of its zone: everything else is as it should be.
    let mut before = [0; 2];
    let found = damaged(|layout| {
        let lists: Vec<&[u16]> = layout.owners.chunks(3).collect();
        let fewest = (0..9).min_by_key(|m| layout.owners.iter().filter(|o| *o == m).count());
        let taker = fewest.unwrap();
        let giver = (taker + 3) % 9;
        // Two replicas, so that no rounding explains it.
        let both: Vec<usize> = (0..64)
            .filter(|p| lists[*p].contains(&giver) && lists[*p][0] != giver)
            .take(2)
            .collect();
        before = [giver, taker].map(|m| layout.owners.iter().filter(|o| **o == m).count() as u32);
        for partition in both {
            let list = &mut layout.owners[partition * 3..partition * 3 + 3];
            let place = list.iter().position(|o| *o == giver).unwrap();
            list[place] = taker;
        }
    });
    let loads = found.iter().filter_map(|v| match v {
        Violation::Load { found, .. } => Some(*found),
        _ => None,
    });
    let loads: Vec<u32> = loads.collect();
    let planted = [before[0] - 2, before[1] + 2];
    assert!(planted.iter().all(|l| loads.contains(l)), "{found:?}");
}

#[test]
fn too_many_first_places_are_seen() {
    let found = damaged(|layout| {
        let favourite = layout.owners[0];
        for list in layout.owners.chunks_mut(3) {
            if let Some(place) = list.iter().position(|o| *o == favourite) {
                list.swap(0, place);
            }
        }
    });
    assert!(found.iter().all(|v| matches!(v, Violation::First { .. })));
    assert!(found.len() > 1, "{found:?}");
}

#[test]
fn members_out_of_order_and_twice_are_seen() {
    let found = damaged(|layout| layout.members.swap(0, 3));
    assert!(found.contains(&Violation::Members), "{found:?}");
    let found = damaged(|layout| layout.members[1].id = layout.members[0].id);
    assert!(found.contains(&Violation::Members), "{found:?}");
}

#[test]
fn a_shape_that_no_ring_has_is_seen() {
    let found = damaged(|layout| layout.partitions = 63);
    assert!(found.contains(&Violation::Shape), "{found:?}");
    let found = damaged(|layout| layout.n = 0);
    assert!(found.contains(&Violation::Shape), "{found:?}");
}

#[test]
fn a_plan_warns_of_what_cannot_be() {
    assert_eq!(grown(&equals(5), 64, 3).warnings(), []);
    let few = grown(&equals(2), 64, 3).warnings();
    assert_eq!(few, [Warning::FewNodes { members: 2, n: 3 }]);
    let two_zones = ["a", "a", "b", "b"].into_iter().zip(1..);
    let two_zones: Vec<_> = two_zones.map(|(zone, id)| member(id, zone, 1000)).collect();
    let warnings = grown(&two_zones, 64, 3).warnings();
    assert_eq!(warnings, [Warning::FewZones { zones: 2, n: 3 }]);
    let mut skewed = equals(4);
    skewed[3] = member(4, "z", 100_000);
    let warnings = grown(&skewed, 64, 3).warnings();
    let capped = Warning::Capacity {
        node: NodeId(4),
        holds: 64,
        fair: 186,
    };
    assert!(warnings.contains(&capped), "{warnings:?}");
    assert!(
        capped
            .to_string()
            .ends_with("holds 64 replicas where its capacity asks for 186")
    );
}
