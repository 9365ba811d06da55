//! A segment of the commit log with any content: it opens, or is refused with its damage; a loss that
//! is accepted opens; and nothing is allocated or reported beyond what is there.
//!
//! The first byte chooses what the rest of the input is: a whole segment; what follows a good header;
//! or a payload inside a good group, which no checksum guards.

#![no_main]

use dynamo::store::disk::Disk;
use dynamo::store::disk::simulated::SimDisk;
use dynamo::store::log::{
    Entries, Log, LogConfig, LogError, Reason, replay, report, segment_name, set_aside,
};
use dynamo::types::WallMs;
use libfuzzer_sys::fuzz_target;

/// A log whose only segment is what the input says.
fn disk_of(choice: u8, bytes: &[u8], config: LogConfig) -> SimDisk {
    let disk = SimDisk::new();
    if choice % 3 == 0 {
        disk.put(&segment_name(1), bytes);
        return disk;
    }
    let (mut log, _) = Log::open(disk.clone(), config).expect("an empty directory opens");
    if choice % 3 == 2 {
        let count = Entries::new(bytes).count() as u32;
        log.append_group(WallMs(1), count, bytes).expect("the disk is well");
    } else {
        disk.edit(&segment_name(1), |segment| segment.extend_from_slice(bytes));
    }
    disk
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else { return };
    let config = LogConfig { segment_bytes: 256, ..LogConfig::default() };
    let disk = disk_of(choice, bytes, config);
    let length = disk.length(&segment_name(1)).expect("it is there");

    let told = report(&disk, &config).expect("the disk is well");
    assert!(told.recovery.torn_bytes <= length && told.recovery.groups <= length / 32);
    let mut entries = 0;
    let replayed = replay(&disk, 1, &mut |_, _| entries += 1);
    assert!(entries <= length);
    let opened = Log::open(disk.clone(), config);
    assert_eq!(opened.is_ok(), told.damage.is_empty());
    if opened.is_ok() {
        replayed.expect("what opens can be replayed");
        assert_eq!(entries, told.recovery.entries);
    }
    drop(opened);

    match set_aside(&disk, &config) {
        Ok(_) => {}
        Err(LogError::Damaged(damage)) => {
            assert!(matches!(damage.reason, Reason::UnknownVersion(_)));
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let (mut log, recovery) = Log::open(disk, config).expect("an accepted loss opens");
    if recovery.last_sequence < u64::MAX - 1 {
        log.append_group(WallMs(2), 0, &[]).expect("and goes on");
    }
});
