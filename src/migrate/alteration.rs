//! [`Alteration`]: a table that is there, changed in ways that every engine can make.
//!
//! The catalog is read, the edits are applied to a copy of what it says, and the difference between the two is what is done: so what is
//! done already is not done again, and an engine that cannot alter (SQLite) builds the table anew.

mod edit;
mod fits;
mod in_the_way;
mod mysql;
mod postgres;
mod sqlite;
mod steps;

use std::borrow::BorrowMut;
use std::fmt;
use std::time::Duration;

use sea_orm::sea_query::{ForeignKeyCreateStatement, IndexCreateStatement, IntoColumnDef};

use super::exclusive::Exclusive;
use super::target::{self, Lane, Target};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::{ColumnName, TableName};
use crate::schema::Schema;
use edit::Edit;

/// A change of a table that is there and in use.
///
/// It says how the table is to be, in the words of SeaORM's create statements, and is made as the engine lets it be made without a stall:
/// on PostgreSQL a key or a check is added NOT VALID and then validated, a column is required by way of a check, an index is built
/// CONCURRENTLY, and each step is a transaction that lets others pass and tries again where it does not get its lock. On MySQL each ALTER
/// waits a second at most for its lock and is tried again. SQLite builds the table anew where ALTER TABLE does not do.
///
/// Running it twice is harmless; what was interrupted, or killed, is completed by running it again. One process at a time alters a table.
/// Rows in the way are named before anything is changed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use sea_orm::ConnectionTrait;
/// use sea_orm::sea_query::{ColumnDef, Index};
/// use sea_orm_cascade::migrate::Alteration;
/// use sea_orm_cascade::{Entities, Store};
///
/// let store = Store::connect("sqlite::memory:", Entities::new()).await?;
/// store.connection().execute_unprepared("CREATE TABLE posts (id integer PRIMARY KEY, title varchar)").await?;
/// store.connection().execute_unprepared("INSERT INTO posts VALUES (1, 'a')").await?;
/// Alteration::new("posts")
///     .add_column(ColumnDef::new("views").integer().not_null().default(0))
///     .change_column(ColumnDef::new("title").text().not_null())
///     .add_index(Index::create().name("idx-posts-title").col("title"))
///     .run(store.connection())
///     .await?;
/// let schema = store.introspect().await?;
/// let posts = schema.table(&"posts".into()).ok_or_else(|| unreachable!()).unwrap();
/// assert_eq!(posts.columns[2].to_string(), "views: integer, not null, default 0");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is done before it is run"]
pub struct Alteration {
    table: TableName,
    edits: Vec<Edit>,
    patience: Patience,
    /// The connection's own database, where MySQL's statements must name it.
    own: Option<String>,
}

/// How long a step waits for a lock, and how often it is tried.
#[derive(Debug, Clone, Copy)]
struct Patience {
    lock_timeout: Duration,
    attempts: u32,
}

impl Alteration {
    /// A change of this table. A name with a dot, `sales.posts`, names a schema (on MySQL: a database).
    pub fn new(table: &str) -> Self {
        Self {
            table: TableName::read(table).unwrap_or_else(|| TableName::new(table)),
            edits: Vec::new(),
            patience: Patience {
                lock_timeout: Duration::from_millis(200),
                attempts: 50,
            },
            own: None,
        }
    }

    fn with(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// The table has this column.
    pub fn add_column(self, column: impl IntoColumnDef) -> Self {
        self.with(Edit::AddColumn(Box::new(column.into_column_def())))
    }

    /// This column, which is there, has this type, may or may not be NULL, and has this default or none.
    pub fn change_column(self, column: impl IntoColumnDef) -> Self {
        self.with(Edit::ChangeColumn(Box::new(column.into_column_def())))
    }

    /// The table does not have this column, nor the keys, indexes and checks it takes part in. Its values are lost.
    pub fn drop_column(self, column: impl Into<ColumnName>) -> Self {
        self.with(Edit::DropColumn(column.into()))
    }

    /// No two rows agree in these columns.
    pub fn add_unique(self, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        self.with(Edit::AddUnique(list(columns)))
    }

    /// Rows may agree in these columns, unless they are the primary key.
    pub fn drop_unique(self, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        self.with(Edit::DropUnique(list(columns)))
    }

    /// The table has this index: a name and whole columns, unique or not.
    pub fn add_index(self, index: impl BorrowMut<IndexCreateStatement>) -> Self {
        self.with(Edit::AddIndex(Box::new(index.borrow().clone())))
    }

    /// The table has no index of exactly these columns; a unique one stays.
    pub fn drop_index(self, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        self.with(Edit::DropIndex(list(columns)))
    }

    /// The table has this foreign key, with these actions. The columns are there; for those that are not, or are to be filled, there is
    /// [`RequiredForeignKey`](super::RequiredForeignKey).
    pub fn add_foreign_key(self, key: impl BorrowMut<ForeignKeyCreateStatement>) -> Self {
        self.with(Edit::ForeignKey(Box::new(key.borrow().clone())))
    }

    /// This foreign key has these actions. It is taken off and put back, so if that was interrupted in between, it is added.
    pub fn change_foreign_key(self, key: impl BorrowMut<ForeignKeyCreateStatement>) -> Self {
        self.add_foreign_key(key)
    }

    /// The table has no foreign key of exactly these columns.
    pub fn drop_foreign_key(self, columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Self {
        self.with(Edit::DropForeignKey(list(columns)))
    }

    /// How long a step waits for a lock before it lets others pass and tries again. Default: 200 ms. MySQL waits in whole seconds, at
    /// least one; SQLite has one writer, and waits for that one as long as [`attempts`](Self::attempts) of this take.
    pub const fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.patience.lock_timeout = timeout;
        self
    }

    /// How often a step is tried. Default: 50, with random pauses that grow to 5 s.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.patience.attempts = attempts;
        self
    }

