//! `dynamo check`: tells every problem at once, changes nothing unless told to.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::{CheckArgs, ServerArgs};
use crate::config::Loaded;
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
    let configured = super::serve::configuration(&server);
    if let Ok(Loaded { warnings, .. }) = &configured {
        for warning in warnings {
            writeln!(out, "warning: {warning}")?;
        }
        if let Some(file) = &args.config {
            writeln!(out, "{}: good", file.display())?;
        }
    }
    let stored = match &args.data_dir {
        Some(directory) => check_data(&mut out, directory, args.accept_loss),
        None => Ok(()),
    };
    // Every problem, of either kind.
    match (configured, stored) {
        (Ok(_), stored) => stored,
        (Err(configured), Ok(())) => Err(configured),
        (Err(configured), Err(stored)) => bail!("{configured:#}\n{stored:#}"),
    }
}

fn check_data(
    out: &mut impl std::io::Write,
    directory: &Path,
    accept_loss: bool,
) -> anyhow::Result<()> {
    let shown = directory.display();
    // Looking makes nothing: a slip in the path is no new directory.
    let log = directory.join("log");
    std::fs::read_dir(&log).with_context(|| format!("{shown} is no data directory"))?;
    let _lock = DirectoryLock::acquire(directory)?;
    let disk = RealDisk::open_directory(log)?;
    let mark = read_mark(&RealDisk::open_directory(directory)?)?;
    let config = LogConfig {
        mark,
        applied: mark.map_or(0, |mark| mark.applied),
        ..LogConfig::default()
    };
    let found = report(&disk, &config)?;
    write!(out, "{found}")?;
    if found.damage.is_empty() {
        writeln!(out, "{shown}: the log is whole")?;
        return Ok(());
    }
    if !accept_loss {
        bail!(
            "the log in {shown} is damaged; --accept-loss sets the damaged part aside and keeps \
             what verifies"
        );
    }
    let aside = set_aside(&disk, &config)?;
    for file in &aside.renamed {
        writeln!(out, "set aside: {file}")?;
    }
    for lost in &aside.lost {
        writeln!(out, "lost: groups {} to {}", lost.first, lost.last)?;
    }
    writeln!(
        out,
        "kept: {} groups; the log opens again",
        aside.kept_groups
    )?;
    Ok(())
}
