//! Writing to stdout and stderr.

use std::io::{ErrorKind, Write};

/// Writes to stdout. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("stdout cannot be written"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether notes are told, besides errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    Told,
    Silent,
}

impl Notes {
    /// Writes a note to stderr.
    pub(crate) fn tell(self, note: &str) {
        if self == Self::Told {
            complain(&format!("note: {note}"));
        }
    }
}

/// Writes a line to stderr. If even that fails there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{line}"));
}
