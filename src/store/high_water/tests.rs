//! The mark under torn writes, bit flips and going back in time.

use super::*;
use crate::store::disk::simulated::{Fault, SimDisk, Survival};

fn synced(segment: u64, sequence: u64) -> Synced {
    Synced { segment, sequence }
}

#[test]
fn a_mark_is_found_again_and_never_falls() {
    let disk = SimDisk::new();
    assert!(read_mark(&disk).unwrap().is_none());
    let mut high = HighWater::open(&disk).unwrap();
    high.record(synced(1, 10), 0).unwrap();
    high.record(synced(2, 30), 1).unwrap();
    high.record(synced(1, 20), 0).unwrap();
    disk.crash(Survival::Synced);
    let mark = HighWater::open(&disk).unwrap().mark();
    assert_eq!(
        mark,
        Mark {
            segment: 2,
            sequence: 30,
            applied: 1
        }
    );
    assert!(mark.tree_is_shortened(0) && !mark.tree_is_shortened(1));
}

#[test]
fn any_flipped_bit_gives_the_newest_mark_or_the_one_before() {
    let disk = SimDisk::new();
    let mut high = HighWater::open(&disk).unwrap();
    high.record(synced(1, 10), 0).unwrap();
    high.record(synced(1, 20), 0).unwrap();
    let length = disk.length(HIGH_WATER_FILE).unwrap();
    for bit in 0..length * 8 {
        let flipped = disk.copy();
        flipped.flip_bit(HIGH_WATER_FILE, bit);
        let mark = read_mark(&flipped).unwrap().unwrap();
        assert!([10, 20].contains(&mark.sequence));
    }
    disk.edit(HIGH_WATER_FILE, |bytes| bytes.fill(7));
    assert!(matches!(read_mark(&disk), Err(HighWaterError::Damaged)));
    replace_mark(&disk, Mark::default()).unwrap();
    assert_eq!(read_mark(&disk).unwrap(), Some(Mark::default()));
}

#[test]
fn failing_any_call_or_tearing_any_write_keeps_the_recorded_mark() {
    for nth in 1..30 {
        for seed in 0..8 {
            let disk = SimDisk::new();
            disk.script(None, nth, Fault::Short(20));
            let mut recorded = 0;
            if let Ok(mut high) = HighWater::open(&disk) {
                for sequence in 1..6 {
                    if high.record(synced(1, sequence), 0).is_err() {
                        break;
                    }
                    recorded = sequence;
                }
            }
            disk.crash(Survival::Torn(seed));
            let found = read_mark(&disk).unwrap().unwrap_or_default().sequence;
            assert!(
                found >= recorded && found <= recorded + 1,
                "call {nth}, seed {seed}"
            );
        }
    }
}
