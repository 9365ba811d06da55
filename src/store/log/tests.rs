//! The log as its owner sees it: opening, writing, rotating, dropping, replaying, failing.

use super::*;
use crate::store::disk::simulated::{Fault, Operation, SimDisk, Survival};
use crate::store::disk::{Disk, RealDisk};
use crate::types::{Database, PartitionId, Token};

mod damage;
mod fixture;
mod salvage;

/// A small log, so that a few groups fill a segment.
pub(super) fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        salt: 0xC0FF_EE11,
        now: WallMs(5),
        mark: None,
        applied: 0,
    }
}

pub(super) fn payload(group: u64) -> (u32, Vec<u8>) {
    let mut out = Vec::new();
    let key = format!("key-{group}");
    let value = vec![b'v'; (group % 5 * 20) as usize];
    let place = (PartitionId(group as u16), Database(3), Token(group * 77));
    append_record(
        &mut out,
        1,
        place.0,
        place.1,
        place.2,
        key.as_bytes(),
        &value,
    );
    append_opaque(&mut out, EntryKind::HLC_LEASE, &group.to_le_bytes());
    (2, out)
}

/// Appends the next groups, rotating when full; gives how many succeeded.
pub(super) fn append<D: Disk>(log: &mut Log<D>, count: u64) -> u64 {
    for done in 0..count {
        let group = log.position().sequence + 1;
        let (entries, bytes) = payload(group);
        if log
            .append_group(WallMs(1000 + group), entries, &bytes)
            .is_err()
        {
            return done;
        }
        if log.seal_if_full().is_err() {
            return done + 1;
        }
    }
    count
}

/// The sequences that a replay shows, having checked that each group is what was written.
pub(super) fn replayed<D: Disk>(disk: &D) -> Vec<u64> {
    let mut groups: Vec<u64> = Vec::new();
    let mut bytes = Vec::new();
    replay(disk, 0, &mut |sequence, entry| {
        if groups.last() != Some(&sequence) {
            groups.push(sequence);
            bytes.clear();
        }
        match entry.body {
            Body::Record {
                partition,
                database,
                token,
                key,
                record,
            } => {
                append_record(
                    &mut bytes,
                    entry.flags,
                    partition,
                    database,
                    token,
                    key,
                    record,
                );
            }
            Body::Opaque(body) => append_opaque(&mut bytes, entry.kind, body),
        }
        assert!(payload(sequence).1.starts_with(&bytes), "group {sequence}");
    })
    .unwrap();
    groups
}

fn mark(log: &Log<SimDisk>) -> Mark {
    let Synced { segment, sequence } = log.position();
    Mark {
        segment,
        sequence,
        applied: 0,
    }
}

fn lifecycle<D: Disk>(disk: &D) {
    let (mut log, recovery) = Log::open(disk.clone(), config()).unwrap();
    assert_eq!(recovery, Recovery::default());
    assert_eq!(append(&mut log, 30), 30);
    let position = log.sync().unwrap();
    assert_eq!((position, position.sequence), (log.position(), 30));
    let segments = log.segments();
    assert!(segments > 3);
    drop(log);
    assert_eq!(replayed(disk), (1..=30).collect::<Vec<_>>());

    let (mut log, recovery) = Log::open(disk.clone(), config()).unwrap();
    assert_eq!((recovery.groups, recovery.entries), (30, 60));
    assert_eq!(
        (recovery.segments, recovery.last_good_time),
        (segments, WallMs(1030))
    );
    assert_eq!(log.segments(), segments);
    let (second, _) = log.sealed().nth(1).unwrap();
    let before = log.bytes();
    assert_eq!(log.drop_through(second).unwrap(), 2);
    assert!(log.bytes() < before);
    assert_eq!(append(&mut log, 5), 5);
    drop(log);
    let refused = Log::open(disk.clone(), config()).err().unwrap();
    assert!(refused.to_string().contains("missing"), "{refused}");
    let config = LogConfig {
        applied: second,
        ..config()
    };
    let (mut log, recovery) = Log::open(disk.clone(), config).unwrap();
    assert_eq!(recovery.last_sequence, 35);
    assert_eq!(
        log.drop_through(u64::MAX).unwrap(),
        log.position().segment - 1 - second
    );
    assert_eq!(log.segments(), 1, "the segment in use stays");
}

