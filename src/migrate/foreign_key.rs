//! [`RequiredForeignKey`]: what is to be there in the end, and how to get there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backfill::Backfill;
use super::progress::{Control, Event};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, ConstraintName, Relation, TableName};
use crate::schema::{Action, ForeignKey, Schema};

type Told = dyn Fn(&Event) -> Control + Send + Sync;

/// A foreign key on a table that has rows and is in use, with its index, required unless it is said to be
/// [optional](Self::optional).
///
/// The columns are added if they are not there. Rows that have no value get one by a [`Backfill`]; no row is lost, none gets an owner that
/// nobody named, and neither readers nor writers wait for longer than a lock takes to be granted. Whatever interrupts it, running it
/// again goes on from what the catalog says.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use sea_orm::ConnectionTrait;
/// use sea_orm_cascade::migrate::{Backfill, RequiredForeignKey};
/// use sea_orm_cascade::{Action, Entities, Store};
///
/// let store = Store::connect("sqlite::memory:", Entities::new()).await?;
/// for sql in [
///     "CREATE TABLE users (id integer PRIMARY KEY)",
///     "CREATE TABLE posts (id integer PRIMARY KEY, title text)",
///     "INSERT INTO users VALUES (1), (2)",
///     "INSERT INTO posts VALUES (10, 'a'), (11, 'b')",
/// ] {
///     store.connection().execute_unprepared(sql).await?;
/// }
/// let owner = RequiredForeignKey::new("posts", ["user_id"])
///     .references("users", ["id"])
///     .on_delete(Action::Cascade)
///     .backfill(Backfill::sql("1 + id % 2"));
/// println!("{}", owner.plan(store.connection()).await?);
/// let report = owner.run(store.connection()).await?;
/// assert_eq!(report.filled, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is done before it is run"]
pub struct RequiredForeignKey {
    pub(super) table: TableName,
    pub(super) columns: Vec<ColumnName>,
    pub(super) references: Option<(TableName, Vec<ColumnName>)>,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
    pub(super) constraint: Option<ConstraintName>,
    pub(super) types: Vec<String>,
    pub(super) is_required: bool,
    pub(super) backfill: Option<Backfill>,
    pub(super) write_path: Option<WritePath>,
    pub(super) batch_rows: u32,
    pub(super) rest: Option<u32>,
    pub(super) lock_timeout: Duration,
    pub(super) attempts: u32,
    pub(super) patience: Duration,
    pub(super) progress: Option<Arc<Told>>,
}

/// Who gives rows a value that are written while the change is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WritePath {
    /// A trigger that does to a row what the backfill does to old ones, dropped at the end. Not for a backfill in Rust.
    Trigger,
    /// A default, dropped at the end. Only for one owner for all.
    Default,
    /// The application: rows that come without a value are filled by a further round of the backfill, or stop the change before anything
    /// requires one.
    Application,
}

impl RequiredForeignKey {
    /// A key of these columns of a table. A name with a dot, `sales.posts`, names a schema (on MySQL: a database).
    pub fn new(table: &str, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        Self {
            table: TableName::read(table).unwrap_or_else(|| TableName::new(table)),
            columns: columns.into_iter().map(Into::into).collect(),
            references: None,
            on_delete: Action::NoAction,
            on_update: Action::NoAction,
            constraint: None,
            types: Vec::new(),
            is_required: true,
            backfill: None,
            write_path: None,
            batch_rows: 2_000,
            rest: None,
            lock_timeout: Duration::from_millis(200),
            attempts: 50,
            patience: Duration::from_secs(600),
            progress: None,
        }
    }

    /// What it references: a unique key of a table.
    pub fn references(mut self, table: &str, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        let table = TableName::read(table).unwrap_or_else(|| TableName::new(table));
        self.references = Some((table, columns.into_iter().map(Into::into).collect()));
        self
    }

    /// What happens to a row when the row it references is deleted. Default: NO ACTION.
    pub const fn on_delete(mut self, action: Action) -> Self {
        self.on_delete = action;
        self
    }

    /// What happens to a row when the key it references changes. Default: NO ACTION.
    pub const fn on_update(mut self, action: Action) -> Self {
        self.on_update = action;
        self
    }

    /// The constraint's name. Default: SeaORM's, `fk-posts-user_id`. SQLite's keys have none unless one is given here.
    pub fn named(mut self, name: &str) -> Self {
        self.constraint = Some(ConstraintName::new(name));
        self
    }

    /// The types of columns that are not there yet, in the engine's words. Default: those of the columns they reference.
    pub fn column_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// A row need not reference anything: the columns stay nullable.
    pub const fn optional(mut self) -> Self {
        self.is_required = false;
        self
    }

