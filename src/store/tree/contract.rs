//! What every tree keeps, run on each of them, and what each must show by itself.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;

pub(super) fn pair(key: &str, value: &str) -> Change {
    (key.into(), Some(value.into()))
}

pub(super) fn ingest(tree: &dyn Tree, changes: &[Change]) -> Result<u64, TreeError> {
    tree.ingest(&mut changes.iter().cloned())
}

fn keys(pairs: &[Pair]) -> Vec<&str> {
    pairs
        .iter()
        .map(|(key, _)| std::str::from_utf8(key).unwrap())
        .collect()
}

/// Runs the suite; `reopen` ends the tree's life as a crash does, and opens it again.
#[allow(clippy::too_many_lines, reason = "one life of a tree, told in order")]
fn contract<T: Tree>(tree: T, reopen: impl Fn(T) -> T) {
    assert_eq!(tree.get(b"a").unwrap(), None);
    assert_eq!(ingest(&tree, &[]).unwrap(), 0);
    assert_eq!(
        ingest(&tree, &[pair("a", "1"), pair("b", "2"), pair("c", "")]).unwrap(),
        3
    );
    assert_eq!(
        tree.get(b"a").unwrap().as_deref(),
        Some(&b"1"[..]),
        "visible on return"
    );
    assert_eq!(
        tree.get(b"c").unwrap().as_deref(),
        Some(&b""[..]),
        "an empty value is a value"
    );

    // A later ingestion overwrites, deletes, and may delete what never was.
    let changes = [
        pair("a", "3"),
        ("b".into(), None),
        pair("bb", "4"),
        ("zz".into(), None),
    ];
    assert_eq!(ingest(&tree, &changes).unwrap(), 4);
    assert_eq!(tree.get(b"a").unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!(tree.get(b"b").unwrap(), None);
    assert_eq!(keys(&tree.range(b"", None, 9).unwrap()), ["a", "bb", "c"]);
    assert_eq!(
        keys(&tree.range(b"a", Some(b"c"), 9).unwrap()),
        ["a", "bb"],
        "half open"
    );
    assert_eq!(keys(&tree.range(b"aa", None, 1).unwrap()), ["bb"]);
    assert_eq!(keys(&tree.range(b"a", None, 0).unwrap()), [""; 0]);
    assert_eq!(keys(&tree.range(b"c", Some(b"c"), 9).unwrap()), [""; 0]);
    assert_eq!(keys(&tree.range(b"c", Some(b"a"), 9).unwrap()), [""; 0]);

    // Bad keys take nothing in and fail nothing.
    for bad in [
        vec![pair("m", "1"), pair("m", "2")],
        vec![pair("n", "1"), pair("m", "2")],
    ] {
        assert_eq!(ingest(&tree, &bad), Err(TreeError::Unsorted));
    }
    let long = "k".repeat(MAX_TREE_KEY_BYTES);
    assert_eq!(ingest(&tree, &[pair("", "")]), Err(TreeError::KeyLength(0)));
    let longer = format!("{long}k");
    assert_eq!(
        ingest(&tree, &[pair("m", ""), pair(&longer, "")]),
        Err(TreeError::KeyLength(65_536))
    );
    assert_eq!(tree.put_meta(b"", b"x"), Err(TreeError::KeyLength(0)));
    assert_eq!(tree.get(b"m").unwrap(), None);
    assert_eq!(ingest(&tree, &[pair(&long, "long")]).unwrap(), 1);
    assert_eq!(tree.failed(), None);

    // A reader sees the tree as it stood when it began.
    let mut seen = Vec::new();
    tree.visit(b"a", Some(b"d"), &mut |key, _| {
        if seen.is_empty() {
            ingest(&tree, &[("bb".into(), None), pair("bc", "late")]).unwrap();
            tree.put_meta(b"inside", b"a visit").unwrap();
        }
        seen.push(key.to_vec());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, [b"a".to_vec(), b"bb".to_vec(), b"c".to_vec()]);
    assert_eq!(
        keys(&tree.range(b"a", Some(b"d"), 9).unwrap()),
        ["a", "bc", "c"]
    );

    // Metadata: apart from data, all or none, found again.
    tree.put_meta(b"applied", b"7").unwrap();
    tree.put_meta_all(&[
        pair("actor/1", "x"),
        pair("actor/2", "y"),
        ("inside".into(), None),
    ])
    .unwrap();
    assert_eq!(
        tree.get_meta(b"applied").unwrap().as_deref(),
        Some(&b"7"[..])
    );
    assert_eq!(tree.get_meta(b"inside").unwrap(), None);
    assert_eq!(tree.get(b"applied").unwrap(), None);

    let tree = reopen(tree);
    assert_eq!(
        tree.get(long.as_bytes()).unwrap().as_deref(),
        Some(&b"long"[..])
    );
    assert_eq!(
        keys(&tree.range(b"a", Some(b"d"), 9).unwrap()),
        ["a", "bc", "c"]
    );
    assert_eq!(
        tree.get_meta(b"applied").unwrap().as_deref(),
        Some(&b"7"[..])
    );
    assert_eq!(
        keys(&tree.meta_prefix(b"actor/").unwrap()),
        ["actor/1", "actor/2"]
    );
    tree.compact().unwrap();
    for _ in 0..5 {
        tree.tick().unwrap();
    }
    assert_eq!(
        keys(&tree.range(b"a", Some(b"d"), 9).unwrap()),
        ["a", "bc", "c"]
    );
    let sizes = tree.sizes().unwrap();
    assert!(
        sizes.entries >= 4 && sizes.disk_bytes >= sizes.data_bytes,
        "{sizes:?}"
    );
}

pub(super) fn open(directory: &Path) -> FjallTree {
    FjallTree::open(directory, FjallConfig::default()).unwrap()
}

#[test]
fn fjall_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    contract(open(directory.path()), |tree| {
        drop(tree);
        open(directory.path())
    });
}

#[test]
fn memory_keeps_the_contract() {
    contract(MemoryTree::new(), |tree| {
        tree.crash();
        assert!(tree.get(b"a").is_err(), "a handle of the old life is dead");
        tree.reopen()
    });
}

#[test]
fn a_failed_write_fails_the_tree_for_good() {
    for when in [When::Before, When::After] {
        let tree = MemoryTree::new();
        ingest(&tree, &[pair("a", "1")]).unwrap();
        tree.fail_write(1, when);
        assert!(matches!(
            ingest(&tree, &[pair("a", "2")]),
            Err(TreeError::Failed(_))
        ));
        assert!(matches!(
            tree.put_meta(b"applied", b"1"),
            Err(TreeError::Failed(_))
        ));
        assert!(tree.failed().is_some());
        let now: &[u8] = if when == When::Before { b"1" } else { b"2" };
        assert_eq!(tree.get(b"a").unwrap().as_deref(), Some(now), "reads go on");
        tree.crash();
        let tree = tree.reopen();
        ingest(&tree, &[pair("a", "3")]).unwrap();
        assert_eq!(
            tree.get_meta(b"applied").unwrap(),
            None,
            "no meta before its ingestion"
        );
    }
}

#[test]
fn a_copy_is_apart() {
    let tree = MemoryTree::new();
    ingest(&tree, &[pair("a", "1")]).unwrap();
    let old = tree.copy();
    ingest(&tree, &[pair("a", "2")]).unwrap();
    assert_eq!(old.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn both_trees_are_the_same_map(
        rounds in proptest::collection::vec(
            proptest::collection::btree_map(0u8..60, proptest::option::of(any::<u16>()), 0..30),
            1..8,
        ),
        from in 0u8..60,
        to in 0u8..60,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let fjall = open(directory.path());
        let memory = MemoryTree::new();
        let mut model = BTreeMap::new();
        for round in rounds {
            let changes: Vec<Change> = round
                .iter()
                .map(|(key, value)| (vec![*key], value.map(|v| v.to_be_bytes().to_vec())))
                .collect();
            ingest(&fjall, &changes).unwrap();
            ingest(&memory, &changes).unwrap();
            for (key, value) in changes {
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
            }
        }
        let all: Vec<Pair> = model.into_iter().collect();
        prop_assert_eq!(&fjall.range(b"", None, 999).unwrap(), &all);
        prop_assert_eq!(&memory.range(b"", None, 999).unwrap(), &all);
        let (from, to) = ([from], [to]);
        prop_assert_eq!(
            fjall.range(&from, Some(&to), 5).unwrap(),
            memory.range(&from, Some(&to), 5).unwrap()
        );
    }
}
