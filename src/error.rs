//! One [`Error`] for every backend: what went wrong as an [`ErrorKind`], and what the driver said as its source.
//!
//! Start at [`Error::kind`], or at the predicates ([`Error::is_foreign_key`] and the others).
//!
//! # Which values appear where
//!
//! An error's text names tables, columns and constraints. The only values in it are *keys*: the key that was not found, and the
//! key of a violated foreign key, because a person cannot act without them. No other bound value appears. `Debug` hides the keys
//! too, and so does everything this crate logs. The source's text has the literals cut out that engines quote from the data; the
//! unabridged driver error is at [`Error::db_err`].

mod classify;
mod driver;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use sea_orm::DbErr;

use crate::name::{ColumnName, ConstraintName, KeyValues, Relation, TableName};

pub(crate) use classify::TRANSACTION_ENDED;
pub use driver::DriverError;

/// What this crate's operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. See the [module](self) for what its texts contain.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    hint: Option<Cow<'static, str>>,
    driver: Option<DriverError>,
    raw: Option<DbErr>,
    /// What a hook failed with.
    of_hook: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of failure, with what is known about each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No row has this key.
    NotFound {
        /// The table that was asked.
        table: TableName,
        /// The key that was asked for.
        key: KeyValues,
    },
    /// Another row already has these values.
    Unique {
        /// The table, where the engine or the operation names it.
        table: Option<TableName>,
        /// The columns of the unique key; empty where the engine names only the constraint (an index on an expression).
        columns: Vec<ColumnName>,
        /// The constraint's or index's name, where the engine names it.
        constraint: Option<ConstraintName>,
    },
    /// A reference would dangle.
    ForeignKey {
        /// The relation, where it could be found out.
        relation: Option<Relation>,
        /// The key that has no row, or that is still referenced: the referencing columns' values for
        /// [`Direction::MissingParent`], the referenced columns' for [`Direction::StillReferenced`].
        key: Option<KeyValues>,
        /// Which side is at fault, where it could be found out.
        direction: Option<Direction>,
    },
    /// A column that must have a value was given none.
    NotNull {
        /// The table, where the engine or the operation names it.
        table: Option<TableName>,
        /// The column.
        column: ColumnName,
    },
    /// A check constraint (on PostgreSQL also an exclusion constraint) refuses the row.
    Check {
        /// The table, where the engine or the operation names it.
        table: Option<TableName>,
        /// The constraint's name; on SQLite the expression, if it has no name.
        name: ConstraintName,
    },
    /// Rows that would stay keep others from being deleted; nothing was changed.
    Blocked {
        /// All of them, by the key through which they do, in the order of the keys.
        blockers: Vec<Blocker>,
    },
    /// A hook refused the delete; nothing was changed. What it failed with is the error's source.
    Vetoed {
        /// The table whose rows were to go.
        table: TableName,
        /// The hook's reason.
        reason: String,
    },
    /// Rows would get no value for a key that is to be required, or would reference a row that is not there; nothing was changed.
    Unfilled {
        /// The key.
        relation: Relation,
        /// Rows that would have no value.
        missing: u64,
        /// Rows that would reference no row.
        dangling: u64,
        /// The primary keys of some of either, as text; none for a table without one.
        sample: Vec<KeyValues>,
    },
    /// What was planned is not what would happen: the schema, or the rows, have changed since. Nothing was changed.
    StalePlan {
        /// What differs.
        difference: String,
    },
    /// The row is there, but it no longer meets the condition of the update.
    Stale {
        /// The table.
        table: TableName,
        /// The row's key.
        key: KeyValues,
    },
    /// The database gave this transaction up in favour of another; running the whole transaction again may succeed.
    Retryable {
        /// Why.
        reason: RetryReason,
        /// How often it was tried, this attempt included.
        attempts: u32,
    },
    /// A time limit ran out.
    Timeout {
        /// Which one.
        limit: TimeLimit,
    },
    /// The database cannot be reached, refuses the connection, or dropped it.
    ///
    /// Of a transaction nothing was kept. A single statement sent outside a transaction may have been carried out before the
    /// connection broke.
    Connection,
    /// The connection broke while committing: the transaction may or may not have been applied.
    CommitUnknown,
    /// A statement of the transaction failed, the failure was not passed on, and so the database kept nothing.
    Aborted,
    /// The caller's input cannot be used; nothing was changed.
    InvalidInput {
        /// What is wrong with it, and what would do.
        problem: String,
    },
    /// Any other refusal by the database.
    Database {
        /// The engine's code (SQLSTATE, MySQL error number, SQLite extended result code), where there is one.
        code: Option<String>,
    },
}

