//! What a live database says of itself: the whole as one [`Schema`], or only the foreign keys, or the names of indexes.
//!
//! Start at [`schema`]. Each engine's catalog is read with SQL of our own, one statement per question, however many tables there are.
//!
//! # Invariants
//!
//! - A catalog row is untrusted input: what this version does not know is carried along and named in [`Schema::unknown`], never a panic.
//! - Reading changes nothing. On PostgreSQL it needs no rights; MySQL hides from a user who may only SELECT checks, triggers and the actions
//!   of keys, and [`Schema::unknown`] then says so.

mod draft;
mod keys;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod scope;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeSet;

use crate::backend::Backend;
use crate::connection::Connection;
#[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
use crate::error::Error;
use crate::error::Result;
#[cfg(feature = "mysql")]
use crate::name::ColumnName;
use crate::name::TableName;
use crate::schema::{ForeignKey, Schema};
use rows::query;

/// Which schemas (on MySQL: databases) are read. SQLite's is always the main database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The connection's own: the first of PostgreSQL's `search_path`, the database in MySQL's URL.
    #[default]
    Own,
    /// These.
    Named(Vec<String>),
    /// The connection's own, and these.
    OwnAnd(Vec<String>),
    /// All but the system's.
    All,
}

/// The tables of a database with their columns, keys and indexes, in a stable order.
///
/// Tables of the connection's own schema (on MySQL: database) carry no schema in their names, others do. What the model has no place for
/// is named in [`Schema::left_out`] (views, partitions, members of extensions, triggers) and [`Schema::unknown`].
///
/// The same few statements are sent for ten tables as for a thousand. They are not one snapshot: run this in a transaction if tables
/// may change meanwhile.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use sea_orm_cascade::Store;
/// use sea_orm_cascade::introspect::{self, Scope};
///
/// let store = Store::connect("sqlite::memory:", entity::entities()).await?;
/// store.create_all().await?;
/// let schema = introspect::schema(store.connection(), &Scope::Own).await?;
/// assert_eq!(schema.tables.len(), 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Invalid input for a schema that is not there, and a database error if the catalog cannot be read.
#[cfg_attr(
    not(any(feature = "postgres", feature = "mysql")),
    expect(unused_variables, reason = "SQLite has but one database to read")
)]
pub async fn schema(connection: &Connection, scope: &Scope) -> Result<Schema> {
    match connection.backend() {
        #[cfg(feature = "postgres")]
        Backend::Postgres => postgres::schema(connection, scope).await,
        #[cfg(feature = "mysql")]
        Backend::MySql => mysql::schema(connection, scope).await,
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => sqlite::schema(connection).await,
        #[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
        absent => Err(built_without(absent)),
    }
}

/// The foreign keys of a database, sorted by referencing table and constraint.
///
/// On PostgreSQL those of all schemas; on MySQL those from or to tables of the connection's database. A table outside the
/// connection's own schema (on MySQL: database) carries the schema in its name. SQLite tells the names that keys were declared with. An
/// action this version does not know is [`Action::Unknown`](crate::Action::Unknown).
///
/// # Errors
///
/// A database error if the catalog cannot be read.
pub async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    foreign_keys_around(connection, None).await
}

/// [`foreign_keys`], on MySQL of another database than the connection's.
#[cfg_attr(
    not(feature = "mysql"),
    expect(unused_variables, reason = "only MySQL's catalog is asked per database")
)]
pub(crate) async fn foreign_keys_around(connection: &Connection, database: Option<&str>) -> Result<Vec<ForeignKey>> {
    match connection.backend() {
        #[cfg(feature = "postgres")]
        Backend::Postgres => postgres::foreign_keys(connection).await,
        #[cfg(feature = "mysql")]
        Backend::MySql => mysql::foreign_keys(connection, database).await,
        #[cfg(feature = "sqlite")]
        Backend::Sqlite => sqlite::foreign_keys(connection).await,
        #[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
        absent => Err(built_without(absent)),
    }
}

