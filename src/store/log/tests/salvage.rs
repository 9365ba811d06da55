//! Accepting a loss: what verifies stays, what is gone is told, and the log opens again.

use proptest::prelude::*;

use super::*;

fn groups_kept(disk: &SimDisk) -> Vec<u64> {
    replayed(disk)
}

/// A log of 20 groups in several segments; `harm` damages it. Gives what set-aside said and what a
/// replay shows afterwards.
fn after(harm: impl Fn(&SimDisk)) -> (SetAside, Vec<u64>, SimDisk) {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 20);
    log.sync().unwrap();
    let config = LogConfig {
        mark: Some(mark(&log)),
        ..config()
    };
    drop(log);
    harm(&disk);
    assert!(Log::open(disk.clone(), config).is_err());
    let done = set_aside(&disk, &config).unwrap();
    assert!(!done.damage.is_empty());
    let told = report(&disk, &config).unwrap();
    assert_eq!(told.damage, [], "{told}");
    assert_eq!(
        set_aside(&disk, &config).unwrap(),
        SetAside::default(),
        "once is enough"
    );
    let kept = groups_kept(&disk);
    let lost: u64 = done
        .lost
        .iter()
        .map(|range| range.last - range.first + 1)
        .sum();
    assert_eq!(kept.len() as u64 + lost, 20, "{done:?}");
    let (mut log, recovery) = Log::open(disk.clone(), config).unwrap();
    assert_eq!(
        (recovery.accepted_losses, recovery.last_sequence),
        (lost, 20)
    );
    append(&mut log, 2);
    drop(log);
    assert_eq!(
        groups_kept(&disk).last(),
        Some(&22),
        "no sequence comes twice"
    );
    (done, kept, disk)
}

#[test]
fn one_bad_group_costs_one_group() {
    let (done, kept, disk) = after(|disk| disk.flip_bit(&segment_name(2), (44 + 40) * 8));
    assert_eq!(done.lost.len(), 1);
    assert_eq!((done.lost[0].first, kept.len()), (done.lost[0].last, 19));
    assert_eq!(done.renamed, ["log-0000000000000002.seg.damaged"]);
    assert!(disk.list().unwrap().contains(&done.renamed[0]));
}

#[test]
fn a_bad_header_costs_nothing() {
    let (done, kept, _) = after(|disk| disk.flip_bit(&segment_name(2), 80));
    assert_eq!((done.lost.len(), kept.len()), (0, 20));
}

#[test]
fn a_bad_header_and_first_group_cost_that_group() {
    let (_, kept, _) = after(|disk| {
        disk.flip_bit(&segment_name(2), 80);
        disk.flip_bit(&segment_name(2), 44 * 8);
    });
    assert_eq!(kept.len(), 19, "another segment knows the salt");
}

#[test]
fn a_bad_seal_costs_nothing() {
    let (done, kept, _) = after(|disk| {
        let length = disk.length(&segment_name(1)).unwrap();
        disk.flip_bit(&segment_name(1), (length - 3) * 8);
    });
    assert_eq!((done.lost.len(), kept.len()), (0, 20));
}

#[test]
fn missing_segments_cost_their_groups() {
    let (done, kept, _) = after(|disk| {
        disk.unlink(&segment_name(2)).unwrap();
        disk.unlink(&segment_name(3)).unwrap();
    });
    assert_eq!((done.lost.len(), done.renamed.len()), (1, 0));
    assert!(kept.len() < 18 && kept.contains(&1));
}

#[test]
fn a_shortened_log_does_not_use_its_sequences_again() {
    for cut in [1, 2, 3] {
        let (done, kept, _) = after(|disk| {
            let names = disk.list().unwrap();
            for name in names.iter().rev().take(cut) {
                disk.unlink(name).unwrap();
            }
        });
        assert_eq!(done.lost.last().unwrap().last, 20);
        assert!(kept.len() < 20);
    }
}

#[test]
fn everything_gone_opens_too() {
    let (_, kept, _) = after(|disk| {
        for name in disk.list().unwrap() {
            disk.edit(&name, |bytes| bytes.fill(0xAA));
        }
    });
    assert!(kept.is_empty());
}

#[test]
fn set_aside_may_be_killed_at_any_call() {
    for nth in 1..80 {
        let disk = SimDisk::new();
        let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
        append(&mut log, 20);
        log.sync().unwrap();
        let config = LogConfig {
            mark: Some(mark(&log)),
            ..config()
        };
        disk.flip_bit(&segment_name(1), (44 + 40) * 8);
        disk.flip_bit(&segment_name(3), (44 + 40) * 8);
        disk.script(None, nth, Fault::Short(50));
        let first = set_aside(&disk, &config);
        disk.crash(Survival::Torn(nth));
        let again = set_aside(&disk, &config).unwrap();
        assert!(Log::open(disk.clone(), config).is_ok(), "call {nth}");
        assert_eq!(
            groups_kept(&disk).len(),
            18,
            "call {nth}: {first:?}, {again:?}"
        );
    }
}

#[test]
fn a_report_tells_every_problem_at_once() {
    let disk = SimDisk::new();
    let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
    append(&mut log, 20);
    drop(log);
    disk.flip_bit(&segment_name(1), (44 + 40) * 8);
    disk.flip_bit(&segment_name(2), (44 + 40) * 8);
    disk.unlink(&segment_name(4)).unwrap();
    let told = report(&disk, &config()).unwrap();
    let segments: Vec<u64> = told.damage.iter().map(|damage| damage.segment).collect();
    assert!(
        segments.starts_with(&[1, 2]) && segments.contains(&4),
        "{told}"
    );
    let text = told.to_string();
    assert_eq!(text.matches("\ndamage: ").count(), told.damage.len());
    assert!(text.contains("log-0000000000000001.seg: ") && text.contains("to replay"));
}

proptest! {
    #[test]
    fn whatever_the_damage_an_accepted_loss_opens_and_invents_nothing(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 0..5),
        cut in proptest::option::of((any::<prop::sample::Index>(), any::<u32>())),
        gone in proptest::option::of(any::<prop::sample::Index>()),
        applied in 0u64..3,
    ) {
        let disk = SimDisk::new();
        let (mut log, _) = Log::open(disk.clone(), config()).unwrap();
        append(&mut log, 20);
        log.sync().unwrap();
        let mark = Some(Mark { applied, ..mark(&log) });
        let config = LogConfig { mark, applied, ..config() };
        let names = disk.list().unwrap();
        for (name, bit) in &flips {
            let name = name.get(&names);
            disk.flip_bit(name, u64::from(*bit) % (disk.length(name).unwrap() * 8));
        }
        if let Some((name, length)) = cut {
            let name = name.get(&names);
            disk.truncate(name, u64::from(length) % (disk.length(name).unwrap() + 1)).unwrap();
        }
        if let Some(name) = gone {
            disk.unlink(name.get::<String>(&names)).unwrap();
        }
        set_aside(&disk, &config).unwrap();
        let (mut log, recovery) = Log::open(disk.clone(), config).unwrap();
        prop_assert_eq!(recovery.last_sequence, 20);
        log.drop_through(applied).unwrap();
        append(&mut log, 1);
        drop(log);
        // `replayed` compares each group with what was written.
        let kept = replayed(&disk);
        prop_assert!(kept.is_sorted() && kept.last() == Some(&21));
        let touched = flips.len() + usize::from(cut.is_some()) + usize::from(gone.is_some());
        if touched == 0 {
            prop_assert!(kept.len() as u64 + 4 * applied >= 21);
        }
    }
}