/// Rows that would stay, and keep others from being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocker {
    /// The key through which they reference rows that would go, or, for [`BlockReason::Dangles`], would reference no row.
    pub relation: Relation,
    /// Why they block.
    pub reason: BlockReason,
    /// How many rows; at least so many if counting was capped there.
    pub rows: u64,
    /// The keys of some of them, as text; none for a table without a primary key.
    pub sample: Vec<KeyValues>,
}

/// Why rows that would stay keep others from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlockReason {
    /// RESTRICT: they reference rows that would go.
    Restrict,
    /// NO ACTION: they reference rows that would go.
    NoAction,
    /// PROTECT: they reference rows that would go, whether or not they would go too.
    Protect,
    /// SET DEFAULT or SET VALUE: what a reference would be set to references no row that stays.
    Dangles,
    /// SET NULL, SET DEFAULT or SET VALUE would change columns by which these rows reference the row that is changed.
    Referenced,
}

impl BlockReason {
    /// The action's word as JSON has it: `restrict`, `no_action`, `protect`, `dangles`, `referenced`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Restrict => "restrict",
            Self::NoAction => "no_action",
            Self::Protect => "protect",
            Self::Dangles => "dangles",
            Self::Referenced => "referenced",
        }
    }
}

impl Blocker {
    pub(crate) const fn new(relation: Relation, reason: BlockReason, rows: u64, sample: Vec<KeyValues>) -> Self {
        Self {
            relation,
            reason,
            rows,
            sample,
        }
    }
}

/// Which side of a relation is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The referencing row was written, and the row it references is not there.
    MissingParent,
    /// The referenced row was to go (or its key to change), and rows still reference it.
    StillReferenced,
}

/// Why the database wants the transaction run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryReason {
    /// Two transactions waited for each other (40P01, 1213).
    Deadlock,
    /// The transaction cannot be serialised with another (40001).
    Serialization,
    /// A lock was not granted in time (MySQL's 1205, `innodb_lock_wait_timeout`).
    LockWait,
    /// Another connection is writing (SQLite's BUSY and LOCKED).
    Busy,
}

