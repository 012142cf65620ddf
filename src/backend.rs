//! The database engines this crate speaks to, and what each can do.
//!
//! Code asks [`Capability`] what an engine can do instead of comparing engines; where a decision is owed per engine, it
//! matches on [`Backend`] without a wildcard arm, so that a new engine fails to compile there.

use std::fmt;

use sea_orm::DbBackend;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// What an engine can do, as far as this crate makes use of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// Values one statement may bind.
    ///
    /// PostgreSQL and MySQL count them in 16 bits (65,535); SQLite's default `SQLITE_MAX_VARIABLE_NUMBER` is 32,766
    /// (SQLite, "Implementation Limits", section 9).
    pub bind_limit: usize,
    /// `DEFAULT` may stand in a `VALUES` list in place of a value.
    pub default_keyword: bool,
    /// `SELECT … FOR UPDATE` locks rows.
    pub row_locks: bool,
    /// One bound array may stand for a list of keys (`= ANY($1)`).
    pub array_bind: bool,
    /// A failed statement dooms its transaction until the transaction or a savepoint is rolled back.
    pub error_aborts_transaction: bool,
    /// `INSERT … ON CONFLICT (columns)` names the unique key that decides.
    pub conflict_target: bool,
    /// A written row comes back with the statement that wrote it (`RETURNING`). MariaDB could; MySQL cannot, and they share a driver.
    pub returning: bool,
    /// Data definition takes part in transactions.
    pub transactional_ddl: bool,
    /// Enums and domains are types with a name, made by statements of their own.
    pub named_types: bool,
    /// SeaORM names foreign keys there. SQLite keeps a name too, but SeaORM writes none.
    pub names_foreign_keys: bool,
    /// A unique index is another thing than a unique constraint.
    pub unique_indexes_apart: bool,
    /// A foreign key can be added to a table that is there.
    pub adds_foreign_keys: bool,
    /// Bytes (PostgreSQL) or characters (MySQL) of the longest name; `None` where there is no limit.
    pub name_limit: Option<usize>,
}

impl Backend {
    /// The engine behind a SeaORM connection.
    ///
    /// # Errors
    ///
    /// Invalid input for an engine SeaORM knows and this crate does not.
    pub fn of(backend: DbBackend) -> Result<Self> {
        match backend {
            DbBackend::Postgres => Ok(Self::Postgres),
            DbBackend::MySql => Ok(Self::MySql),
            DbBackend::Sqlite => Ok(Self::Sqlite),
            other => Err(Error::invalid_input(format!(
                "{other:?} is not a supported backend: use PostgreSQL, MySQL, MariaDB or SQLite"
            ))),
        }
    }

    /// What this engine can do.
    #[must_use]
    pub const fn capability(self) -> Capability {
        match self {
            Self::Postgres => Capability {
                bind_limit: 65_535,
                default_keyword: true,
                row_locks: true,
                array_bind: true,
                error_aborts_transaction: true,
                conflict_target: true,
                returning: true,
                transactional_ddl: true,
                named_types: true,
                names_foreign_keys: true,
                unique_indexes_apart: true,
                adds_foreign_keys: true,
                name_limit: Some(63),
            },
            Self::MySql => Capability {
                bind_limit: 65_535,
                default_keyword: true,
                row_locks: true,
                array_bind: false,
                error_aborts_transaction: false,
                conflict_target: false,
                returning: false,
                transactional_ddl: false,
                named_types: false,
                names_foreign_keys: true,
                unique_indexes_apart: false,
                adds_foreign_keys: true,
                name_limit: Some(64),
            },
            Self::Sqlite => Capability {
                bind_limit: 32_766,
                default_keyword: false,
                row_locks: false,
                array_bind: false,
                error_aborts_transaction: false,
                conflict_target: true,
                returning: true,
                transactional_ddl: true,
                named_types: false,
                names_foreign_keys: false,
                unique_indexes_apart: true,
                adds_foreign_keys: false,
                name_limit: None,
            },
        }
    }

    /// The engine's name in lower case, as it appears in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        }
    }
}

impl From<Backend> for DbBackend {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Postgres => Self::Postgres,
            Backend::MySql => Self::MySql,
            Backend::Sqlite => Self::Sqlite,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
