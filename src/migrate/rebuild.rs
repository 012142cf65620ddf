//! Building a SQLite table anew (SQLite, "ALTER TABLE", section 7, "Making Other Kinds Of Table Schema Changes").
//!
//! Start at [`rebuilding`], which gives a transaction to do it in, and [`rebuild`], which does it.
//!
//! # Invariants
//!
//! - The stored `CREATE TABLE` is *edited* and not rendered anew, so that what this code knows nothing of stays.
//! - What hangs on the table is as it was, and that is proved before COMMIT: by comparing rows, definitions and counters, and not by
//!   trusting what was done.
//! - No table that others reference is dropped on a connection that enforces foreign keys: that would delete the rows that reference it.

mod definition;
mod enforcement;
mod layout;
mod proof;
mod rows;
mod stored;

use sea_orm::{ConnectionTrait, Statement, Value};

use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Error, Result};
use crate::name::{ColumnName, Relation, TableName};
use definition::Definition;
use proof::Picture;
use stored::Stored;

pub(crate) use enforcement::rebuilding;

/// A change of a table's definition. Text is SQL as it stands in a `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    /// A column behind the others.
    AddColumn { definition: String },
    /// A constraint of the table.
    AddConstraint { text: String },
    /// The column must have a value.
    SetNotNull(ColumnName),
    /// The column may be NULL.
    DropNotNull(ColumnName),
    /// The column goes, with its own constraints and the indexes it is in. A constraint of others that uses it has to go before.
    DropColumn(ColumnName),
    /// The foreign keys of these columns that reference that table go, wherever they are written.
    DropForeignKey(Relation),
}

/// What a column's rows get: an expression over the old row, which may use the table's name, and what its placeholders stand for.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    pub(crate) column: ColumnName,
    pub(crate) expression: String,
    pub(crate) values: Vec<Value>,
    /// Values that are there stay, which is proved as it is of the other columns.
    pub(crate) only_empty: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rebuilt {
    /// Rows the table has.
    pub(crate) rows: u64,
    /// Indexes that went with a column.
    pub(crate) dropped_indexes: Vec<String>,
}

/// A rebuild that is decided on.
struct Plan {
    stored: Stored,
    edited: Definition,
    /// Indexes and triggers that are made again, with their statements.
    kept: Vec<String>,
    dropped_indexes: Vec<String>,
}

/// The statements that matter in a [`rebuild`], to be shown.
///
/// # Errors
///
/// As for [`rebuild`].
pub(crate) async fn statements(
    connection: &Connection,
    table: &TableName,
    edits: &[Edit],
    values: &[Filled],
) -> Result<Vec<String>> {
    let plan = Plan::make(connection, table, edits).await?;
    let stored = &plan.stored;
    let mut statements = vec![
        plan.edited.create(&stored.interim())?,
        rows::copy(stored, edits, values).0,
        format!("DROP TABLE {}", stored.quoted()),
        format!(
            "ALTER TABLE {} RENAME TO {}",
            stored.interim(),
            identifier(Backend::Sqlite, &stored.name)
        ),
    ];
    statements.extend(plan.kept);
    Ok(statements)
}

/// Edits the stored definition of a table and builds it anew. Columns that are filled get their value from the old row, all others keep
/// theirs.
///
/// # Errors
///
/// Invalid input if there is no such table or column, if an edit takes away what something else needs, or if afterwards anything would be
/// different that was not to be; the error names it. Otherwise what the database refuses. The transaction has to be rolled back then.
pub(crate) async fn rebuild(tx: &Connection, table: &TableName, edits: &[Edit], values: &[Filled]) -> Result<Rebuilt> {
    let plan = Plan::make(tx, table, edits).await?;
    let stored = &plan.stored;
    enforcement::refuse_deleting_children(tx, &stored.name).await?;
    let legacy = one_number(tx, "PRAGMA legacy_alter_table", []).await?;
    let before = Picture::take(tx, &stored.name).await?;
    execute(tx, &plan.edited.create(&stored.interim())?).await?;
    let (copy, bound) = rows::copy(stored, edits, values);
    run(tx, &copy, bound).await?;
    let rows = rows::prove_equal(tx, stored, edits, values).await?;
    let statistics = stored::Statistics::keep(tx, &stored.name).await?;
    execute(tx, &format!("DROP TABLE {}", stored.quoted())).await?;
    // Without it, SQLite looks at what every view and trigger says, which is of a table that is not there just now.
    execute(tx, "PRAGMA legacy_alter_table = ON").await?;
    let name = identifier(Backend::Sqlite, &stored.name);
    execute(tx, &format!("ALTER TABLE {} RENAME TO {name}", stored.interim())).await?;
    execute(tx, &format!("PRAGMA legacy_alter_table = {legacy}")).await?;
    for statement in &plan.kept {
        execute(tx, statement).await?;
    }
    before.restore_sequence(tx, &stored.name).await?;
    statistics.put_back(tx, &stored.name).await?;
    let after = Picture::take(tx, &stored.name).await?;
    before.prove(&after, &plan, edits)?;
    Ok(Rebuilt {
        rows,
        dropped_indexes: plan.dropped_indexes,
    })
}

impl Plan {
    async fn make(connection: &Connection, table: &TableName, edits: &[Edit]) -> Result<Self> {
        let stored = Stored::read(connection, table).await?;
        let mut edited = stored.definition.clone();
        // What a column that goes takes part in may go by a later edit.
        let (columns, others): (Vec<_>, Vec<_>) = edits.iter().partition(|edit| matches!(edit, Edit::DropColumn(_)));
        for edit in others.into_iter().chain(columns) {
            edited = edited.edited(edit)?;
        }
        let gone: Vec<_> = edits
            .iter()
            .filter_map(|edit| match edit {
                Edit::DropColumn(name) => Some(name),
                _ => None,
            })
            .collect();
        for name in &gone {
            if let Some(user) = edited.user_of(name)? {
                return Err(Error::invalid_input(format!(
                    "nothing was changed: {table}.{name} cannot go, for this uses it: {user}"
                )));
            }
            stored.refuse_users_in_quotes(connection, name).await?;
        }
        let (mut kept, mut dropped_indexes) = (Vec::new(), Vec::new());
        for companion in &stored.companions {
            match gone.iter().any(|name| companion.indexes(name)) {
                true => dropped_indexes.push(companion.name.clone()),
                false => kept.push(companion.sql.clone()),
            }
        }
        Ok(Self {
            stored,
            edited,
            kept,
            dropped_indexes,
        })
    }
}

async fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_unprepared(sql).await?;
    Ok(())
}

async fn run(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<()> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await?;
    Ok(())
}

async fn query(
    connection: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<sea_orm::QueryResult>> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

/// The one number a query gives; 0 if it gives none.
async fn one_number(connection: &Connection, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<i64> {
    let rows = query(connection, sql, values).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// A table of the main database: a temporary one may have the same name.
fn main_table(name: &str) -> String {
    format!("\"main\".{}", identifier(Backend::Sqlite, name))
}
