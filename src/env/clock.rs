//! Clocks: wall time for data, monotonic time for durations and deadlines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::types::WallMs;

/// Where a node takes its time from: the system's clocks, or one that a test moves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clocks.
    #[default]
    System,
    /// Wall milliseconds set by hand; shared by all clones.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// Wall-clock milliseconds since the epoch.
    pub fn wall(&self) -> WallMs {
        match self {
            Self::System => WallMs(
                SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |d| d.as_millis() as u64),
            ),
            Self::Manual(ms) => WallMs(ms.load(Ordering::Relaxed)),
        }
    }

    /// Wall-clock microseconds since the epoch, for TIME and MONITOR.
    pub fn wall_micros(&self) -> u64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_micros() as u64),
            Self::Manual(ms) => ms.load(Ordering::Relaxed) * 1_000,
        }
    }

    /// Now, for measuring durations.
    pub fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Sleeps on the tokio timer.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
