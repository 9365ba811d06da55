//! The reply writer: Redis's bytes for each shape of reply, in the protocol the connection chose.
//!
//! A shape that RESP2 lacks is written as Redis degrades it: a map as an array of twice the
//! length, a double as a bulk string, a boolean as an integer. An aggregate's elements follow its
//! head; that there are as many as the head says is the caller's to keep.

use super::Protocol;
use super::number::format_double;

/// Writes replies at the end of a connection's output.
#[derive(Debug)]
pub struct Reply<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
    start: usize,
}

impl<'a> Reply<'a> {
    /// A writer behind what `out` holds already.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Self {
        let start = out.len();
        Self {
            out,
            protocol,
            start,
        }
    }

    /// The protocol written.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Bytes written so far by this writer.
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `+OK`.
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A simple string. Line ends, which it cannot hold, become spaces.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error: its whole text with the code that begins it, as in `ERR syntax error`. Line ends
    /// at the end are dropped; others become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// The same for a text that quotes what a client sent.
    pub fn error_bytes(&mut self, mut text: &[u8]) {
        while let [head @ .., b'\r' | b'\n'] = text {
            text = head;
        }
        self.line(b'-', text);
    }

    /// A reply that was written elsewhere, in the same protocol.
    pub fn raw(&mut self, reply: &[u8]) {
        self.out.extend_from_slice(reply);
    }

    /// Forgets what this writer wrote beyond `len` bytes of its own: an error takes the place of half
    /// a reply. What stood before it in the buffer stays.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(self.start.saturating_add(len));
    }

    /// Goes on in another protocol: HELLO answers in the one it chooses.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) {
        match value {
            0 => self.out.extend_from_slice(b":0\r\n"),
            1 => self.out.extend_from_slice(b":1\r\n"),
            _ => self.head(b':', value),
        }
    }

    /// A bulk string: any bytes.
    pub fn bulk(&mut self, bytes: &[u8]) {
        // The longest head is `$`, 19 digits and CR LF.
        self.out.reserve(bytes.len() + 24);
        self.head(b'$', bytes.len() as i64);
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Nothing, where a bulk string would be.
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// Nothing, where an array would be.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The head of an array of `len` replies.
    pub fn array(&mut self, len: usize) {
        self.head(b'*', len as i64);
    }

    /// The head of a map of `pairs` keys, each followed by its value.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.head(b'*', (pairs * 2) as i64),
            Protocol::Resp3 => self.head(b'%', pairs as i64),
        }
    }

    /// The head of a set of `len` replies.
    pub fn set(&mut self, len: usize) {
        self.aggregate(b'~', len);
    }

    /// The head of a push of `len` replies: it answers no request.
    pub fn push(&mut self, len: usize) {
        self.aggregate(b'>', len);
    }

    /// A floating-point number, in the digits of [`format_double`].
    pub fn double(&mut self, value: f64) {
        let text = format_double(value);
        self.number(b',', text.as_bytes());
    }

    /// True or false.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
        });
    }

    /// A text for people; `kind` has three letters: `txt`, or `mkd` for Markdown.
    pub fn verbatim(&mut self, kind: &str, bytes: &[u8]) {
        debug_assert_eq!(kind.len(), 3, "a verbatim string's kind has three letters");
        match self.protocol {
            Protocol::Resp2 => self.bulk(bytes),
            Protocol::Resp3 => {
                self.out.reserve(bytes.len() + 28);
                self.head(b'=', (kind.len() + 1 + bytes.len()) as i64);
                self.out.extend_from_slice(kind.as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(bytes);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// An integer of any size, in decimal.
    pub fn big_number(&mut self, digits: &str) {
        self.number(b'(', digits.as_bytes());
    }

    /// A number's text: a bulk string in RESP2, a line under its own mark in RESP3.
    fn number(&mut self, mark: u8, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => self.line(mark, text),
        }
    }

    fn aggregate(&mut self, mark: u8, len: usize) {
        let mark = match self.protocol {
            Protocol::Resp2 => b'*',
            Protocol::Resp3 => mark,
        };
        self.head(mark, len as i64);
    }

    /// A mark, a number and CR LF.
    fn head(&mut self, mark: u8, value: i64) {
        // Lengths of one digit are most of all, and one copy.
        if let digit @ 0..=9 = value {
            let head = [mark, b'0' + digit as u8, b'\r', b'\n'];
            self.out.extend_from_slice(&head);
            return;
        }
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(value).as_bytes();
        self.out.reserve(digits.len() + 3);
        self.out.push(mark);
        self.out.extend_from_slice(digits);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A mark, a text made one line, and CR LF.
    fn line(&mut self, mark: u8, text: &[u8]) {
        self.out.reserve(text.len() + 3);
        self.out.push(mark);
        let at = self.out.len();
        self.out.extend_from_slice(text);
        for byte in self.out.iter_mut().skip(at) {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