/// Which time limit ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeLimit {
    /// No connection of the pool became free.
    Acquire,
    /// The statement ran too long, or was cancelled (57014, 3024, 1969).
    Statement,
    /// A lock was not granted within `lock_timeout`, or at once under NOWAIT (55P03, 3572).
    Lock,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            hint: None,
            driver: None,
            raw: None,
            of_hook: None,
        }))
    }

    pub(crate) fn invalid_input(problem: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput {
            problem: problem.into(),
        })
    }

    /// What a hook failed with: a veto, unless running the transaction again may help, or nothing can.
    pub(crate) fn of_hook(table: &TableName, error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let passes = |error: &Self| {
            matches!(
                error.kind(),
                ErrorKind::Retryable { .. }
                    | ErrorKind::Timeout { .. }
                    | ErrorKind::Connection
                    | ErrorKind::Vetoed { .. }
            )
        };
        let error = match error.downcast::<Self>() {
            Ok(own) if passes(&own) => return *own,
            Ok(own) => own,
            Err(other) => match other.downcast::<DbErr>() {
                Ok(raw) => match (*raw).clone() {
                    DbErr::Custom(reason) => return Self::vetoed(table, reason, raw),
                    raw => {
                        let own = Self::from(raw);
                        if passes(&own) {
                            return own;
                        }
                        Box::new(own)
                    }
                },
                Err(other) => return Self::vetoed(table, other.to_string(), other),
            },
        };
        Self::vetoed(table, error.to_string(), error)
    }

    fn vetoed(table: &TableName, reason: String, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let mut error = Self::new(ErrorKind::Vetoed {
            table: table.clone(),
            reason,
        });
        error.0.of_hook = Some(source);
        error
    }

    pub(crate) fn not_found(table: TableName, key: KeyValues) -> Self {
        Self::new(ErrorKind::NotFound { table, key })
    }

    /// Says something else of the same failure: what the driver said stays.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Adds the way out.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The role may not do it, or the server takes no writes.
    pub(crate) fn is_refused(&self) -> bool {
        // SQLSTATE of PostgreSQL; numbers of MySQL.
        let codes = ["42501", "25006", "1044", "1142", "1143", "1227", "1290", "1792", "1836"];
        self.driver_code().is_some_and(|code| codes.contains(&code))
    }

    pub(crate) fn driver_code(&self) -> Option<&str> {
        self.0.driver.as_ref()?.code()
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// SeaORM's own error, where one is behind this.
    ///
    /// Its text and its `Debug` may contain bound values (MySQL's *duplicate entry 'ann@example.com'*, PostgreSQL's detail): keep
    /// it out of logs.
    #[must_use]
    pub fn db_err(&self) -> Option<&DbErr> {
        self.0.raw.as_ref()
    }

    /// No row has the key that was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound { .. })
    }

    /// Another row already has these values.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unique { .. })
    }

    /// A reference would dangle, in either direction.
    #[must_use]
    pub fn is_foreign_key(&self) -> bool {
        matches!(self.kind(), ErrorKind::ForeignKey { .. })
    }

    /// A column that must have a value was given none.
    #[must_use]
    pub fn is_not_null(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotNull { .. })
    }

    /// A check constraint refuses the row.
    #[must_use]
    pub fn is_check(&self) -> bool {
        matches!(self.kind(), ErrorKind::Check { .. })
    }

    /// The row no longer meets the condition of the update.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        matches!(self.kind(), ErrorKind::Stale { .. })
    }

    /// Rows that would stay keep others from being deleted.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(self.kind(), ErrorKind::Blocked { .. })
    }

    /// A hook refused the delete.
    #[must_use]
    pub fn is_vetoed(&self) -> bool {
        matches!(self.kind(), ErrorKind::Vetoed { .. })
    }

    /// Rows would get no value for a required key, or one that references no row.
    #[must_use]
    pub fn is_unfilled(&self) -> bool {
        matches!(self.kind(), ErrorKind::Unfilled { .. })
    }

    /// A plan no longer fits the database.
    #[must_use]
    pub fn is_stale_plan(&self) -> bool {
        matches!(self.kind(), ErrorKind::StalePlan { .. })
    }

    /// Running the whole transaction again may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Retryable { .. })
    }

    /// A time limit ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout { .. })
    }

    /// The database cannot be reached, refuses the connection, or dropped it.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        matches!(self.kind(), ErrorKind::Connection)
    }

    /// The caller's input cannot be used.
    #[must_use]
    pub fn is_invalid_input(&self) -> bool {
        matches!(self.kind(), ErrorKind::InvalidInput { .. })
    }
}

impl ErrorKind {
    /// A short stable word for logs and metrics: it contains no value.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Unique { .. } => "unique",
            Self::ForeignKey { .. } => "foreign_key",
            Self::NotNull { .. } => "not_null",
            Self::Check { .. } => "check",
            Self::Blocked { .. } => "blocked",
            Self::Vetoed { .. } => "vetoed",
            Self::Unfilled { .. } => "unfilled",
            Self::StalePlan { .. } => "stale_plan",
            Self::Stale { .. } => "stale",
            Self::Retryable { .. } => "retryable",
            Self::Timeout { .. } => "timeout",
            Self::Connection => "connection",
            Self::CommitUnknown => "commit_unknown",
            Self::Aborted => "aborted",
            Self::InvalidInput { .. } => "invalid_input",
            Self::Database { .. } => "database",
        }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) const fn foreign_key_unknown() -> Self {
        Self::ForeignKey {
            relation: None,
            key: None,
            direction: None,
        }
    }

    pub(crate) const fn retryable(reason: RetryReason) -> Self {
        Self::Retryable { reason, attempts: 1 }
    }
}

/// For code that must return SeaORM's error, such as a migration: the text is this error's, with what the driver said behind it.
impl From<Error> for DbErr {
    fn from(error: Error) -> Self {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        Self::Custom(format!("{error}{}", source.unwrap_or_default()))
    }
}

impl From<DbErr> for Error {
    fn from(raw: DbErr) -> Self {
        let (kind, driver) = classify::classify(&raw);
        Self(Box::new(Inner {
            kind,
            hint: None,
            driver: Some(driver),
            raw: Some(raw),
            of_hook: None,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if let Some(hint) = &self.0.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("source", &self.0.driver)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match (&self.0.of_hook, &self.0.driver) {
            (Some(error), _) => Some(error.as_ref()),
            (None, Some(driver)) => Some(driver),
            (None, None) => None,
        }
    }
}

/// A time as milliseconds for a log field; saturates after 500 million years.
pub(crate) fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
