//! [`Stored`]: a table as the database stores it, and what hangs on it.

use sea_orm::QueryResult;

use super::definition::Definition;
use super::{execute, main_table, query, run};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Error, Result};
use crate::lex::{Kind, tokens};
use crate::name::{ColumnName, TableName};

/// A table as the database stores it.
pub(super) struct Stored {
    /// Its name as it is written there.
    pub(super) name: String,
    pub(super) definition: Definition,
    pub(super) columns: Vec<StoredColumn>,
    /// The indexes and triggers that a statement made, in the order in which they were made.
    pub(super) companions: Vec<Companion>,
    pub(super) identity: RowIdentity,
}

pub(super) struct StoredColumn {
    pub(super) name: String,
    pub(super) is_generated: bool,
}

/// What tells a row from all others, and stays as it is.
pub(super) enum RowIdentity {
    /// These columns.
    Columns(Vec<String>),
    /// The rowid, under this name, which no column has.
    RowId(&'static str),
    /// The rowid, whose names are all columns' names.
    Hidden,
}

/// An index or a trigger.
pub(super) struct Companion {
    pub(super) name: String,
    pub(super) sql: String,
    /// The columns that an index is of.
    columns: Vec<String>,
}

impl Stored {
    pub(super) async fn read(connection: &Connection, table: &TableName) -> Result<Self> {
        let absent = || Error::invalid_input(format!("nothing was changed: there is no table {table}"));
        if table
            .schema()
            .is_some_and(|schema| !schema.eq_ignore_ascii_case("main"))
        {
            return Err(absent());
        }
        let rows = query(
            connection,
            "SELECT m.name, m.sql, l.type, l.wr FROM sqlite_master m JOIN pragma_table_list l ON l.schema = 'main' AND l.name = m.name \
             WHERE m.type = 'table' AND m.name = ?1 COLLATE NOCASE",
            [table.name().into()],
        )
        .await?;
        let row = rows.first().ok_or_else(absent)?;
        let name: String = row.try_get_by_index(0)?;
        let kind: String = row.try_get_by_index(2)?;
        if kind != "table" || name.to_ascii_lowercase().starts_with("sqlite_") {
            return Err(Error::invalid_input(format!(
                "nothing was changed: {table} is a {kind} table of SQLite's, which cannot be built anew"
            )));
        }
        refuse_temporary(connection, &name).await?;
        let definition = Definition::new(&name, row.try_get_by_index::<String>(1)?);
        let columns = query(
            connection,
            "SELECT name, hidden, pk FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
            [name.as_str().into()],
        )
        .await?;
        let identity = RowIdentity::read(connection, &name, row.try_get_by_index::<i64>(3)? != 0, &columns).await?;
        Ok(Self {
            definition,
            columns: columns
                .iter()
                .map(|row| {
                    Ok(StoredColumn {
                        name: row.try_get_by_index(0)?,
                        is_generated: row.try_get_by_index::<i64>(1)? != 0,
                    })
                })
                .collect::<Result<_>>()?,
            companions: companions(connection, &name).await?,
            identity,
            name,
        })
    }

    pub(super) fn quoted(&self) -> String {
        main_table(&self.name)
    }

    /// The new table's name until it takes the old one's, in quotes.
    pub(super) fn interim(&self) -> String {
        main_table(&format!("{} rebuilt", self.name))
    }

