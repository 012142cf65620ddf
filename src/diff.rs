//! What would have to change for one schema to become another, how dangerous each change is, and the statements for it.
//!
//! Start at [`diff`]. [`Store::diff`](crate::Store::diff) compares a live database with what its entities declare.
//!
//! # Invariants
//!
//! - No I/O, stable order.
//! - Names of constraints and indexes are not compared: a key is the same key if its columns are.
//! - What an engine does not tell apart is not a difference: on MySQL, RESTRICT and NO ACTION are one, a unique index is a unique key, and
//!   the index InnoDB made for a foreign key is not drift.

mod change;
mod class;
mod compare;
mod statements;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::backend::Backend;
use crate::name::TableName;
use crate::schema::Schema;

pub use change::{Change, Difference};
pub use class::Class;
pub use statements::Step;

/// The table in which changes of a live database remember how far they have come.
pub(crate) const LEDGER: &str = "cascade_ledger";

/// What to leave out of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffOptions {
    /// Tables that neither side is asked about, such as a migrator's own. Default: `seaql_migrations`, which is SeaORM's, and
    /// `cascade_ledger`, which is that of [`migrate`](crate::migrate).
    pub ignored: BTreeSet<TableName>,
}

impl DiffOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ignored: BTreeSet::from([TableName::new("seaql_migrations"), TableName::new(LEDGER)]),
        }
    }

    /// Leaves out a table.
    #[must_use]
    pub fn ignore(mut self, table: impl Into<TableName>) -> Self {
        self.ignored.insert(table.into());
        self
    }
}

/// How two schemas were made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The engine stored both, so equal things are spelled equally.
    Engine,
    /// Spellings were made equal by rule: an expression that means the same may be listed as different.
    Spelling,
}

/// What makes one schema into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SchemaDiff {
    /// The engine.
    pub backend: Backend,
    /// How the two were made comparable.
    pub compared: Comparison,
    /// The changes, by table.
    pub changes: Vec<Difference>,
    /// The connection's own database, where MySQL's statements must name it.
    #[serde(skip)]
    pub(crate) own: Option<String>,
    #[serde(skip)]
    from: Schema,
    #[serde(skip)]
    to: Schema,
}

/// Compares two schemas of one engine.
///
/// Both are brought to the spelling of the engine's catalog first, as far as that can be done without asking it. Where `to` comes from
/// entities, defaults and expressions can be spelled in ways that only the engine itself can tell to be equal;
/// [`Store::diff`](crate::Store::diff) has it do that.
///
/// ```
/// use sea_orm_cascade::diff::{DiffOptions, diff};
/// use sea_orm_cascade::schema::Schema;
///
/// let from = Schema::parse("backend postgres\ntable users\n  id: bigint, not null\n  name: text\n  primary key (id)")?;
/// let to = Schema::parse("backend postgres\ntable users\n  id: bigint, not null\n  name: text, not null\n  primary key (id)")?;
/// let diff = diff(&from, &to, &DiffOptions::new());
/// assert_eq!(
///     diff.to_string(),
///     "users: change column name: not null\n  data-dependent: fails if a row has NULL there; reads every row\n"
/// );
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[must_use]
pub fn diff(from: &Schema, to: &Schema, options: &DiffOptions) -> SchemaDiff {
    let prepare = |schema: &Schema| {
        let mut schema = schema.clone().normalised();
        schema.tables.retain(|table| !options.ignored.contains(&table.name));
        schema
    };
    let (from, to) = (prepare(from), prepare(to));
    SchemaDiff {
        backend: to.backend,
        compared: Comparison::Spelling,
        own: None,
        changes: compare::changes(&from, &to)
            .into_iter()
            .map(|change| Difference::new(to.backend, change))
            .collect(),
        from,
        to,
    }
}

impl SchemaDiff {
    /// Whether nothing has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The most dangerous class among the changes.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.changes.iter().map(|difference| difference.class).max()
    }

    /// The statements that make all changes, in an order that works.
    ///
    /// They are not meant for a live table under load: keys are checked as they are added, and indexes are built while writers wait. What
    /// is in the way of a change is taken off and put back: the foreign keys to a primary key that changes, the indexes on a column whose
    /// expression does. On SQLite, what ALTER TABLE cannot do is done by building the table anew, with enforcement of foreign keys off;
    /// indexes and triggers are made again, and views stay.
    ///
    /// Run them on one connection. If one fails, the rest must not run. SQLite's are a transaction already: after a failure, ROLLBACK and
    /// `PRAGMA foreign_keys = ON`. PostgreSQL's may be put into one, unless a label is both added to an enum and used. On MySQL each commits.
    #[must_use]
    pub fn statements(&self) -> Vec<Step> {
        statements::statements(self)
    }
}

impl fmt::Display for SchemaDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.changes {
            writeln!(
                f,
                "{}\n  {}: {}",
                difference.change, difference.class, difference.reason
            )?;
        }
        Ok(())
    }
}