    /// Makes the change. In a migration, `target` is `manager.get_connection()`, and on PostgreSQL and MySQL the migration's
    /// `use_transaction` returns `Some(false)`.
    ///
    /// # Errors
    ///
    /// Invalid input if there is no such table or column, if rows are in the way (no value where one is to be required, equal where they are
    /// to be unique, orphans, values that the column's new type does not take as they are), if on MySQL a key would have to be taken off
    /// that this does not name, or on a transaction where there must be none: nothing was changed then. Timeout if a lock was not to be
    /// had. Otherwise what the database refuses; the steps before that are kept on PostgreSQL and MySQL, and the error names them.
    pub async fn run(self, target: &impl Target) -> Result<()> {
        let lane = target.way().await?;
        self.on(&lane).await?;
        lane.finish().await
    }

    async fn on(&self, lane: &Lane) -> Result<()> {
        let connection = &lane.connection;
        match connection.backend() {
            Backend::Sqlite => sqlite::make(self, connection).await,
            Backend::Postgres | Backend::MySql => {
                if connection.is_transaction() {
                    return Err(target::in_a_transaction());
                }
                // Two that look at the catalog at the same time would both do what is left to do.
                let what = format!("altering {}", self.table);
                let lock = Exclusive::take(connection, &what, self.patience.in_all(), || ()).await?;
                let outcome = self.alone(connection).await;
                let released = lock.release().await;
                outcome?;
                released
            }
        }
    }

    async fn alone(&self, connection: &Connection) -> Result<()> {
        let (live, goal) = self.now(connection).await?;
        if connection.backend() == Backend::MySql {
            mysql::refuse_lost_keys(self, &live, &goal)?;
        }
        in_the_way::look(connection, &self.table, &live, &goal).await?;
        match connection.backend() {
            Backend::Postgres => postgres::make(self, connection).await,
            Backend::MySql => mysql::make(self, connection).await,
            Backend::Sqlite => Ok(()),
        }
    }

    /// What is there now, and what is to be.
    async fn now(&self, connection: &Connection) -> Result<(Schema, Schema)> {
        let live = self.live(connection).await?;
        let mut goal = self.applied_to(&live)?;
        if let Some(table) = goal
            .table_mut(&self.table)
            .filter(|_| live.backend == Backend::Postgres)
        {
            postgres::without_our_checks(table);
        }
        Ok((live, goal))
    }

    async fn live(&self, connection: &Connection) -> Result<Schema> {
        let scope = match self.table.schema() {
            Some(schema) if connection.backend() != Backend::Sqlite => Scope::OwnAnd(vec![schema.to_owned()]),
            Some(_) | None => Scope::Own,
        };
        Ok(introspect::schema(connection, &scope).await?.normalised())
    }

    /// The schema with the edits made.
    fn applied_to(&self, live: &Schema) -> Result<Schema> {
        let mut goal = live.clone();
        if goal.table(&self.table).is_none() {
            let known = goal.tables.iter().map(|table| table.name.name());
            let guess = crate::name::did_you_mean(self.table.name(), known);
            return Err(Error::invalid_input(format!(
                "nothing was changed: there is no table {}{guess}",
                self.table
            )));
        }
        for edit in &self.edits {
            edit.apply(&mut goal, &self.table)?;
        }
        goal.sort();
        Ok(goal.normalised())
    }
}

fn list(columns: impl IntoIterator<Item = impl Into<ColumnName>>) -> Vec<ColumnName> {
    columns.into_iter().map(Into::into).collect()
}

impl fmt::Debug for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alteration")
            .field("table", &self.table)
            .field("edits", &self.edits.len())
            .finish_non_exhaustive()
    }
}