    /// SQLite takes a name in double quotes that is no column for a string. So nothing fails if a view or a trigger has the name of a
    /// column that goes in such quotes, and it would no longer say what it did.
    pub(super) async fn refuse_users_in_quotes(&self, connection: &Connection, column: &ColumnName) -> Result<()> {
        let others = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') AND sql IS NOT NULL ORDER BY name";
        for row in query(connection, others, []).await? {
            let (kind, name): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let sql: String = row.try_get_by_index(2)?;
            let tokens = tokens(Backend::Sqlite, &sql);
            let names_table = tokens.iter().any(|token| {
                matches!(token.kind, Kind::Word | Kind::Name) && token.name().eq_ignore_ascii_case(&self.name)
            });
            let before = std::iter::once(None).chain(tokens.iter().map(Some));
            let names_column = tokens.iter().zip(before).any(|(token, before)| {
                token.text.starts_with('"')
                    && token.name().eq_ignore_ascii_case(column.as_str())
                    && !before.is_some_and(|before| before.is('.'))
            });
            if names_table && names_column {
                return Err(Error::invalid_input(format!(
                    "nothing was changed: the {kind} {name} uses {}.{column}; drop it first",
                    self.name
                )));
            }
        }
        Ok(())
    }
}

/// A temporary trigger would go with the table, and its statement is of this connection alone.
async fn refuse_temporary(connection: &Connection, table: &str) -> Result<()> {
    let triggers = query(
        connection,
        "SELECT name FROM sqlite_temp_master WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE",
        [table.into()],
    )
    .await?;
    match triggers.first() {
        Some(row) => Err(Error::invalid_input(format!(
            "nothing was changed: {table} has the temporary trigger {}, which would be lost; drop it first",
            row.try_get_by_index::<String>(0)?
        ))),
        None => Ok(()),
    }
}

async fn companions(connection: &Connection, table: &str) -> Result<Vec<Companion>> {
    let rows = query(
        connection,
        "SELECT m.name, m.sql, x.name FROM sqlite_master m LEFT JOIN pragma_index_xinfo(m.name, 'main') x ON m.type = 'index' AND x.key = 1 \
         WHERE m.tbl_name = ?1 COLLATE NOCASE AND m.type IN ('index', 'trigger') AND m.sql IS NOT NULL ORDER BY m.rowid, x.seqno",
        [table.into()],
    )
    .await?;
    let mut companions: Vec<Companion> = Vec::new();
    for row in &rows {
        let name: String = row.try_get_by_index(0)?;
        if companions.last().is_none_or(|last| last.name != name) {
            companions.push(Companion {
                name,
                sql: row.try_get_by_index(1)?,
                columns: Vec::new(),
            });
        }
        // An expression has no name.
        let column: Option<String> = row.try_get_by_index(2)?;
        if let Some(last) = companions.last_mut() {
            last.columns.extend(column);
        }
    }
    Ok(companions)
}

impl Companion {
    /// Whether it is an index that this column is in.
    pub(super) fn indexes(&self, column: &ColumnName) -> bool {
        self.columns.iter().any(|own| own.eq_ignore_ascii_case(column.as_str()))
    }
}

impl RowIdentity {
    async fn read(connection: &Connection, table: &str, without_rowid: bool, columns: &[QueryResult]) -> Result<Self> {
        let (mut key, mut names) = (Vec::new(), Vec::new());
        for row in columns {
            let name: String = row.try_get_by_index(0)?;
            let position: i64 = row.try_get_by_index(2)?;
            if position > 0 {
                key.push((position, name.clone()));
            }
            names.push(name.to_ascii_lowercase());
        }
        key.sort();
        let key = || key.iter().map(|(_, name)| name.clone()).collect();
        if without_rowid {
            return Ok(Self::Columns(key()));
        }
        let alone: Vec<String> = key();
        // The one key that needs no index is the rowid itself (SQLite, "CREATE TABLE", section 5).
        let indexed = query(
            connection,
            "SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'",
            [table.into()],
        )
        .await?;
        if alone.len() == 1 && indexed.is_empty() {
            return Ok(Self::Columns(alone));
        }
        let free = ["rowid", "_rowid_", "oid"]
            .into_iter()
            .find(|word| !names.iter().any(|name| name == word));
        Ok(free.map_or(Self::Hidden, Self::RowId))
    }
}

/// What ANALYZE found out about a table, which goes with it.
pub(super) struct Statistics(Vec<String>);

impl Statistics {
    pub(super) async fn keep(connection: &Connection, table: &str) -> Result<Self> {
        let known = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat3', 'sqlite_stat4') ORDER BY 1";
        let mut kept = Vec::new();
        for row in query(connection, known, []).await? {
            let name: String = row.try_get_by_index(0)?;
            let copy = format!(
                "CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE tbl = {} COLLATE NOCASE",
                interim(&name),
                main_table(&name),
                crate::ddl::literal(table)
            );
            execute(connection, &copy).await?;
            kept.push(name);
        }
        Ok(Self(kept))
    }

    pub(super) async fn put_back(self, connection: &Connection, table: &str) -> Result<()> {
        for name in self.0 {
            let (statistics, kept) = (main_table(&name), interim(&name));
            let delete = format!("DELETE FROM {statistics} WHERE tbl = ?1 COLLATE NOCASE");
            run(connection, &delete, vec![table.into()]).await?;
            // Of an index that went nothing is to stay; that of a primary key without rowid is called as its table.
            let insert = format!(
                "INSERT INTO {statistics} SELECT k.* FROM temp.{kept} k WHERE k.idx IS NULL OR k.idx = k.tbl \
                 OR k.idx IN (SELECT name FROM sqlite_master WHERE type = 'index')"
            );
            execute(connection, &insert).await?;
            execute(connection, &format!("DROP TABLE temp.{kept}")).await?;
        }
        Ok(())
    }
}

fn interim(statistics: &str) -> String {
    identifier(Backend::Sqlite, &format!("cascade {statistics}"))
}
