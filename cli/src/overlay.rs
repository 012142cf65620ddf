//! The overlay file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sea_orm_cascade::overlay::Overlay;

/// What an overlay file says, and what it is called.
pub(crate) struct OverlayFile {
    pub(crate) overlay: Overlay,
    path: PathBuf,
}

/// The file that was named, or `cascade.toml` in the working directory if it is there.
pub(crate) fn read(named: Option<&Path>) -> anyhow::Result<Option<OverlayFile>> {
    let usual = Path::new("cascade.toml");
    let path = match named {
        Some(path) => path.to_owned(),
        None if usual.exists() => usual.to_owned(),
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let overlay = Overlay::parse(&text).with_context(|| cannot_be_used(&path))?;
    Ok(Some(OverlayFile { overlay, path }))
}

impl OverlayFile {
    /// Names the file in an error about what it says.
    pub(crate) fn blame<T>(&self, result: sea_orm_cascade::Result<T>) -> anyhow::Result<T> {
        result.with_context(|| cannot_be_used(&self.path))
    }
}

fn cannot_be_used(path: &Path) -> String {
    format!("{} cannot be used", path.display())
}
