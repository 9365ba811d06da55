//! A disk that is full, and a disk that fails to sync. Both need something of the machine: a mount,
//! a C compiler. Without it the test says so and passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::server::{Launch, Server};
use crate::common::wire::{Reply, Wire};

/// A size at which the engine can start, and which a test can fill in seconds.
const DISK_MIB: u64 = 512;
const VALUE_BYTES: usize = 32 << 10;

#[test]
fn a_full_disk_refuses_writes_serves_reads_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(directory.path(), DISK_MIB) else {
        eprintln!("skipped: mounting a small tmpfs needs root and CAP_SYS_ADMIN");
        return;
    };
    let launch = Launch::fjall(&mount.path.join("data"), "always");
    let server = launch.start();
    let mut wire = server.connect();
    let limit = ((4 * DISK_MIB) << 20) as usize / VALUE_BYTES;
    let mut acknowledged = 0;
    let refusal = loop {
        assert!(
            acknowledged < limit,
            "{limit} writes fit on a disk of {DISK_MIB} MiB?"
        );
        let (key, value) = large(acknowledged);
        match wire.call(&[b"SET", &key, &value]).unwrap() {
            Reply::Error(text) => break text,
            reply => assert_eq!(reply, Reply::ok()),
        }
        acknowledged += 1;
    };
    assert!(refusal.starts_with("MISCONF "), "{refusal}");
    assert!(
        acknowledged > 100,
        "only {acknowledged} writes were taken on an empty disk"
    );
    expect_large(&mut wire, acknowledged);
    // Refused, not executed.
    let (key, _) = large(acknowledged);
    assert_eq!(wire.call(&[b"GET", &key]).unwrap(), Reply::Bulk(None));
    assert_eq!(wire.ask("PING").unwrap(), Reply::Simple("PONG".to_owned()));
    server.kill();
    mount.resize(4 * DISK_MIB);
    let server = launch.start();
    let mut wire = server.connect();
    expect_large(&mut wire, acknowledged);
    assert_eq!(wire.ask("SET after room").unwrap(), Reply::ok());
}

#[test]
fn a_failed_fsync_stops_acknowledging_and_a_restart_has_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let Some(shim) = compile_shim(directory.path()) else {
        eprintln!("skipped: no C compiler `cc` to build tests/shims/fsync_eio.c");
        return;
    };
    let flag = directory.path().join("fail-now");
    let launch = Launch::fjall(&directory.path().join("data"), "always");
    let failing = launch
        .clone()
        .environment("LD_PRELOAD", &shim)
        .environment("FSYNC_EIO_WHEN", &flag);
    let server = failing.start();
    let mut wire = server.connect();
    for number in 0..300 {
        assert_eq!(
            wire.ask(&format!("SET key:{number} {number}")).unwrap(),
            Reply::ok()
        );
    }
    fs::write(&flag, b"").unwrap();
    expect_refusal(&server, "SET during 1");
    // The fault goes away, the server's trust does not: nobody knows what the disk kept.
    fs::remove_file(&flag).unwrap();
    sleep(Duration::from_millis(100));
    expect_refusal(&server, "SET afterwards 1");
    expect_refusal(&server, "DEL key:0");
    let mut wire = server.connect();
    assert_eq!(
        wire.ask("GET key:299").unwrap(),
        Reply::Bulk(Some(b"299".to_vec()))
    );
    server.kill();

    let server = launch.start();
    let mut wire = server.connect();
    for number in 0..300 {
        let found = wire.ask(&format!("GET key:{number}")).unwrap();
        assert_eq!(found, Reply::Bulk(Some(number.to_string().into_bytes())));
    }
    assert_eq!(wire.ask("SET during 2").unwrap(), Reply::ok());
}

/// A write on a new connection is not acknowledged: MISCONF when nothing was written, NOQUORUM when
/// its group met the fault, so that its outcome is unknown (design: errors are honest).
fn expect_refusal(server: &Server, command: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut wire = server.connect();
    match wire.ask(command).unwrap() {
        Reply::Error(text) => assert!(
            text.starts_with("MISCONF ") || text.starts_with("NOQUORUM W=1 not met (acked 0)"),
            "{command}: {text}"
        ),
        reply => panic!("{command} was answered {reply:?} by a log that cannot sync"),
    }
    assert!(
        Instant::now() < deadline,
        "{command} took 20 s to be refused"
    );
}

fn large(number: usize) -> (Vec<u8>, Vec<u8>) {
    // Does not compress: a small generator seeded by the number.
    let mut state = number as u64 + 1;
    let value = (0..VALUE_BYTES)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    (format!("large:{number}").into_bytes(), value)
}

fn expect_large(wire: &mut Wire, count: usize) {
    for number in 0..count {
        let (key, value) = large(number);
        let found = wire.call(&[b"GET", &key]).unwrap().bytes();
        assert!(
            found == Some(value),
            "large:{number} of {count} is not what was acknowledged"
        );
    }
}

/// A file system of its own size; unmounted when dropped.
struct Mount {
    path: PathBuf,
}

impl Mount {
    fn tmpfs(parent: &Path, mebibytes: u64) -> Option<Self> {
        let path = parent.join("disk");
        fs::create_dir(&path).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(&path)
            .output()
            .ok()?;
        done.status.success().then_some(Self { path })
    }

    fn resize(&self, mebibytes: u64) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,size={mebibytes}m")])
            .arg(&self.path)
            .status()
            .unwrap();
        assert!(done.success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a server that is being killed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn compile_shim(into: &Path) -> Option<PathBuf> {
    let shim = into.join("fsync_eio.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shims/fsync_eio.c");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&shim)
        .arg(source)
        .arg("-ldl")
        .status()
        .ok()?;
    assert!(done.success(), "cc is there and cannot compile the shim");
    Some(shim)
}
