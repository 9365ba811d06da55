//! Truncations, flips, missing and exchanged files: cut as a torn tail, or reported; never silent.

use proptest::prelude::*;

use super::*;

/// A log of some segments, all synced, and its mark.
fn written(groups: u64) -> (SimDisk, LogConfig) {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, groups);
    log.sync().unwrap();
    let mark = Some(mark(&log));
    (disk, LogConfig { mark, ..config() })
}

fn damage_of(disk: &SimDisk, config: LogConfig) -> Option<Damage> {
    let before = disk.list().unwrap();
    match Log::open(disk.clone(), config) {
        Ok(_) => None,
        Err(LogError::Damaged(damage)) => {
            assert_eq!(
                disk.list().unwrap(),
                before,
                "a refused log is left as it is"
            );
            Some(damage)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Opens, and demands that all groups are there or that damage is told.
fn never_silent(disk: &SimDisk, config: LogConfig, groups: u64) {
    if damage_of(disk, config).is_none() {
        assert_eq!(replayed(disk), (1..=groups).collect::<Vec<_>>());
    }
}

#[test]
fn every_flipped_bit_is_told_or_harmless() {
    let (disk, config) = written(9);
    for name in disk.list().unwrap() {
        for bit in 0..disk.length(&name).unwrap() * 8 {
            let flipped = disk.copy();
            flipped.flip_bit(&name, bit);
            never_silent(&flipped, config, 9);
        }
    }
}

#[test]
fn every_truncation_of_any_segment_is_told_or_harmless() {
    let (disk, config) = written(9);
    for name in disk.list().unwrap() {
        for length in 0..disk.length(&name).unwrap() {
            let cut = disk.copy();
            cut.truncate(&name, length).unwrap();
            never_silent(&cut, config, 9);
        }
    }
}

#[test]
fn without_a_mark_only_the_very_end_can_go() {
    let (disk, _) = written(9);
    let names = disk.list().unwrap();
    for (place, name) in names.iter().enumerate() {
        for bit in 0..disk.length(name).unwrap() * 8 {
            let flipped = disk.copy();
            flipped.flip_bit(name, bit);
            if damage_of(&flipped, config()).is_none() {
                let left = replayed(&flipped).len() as u64;
                assert_eq!(place, names.len() - 1, "bit {bit} of {name}");
                assert!(left >= 8, "at most the last group is taken for torn");
            }
        }
    }
}

proptest! {
    #[test]
    fn flips_and_cuts_together_are_told_or_harmless(
        groups in 1u64..25,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 0..4),
        cut in proptest::option::of((any::<prop::sample::Index>(), any::<u32>())),
    ) {
        let (disk, config) = written(groups);
        let names = disk.list().unwrap();
        for (name, bit) in flips {
            let name = name.get(&names);
            let bits = disk.length(name).unwrap() * 8;
            disk.flip_bit(name, u64::from(bit) % bits);
        }
        if let Some((name, length)) = cut {
            let name = name.get(&names);
            let length = u64::from(length) % (disk.length(name).unwrap() + 1);
            disk.truncate(name, length).unwrap();
        }
        never_silent(&disk, config, groups);
        let told = report(&disk, &config).unwrap();
        prop_assert_eq!(told.damage.is_empty(), damage_of(&disk, config).is_none());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut segment = written(2).0.read(&segment_name(1)).unwrap();
        segment.truncate(44);
        segment.extend_from_slice(&bytes);
        for bytes in [&segment, &bytes] {
            let disk = SimDisk::new();
            disk.put(&segment_name(1), bytes);
            let told = report(&disk, &config()).unwrap();
            prop_assert!(told.recovery.torn_bytes <= bytes.len() as u64);
            prop_assert!(told.recovery.groups <= bytes.len() as u64 / 32);
        }
    }
}

#[test]
fn a_missing_segment_is_named() {
    let (disk, config) = written(20);
    let names = disk.list().unwrap();
    for (place, name) in names.iter().enumerate() {
        let without = disk.copy();
        without.unlink(name).unwrap();
        without.sync_directory().unwrap();
        let damage = damage_of(&without, config).unwrap();
        let last = place == names.len() - 1;
        if last {
            assert!(matches!(
                damage.reason,
                Reason::Shortened { sequence: 20, .. }
            ));
        } else {
            assert_eq!(
                (damage.segment, damage.reason),
                (place as u64 + 1, Reason::MissingSegment)
            );
        }
    }
    for name in names {
        disk.unlink(&name).unwrap();
    }
    let damage = damage_of(&disk, config).unwrap();
    assert!(matches!(
        damage.reason,
        Reason::Shortened { sequence: 20, .. }
    ));
}

#[test]
fn a_bad_group_is_told_with_its_place_and_time() {
    let (disk, config) = written(9);
    disk.flip_bit(&segment_name(1), (44 + 32 + 10) * 8);
    let damage = damage_of(&disk, config).unwrap();
    assert_eq!(
        (damage.segment, damage.offset, &damage.reason),
        (1, 44, &Reason::BadGroup)
    );
    let (disk, config) = written(9);
    let second = 44 + 32 + payload(1).1.len() as u64;
    disk.flip_bit(&segment_name(1), (second + 40) * 8);
    let damage = damage_of(&disk, config).unwrap();
    assert_eq!(
        (damage.offset, damage.last_good_time),
        (second, WallMs(1001))
    );
    let told = damage.to_string();
    let start = format!("log-0000000000000001.seg, offset {second}: bad group before good ones");
    assert!(told.starts_with(&start), "{told}");
}

#[test]
fn an_old_copy_of_the_last_segment_is_shortened() {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 2);
    let old = disk.read(&segment_name(1)).unwrap();
    append(&mut log, 1);
    log.sync().unwrap();
    let config = LogConfig {
        mark: Some(mark(&log)),
        ..config()
    };
    disk.put(&segment_name(1), &old);
    let damage = damage_of(&disk, config).unwrap();
    assert_eq!(
        damage.reason,
        Reason::Shortened {
            segment: 1,
            sequence: 3
        }
    );
}

#[test]
fn a_later_version_is_refused_by_name() {
    let (disk, config) = written(1);
    disk.edit(&segment_name(1), |bytes| {
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..40]);
        bytes[40..44].copy_from_slice(&crc.to_le_bytes());
    });
    assert_eq!(
        damage_of(&disk, config).unwrap().reason,
        Reason::UnknownVersion(2)
    );
    assert!(matches!(
        set_aside(&disk, &config),
        Err(LogError::Damaged(_))
    ));
}

