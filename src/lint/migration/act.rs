//! [`Act`]: what a statement does, as far as a rule asks.

use crate::name::{ColumnName, TableName};

/// One thing that a statement does. A statement does several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    CreateTable {
        table: TableName,
        /// With IF NOT EXISTS: perhaps it does nothing.
        perhaps: bool,
    },
    DropTable {
        table: TableName,
    },
    RenameTable {
        table: TableName,
        to: TableName,
    },
    /// TRUNCATE, or DELETE without WHERE.
    Empty {
        table: TableName,
    },
    DropColumn {
        table: TableName,
        column: ColumnName,
    },
    AddColumn {
        table: TableName,
        column: ColumnName,
        value: Value,
        not_null: bool,
    },
    AddKey(Key),
    AddCheck(Check),
    /// ADD UNIQUE or PRIMARY KEY, which makes an index while everybody waits.
    AddUnique {
        table: TableName,
        columns: Vec<ColumnName>,
    },
    DropKey {
        table: TableName,
        name: Option<String>,
    },
    /// DROP CONSTRAINT, which does not say of what kind.
    DropConstraint {
        table: TableName,
        name: String,
    },
    Validate {
        table: TableName,
        name: String,
    },
    SetNotNull {
        table: TableName,
        column: ColumnName,
    },
    CreateIndex {
        table: TableName,
        columns: Vec<ColumnName>,
        name: Option<String>,
        concurrently: bool,
    },
    /// A lock that makes others wait, until the transaction ends.
    Lock {
        table: TableName,
        lock: Lock,
    },
    /// How long the session waits for locks from here on: not at all longer than something, or without an end.
    LockTimeout {
        scope: Scope,
        bounded: bool,
    },
    Update {
        table: TableName,
        columns: Vec<ColumnName>,
        /// Every row that needs it, in one statement.
        whole: bool,
    },
    /// Another statement that writes rows.
    Write {
        table: TableName,
    },
    /// Whether foreign keys are checked from here on, and what says so.
    Checks {
        on: bool,
        how: &'static str,
        /// The table whose keys it is, if it is not the whole session's.
        table: Option<TableName>,
    },
    /// A query that lists rows whose reference dangles.
    Proof,
    Begin,
    End,
}

/// What the rows that are there already get in an added column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// NULL, or nothing that fits.
    None,
    /// A default, a number of its own, or what the column is computed from.
    Some,
}

/// A foreign key that is added to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) table: TableName,
    pub(super) columns: Vec<ColumnName>,
    pub(super) referenced: TableName,
    pub(super) referenced_columns: Vec<ColumnName>,
    pub(super) name: Option<String>,
    /// Whether the rows that are there are read and checked.
    pub(super) validated: bool,
    /// Whether `NOT VALID` behind the statement is all that is missing.
    pub(super) alone: bool,
}

/// A check that is added to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) table: TableName,
    pub(super) name: Option<String>,
    /// The words of its condition, which the columns are among.
    pub(super) words: Vec<String>,
    /// The columns that it says are not NULL.
    pub(super) not_null: Vec<ColumnName>,
    pub(super) validated: bool,
}

/// A lock's strength, in PostgreSQL's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// Reading goes on.
    ShareRowExclusive,
    /// Nothing does.
    AccessExclusive,
}

/// How far a setting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Session,
    Transaction,
}

impl Act {
    /// The table it is about, if it is about one.
    pub(super) const fn table(&self) -> Option<&TableName> {
        match self {
            Self::CreateTable { table, .. }
            | Self::DropTable { table }
            | Self::RenameTable { table, .. }
            | Self::Empty { table }
            | Self::DropColumn { table, .. }
            | Self::AddColumn { table, .. }
            | Self::AddKey(Key { table, .. })
            | Self::AddCheck(Check { table, .. })
            | Self::AddUnique { table, .. }
            | Self::DropKey { table, .. }
            | Self::DropConstraint { table, .. }
            | Self::Validate { table, .. }
            | Self::SetNotNull { table, .. }
            | Self::CreateIndex { table, .. }
            | Self::Lock { table, .. }
            | Self::Update { table, .. }
            | Self::Write { table } => Some(table),
            Self::Checks { table, .. } => table.as_ref(),
            Self::LockTimeout { .. } | Self::Proof | Self::Begin | Self::End => None,
        }
    }
}