/// Whether this session's constraints do anything: PostgreSQL's `session_replication_role`, MySQL's `foreign_key_checks`, SQLite's
/// `PRAGMA foreign_keys`.
pub(crate) async fn enforces_foreign_keys(connection: &Connection) -> Result<bool> {
    let sql = match connection.backend() {
        Backend::Postgres => {
            "SELECT CAST(CASE current_setting('session_replication_role') WHEN 'replica' THEN 0 ELSE 1 END AS bigint)"
        }
        Backend::MySql => "SELECT CAST(@@SESSION.foreign_key_checks AS SIGNED)",
        Backend::Sqlite => "SELECT foreign_keys FROM pragma_foreign_keys",
    };
    let rows = query(connection, sql, []).await?;
    let set: i64 = rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(set != 0)
}

/// The connection's own schema; on MySQL its database; on SQLite nothing.
pub(crate) async fn own_schema(connection: &Connection) -> Result<Option<String>> {
    let sql = match connection.backend() {
        Backend::Postgres => "SELECT current_schema()::text",
        Backend::MySql => "SELECT database()",
        Backend::Sqlite => return Ok(None),
    };
    let rows = query(connection, sql, []).await?;
    Ok(rows.first().map_or(Ok(None), |row| row.try_get_by_index(0))?)
}

/// The clause that gives a new MySQL database the character set and collation of the connection's own.
pub(crate) async fn database_defaults(connection: &Connection) -> Result<String> {
    let sql = "SELECT CONCAT('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name) \
               FROM information_schema.schemata WHERE schema_name = database()";
    let rows = query(connection, sql, []).await?;
    Ok(rows
        .first()
        .map_or(Ok(None), |row| row.try_get_by_index(0))?
        .unwrap_or_default())
}

/// Which of these tables exist.
pub(crate) async fn existing(connection: &Connection, tables: &[TableName]) -> Result<BTreeSet<TableName>> {
    let sql = match connection.backend() {
        Backend::Postgres => {
            "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = COALESCE($1, current_schema()) AND c.relname = $2 AND c.relkind IN ('r', 'p')"
        }
        Backend::MySql => {
            "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = COALESCE(?, database()) AND table_name = ? AND table_type = 'BASE TABLE'"
        }
        Backend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND ?1 IS NULL AND name = ?2 COLLATE NOCASE"
        }
    };
    let mut existing = BTreeSet::new();
    for table in tables {
        if !query(connection, sql, [table.schema().into(), table.name().into()])
            .await?
            .is_empty()
        {
            existing.insert(table.clone());
        }
    }
    Ok(existing)
}

/// The names of a table's indexes, those behind its primary and unique keys included.
///
/// # Errors
///
/// A database error if the catalog cannot be read.
pub async fn indexes(connection: &Connection, table: &TableName) -> Result<BTreeSet<String>> {
    let sql = match connection.backend() {
        Backend::Postgres => {
            "SELECT i.relname::text FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \
             JOIN pg_catalog.pg_class t ON t.oid = x.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
             WHERE n.nspname = COALESCE($1, current_schema()) AND t.relname = $2"
        }
        Backend::MySql => {
            "SELECT DISTINCT index_name FROM information_schema.statistics \
             WHERE table_schema = COALESCE(?, database()) AND table_name = ?"
        }
        Backend::Sqlite => "SELECT name FROM pragma_index_list(?2) WHERE ?1 IS NULL",
    };
    query(connection, sql, [table.schema().into(), table.name().into()])
        .await?
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// The columns of an index, in their order. MySQL only: the other engines name the columns in their errors.
#[cfg(feature = "mysql")]
pub(crate) async fn index_columns(connection: &Connection, table: &str, index: &str) -> Result<Vec<ColumnName>> {
    let rows = query(
        connection,
        "SELECT column_name FROM information_schema.statistics \
         WHERE table_schema = database() AND table_name = ? AND index_name = ? ORDER BY seq_in_index",
        [table.into(), index.into()],
    )
    .await?;
    rows.iter()
        // A functional index has parts without a column.
        .map(|row| Ok(row.try_get_by_index::<Option<String>>(0)?))
        .filter_map(|column| column.map(|column| column.map(ColumnName::new)).transpose())
        .collect()
}

#[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn built_without(backend: Backend) -> Error {
    Error::invalid_input(format!(
        "this program was built without the feature `{backend}` of sea-orm-cascade"
    ))
}
