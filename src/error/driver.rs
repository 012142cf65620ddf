//! What the driver said, in a text that is safe to show.

use std::fmt;

/// What the driver said, with the literals cut out that engines quote from the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverError {
    code: Option<String>,
    message: String,
}

impl DriverError {
    pub(super) fn new(code: Option<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The engine's code: SQLSTATE on PostgreSQL, the error number on MySQL, the extended result code on SQLite.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for DriverError {}

/// The text with everything between a pair of `quote`s cut out.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn without_literals(message: &str, quote: char) -> String {
    let mut kept = String::with_capacity(message.len());
    let mut pieces = message.split(quote);
    kept.push_str(pieces.next().unwrap_or_default());
    let mut inside = true;
    for piece in pieces {
        if inside {
            kept.push(quote);
            kept.push('…');
            kept.push(quote);
        } else {
            kept.push_str(piece);
        }
        inside = !inside;
    }
    kept
}