    /// What rows without a value get.
    pub fn backfill(mut self, backfill: Backfill) -> Self {
        self.backfill = Some(backfill);
        self
    }

    /// Who gives rows a value that are written meanwhile. Default: a trigger if the backfill can be one, else the application.
    pub const fn write_path(mut self, write_path: WritePath) -> Self {
        self.write_path = Some(write_path);
        self
    }

    /// Rows that one transaction fills. Default: 2,000.
    pub const fn batch_rows(mut self, rows: u32) -> Self {
        self.batch_rows = rows;
        self
    }

    /// How long to rest after each batch, in percent of the time it took: 100 rests as long as it works, so that at most half of a processor
    /// is taken. Default: not at all on PostgreSQL and SQLite; 100 on MySQL, whose log and purge would otherwise be kept so busy that
    /// everybody's writes wait for them.
    pub const fn rest(mut self, percent: u32) -> Self {
        self.rest = Some(percent);
        self
    }

    /// How long a step waits for a lock before it lets others pass and tries again. Default: 200 ms. MySQL waits in whole seconds, at least
    /// one; SQLite has one writer, and waits for that one as long as [`attempts`](Self::attempts) of this take.
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How often a step is tried. Default: 50, with random pauses that grow to 5 s.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How long to wait for another process that is making the same change. Default: 10 minutes; zero: not at all.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Called before and after each step, after each batch, and when something is waited for; it may stop the run there.
    pub fn on_progress(mut self, progress: impl Fn(&Event) -> Control + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// `posts.user_id`, as it is called in messages, and in the ledger.
    pub(super) fn label(&self) -> String {
        format!("{}.{}", self.table, ColumnList(&self.columns))
    }

    /// The key as it is to be in the end.
    pub(super) fn key(&self, backend: Backend) -> Result<ForeignKey> {
        let Some((referenced_table, referenced_columns)) = self.references.clone() else {
            return Err(Error::invalid_input(format!(
                "what does {} reference? Say so with references",
                self.label()
            )));
        };
        if self.columns.is_empty() || self.columns.len() != referenced_columns.len() {
            return Err(Error::invalid_input(format!(
                "{} has {} column(s) and references {} of {referenced_table}: there must be as many, and at least one",
                self.label(),
                self.columns.len(),
                referenced_columns.len()
            )));
        }
        for (event, action) in [("delete", self.on_delete), ("update", self.on_update)] {
            if !action.is_in_databases() {
                return Err(Error::invalid_input(format!(
                    "{} cannot be {action} on {event}: no database does that; choose cascade, set null, set default, restrict or no action",
                    self.label()
                )));
            }
        }
        if self.is_required && (self.on_delete == Action::SetNull || self.on_update == Action::SetNull) {
            return Err(Error::invalid_input(format!(
                "{} cannot be both required and set null: let it be optional, or choose another action",
                self.label()
            )));
        }
        let names: Vec<_> = self.columns.iter().map(ColumnName::as_str).collect();
        let usual = ConstraintName::new(format!("fk-{}-{}", self.table.name(), names.join("-")));
        let mut key = ForeignKey::new(Relation {
            constraint: match backend.capability().names_foreign_keys {
                true => Some(self.constraint.clone().unwrap_or(usual)),
                false => self.constraint.clone(),
            },
            table: self.table.clone(),
            columns: self.columns.clone(),
            referenced_table,
            referenced_columns,
        });
        key.on_delete = self.on_delete;
        key.on_update = self.on_update;
        Ok(key)
    }

    /// Who gives rows a value that are written meanwhile.
    pub(super) fn chosen_write_path(&self, schema: &Schema) -> Result<WritePath> {
        let fitting = self.backfill.as_ref().map_or(WritePath::Application, |backfill| {
            backfill.fitting_write_path(schema, &self.table)
        });
        match (self.write_path, &self.backfill) {
            (None, _) => Ok(fitting),
            (Some(WritePath::Trigger), _) if fitting != WritePath::Trigger => Err(Error::invalid_input(format!(
                "a trigger cannot do what the backfill of {} does: it has none, it is Rust code, or it uses a number that MySQL gives a row \
                 only after its triggers; let the application give new rows a value",
                self.label()
            ))),
            (Some(WritePath::Default), Some(Backfill::Owner(_))) => Ok(WritePath::Default),
            (Some(WritePath::Default), _) => Err(Error::invalid_input(format!(
                "{} gets a default only if one owner gets all rows (Backfill::owner)",
                self.label()
            ))),
            (Some(chosen), _) => Ok(chosen),
        }
    }
}

impl fmt::Debug for RequiredForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequiredForeignKey")
            .field("table", &self.table)
            .field("columns", &self.columns)
            .field("references", &self.references)
            .field("required", &self.is_required)
            .finish_non_exhaustive()
    }
}
