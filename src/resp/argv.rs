//! The arguments of a request: borrowed from the connection's buffer, or owned by a queue.

use smallvec::SmallVec;

/// Where each argument stands in its bytes. Offsets fit a `u32`: a request is at most 1 GiB.
pub(super) type Ranges = SmallVec<[(u32, u32); 8]>;

/// The arguments of one request, borrowed. The first is the command's name.
#[derive(Clone, Copy, Debug)]
pub struct Argv<'a> {
    bytes: &'a [u8],
    ranges: &'a [(u32, u32)],
    inline: bool,
}

impl<'a> Argv<'a> {
    pub(super) fn new(bytes: &'a [u8], ranges: &'a [(u32, u32)], inline: bool) -> Self {
        Self {
            bytes,
            ranges,
            inline,
        }
    }

    /// Number of arguments, the name included.
    pub fn len(self) -> usize {
        self.ranges.len()
    }

    /// True for an empty line and for `*0`: there is nothing to answer.
    pub fn is_empty(self) -> bool {
        self.ranges.is_empty()
    }

    /// Argument `index`; 0 is the command's name.
    pub fn get(self, index: usize) -> Option<&'a [u8]> {
        self.ranges
            .get(index)
            .map(|&range| slice(self.bytes, range))
    }

    /// The arguments in order.
    pub fn iter(
        self,
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator + Clone + 'a {
        let bytes = self.bytes;
        self.ranges.iter().map(move |&range| slice(bytes, range))
    }

    /// The arguments from `index` on; none when there are fewer.
    #[must_use]
    pub fn from(self, index: usize) -> Self {
        Self {
            ranges: self.ranges.get(index..).unwrap_or_default(),
            ..self
        }
    }
}

/// A range that does not fit its bytes is an empty argument: that needs a caller that passed
/// another buffer than the one read.
fn slice(bytes: &[u8], (start, end): (u32, u32)) -> &[u8] {
    let range = start as usize..end as usize;
    debug_assert!(
        range.end <= bytes.len(),
        "argv of another buffer than was read"
    );
    bytes.get(range).unwrap_or_default()
}

/// Arguments that outlive the buffer they came in: `MULTI` queues them. One allocation for the
/// bytes, none for the ranges of a short command.
#[derive(Clone, Debug)]
pub struct OwnedArgv {
    bytes: Box<[u8]>,
    ranges: Ranges,
    inline: bool,
}

impl OwnedArgv {
    /// The arguments, borrowed.
    pub fn argv(&self) -> Argv<'_> {
        Argv::new(&self.bytes, &self.ranges, self.inline)
    }

    /// Arguments from their words.
    pub fn from_words<'k>(words: impl IntoIterator<Item = &'k [u8]>) -> Self {
        let (mut bytes, mut ranges) = (Vec::new(), Ranges::new());
        for word in words {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(word);
            ranges.push((start, bytes.len() as u32));
        }
        Self {
            bytes: bytes.into_boxed_slice(),
            ranges,
            inline: false,
        }
    }

    /// Bytes held, for the limit of a queue.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.ranges.len() * size_of::<(u32, u32)>()
    }
}

impl From<Argv<'_>> for OwnedArgv {
    fn from(argv: Argv<'_>) -> Self {
        let total = argv.iter().map(<[u8]>::len).sum();
        let mut bytes = Vec::with_capacity(total);
        let mut ranges = Ranges::with_capacity(argv.len());
        for argument in argv.iter() {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(argument);
            ranges.push((start, bytes.len() as u32));
        }
        Self {
            bytes: bytes.into_boxed_slice(),
            ranges,
            inline: argv.inline,
        }
    }
}

/// Methods with which a browser or a scanner opens an HTTP/1 request.
const HTTP_METHODS: [&[u8]; 9] = [
    b"CONNECT", b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"TRACE",
];

/// Whether a request is a web browser's, lured here by a page it shows: the connection must be
/// closed, or the body that follows would be run as commands. As Redis we close on the names
/// `POST` and `Host:`; we also close on an inline line of an HTTP method, a target and `HTTP/1.x`.
pub fn looks_like_http(argv: Argv<'_>) -> bool {
    let Some(name) = argv.get(0) else {
        return false;
    };
    if name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:") {
        return true;
    }
    argv.inline
        && argv.len() == 3
        && HTTP_METHODS.iter().any(|m| name.eq_ignore_ascii_case(m))
        && argv
            .get(2)
            .is_some_and(|version| version.starts_with(b"HTTP/1."))
}
