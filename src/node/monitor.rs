//! MONITOR: connections that see every command. Costs one relaxed load per command while nobody does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::Node;
use crate::resp::Argv;
use crate::session::{ClientHandle, Session};

/// Who monitors.
#[derive(Debug, Default)]
pub struct Monitors {
    any: AtomicBool,
    handles: Mutex<Vec<Arc<ClientHandle>>>,
}

impl Node {
    /// A connection enters MONITOR.
    pub fn start_monitoring(&self, handle: &Arc<ClientHandle>) {
        handle.monitor.store(true, Ordering::Relaxed);
        let mut handles = self.monitors.handles.lock();
        if !handles.iter().any(|known| known.id == handle.id) {
            handles.push(Arc::clone(handle));
        }
        self.monitors.any.store(true, Ordering::Release);
    }

    /// A connection leaves MONITOR, or ends.
    pub fn stop_monitoring(&self, id: u64) {
        if !self.monitors.any.load(Ordering::Acquire) {
            return;
        }
        let mut handles = self.monitors.handles.lock();
        handles.retain(|handle| handle.id != id);
        self.monitors
            .any
            .store(!handles.is_empty(), Ordering::Release);
    }

    /// Does anybody monitor?
    #[inline]
    pub fn is_monitored(&self) -> bool {
        self.monitors.any.load(Ordering::Relaxed)
    }

    /// Shows a command to whoever monitors.
    #[cold]
    pub fn show_to_monitors(&self, session: &Session, argv: Argv<'_>) {
        let micros = self.clock.wall_micros();
        let mut line = format!(
            "+{}.{:06} [{} {}]",
            micros / 1_000_000,
            micros % 1_000_000,
            session.database.0,
            session.handle.peer
        );
        for argument in argv.iter() {
            line.push_str(" \"");
            for byte in argument {
                match byte {
                    b'\\' | b'"' => line.extend(['\\', char::from(*byte)]),
                    b'\n' => line.push_str("\\n"),
                    b'\r' => line.push_str("\\r"),
                    b'\t' => line.push_str("\\t"),
                    7 => line.push_str("\\a"),
                    8 => line.push_str("\\b"),
                    b' '..=b'~' => line.push(char::from(*byte)),
                    _ => {
                        // Writing to a string does not fail.
                        let _ = write!(line, "\\x{byte:02x}");
                    }
                }
            }
            line.push('"');
        }
        line.push_str("\r\n");
        let frame = Bytes::from(line);
        for handle in self.monitors.handles.lock().iter() {
            handle.mailbox.push(frame.clone());
        }
    }
}
