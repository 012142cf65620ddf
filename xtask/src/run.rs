//! Running a command so that an interrupt ends it and not us: there may be servers to stop.

use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs a command to its end.
///
/// # Errors
///
/// If it cannot be started, fails, or is interrupted.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    catch_interrupts()?;
    let shown = format!("{command:?}").replace('"', "");
    // The variables may hold a URL with a password.
    let shown = shown.rsplit_once("_URL=").map_or(shown.clone(), |(_, rest)| {
        rest.split_once(' ')
            .map_or_else(String::new, |(_, command)| command.to_owned())
    });
    let mut child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            match status.success() {
                true => return Ok(()),
                false => bail!("failed ({status}): {shown}"),
            }
        }
        if INTERRUPTED.load(Ordering::Relaxed) {
            child.kill()?;
            child.wait()?;
            bail!("interrupted: {shown}");
        }
        sleep(Duration::from_millis(50));
    }
}

/// From here on SIGINT and SIGTERM are remembered instead of ending this process.
pub(crate) fn catch_interrupts() -> Result<()> {
    static ONCE: Once = Once::new();
    let mut result = Ok(());
    ONCE.call_once(|| result = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)));
    Ok(result?)
}
