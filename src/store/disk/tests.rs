//! One suite for both disks, and what only the simulated one can do.

use super::simulated::{Fault, Operation, SimDisk, Survival};
use super::*;

fn contract<D: Disk>(disk: &D) {
    let file = disk.create("b").unwrap();
    assert!(disk.create("b").is_err(), "a taken name is refused");
    disk.create("a").unwrap();
    assert_eq!(disk.list().unwrap(), ["a", "b"]);
    file.append([b"one", b"two"]).unwrap();
    file.append([b"", b""]).unwrap();
    file.write_at(1, b"X").unwrap();
    file.append([b"", b"three"]).unwrap();
    file.sync().unwrap();
    assert_eq!(disk.read("b").unwrap(), b"oXetwothree");
    assert_eq!(disk.read_range("b", 3, 3).unwrap(), b"two");
    assert_eq!(disk.read_range("b", 9, 100).unwrap(), b"ee");
    assert_eq!(disk.read_range("b", 90, 100).unwrap(), b"");
    drop(file);
    disk.truncate("b", 6).unwrap();
    assert_eq!(disk.length("b").unwrap(), 6);
    let again = disk.open("b").unwrap();
    again.append([b"!", b""]).unwrap();
    assert_eq!(disk.read("b").unwrap(), b"oXetwo!");
    disk.rename("b", "a").unwrap();
    disk.sync_directory().unwrap();
    assert_eq!(disk.list().unwrap(), ["a"]);
    assert_eq!(disk.read("a").unwrap(), b"oXetwo!");
    assert!(disk.open("b").is_err() && disk.unlink("b").is_err());
    disk.unlink("a").unwrap();
    assert!(disk.list().unwrap().is_empty());
    assert!(disk.free_space().unwrap() > 0);
}

#[test]
fn a_real_directory_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    contract(&RealDisk::open_directory(directory.path().join("new")).unwrap());
}

#[test]
fn a_simulated_directory_keeps_the_contract() {
    contract(&SimDisk::new());
}

#[test]
fn a_crash_loses_what_was_not_synced() {
    let disk = SimDisk::new();
    let file = disk.create("f").unwrap();
    file.append([b"kept", b""]).unwrap();
    file.sync().unwrap();
    file.append([b"lost", b""]).unwrap();
    let killed = disk.copy();
    killed.crash(Survival::All);
    assert_eq!(killed.read("f").unwrap(), b"keptlost");
    for seed in 0..50 {
        let torn = disk.copy();
        torn.crash(Survival::Torn(seed));
        assert!(torn.read("f").unwrap().starts_with(b"kept"));
    }
    disk.crash(Survival::Synced);
    assert_eq!(disk.read("f").unwrap(), b"kept");
    assert!(
        file.append([b"x", b""]).is_err(),
        "a file of the old life is dead"
    );
}

#[test]
fn a_failed_sync_never_becomes_durable_by_another() {
    let disk = SimDisk::new();
    let file = disk.create("f").unwrap();
    file.append([b"gone", b""]).unwrap();
    disk.script(Some(Operation::Sync), 1, Fault::Fail(io::ErrorKind::Other));
    assert!(file.sync().is_err());
    file.sync().unwrap();
    disk.crash(Survival::Synced);
    assert_eq!(disk.read("f").unwrap(), b"");
}

#[test]
fn scripted_writes_fall_short_and_full_disks_refuse() {
    let disk = SimDisk::new();
    let file = disk.create("f").unwrap();
    disk.script(Some(Operation::Write), 2, Fault::Short(3));
    file.append([b"abcdef", b""]).unwrap();
    assert!(file.append([b"ghi", b"jkl"]).is_err());
    assert_eq!(disk.read("f").unwrap(), b"abcdefghi");
    disk.set_capacity(Some(10));
    assert_eq!(disk.free_space().unwrap(), 1);
    assert_eq!(
        file.append([b"xy", b""]).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
}
