//! PostgreSQL, from `pg_catalog`, which a role that owns nothing may read too (`information_schema` shows it no keys).

use super::{collect_keys, query, unknown_action};
use crate::connection::Connection;
use crate::error::Result;
use crate::schema::{Action, ForeignKey};

/// Constraint names repeat between tables, so keys are told apart by their oid. The copies a partitioned table hands down to its
/// partitions (`conparentid`) are not keys of their own.
const FOREIGN_KEYS: &str = "\
SELECT c.oid::text AS identity, c.conname::text AS constraint_name,
       CASE WHEN n.nspname <> current_schema() THEN n.nspname::text END AS table_schema, t.relname::text AS table_name,
       a.attname::text AS column_name,
       CASE WHEN rn.nspname <> current_schema() THEN rn.nspname::text END AS referenced_schema, r.relname::text AS referenced_name,
       ra.attname::text AS referenced_column, c.confdeltype::text AS on_delete, c.confupdtype::text AS on_update
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS k (attnum, refattnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
JOIN pg_catalog.pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = k.refattnum
WHERE c.contype = 'f' AND c.conparentid = 0
ORDER BY n.nspname, t.relname, c.oid, k.position";

pub(super) async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, FOREIGN_KEYS, []).await?;
    collect_keys(&rows, action)
}

/// `confdeltype` and `confupdtype` (PostgreSQL manual, `pg_constraint`).
fn action(letter: &str) -> Result<Action> {
    match letter {
        "a" => Ok(Action::NoAction),
        "r" => Ok(Action::Restrict),
        "c" => Ok(Action::Cascade),
        "n" => Ok(Action::SetNull),
        "d" => Ok(Action::SetDefault),
        other => Err(unknown_action(other)),
    }
}
