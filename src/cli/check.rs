//! `dynamo check`: tells every problem at once, changes nothing unless told to.

use std::io::Write as _;

use super::{CheckArgs, ServerArgs};
use crate::store::disk::RealDisk;
use crate::store::high_water::read_mark;
use crate::store::lock::DirectoryLock;
use crate::store::log::{LogConfig, report, set_aside};

pub(super) fn check(args: &CheckArgs) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let server = ServerArgs {
        config: args.config.clone(),
        ..ServerArgs::default()
    };
    super::serve::configuration(&server)?;
    if let Some(file) = &args.config {
        writeln!(out, "{}: good", file.display())?;
    }
    let Some(directory) = &args.data_dir else {
        return Ok(());
    };
    let _lock = DirectoryLock::acquire(directory)?;
    let disk = RealDisk::open_directory(directory.join("log"))?;
    let mark = read_mark(&RealDisk::open_directory(directory)?)?;
    let config = LogConfig {
        mark,
        applied: mark.map_or(0, |mark| mark.applied),
        ..LogConfig::default()
    };
    let found = report(&disk, &config)?;
    for segment in &found.segments {
        writeln!(out, "{segment:?}")?;
    }
    if found.damage.is_empty() {
        writeln!(out, "{}: the log is whole", directory.display())?;
        return Ok(());
    }
    for damage in &found.damage {
        writeln!(out, "{damage}")?;
    }
    if !args.accept_loss {
        anyhow::bail!(
            "the log is damaged; --accept-loss sets the damaged part aside and keeps what verifies"
        );
    }
    let aside = set_aside(&disk, &config)?;
    writeln!(out, "set aside: {aside:?}")?;
    Ok(())
}
