//! What fjall must show by itself: kills, flipped bits, failed writes, room given back, idleness.

use super::*;
use crate::store::tree::contract::{ingest, open, pair};

#[test]
fn fjall_keeps_what_it_returned_when_it_is_killed() {
    // The files as they lie while it runs are what a kill leaves; nothing is closed or flushed.
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path());
    for round in 0..12u32 {
        let changes: Vec<Change> = (0..50)
            .map(|k| pair(&format!("key{k:03}"), &format!("{round}")))
            .collect();
        ingest(&tree, &changes).unwrap();
        tree.put_meta(b"applied", &round.to_le_bytes()).unwrap();
        tree.tick().unwrap();
        if round % 4 == 0 {
            // A copy taken while compaction swaps tables may miss one; try until none moved.
            let copied = (0..20).any(|_| {
                let killed = tempfile::tempdir().unwrap();
                let before = tree.tables();
                copy(directory.path(), killed.path()).is_ok() && before == tree.tables() && {
                    let killed = open(killed.path());
                    let applied = killed.get_meta(b"applied").unwrap().unwrap();
                    assert_eq!(applied, round.to_le_bytes());
                    let pairs = killed.range(b"key", None, 99).unwrap();
                    let value = round.to_string().into_bytes();
                    assert!(pairs.len() == 50 && pairs.iter().all(|(_, found)| *found == value));
                    true
                }
            });
            assert!(copied, "round {round}");
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[test]
fn deleted_entries_give_their_room_back() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path());
    let names: Vec<String> = (0..2000).map(|k| format!("key{k:05}")).collect();
    let mut noise = 1u64;
    let changes = names.iter().map(|name| {
        let value: Vec<u8> = (0..200)
            .map(|_| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (noise >> 56) as u8
            })
            .collect();
        (name.clone().into_bytes(), Some(value))
    });
    tree.ingest(&mut changes.collect::<Vec<_>>().into_iter())
        .unwrap();
    let full = tree.sizes().unwrap().data_bytes;
    assert!(full > 200 * 2000);
    let mut gone = names.iter().map(|name| (name.clone().into_bytes(), None));
    tree.ingest(&mut gone).unwrap();
    tree.tick().unwrap();
    tree.compact().unwrap();
    for _ in 0..5 {
        tree.tick().unwrap();
    }
    assert_eq!(tree.range(b"", None, 9).unwrap(), []);
    assert!(
        tree.sizes().unwrap().data_bytes < full / 10,
        "{:?}",
        tree.sizes()
    );
}

#[test]
fn an_idle_tree_stops_ticking() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path());
    ingest(&tree, &[pair("a", "1")]).unwrap();
    let settle = || {
        // Compaction may move a table late, which is one more change to clean up after.
        let mut last = tree.pace.lock().rotations;
        let mut quiet = 0;
        while quiet < 10 {
            tree.tick().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
            let now = tree.pace.lock().rotations;
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
        }
        last
    };
    let first = settle();
    assert!(
        (3..12).contains(&first),
        "{first} rotations for one ingestion"
    );
    ingest(&tree, &[pair("a", "2")]).unwrap();
    let more = settle() - first;
    assert!((3..12).contains(&more), "{more} rotations for the second");
}

#[test]
fn fjall_is_failed_for_good_after_a_failed_ingestion() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path());
    ingest(&tree, &[pair("a", "1")]).unwrap();
    std::fs::remove_dir_all(directory.path()).unwrap();
    assert!(matches!(
        ingest(&tree, &[pair("b", "2")]),
        Err(TreeError::Failed(_))
    ));
    let reason = tree.failed().unwrap();
    assert_eq!(
        tree.put_meta(b"applied", b"1"),
        Err(TreeError::Failed(reason.clone()))
    );
    assert_eq!(tree.tick(), Err(TreeError::Failed(reason)));
}

/// All files under a directory.
fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn flipped_bits_of_tables_are_never_served() {
    let directory = tempfile::tempdir().unwrap();
    let tree = open(directory.path());
    let changes: Vec<Change> = (0..300)
        .map(|k| pair(&format!("key{k:03}"), &format!("value{k}")))
        .collect();
    ingest(&tree, &changes).unwrap();
    drop(tree);
    let mut tables = Vec::new();
    files(directory.path(), &mut tables);
    tables.retain(|path| path.parent().unwrap().ends_with("tables"));
    assert!(!tables.is_empty());
    let mut refused = 0;
    for path in tables {
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 24 + 1) {
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            std::fs::write(&path, &flipped).unwrap();
            let outcome = FjallTree::open(directory.path(), FjallConfig::default());
            let read = outcome.and_then(|tree| {
                for (key, value) in changes.iter().step_by(7) {
                    assert_eq!(tree.get(key)?, *value, "byte {at} of {}", path.display());
                }
                tree.range(b"key", None, 999)
            });
            match read {
                Ok(pairs) => assert_eq!(pairs.len(), 300, "byte {at}"),
                Err(_) => refused += 1,
            }
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(refused > 3, "{refused} flips were noticed");
}
