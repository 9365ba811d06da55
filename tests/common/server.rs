//! A server process under test: started on a port and a directory, stopped, killed, started again.

use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::wire::{Reply, Wire};

/// How long a start may take; generous, since a debug build replays a log on a busy machine.
const START: Duration = Duration::from_mins(1);

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    settings: Vec<String>,
    environment: Vec<(String, OsString)>,
    flags: Vec<OsString>,
}

impl Launch {
    /// The durable engine on `data`, on a free port.
    pub(crate) fn fjall(data: &Path, durability: &str) -> Self {
        Self::new(data)
            .set("storage.engine=fjall")
            .set(&format!("storage.durability={durability}"))
    }

    /// The engine without a disk.
    pub(crate) fn memory(data: &Path) -> Self {
        Self::new(data).set("storage.engine=memory")
    }

    fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            port: free_port(),
            settings: vec!["http.enabled=false".to_owned()],
            environment: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// Adds a `--set`.
    pub(crate) fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// Adds an argument as it is.
    pub(crate) fn flag(mut self, flag: impl Into<OsString>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Adds an environment variable.
    pub(crate) fn environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Starts the process and waits for its first PONG.
    pub(crate) fn start(&self) -> Server {
        let mut server = self.spawn();
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", server.output());
            }
            if Wire::connect(self.port)
                .and_then(|mut wire| wire.ask("PING"))
                .is_ok_and(|reply| {
                    // NOAUTH is an answer too: it is up, and wants a password.
                    reply == Reply::Simple("PONG".to_owned())
                        || matches!(&reply, Reply::Error(text) if text.starts_with("NOAUTH"))
                })
            {
                return server;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the server is not up after {START:?}:\n{}", server.output());
    }

    /// Starts the process and waits until it ends by itself.
    pub(crate) fn start_refused(&self) -> (ExitStatus, String) {
        let mut server = self.spawn();
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = server.child.try_wait().unwrap() {
                return (status, server.output());
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the server did not refuse to start:\n{}", server.output());
    }

    fn spawn(&self) -> Server {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new(binary());
        command
            .arg("server")
            .arg("--port")
            .arg(self.port.to_string());
        command.arg("--data-dir").arg(&self.data);
        for setting in &self.settings {
            command.arg("--set").arg(setting);
        }
        command.args(&self.flags);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let out = File::options().append(true).open(log.path()).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Server {
            child,
            port: self.port,
            log,
        }
    }
}

/// A running process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    log: tempfile::NamedTempFile,
}

impl Server {
    pub(crate) fn connect(&self) -> Wire {
        Wire::connect(self.port).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the server does not end:\n{}", self.output());
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.output());
            }
            sleep(Duration::from_millis(10));
        }
        panic!(
            "the server is still there {START:?} after SIGTERM:\n{}",
            self.output()
        );
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it wrote to its standard output and error, the end of it.
    pub(crate) fn output(&self) -> String {
        let text = fs::read(self.log.path()).unwrap_or_default();
        let from = text.len().saturating_sub(8000);
        String::from_utf8_lossy(&text[from..]).into_owned()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kilobytes = line.split_whitespace().nth(1).unwrap();
        kilobytes.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is fine: the test was about that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test: this build's, or another one named by `DYNAMO_BINARY`.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("DYNAMO_BINARY").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_dynamo")),
        PathBuf::from,
    )
}

/// A port below the ephemeral range whose http port, 2000 above, and peer port, 10000 above, are
/// free too.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = 11_000 + (RandomState::new().hash_one(()) % 11_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 2_000)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok()
        {
            return port;
        }
    }
}