#[test]
fn a_simulated_log_lives() {
    lifecycle(&SimDisk::new());
}

#[test]
fn a_real_log_lives() {
    let directory = tempfile::tempdir().unwrap();
    lifecycle(&RealDisk::open_directory(directory.path()).unwrap());
}

#[test]
fn all_ways_to_write_a_record_write_the_same() {
    for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
        let record = vec![7; length];
        let place = (PartitionId(513), Database(15), Token(u64::MAX - 1));
        let mut whole = vec![9, 9];
        append_record(&mut whole, 2, place.0, place.1, place.2, b"key", &record);
        let mut parts = vec![9, 9];
        let (head, tail) = record.split_at(length / 3);
        append_record_parts(&mut parts, 2, place, &[b"k", b"ey"], &[head, tail]);
        let mut closure = vec![9, 9];
        append_record_with(&mut closure, 2, place, b"key", |out| {
            out.extend_from_slice(&record);
        });
        assert_eq!(whole, parts);
        assert_eq!(whole, closure);
        let entries: Vec<_> = Entries::new(&whole[2..]).collect();
        let (partition, database, token) = place;
        let body = Body::Record {
            partition,
            database,
            token,
            key: b"key",
            record: &record,
        };
        let entry = EntryRef {
            kind: EntryKind::RECORD,
            flags: 2,
            body,
        };
        assert_eq!(entries, [Ok(entry)]);
        assert!(entry.vanished() && !entry.appeared());
        for cut in 0..whole.len().min(40) {
            let left = Entries::new(&whole[2..2 + cut.min(whole.len() - 3)]).last();
            assert!(matches!(left, None | Some(Err(MalformedEntry))));
        }
    }
}

#[test]
fn unknown_kinds_are_opaque() {
    let mut out = Vec::new();
    append_opaque(&mut out, EntryKind(200), b"later");
    let entry = Entries::new(&out).next().unwrap().unwrap();
    assert_eq!(
        (entry.kind, entry.body),
        (EntryKind(200), Body::Opaque(b"later"))
    );
}

#[test]
fn groups_go_on_while_a_full_segment_is_synced() {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 3);
    let rotation = log.rotation().unwrap();
    assert!(matches!(log.rotation(), Err(LogError::Rotating)));
    assert!(!log.is_full(), "a rotation is under way");
    assert_eq!(append(&mut log, 2), 2);
    let prepared = rotation.prepare().unwrap();
    assert_eq!(append(&mut log, 2), 2);
    let killed = disk.copy();
    killed.crash(Survival::Synced);
    assert!(
        replayed(&killed).len() >= 5,
        "prepare synced what it had seen"
    );
    assert!(
        Log::open(killed, config()).is_ok(),
        "a prepared file is no damage"
    );
    assert_eq!(log.rotate(prepared, WallMs(9)).unwrap(), 1);
    let after = append(&mut log, 1);
    disk.crash(Survival::Synced);
    assert_eq!(
        (replayed(&disk), after),
        ((1..=7).collect(), 1),
        "sealed means synced"
    );
    let (log, recovery) = Log::open(disk, config()).unwrap();
    assert_eq!((log.position().sequence, recovery.last_sequence), (7, 7));
}

#[test]
fn a_sync_handle_covers_what_was_there_when_it_was_taken() {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 2);
    let handle = log.sync_handle();
    append(&mut log, 20);
    assert_eq!(
        handle.clone().sync().unwrap(),
        Synced {
            segment: 1,
            sequence: 2
        }
    );
}

