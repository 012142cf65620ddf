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

/// `, did you mean that one?`, if one of the known words is so like this one that it is probably meant; else nothing.
pub(super) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= Ord::max(1, lower.chars().count() / 3))
        .min()
        .map_or_else(String::new, |(_, known)| format!(", did you mean {known}?"))
}