#[test]
fn segments_that_the_tree_has_are_not_looked_at() {
    let (disk, config) = written(20);
    disk.edit(&segment_name(1), |bytes| bytes.fill(0));
    assert!(damage_of(&disk, config).is_some());
    let config = LogConfig {
        applied: 1,
        ..config
    };
    let (mut log, _) = Log::open(disk.clone(), config).unwrap();
    log.drop_through(1).unwrap();
    assert!(!disk.list().unwrap().contains(&segment_name(1)));
}

#[test]
fn a_value_that_looks_like_a_group_is_none() {
    // A client stores what would be the next group, but for the salt it cannot know; the group that
    // holds it is torn. Taken for a group it would turn a torn tail into damage.
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 1);
    let mut forged = Vec::new();
    format::group_header(
        config().salt ^ 1 << 20,
        format::GroupKind::Data,
        3,
        WallMs(1),
        0,
        &[],
        &mut forged,
    );
    let mut bytes = Vec::new();
    append_opaque(&mut bytes, EntryKind::META, &forged.repeat(3));
    log.append_group(WallMs(2), 1, &bytes).unwrap();
    let length = disk.length(&segment_name(1)).unwrap();
    disk.truncate(&segment_name(1), length - 1).unwrap();
    let (log, recovery) = Log::open(disk, config()).unwrap();
    assert_eq!((log.position().sequence, recovery.groups), (1, 1));
    assert_eq!(recovery.torn_bytes, 32 + bytes.len() as u64 - 1);
}
