//! Format version 1 is frozen: the committed segments open for ever, and what is written today is
//! what was written then, byte for byte.

use super::*;

const SEALED: &[u8] = include_bytes!("../../../../tests/fixtures/log-v1/log-0000000000000001.seg");
const OPEN: &[u8] = include_bytes!("../../../../tests/fixtures/log-v1/log-0000000000000002.seg");

/// A log with an entry of every kind.
fn write() -> SimDisk {
    let disk = SimDisk::new();
    let config = LogConfig {
        salt: 0x5EED_CAFE,
        now: WallMs(1_700_000_000_000),
        ..config()
    };
    let (mut log, _) = Log::open(disk.clone(), config).unwrap();
    let mut out = Vec::new();
    let place = (
        PartitionId(0x1234),
        Database(5),
        Token(0x0102_0304_0506_0708),
    );
    append_record(&mut out, 1, place.0, place.1, place.2, b"key", b"record");
    append_record(&mut out, 2, place.0, place.1, place.2, b"", &[0xAB; 300]);
    log.append_group(WallMs(1_700_000_000_001), 2, &out)
        .unwrap();
    out.clear();
    for kind in 2..=10 {
        append_opaque(&mut out, EntryKind(kind), &[kind; 3]);
    }
    log.append_group(WallMs(1_700_000_000_002), 9, &out)
        .unwrap();
    log.seal().unwrap();
    log.append_group(WallMs(1_700_000_000_003), 0, &[]).unwrap();
    disk
}

#[test]
fn version_1_is_still_written_byte_for_byte() {
    let disk = write();
    assert_eq!(disk.read(&segment_name(1)).unwrap(), SEALED);
    assert_eq!(disk.read(&segment_name(2)).unwrap(), OPEN);
}

#[test]
fn version_1_still_opens() {
    let disk = SimDisk::new();
    disk.put(&segment_name(1), SEALED);
    disk.put(&segment_name(2), OPEN);
    let mut seen = Vec::new();
    replay(&disk, 1, &mut |sequence, entry| {
        let (key, body) = match entry.body {
            Body::Record {
                key,
                record,
                partition,
                database,
                token,
            } => {
                assert_eq!(
                    (partition.0, database.0, token.0),
                    (0x1234, 5, 0x0102_0304_0506_0708)
                );
                (key.to_vec(), record.to_vec())
            }
            Body::Opaque(bytes) => (Vec::new(), bytes.to_vec()),
        };
        seen.push((sequence, entry.kind.0, entry.flags, key, body));
    })
    .unwrap();
    assert_eq!(seen[0], (1, 1, 1, b"key".to_vec(), b"record".to_vec()));
    assert_eq!(seen[1], (1, 1, 2, Vec::new(), vec![0xAB; 300]));
    let kinds: Vec<_> = (2..=10)
        .map(|kind| (2, kind, 0, Vec::new(), vec![kind; 3]))
        .collect();
    assert_eq!(seen[2..], kinds);
    let (log, recovery) = Log::open(disk, config()).unwrap();
    assert_eq!(
        (recovery.groups, recovery.entries, recovery.segments),
        (3, 11, 2)
    );
    assert_eq!(
        log.position(),
        Synced {
            segment: 2,
            sequence: 3
        }
    );
}
