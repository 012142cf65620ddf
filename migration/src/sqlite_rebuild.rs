//! Rebuilding a SQLite table to add or remove a column (SQLite, "ALTER TABLE", section 7, "Making Other Kinds Of Table Schema
//! Changes").
//!
//! The stored `CREATE TABLE` text is *edited*, not rendered anew, so that what this code knows nothing of stays: other columns, checks,
//! collations, generated columns, STRICT, WITHOUT ROWID. Indexes and triggers are created again from their own text, and the
//! counter of AUTOINCREMENT is kept, so that no id is given twice.

mod definition;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::exclusive::migration_error;
use definition::Definition;

/// A column to add.
pub(crate) struct NewColumn<'a> {
    pub(crate) name: &'a str,
    /// The column's definition, as in `CREATE TABLE`.
    pub(crate) definition: &'a str,
    /// A constraint of the table that goes with it.
    pub(crate) constraint: &'a str,
    /// An expression that gives existing rows their value.
    pub(crate) value: &'a str,
}

pub(crate) async fn add_column(manager: &SchemaManager<'_>, table: &str, column: &NewColumn<'_>) -> Result<(), DbErr> {
    let old = StoredTable::read(manager, table).await?;
    let definition = old.definition.with_column(column.definition, column.constraint);
    let mut copied: Vec<_> = old
        .columns
        .iter()
        .map(|column| (quote(column), quote(column)))
        .collect();
    copied.push((quote(column.name), format!("({})", column.value)));
    rebuild(manager, &old, &definition, &copied, &old.companions).await
}

pub(crate) async fn remove_column(manager: &SchemaManager<'_>, table: &str, column: &str) -> Result<(), DbErr> {
    let old = StoredTable::read(manager, table).await?;
    let definition = old.definition.without_column(column).map_err(migration_error)?;
    let copied: Vec<_> = old
        .columns
        .iter()
        .filter(|kept| !kept.eq_ignore_ascii_case(column))
        .map(|kept| (quote(kept), quote(kept)))
        .collect();
    let mut companions = Vec::new();
    for companion in &old.companions {
        let mentions = companion
            .sql
            .to_ascii_lowercase()
            .contains(&column.to_ascii_lowercase());
        match (companion.is_trigger, mentions) {
            (true, true) => {
                return Err(migration_error(format!(
                    "nothing was changed: the trigger {} uses {table}.{column}; drop it first",
                    companion.name
                )));
            }
            (false, true) if companion.indexes(manager, column).await? => {}
            _ => companions.push(companion.clone()),
        }
    }
    rebuild(manager, &old, &definition, &copied, &companions).await
}

/// A table as the database stores it.
struct StoredTable {
    name: String,
    definition: Definition,
    /// The columns that hold values: not the generated ones.
    columns: Vec<String>,
    companions: Vec<Companion>,
    /// The last id AUTOINCREMENT gave.
    sequence: Option<i64>,
}

/// An index or a trigger of the table.
#[derive(Clone)]
struct Companion {
    name: String,
    sql: String,
    is_trigger: bool,
}

impl StoredTable {
    async fn read(manager: &SchemaManager<'_>, table: &str) -> Result<Self, DbErr> {
        refuse_deleting_children(manager, table).await?;
        let sql = query(
            manager,
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1",
            [table.into()],
        )
        .await?;
        let Some(sql) = sql.first() else {
            return Err(migration_error(format!("there is no table {table}")));
        };
        let definition = Definition::parse(&sql.try_get_by_index::<String>(0)?).map_err(migration_error)?;
        let columns = query(
            manager,
            "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid",
            [table.into()],
        )
        .await?;
        let companions = query(
            manager,
            "SELECT name, sql, type = 'trigger' FROM sqlite_master \
             WHERE tbl_name = ?1 AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid",
            [table.into()],
        )
        .await?;
        // The counter's table is there once any table has had AUTOINCREMENT.
        let counted = query(
            manager,
            "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'",
            [],
        )
        .await?;
        let sequence = match counted.is_empty() {
            true => Vec::new(),
            false => {
                query(
                    manager,
                    "SELECT seq FROM sqlite_sequence WHERE name = ?1",
                    [table.into()],
                )
                .await?
            }
        };
        Ok(Self {
            name: table.to_owned(),
            definition,
            columns: columns
                .iter()
                .map(|row| row.try_get_by_index(0))
                .collect::<Result<_, _>>()?,
            companions: companions.iter().map(Companion::from_row).collect::<Result<_, _>>()?,
            sequence: sequence.first().map(|row| row.try_get_by_index(0)).transpose()?,
        })
    }
}

