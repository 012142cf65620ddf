//! Unique keys and indexes.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::definition::IndexDefinition;
use super::ordinary_tables;
use super::tables::Definitions;
use crate::error::Result;
use crate::name::{ColumnName, TableName};
use crate::schema::{Index, IndexKey, IndexPart, UniqueKey};

/// The parts of indexes in their order. `origin` is what made the index: `c` a statement, `u` a unique constraint, `pk` the primary key.
pub(super) const INDEXES: &str = concat!(
    ordinary_tables!(),
    "SELECT NULL AS table_schema, o.name AS table_name, l.name AS index_name, l.\"unique\" AS is_unique, l.origin AS origin,
       x.name AS column_name, x.\"desc\" AS is_descending, x.coll AS collation_name,
       CASE WHEN x.seqno = 0 THEN m.sql END AS definition
FROM ordinary o JOIN pragma_index_list(o.name) l JOIN pragma_index_xinfo(l.name) x
LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name
WHERE x.key = 1 ORDER BY o.name, l.seq DESC, x.seqno"
);

/// An index of which rows are still to come.
struct Current {
    table: TableName,
    origin: String,
    index: Index,
    definition: IndexDefinition,
}

pub(super) fn add(draft: &mut Draft, definitions: &Definitions, rows: &[QueryResult]) -> Result<()> {
    let mut current: Option<Current> = None;
    // The primary keys that have an index of their own.
    let mut apart = Vec::new();
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let name: String = row.try_get("", "index_name")?;
        if current
            .as_ref()
            .is_none_or(|known| known.table != table || known.index.name != name)
        {
            let origin: String = row.try_get("", "origin")?;
            if origin == "pk" {
                apart.push(table.clone());
            }
            let mut index = Index::new(name, []);
            index.unique = row.try_get::<i64>("", "is_unique")? != 0;
            let sql: Option<String> = row.try_get("", "definition")?;
            let definition = IndexDefinition::read(&sql.unwrap_or_default());
            index.predicate.clone_from(&definition.predicate);
            let next = Current {
                table,
                origin,
                index,
                definition,
            };
            if let Some(done) = current.replace(next) {
                place(draft, definitions, done);
            }
        }
        if let Some(current) = &mut current {
            let part = part(draft, current, row)?;
            current.index.parts.push(part);
        }
    }
    if let Some(done) = current {
        place(draft, definitions, done);
    }
    require_row_ids(draft, &apart);
    Ok(())
}

fn part(draft: &mut Draft, current: &Current, row: &QueryResult) -> Result<IndexPart> {
    let at = current.index.parts.len();
    let written = current.definition.parts.get(at).cloned().unwrap_or_default();
    let Some(name) = row.try_get::<Option<String>>("", "column_name")? else {
        let (expression, modifiers) = written;
        return Ok(IndexPart {
            key: IndexKey::Expression(expression),
            modifiers,
        });
    };
    let column = ColumnName::new(name);
    let own = draft.table(&current.table).and_then(|table| table.column(&column));
    let own = own.and_then(|column| column.collation.as_deref()).unwrap_or("BINARY");
    let collation: String = row.try_get("", "collation_name")?;
    let mut modifiers = Vec::new();
    if !collation.eq_ignore_ascii_case(own) {
        modifiers.push(format!("COLLATE {collation}"));
    }
    if row.try_get::<i64>("", "is_descending")? != 0 {
        modifiers.push("DESC".to_owned());
    }
    Ok(IndexPart {
        key: IndexKey::Column(column),
        modifiers: modifiers.join(" "),
    })
}

fn place(
    draft: &mut Draft,
    definitions: &Definitions,
    Current {
        table: name,
        origin,
        index,
        ..
    }: Current,
) {
    let Some(table) = draft.table(&name) else {
        return;
    };
    match (origin.as_str(), index.columns()) {
        ("pk", _) => {}
        ("u", Some(columns)) => {
            let same = |declared: &[String]| {
                declared.len() == columns.len()
                    && (declared.iter().zip(&columns))
                        .all(|(declared, column)| declared.eq_ignore_ascii_case(column.as_str()))
            };
            let declared = definitions
                .get(&name)
                .map(|known| known.unique.as_slice())
                .unwrap_or_default();
            let constraint = declared.iter().find(|(columns, _)| same(columns));
            let constraint = constraint.and_then(|(_, name)| name.clone());
            let mut key = UniqueKey::new(columns);
            key.name = constraint;
            table.unique_keys.push(key);
        }
        (_, _) => table.indexes.push(index),
    }
}

/// A primary key of one column without an index of its own, in a table with rowids, is the rowid and never NULL (SQLite, "CREATE TABLE",
/// section 5).
fn require_row_ids(draft: &mut Draft, apart: &[TableName]) {
    for table in &mut draft.schema.tables {
        let Some([only]) = table.primary_key.as_ref().map(|key| key.columns.as_slice()) else {
            continue;
        };
        if !table.options.without_rowid && !apart.contains(&table.name) {
            let only = only.clone();
            if let Some(column) = table.columns.iter_mut().find(|column| column.name == only) {
                column.nullable = false;
            }
        }
    }
}
