//! The overlay file, `cascade.toml`: what the database does not say of itself, and how to lint it.

mod settings;

pub use settings::{Ignore, LintSettings, Severity};
