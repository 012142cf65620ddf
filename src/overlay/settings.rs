//! [`LintSettings`]: which rules matter how much, and where they do not.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{ColumnName, TableName};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not at all: the rule is off.
    Off,
    /// Worth knowing.
    Info,
    /// Likely to hurt.
    Warning,
    /// Wrong.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Which rules matter how much, and where they do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LintSettings {
    /// Other severities than the rules' own, by the rule's code (`L01`).
    pub levels: BTreeMap<String, Severity>,
    /// What is not to be reported.
    pub ignores: Vec<Ignore>,
}

/// Findings that are not to be reported: those that agree with everything that is set here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignore {
    /// The rule's code, or any.
    pub rule: Option<String>,
    /// The table the finding is about, or any.
    pub table: Option<TableName>,
    /// A column the finding is about, or any.
    pub column: Option<ColumnName>,
    /// Why not, for whoever reads the file next.
    pub reason: Option<String>,
}