impl Companion {
    fn from_row(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            name: row.try_get_by_index(0)?,
            sql: row.try_get_by_index(1)?,
            is_trigger: row.try_get_by_index(2)?,
        })
    }

    async fn indexes(&self, manager: &SchemaManager<'_>, column: &str) -> Result<bool, DbErr> {
        let rows = query(
            manager,
            "SELECT 1 FROM pragma_index_xinfo(?1) WHERE name = ?2 COLLATE NOCASE",
            [self.name.as_str().into(), column.into()],
        )
        .await?;
        Ok(!rows.is_empty())
    }
}

/// With enforcement on, dropping a table deletes its rows first, and every CASCADE key follows.
async fn refuse_deleting_children(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let children = query(
        manager,
        "SELECT m.name FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE AND (SELECT foreign_keys FROM pragma_foreign_keys) = 1",
        [table.into()],
    )
    .await?;
    match children.first() {
        Some(row) => Err(migration_error(format!(
            "nothing was changed: rebuilding {table} while foreign keys are enforced would delete the rows of {}; run this through \
             migration::run, or with PRAGMA foreign_keys = OFF set before the transaction",
            row.try_get_by_index::<String>(0)?
        ))),
        None => Ok(()),
    }
}

async fn rebuild(
    manager: &SchemaManager<'_>,
    old: &StoredTable,
    definition: &Definition,
    copied: &[(String, String)],
    companions: &[Companion],
) -> Result<(), DbErr> {
    let inner = manager.begin().await?;
    let (table, interim) = (quote(&old.name), quote(&format!("{} rebuilt", old.name)));
    let before = count(&inner, &table).await?;
    execute(&inner, &definition.create(&interim)).await?;
    let columns: Vec<_> = copied.iter().map(|(column, _)| column.as_str()).collect();
    let values: Vec<_> = copied.iter().map(|(_, value)| value.as_str()).collect();
    let copy = format!(
        "INSERT INTO {interim} ({}) SELECT {} FROM {table}",
        columns.join(", "),
        values.join(", ")
    );
    execute(&inner, &copy).await?;
    let after = count(&inner, &interim).await?;
    if before != after {
        return Err(migration_error(format!(
            "nothing was changed: {} has {before} rows and its copy {after}",
            old.name
        )));
    }
    execute(&inner, &format!("DROP TABLE {table}")).await?;
    // Without it, renaming would also rewrite what other tables, views and triggers say of the interim name.
    execute(&inner, "PRAGMA legacy_alter_table = ON").await?;
    execute(&inner, &format!("ALTER TABLE {interim} RENAME TO {table}")).await?;
    execute(&inner, "PRAGMA legacy_alter_table = OFF").await?;
    for companion in companions {
        execute(&inner, &companion.sql).await?;
    }
    if let Some(sequence) = old.sequence {
        let name = [Value::from(old.name.as_str())];
        query(&inner, "DELETE FROM sqlite_sequence WHERE name = ?1", name).await?;
        let row = [Value::from(old.name.as_str()), Value::from(sequence)];
        query(&inner, "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", row).await?;
    }
    inner.commit().await
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn count(manager: &SchemaManager<'_>, quoted_table: &str) -> Result<i64, DbErr> {
    let rows = query(manager, &format!("SELECT COUNT(*) FROM {quoted_table}"), []).await?;
    rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))
}

async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await.map(drop)
}

async fn query(
    manager: &SchemaManager<'_>,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    let connection = manager.get_connection();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.query_all_raw(statement).await
}
