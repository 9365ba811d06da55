//! A connection as the rest of the node sees it: CLIENT LIST shows it, CLIENT KILL ends it.

use std::net::SocketAddr;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
};

use parking_lot::Mutex;

use super::mailbox::Mailbox;

/// What CLIENT LIST TYPE and CLIENT KILL TYPE tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Neither of the below.
    Normal,
    /// Has subscriptions.
    Pubsub,
}

/// Texts that a client sets about itself.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: Vec<u8>,
    /// CLIENT SETINFO LIB-VER.
    pub lib_ver: Vec<u8>,
}

/// One connection, shared. Numbers are written by its own task at the end of each batch.
#[derive(Debug)]
pub struct ClientHandle {
    /// Unique, ever growing.
    pub id: u64,
    /// The other end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// The descriptor, for CLIENT LIST.
    pub fd: i32,
    /// Wall milliseconds.
    pub created_ms: u64,
    /// Texts.
    pub names: Mutex<Names>,
    /// Wall milliseconds of the last command.
    pub active_ms: AtomicU64,
    /// Selected database.
    pub database: AtomicU8,
    /// 2 or 3.
    pub resp: AtomicU8,
    /// May run commands: closed after 10 s otherwise.
    pub authenticated: AtomicBool,
    /// Number of the last command in the table; `u16::MAX`: none yet.
    pub last_command: AtomicU16,
    /// Channels subscribed to.
    pub channels: AtomicU32,
    /// Patterns subscribed to.
    pub patterns: AtomicU32,
    /// Queued by MULTI; −1: no MULTI.
    pub queued: AtomicI64,
    /// `WATCHed` keys.
    pub watched: AtomicU32,
    /// Bytes read and not yet executed.
    pub query_bytes: AtomicU64,
    /// Bytes of reply not yet written.
    pub output_bytes: AtomicU64,
    /// Commands executed.
    pub commands: AtomicU64,
    /// Waits inside a command (WAIT, WAITAOF, CLIENT PAUSE).
    pub blocked: AtomicBool,
    /// CLIENT NO-EVICT.
    pub no_evict: AtomicBool,
    /// CLIENT NO-TOUCH.
    pub no_touch: AtomicBool,
    /// MONITOR.
    pub monitor: AtomicBool,
    /// To be closed at once.
    pub killed: AtomicBool,
    /// CLIENT UNBLOCK: 1 as by time-out, 2 with an error; 0: no.
    pub unblock: AtomicU8,
    /// Frames pushed by others.
    pub mailbox: Mailbox,
}

impl ClientHandle {
    /// A connection that was just accepted.
    pub fn new(id: u64, peer: SocketAddr, local: SocketAddr, fd: i32, created_ms: u64) -> Self {
        Self {
            id,
            peer,
            local,
            fd,
            created_ms,
            names: Mutex::default(),
            active_ms: AtomicU64::new(created_ms),
            database: AtomicU8::new(0),
            resp: AtomicU8::new(2),
            authenticated: AtomicBool::new(false),
            last_command: AtomicU16::new(u16::MAX),
            channels: AtomicU32::new(0),
            patterns: AtomicU32::new(0),
            queued: AtomicI64::new(-1),
            watched: AtomicU32::new(0),
            query_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            monitor: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            unblock: AtomicU8::new(0),
            mailbox: Mailbox::default(),
        }
    }

    /// See [`ClientKind`].
    pub fn kind(&self) -> ClientKind {
        let subscribed =
            self.channels.load(Ordering::Relaxed) + self.patterns.load(Ordering::Relaxed) > 0;
        if subscribed {
            ClientKind::Pubsub
        } else {
            ClientKind::Normal
        }
    }

    /// Ends the connection, from any thread.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.mailbox.nudge();
    }
}
