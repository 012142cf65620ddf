//! The overlay file.

use std::path::Path;

use anyhow::Context;
use sea_orm_cascade::overlay::Overlay;

/// The file that was named, or `cascade.toml` in the working directory if it is there.
pub(crate) fn read(named: Option<&Path>) -> anyhow::Result<Option<Overlay>> {
    let usual = Path::new("cascade.toml");
    let file = match named {
        Some(file) => file,
        None if usual.exists() => usual,
        None => return Ok(None),
    };
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let overlay = Overlay::parse(&text).with_context(|| format!("{} cannot be used", file.display()))?;
    Ok(Some(overlay))
}
