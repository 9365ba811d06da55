//! Times that are stored or sent. Deadlines inside a process use [`std::time::Instant`] instead, and
//! nobody here asks a clock: that is `env`'s.

/// Wall-clock milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallMs(pub u64);

/// Milliseconds of a monotonic clock; only differences mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoMs(pub u64);

/// A hybrid logical time: 48 bits of milliseconds, 16 bits of counter. Monotone on a node, also
/// across restarts, and the second half of every dot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The smallest hybrid time of a wall-clock millisecond.
    pub fn from_wall(now: WallMs) -> Self {
        Self(now.0 << 16)
    }

    /// The millisecond part.
    pub fn wall(self) -> WallMs {
        WallMs(self.0 >> 16)
    }

    /// The next later time; the counter carries into the milliseconds.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
