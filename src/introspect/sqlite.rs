//! SQLite, from its pragma functions, and from the statements it keeps for what those do not tell: names of constraints, checks, deferral,
//! expressions.

mod definition;
mod indexes;
mod tables;

use std::collections::BTreeMap;

use super::draft::Draft;
use super::keys::{self, Read, action, sorted, unknown_actions};
use super::rows::query;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::name::TableName;
use crate::schema::{ForeignKey, Schema};
use definition::{Definition, KeyDefinition};

/// The ordinary tables: what a virtual table's pragma says may be an error, if its module is not here.
macro_rules! ordinary_tables {
    () => {
        "WITH ordinary AS MATERIALIZED
  (SELECT l.name FROM pragma_table_list l WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\')
"
    };
}
use ordinary_tables;

/// Names are compared without case, as SQLite does. A key that names no referenced columns references the primary key, position by
/// position.
const FOREIGN_KEYS: &str = concat!(
    ordinary_tables!(),
    "SELECT NULL AS table_schema, m.name AS table_name, CAST(f.id AS text) AS identity, NULL AS constraint_name, NULL AS referenced_schema,
       f.\"from\" AS column_name,
       COALESCE((SELECT r.name FROM sqlite_master r WHERE r.type = 'table' AND r.name = f.\"table\" COLLATE NOCASE), f.\"table\")
         AS referenced_name,
       COALESCE((SELECT p.name FROM pragma_table_xinfo(f.\"table\") p
                 WHERE CASE WHEN f.\"to\" IS NULL THEN p.pk = f.seq + 1 ELSE p.name = f.\"to\" COLLATE NOCASE END),
                f.\"to\", 'rowid') AS referenced_column,
       f.on_delete AS on_delete, f.on_update AS on_update,
       CASE WHEN f.seq = 0 THEN m.sql END AS definition
FROM ordinary o JOIN sqlite_master m ON m.type = 'table' AND m.name = o.name JOIN pragma_foreign_key_list(o.name) f
ORDER BY m.name, f.id, f.seq"
);

pub(super) async fn schema(connection: &Connection) -> Result<Schema> {
    let mut draft = Draft::new(Backend::Sqlite);
    let definitions = tables::add_tables(&mut draft, &query(connection, tables::OBJECTS, []).await?)?;
    tables::add_columns(&mut draft, &definitions, &query(connection, tables::COLUMNS, []).await?)?;
    indexes::add(
        &mut draft,
        &definitions,
        &query(connection, indexes::INDEXES, []).await?,
    )?;
    for read in with_definitions(keys::collect(&query(connection, FOREIGN_KEYS, []).await?, action)?)? {
        for sentence in unknown_actions(&read)? {
            draft.unknown(sentence);
        }
        if let Some(table) = draft.table(&read.key.relation.table) {
            table.foreign_keys.push(read.key);
        }
    }
    Ok(draft.finish())
}

pub(super) async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, FOREIGN_KEYS, []).await?;
    Ok(sorted(with_definitions(keys::collect(&rows, action)?)?))
}

/// Adds what only the statement tells: names and deferral.
fn with_definitions(mut keys: Vec<Read<'_>>) -> Result<Vec<Read<'_>>> {
    let mut definitions: BTreeMap<TableName, Vec<KeyDefinition>> = BTreeMap::new();
    for Read { key, row } in &mut keys {
        let table = &key.relation.table;
        if !definitions.contains_key(table) {
            let sql: Option<String> = row.try_get("", "definition")?;
            let read = Definition::read(&sql.unwrap_or_default());
            definitions.insert(table.clone(), read.foreign_keys);
        }
        let Some(declared) = definitions.get_mut(table) else {
            continue;
        };
        // The catalog counts keys from the last one to the first.
        let same = declared.iter().rposition(|declared| declared.is(key));
        if let Some(declared) = same.map(|at| declared.remove(at)) {
            key.relation.constraint = declared.name;
            key.deferrable = declared.deferrable;
        }
    }
    Ok(keys)
}
