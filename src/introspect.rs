//! What a live database says of itself: foreign keys with their actions, tables, and the columns of an index.
//!
//! Each engine's catalog is read with SQL of our own, one statement per question, however many tables there are.
//!
//! # Invariants
//!
//! - A catalog row is untrusted input: an unknown action is an error that names it, not a panic.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::name::{ColumnName, ConstraintName, Relation, TableName};
use crate::schema::{Action, ForeignKey};

/// The foreign keys of a database, sorted by referencing table and constraint.
///
/// On PostgreSQL those of all schemas; on MySQL those from or to tables of the connection's database. A table outside the
/// connection's own schema (on MySQL: database) carries the schema in its name. SQLite tells no constraint names.
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

/// The table's name as the catalog functions give it: without the schema, if that is the connection's own.
pub(crate) async fn canonical(connection: &Connection, table: TableName) -> Result<TableName> {
    let sql = match (table.schema(), connection.backend()) {
        (None, _) | (_, Backend::Sqlite) => return Ok(TableName::new(table.name())),
        (Some(_), Backend::Postgres) => "SELECT current_schema()::text",
        (Some(_), Backend::MySql) => "SELECT database()",
    };
    let row = query(connection, sql, []).await?;
    let own: Option<String> = row.first().map_or(Ok(None), |row| row.try_get_by_index(0))?;
    Ok(match own.as_deref() == table.schema() {
        true => TableName::new(table.name()),
        false => table,
    })
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

async fn query(
    connection: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

#[cfg(not(all(feature = "postgres", feature = "mysql", feature = "sqlite")))]
fn built_without(backend: Backend) -> Error {
    Error::invalid_input(format!(
        "this program was built without the feature `{backend}` of sea-orm-cascade"
    ))
}

/// One column of one foreign key, as a catalog lists it.
struct KeyColumn {
    /// What tells this key from the table's others.
    identity: String,
    constraint: Option<String>,
    table: TableName,
    column: String,
    referenced_table: TableName,
    referenced_column: String,
    on_delete: Action,
    on_update: Action,
}

/// Reads a row of an engine's query for foreign keys, whose columns have the same names on all of them.
fn key_column(row: &QueryResult, action: impl Fn(&str) -> Result<Action>) -> Result<KeyColumn> {
    Ok(KeyColumn {
        identity: row.try_get("", "identity")?,
        constraint: row.try_get("", "constraint_name")?,
        table: table(row.try_get("", "table_schema")?, row.try_get("", "table_name")?),
        column: row.try_get("", "column_name")?,
        referenced_table: table(
            row.try_get("", "referenced_schema")?,
            row.try_get("", "referenced_name")?,
        ),
        referenced_column: row.try_get("", "referenced_column")?,
        on_delete: action(&row.try_get::<String>("", "on_delete")?)?,
        on_update: action(&row.try_get::<String>("", "on_update")?)?,
    })
}

fn table(schema: Option<String>, name: String) -> TableName {
    match schema {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    }
}

/// Joins the columns of each key; the rows come ordered by table, key and position.
fn collect_keys(rows: &[QueryResult], action: impl Fn(&str) -> Result<Action>) -> Result<Vec<ForeignKey>> {
    let mut keys: Vec<ForeignKey> = Vec::new();
    let mut current = None;
    for row in rows {
        let part = key_column(row, &action)?;
        let identity = (part.table.clone(), part.identity);
        match keys.last_mut() {
            Some(key) if current.as_ref() == Some(&identity) => {
                key.relation.columns.push(ColumnName::new(part.column));
                key.relation
                    .referenced_columns
                    .push(ColumnName::new(part.referenced_column));
            }
            _ => keys.push(
                ForeignKey::new(Relation {
                    constraint: part.constraint.map(ConstraintName::new),
                    table: part.table,
                    columns: vec![ColumnName::new(part.column)],
                    referenced_table: part.referenced_table,
                    referenced_columns: vec![ColumnName::new(part.referenced_column)],
                })
                .on_delete(part.on_delete)
                .on_update(part.on_update),
            ),
        }
        current = Some(identity);
    }
    keys.sort();
    Ok(keys)
}

/// The standard's words for an action, as MySQL and SQLite store them.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
fn action(word: &str) -> Result<Action> {
    match word {
        "CASCADE" => Ok(Action::Cascade),
        "SET NULL" => Ok(Action::SetNull),
        "SET DEFAULT" => Ok(Action::SetDefault),
        "RESTRICT" => Ok(Action::Restrict),
        "NO ACTION" => Ok(Action::NoAction),
        other => Err(unknown_action(other)),
    }
}

fn unknown_action(word: &str) -> Error {
    Error::invalid_input(format!(
        "the catalog names a referential action this version does not know: {word:?}"
    ))
}
