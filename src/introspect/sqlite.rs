//! SQLite, from its pragma functions. They tell no constraint names.

use sea_orm::QueryResult;

use super::{KeyColumn, action, collect_keys, query};
use crate::connection::Connection;
use crate::error::Result;
use crate::name::TableName;
use crate::schema::ForeignKey;

/// Names are compared without case, as SQLite does. A key that names no referenced columns references the primary key, position by position.
const FOREIGN_KEYS: &str = "\
SELECT m.name AS table_name, f.id AS identity, f.\"from\" AS column_name, 
       COALESCE((SELECT r.name FROM sqlite_master r WHERE r.type = 'table' AND r.name = f.\"table\" COLLATE NOCASE), f.\"table\")
         AS referenced_name,
       COALESCE(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") p WHERE p.pk = f.seq + 1), 'rowid') AS referenced_column,
       f.on_delete AS on_delete, f.on_update AS on_update
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
WHERE m.type = 'table'
ORDER BY m.name, f.id, f.seq";

pub(super) async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, FOREIGN_KEYS, []).await?;
    let columns: Vec<_> = rows.iter().map(key_column).collect::<Result<_>>()?;
    Ok(collect_keys(columns))
}

fn key_column(row: &QueryResult) -> Result<KeyColumn> {
    Ok(KeyColumn {
        identity: row.try_get::<i64>("", "identity")?.to_string(),
        constraint: None,
        table: TableName::new(row.try_get::<String>("", "table_name")?),
        column: row.try_get("", "column_name")?,
        referenced_table: TableName::new(row.try_get::<String>("", "referenced_name")?),
        referenced_column: row.try_get("", "referenced_column")?,
        on_delete: action(&row.try_get::<String>("", "on_delete")?)?,
        on_update: action(&row.try_get::<String>("", "on_update")?)?,
    })
}
