//! The `dynamo` binary.

use std::process::ExitCode;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match dynamo::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            // One line a problem; nobody may be reading.
            let _ = writeln!(std::io::stderr(), "dynamo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
