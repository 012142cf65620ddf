//! MySQL and MariaDB, from `information_schema`.

use super::{action, collect_keys, query};
use crate::connection::Connection;
use crate::error::Result;
use crate::schema::ForeignKey;

/// Constraint names are unique per database in InnoDB; the join names the table too, since other engines' are not. MariaDB and MySQL
/// differ in the case of the column headings, so each has an alias.
const FOREIGN_KEYS: &str = "\
SELECT k.constraint_name AS identity, k.constraint_name AS constraint_name,
       CASE WHEN k.table_schema <> database() THEN k.table_schema END AS table_schema, k.table_name AS table_name,
       k.column_name AS column_name,
       CASE WHEN k.referenced_table_schema <> database() THEN k.referenced_table_schema END AS referenced_schema,
       k.referenced_table_name AS referenced_name, k.referenced_column_name AS referenced_column,
       r.delete_rule AS on_delete, r.update_rule AS on_update
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name
WHERE k.referenced_table_name IS NOT NULL
  AND (k.table_schema = COALESCE(?, database()) OR k.referenced_table_schema = COALESCE(?, database()))
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position";

pub(super) async fn foreign_keys(connection: &Connection, database: Option<&str>) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, FOREIGN_KEYS, [database.into(), database.into()]).await?;
    collect_keys(&rows, action)
}
