//! [`Step`]: one thing that is done, in a transaction of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::TableName;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// Adds the columns: nullable, or on MySQL with a default that stands for no value yet.
    AddColumns,
    /// Gives rows that are written from now on their value.
    OpenWritePath,
    /// Gives rows that are there their value, in batches.
    Backfill,
    /// Drops an index that was left unusable.
    DropInvalidIndex,
    /// Makes the index.
    AddIndex,
    /// Adds the key, for rows written from now on.
    AddKey,
    /// Has the database check all rows.
    ValidateKey,
    /// Adds a check that the columns have values, for rows written from now on.
    AddCheck,
    /// Has the database check all rows.
    ValidateCheck,
    /// Makes the columns required.
    Require,
    /// Drops the check, which is of no further use.
    DropCheck,
    /// Looks at all rows, since the database has not: that each references one that is there.
    Prove,
    /// Drops what gave new rows their value.
    CloseWritePath,
    /// Builds the table anew: SQLite.
    Rebuild,
    /// Drops the key.
    DropKey,
    /// Drops the index.
    DropIndex,
    /// Makes the columns nullable again.
    Release,
    /// Puts NULL where something stands for no value.
    ClearPlaceholders,
    /// Drops the columns.
    DropColumns,
}

impl StepKind {
    /// A few words for a person: `add the key`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AddColumns => "add the columns",
            Self::OpenWritePath => "give new rows a value",
            Self::Backfill => "fill the rows that are there",
            Self::DropInvalidIndex => "drop the unusable index",
            Self::AddIndex => "make the index",
            Self::AddKey => "add the key",
            Self::ValidateKey => "validate the key",
            Self::AddCheck => "add a check for values",
            Self::ValidateCheck => "validate the check",
            Self::Require => "require values",
            Self::DropCheck => "drop the check",
            Self::Prove => "prove that no row dangles",
            Self::CloseWritePath => "stop giving new rows a value",
            Self::Rebuild => "build the table anew",
            Self::DropKey => "drop the key",
            Self::DropIndex => "drop the index",
            Self::Release => "let the columns be empty",
            Self::ClearPlaceholders => "take the placeholders out",
            Self::DropColumns => "drop the columns",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A lock that a step takes on a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lock {
    /// The table.
    pub table: TableName,
    /// The mode, in the engine's words: PostgreSQL's as `pg_locks` has it, `MDL exclusive (briefly)`.
    pub mode: &'static str,
}

/// How a step is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In a transaction that waits for locks only so long.
    Transaction,
    /// By itself, outside any transaction (CREATE INDEX CONCURRENTLY, MySQL's DDL).
    Alone,
    /// Row by row, in batches.
    Batches,
    /// By looking only.
    Looking,
    /// By SQLite's rebuild.
    Rebuild,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The statements; the backfill's is that of a batch, with placeholders.
    pub statements: Vec<String>,
    /// The locks it takes, besides those of a reader.
    pub locks: Vec<Lock>,
    /// The table of which it reads every row.
    pub scans: Option<TableName>,
    /// What the database is like if it stops after this step.
    pub leaves: &'static str,
    #[serde(skip)]
    pub(super) way: Way,
}
