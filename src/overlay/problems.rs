//! Everything that is wrong with a file, said at once.

use crate::error::{Error, Result};

/// What is wrong, and on which line.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(usize, String)>);

impl Problems {
    pub(super) fn add(&mut self, line: usize, problem: impl Into<String>) {
        self.0.push((line, problem.into()));
    }

    /// The value, unless there are problems: then all of them, by line.
    pub(super) fn unless_any<T>(mut self, value: T) -> Result<T> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|(line, _)| *line);
        let lines: Vec<_> = self
            .0
            .iter()
            .map(|(line, problem)| format!("overlay, line {line}: {problem}"))
            .collect();
        Err(Error::invalid_input(lines.join("\n")))
    }
}
