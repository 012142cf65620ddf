//! How a delete is to be done.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::schema::ForeignKey;

/// Who is to carry out a key's action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// The database, where it has an equal constraint that is proved, and the rows are needed for nothing: no hook, and no count but one that
    /// costs little, as on PostgreSQL. Else this library.
    #[default]
    Auto,
    /// The database. A plan fails that reaches a key for which it has no equal constraint.
    Database,
    /// This library, in the transaction that deletes.
    Application,
}

/// Whether rows are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Exactly, per table, action and key, also for what the database does.
    #[default]
    Exact,
    /// Only what is known for nothing: the report names the tables that were not counted. The database then does what it can.
    Declined,
}

/// What must not have changed since a delete was planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The catalog is believed to be as it was.
    Nothing,
    /// The catalog is read again, in a few statements, and must be as it was.
    #[default]
    Schema,
    /// The catalog and, if there was a preview, every count in it: else everything is rolled back.
    Counts,
}

/// How a delete is to be done; [`new`](Self::new) is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// Who carries out the keys' actions.
    pub enforce: Enforce,
    /// Who carries out single keys' actions: by constraint name, or as `table.column`, `table.(a, b)`.
    pub overrides: Vec<(String, Enforce)>,
    /// Whether rows are counted.
    pub counting: Counting,
    /// How many keys of blocking rows to show, for each key.
    pub sample: u64,
    /// What must not have changed since the plan was made.
    pub check: Check,
    /// Up to how many rows of each key a preview counts; what it then says is "at least". Nothing: all.
    pub cap: Option<u64>,
}

impl Default for DeleteOptions {
    fn default() -> Self {
        Self {
            enforce: Enforce::Auto,
            overrides: Vec::new(),
            counting: Counting::Exact,
            sample: 5,
            check: Check::Schema,
            cap: None,
        }
    }
}

impl DeleteOptions {
    /// `Auto`, exact counts, five sample keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who carries out the actions.
    #[must_use]
    pub const fn enforce(mut self, enforce: Enforce) -> Self {
        self.enforce = enforce;
        self
    }

    /// Sets who carries out one key's action; the key by its constraint's name, or as `posts.user_id`, `orders.(tenant_id, user_id)`.
    #[must_use]
    pub fn enforce_key(mut self, key: impl Into<String>, enforce: Enforce) -> Self {
        self.overrides.push((key.into(), enforce));
        self
    }

    /// Sets whether rows are counted.
    #[must_use]
    pub const fn counting(mut self, counting: Counting) -> Self {
        self.counting = counting;
        self
    }

    /// Sets how many keys of blocking rows are shown.
    #[must_use]
    pub const fn sample(mut self, rows: u64) -> Self {
        self.sample = rows;
        self
    }

    /// Sets what must not have changed since the plan was made.
    #[must_use]
    pub const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Sets up to how many rows of each key a preview counts.
    #[must_use]
    pub const fn cap(mut self, rows: u64) -> Self {
        self.cap = Some(rows);
        self
    }

    /// Who is to carry out this key's action.
    pub(super) fn enforced(&self, key: &ForeignKey) -> Enforce {
        let own = self.overrides.iter().rev().find(|(name, _)| is_called(key, name));
        own.map_or(self.enforce, |(_, enforce)| *enforce)
    }
}

/// Whether a key is meant by this name.
pub(super) fn is_called(key: &ForeignKey, name: &str) -> bool {
    key.relation.to_string() == name || key.relation.label() == name
}

impl FromStr for Enforce {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "auto" => Ok(Self::Auto),
            "database" => Ok(Self::Database),
            "application" => Ok(Self::Application),
            other => Err(Error::invalid_input(format!(
                "{other:?} is not a way to enforce a key: use auto, database or application"
            ))),
        }
    }
}

impl std::fmt::Display for Enforce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Database => "database",
            Self::Application => "application",
        })
    }
}
