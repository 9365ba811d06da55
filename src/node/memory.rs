//! Memory as the allocator and the kernel see it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Node;

/// Figures for INFO memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryFigures {
    /// Allocated by the program.
    pub allocated: u64,
    /// In pages that hold allocations.
    pub active: u64,
    /// In memory, by the allocator's count.
    pub resident: u64,
    /// The greatest `allocated` that anyone asked to see.
    pub peak: u64,
    /// Resident set of the process.
    pub rss: u64,
    /// Logical bytes of the table.
    pub table: u64,
}

static PEAK: AtomicU64 = AtomicU64::new(0);

/// Reads them.
pub fn figures(node: &Node) -> MemoryFigures {
    let table = node
        .keyspace
        .sums
        .table_bytes
        .load(Ordering::Relaxed)
        .max(0) as u64;
    let rss = resident_set();
    let (allocated, active, resident) = allocator().unwrap_or((table, table, rss));
    let peak = PEAK.fetch_max(allocated, Ordering::Relaxed).max(allocated);
    MemoryFigures {
        allocated,
        active,
        resident,
        peak,
        rss,
        table,
    }
}

#[cfg(feature = "jemalloc")]
fn allocator() -> Option<(u64, u64, u64)> {
    use tikv_jemalloc_ctl::{epoch, stats};
    epoch::advance().ok()?;
    let read = |value: Result<usize, tikv_jemalloc_ctl::Error>| value.ok().map(|n| n as u64);
    Some((
        read(stats::allocated::read())?,
        read(stats::active::read())?,
        read(stats::resident::read())?,
    ))
}

#[cfg(not(feature = "jemalloc"))]
fn allocator() -> Option<(u64, u64, u64)> {
    None
}

fn resident_set() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// Seconds of CPU of this process, system and user.
pub fn cpu_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold spaces: fields are counted from its closing parenthesis.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    let hertz = rustix::param::clock_ticks_per_second() as f64;
    (ticks(13) / hertz, ticks(12) / hertz)
}
