//! [`Baseline`]: the findings that were there before, so that only new ones are reported.

use std::collections::BTreeSet;
use std::fmt;

use super::finding::Finding;
use crate::error::{Error, Result};

/// The identities of findings that are known and not to be reported.
///
/// As text, one [`Finding::id`] a line; empty lines and lines that begin with `#` are skipped. It is sorted, so that two branches that
/// change it can be merged.
///
/// ```
/// use sea_orm_cascade::lint::{self, Baseline, Subject};
/// use sea_orm_cascade::{overlay::LintSettings, schema::Schema};
///
/// let schema = Schema::parse("backend sqlite\ntable notes\n  text: text\n")?;
/// let findings = lint::lint(&Subject::new(&schema), &LintSettings::default());
/// let baseline = Baseline::of(&findings);
/// assert_eq!(baseline.to_string(), "L45 notes\n");
///
/// // Kept in a file, and read the next time:
/// let compared = Baseline::parse("L01 old(x)\nL45 notes\n")?.compare(findings);
/// assert!(compared.findings.is_empty());
/// assert_eq!(compared.stale, ["L01 old(x)"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeSet<String>,
}

/// Findings, next to a baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compared {
    /// Those that are not in it.
    pub findings: Vec<Finding>,
    /// How many are.
    pub known: usize,
    /// Its entries that no finding has any more: take them out, or the same mistake may come back unseen.
    pub stale: Vec<String>,
}

impl Baseline {
    /// A baseline of these findings.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        Self {
            entries: findings.iter().map(|finding| finding.id.clone()).collect(),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// Invalid input that names the first line which is not the identity of a finding.
    pub fn parse(text: &str) -> Result<Self> {
        let mut entries = BTreeSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !begins_with_code(line) {
                return Err(Error::invalid_input(format!(
                    "line {} of the baseline is not the identity of a finding, such as L45 notes: {line:?}",
                    number + 1
                )));
            }
            entries.insert(line.to_owned());
        }
        Ok(Self { entries })
    }

    /// Takes out what it knows, and says what it knows in vain.
    #[must_use]
    pub fn compare(&self, findings: Vec<Finding>) -> Compared {
        let seen: BTreeSet<_> = findings.iter().map(|finding| finding.id.clone()).collect();
        let (known, new): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .partition(|finding| self.entries.contains(&finding.id));
        Compared {
            findings: new,
            known: known.len(),
            stale: self.entries.difference(&seen).cloned().collect(),
        }
    }
}

/// A rule that this version no longer has is stale, not wrong: so any code will do.
fn begins_with_code(line: &str) -> bool {
    let Some((code, rest)) = line.split_once(' ') else {
        return false;
    };
    let digits = code.strip_prefix('L').unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) && !rest.is_empty()
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
