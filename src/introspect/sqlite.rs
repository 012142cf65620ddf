//! SQLite, from its pragma functions. They tell no constraint names.

use super::{action, collect_keys, query};
use crate::connection::Connection;
use crate::error::Result;
use crate::schema::ForeignKey;

/// Names are compared without case, as SQLite does. A key that names no referenced columns references the primary key, position by
/// position.
const FOREIGN_KEYS: &str = "\
SELECT NULL AS table_schema, m.name AS table_name, CAST(f.id AS text) AS identity, NULL AS constraint_name, NULL AS referenced_schema,
       f.\"from\" AS column_name,
       COALESCE((SELECT r.name FROM sqlite_master r WHERE r.type = 'table' AND r.name = f.\"table\" COLLATE NOCASE), f.\"table\")
         AS referenced_name,
       COALESCE(f.\"to\", (SELECT p.name FROM pragma_table_info(f.\"table\") p WHERE p.pk = f.seq + 1), 'rowid') AS referenced_column,
       f.on_delete AS on_delete, f.on_update AS on_update
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
WHERE m.type = 'table'
ORDER BY m.name, f.id, f.seq";

pub(super) async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, FOREIGN_KEYS, []).await?;
    collect_keys(&rows, action)
}
