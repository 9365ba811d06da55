//! A blocking RESP2 client that shows what a library would hide: that a reply never came, that the
//! connection was closed, what was on the wire.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Option<Vec<u8>>),
    Array(Vec<Reply>),
}

impl Reply {
    pub(crate) fn ok() -> Self {
        Self::Simple("OK".to_owned())
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// The bytes of a bulk string; none for the null.
    pub(crate) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bulk(bytes) => bytes,
            other => panic!("not a bulk string: {other:?}"),
        }
    }
}

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
}

/// A command as bytes.
pub(crate) fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

impl Wire {
    /// Connects; reads and writes give up after 30 s, so that no test hangs.
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let wire = Self {
            stream,
            buffer: Vec::new(),
            at: 0,
        };
        wire.timeout(Duration::from_secs(30))?;
        Ok(wire)
    }

    pub(crate) fn timeout(&self, limit: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(limit))?;
        self.stream.set_write_timeout(Some(limit))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// One command, one reply.
    pub(crate) fn call(&mut self, args: &[&[u8]]) -> io::Result<Reply> {
        self.send(&encode(args))?;
        self.read()
    }

    /// One command in text, split at blanks.
    pub(crate) fn ask(&mut self, command: &str) -> io::Result<Reply> {
        let args: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.call(&args)
    }

    pub(crate) fn read(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let bad = |_| io::Error::new(ErrorKind::InvalidData, "not a number in a reply");
        let (kind, text) = line.split_at(1);
        let text = String::from_utf8_lossy(text).into_owned();
        match kind {
            b"+" => Ok(Reply::Simple(text)),
            b"-" => Ok(Reply::Error(text)),
            b":" => Ok(Reply::Integer(text.parse().map_err(bad)?)),
            b"$" | b"*" if text == "-1" => Ok(Reply::Bulk(None)),
            b"$" => {
                let length = text.parse::<usize>().map_err(bad)?;
                let mut bytes = self.take(length + 2)?;
                bytes.truncate(length);
                Ok(Reply::Bulk(Some(bytes)))
            }
            b"*" => {
                let count = text.parse::<usize>().map_err(bad)?;
                (0..count)
                    .map(|_| self.read())
                    .collect::<io::Result<_>>()
                    .map(Reply::Array)
            }
            _ => Err(io::Error::new(ErrorKind::InvalidData, "not a reply")),
        }
    }

    /// Everything until the server closes the connection. Err(`WouldBlock` or `TimedOut`) when it
    /// does not within the time that was set.
    pub(crate) fn until_closed(&mut self) -> io::Result<Vec<u8>> {
        let mut found = self.buffer.split_off(self.at);
        let mut chunk = [0; 8192];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(found),
                Ok(count) => found.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(found),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 8192];
        let count = self.stream.read(&mut chunk)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(())
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = rest[..end].to_vec();
                self.at += end + 2;
                if line.is_empty() {
                    return Err(io::Error::new(ErrorKind::InvalidData, "an empty line"));
                }
                return Ok(line);
            }
            self.fill()?;
        }
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() - self.at < count {
            self.fill()?;
        }
        let bytes = self.buffer[self.at..self.at + count].to_vec();
        self.at += count;
        Ok(bytes)
    }
}