#[test]
fn a_failed_log_stays_failed() {
    for operation in [Operation::Write, Operation::Sync] {
        let disk = SimDisk::new();
        let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
        assert_eq!(append(&mut log, 1), 1);
        let early = log.sync_handle();
        disk.script(Some(operation), 1, Fault::Fail(io::ErrorKind::Other));
        let (count, bytes) = payload(2);
        let outcome = log
            .append_group(WallMs(2), count, &bytes)
            .and_then(|_| log.sync());
        assert!(matches!(outcome, Err(LogError::Failed(_))));
        let calls = disk.calls();
        assert!(matches!(
            log.append_group(WallMs(3), count, &bytes),
            Err(LogError::Failed(_))
        ));
        assert!(log.sync().is_err() && early.sync().is_err() && log.seal().is_err());
        assert_eq!(disk.calls(), calls, "the disk is not asked again");
        assert!(log.failed().unwrap().contains("log-0000000000000001.seg"));
    }
}

#[test]
fn failing_any_call_loses_no_synced_group_and_fails_for_good() {
    let mut reached_the_end = false;
    for nth in 1..200 {
        for (fault, seed) in [
            (Fault::Short(17), nth),
            (Fault::Fail(io::ErrorKind::Other), 0),
        ] {
            let disk = SimDisk::new();
            disk.script(None, nth, fault);
            let mut synced = 0;
            let mut appended = 0;
            if let Ok((mut log, _)) = Log::open(disk.clone(), config()) {
                while log.failed().is_none() && appended < 40 {
                    appended += append(&mut log, 3);
                    if let Ok(position) = log.sync() {
                        synced = position.sequence;
                    }
                }
                reached_the_end |= log.failed().is_none() && disk.calls() < nth;
                assert!(log.failed().is_none() || log.append_group(WallMs(0), 0, &[]).is_err());
            }
            disk.crash(if seed == 0 {
                Survival::Synced
            } else {
                Survival::Torn(seed)
            });
            let (_, recovery) = Log::open(disk.clone(), config()).unwrap();
            assert!(recovery.last_sequence >= synced, "call {nth}");
            assert!(recovery.last_sequence <= appended + 1, "call {nth}");
            assert_eq!(
                replayed(&disk),
                (1..=recovery.last_sequence).collect::<Vec<_>>()
            );
        }
    }
    assert!(reached_the_end, "every call of a run was failed once");
}

#[test]
fn a_crash_after_any_call_keeps_every_synced_group() {
    for groups in 0..40 {
        for seed in 0..10 {
            let disk = SimDisk::new();
            let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
            append(&mut log, groups);
            log.sync().unwrap();
            let mark = mark(&log);
            append(&mut log, 1 + seed % 3);
            let all = log.position().sequence;
            let killed = disk.copy();
            killed.crash(Survival::All);
            assert_eq!(
                replayed(&killed).len() as u64,
                all,
                "kill -9 loses nothing appended"
            );
            disk.crash(Survival::Torn(seed * 1000 + groups));
            let config = LogConfig {
                mark: Some(mark),
                ..config()
            };
            let (mut log, recovery) = Log::open(disk.clone(), config).unwrap();
            assert!(recovery.last_sequence >= groups);
            append(&mut log, 3);
            drop(log);
            let whole = recovery.last_sequence + 3;
            assert_eq!(
                replayed(&disk),
                (1..=whole).collect::<Vec<_>>(),
                "and it goes on"
            );
        }
    }
}

#[test]
fn a_full_disk_fails_the_log_and_a_restart_goes_on() {
    let disk = SimDisk::new();
    disk.set_capacity(Some(1000));
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    let appended = append(&mut log, 100);
    assert!(appended < 100 && log.failed().unwrap().contains("no storage space"));
    drop(log);
    disk.set_capacity(None);
    let (mut log, recovery) = Log::open(disk.clone(), config()).unwrap();
    assert!(recovery.last_sequence >= appended);
    assert_eq!(append(&mut log, 3), 3);
}
