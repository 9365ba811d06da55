//! The `dynamo` binary.

use std::process::ExitCode;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match dynamo::cli::run() {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write as _;
            for problem in format!("{error:#}").lines() {
                // Nobody may be reading.
                let _ = writeln!(std::io::stderr(), "dynamo: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}
