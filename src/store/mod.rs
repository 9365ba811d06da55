//! What a node keeps on its disk: a commit log first, an ordered tree later.
//!
//! Everything here is synchronous and knows nothing of the network; threads, clocks and chance are
//! arguments. Both halves stand on small traits ([`disk::Disk`] for files, [`tree::Tree`] for the
//! ordered tree), so that the simulator runs this very code over disks that lose and tear writes.

pub mod disk;
pub mod high_water;
pub mod key;
pub mod lock;
pub mod log;
pub mod table;
pub mod tree;
