//! Primary and unique keys, and the other indexes: InnoDB makes no difference between a unique key and a unique index.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::{Server, schema_of};
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName, TableName};
use crate::schema::{Index, IndexKey, IndexPart, PrimaryKey, UniqueKey};

/// Parts of indexes in their order. Only MySQL, from version 8.0.13, has parts that are expressions.
pub(super) fn sql(server: &Server) -> String {
    let expression = match server.has("STATISTICS.EXPRESSION") {
        true => "CAST(s.expression AS CHAR)",
        false => "NULL",
    };
    let text = concat!(
        "SELECT ",
        schema_of!("s.table_schema"),
        " AS table_schema, s.table_name AS table_name, s.index_name AS index_name, CAST(s.non_unique AS SIGNED) AS non_unique,
       s.column_name AS column_name, CAST(s.sub_part AS SIGNED) AS sub_part, s.collation AS direction, s.index_type AS index_type,
       {expression} AS expression
FROM information_schema.statistics s
WHERE s.table_schema {scope} ORDER BY s.table_schema, s.table_name, s.index_name, s.seq_in_index"
    );
    text.replace("{expression}", expression)
}

pub(super) fn add(draft: &mut Draft, server: &Server, rows: &[QueryResult]) -> Result<()> {
    let mut current: Option<(TableName, Index)> = None;
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let name: String = row.try_get("", "index_name")?;
        let part = part(server, row)?;
        match &mut current {
            Some((of, index)) if *of == table && index.name == name => index.parts.push(part),
            _ => {
                let mut index = Index::new(name, []);
                index.parts.push(part);
                index.unique = row.try_get::<i64>("", "non_unique")? == 0;
                let method: String = row.try_get("", "index_type")?;
                index.method = (method != "BTREE").then_some(method);
                if let Some((table, index)) = current.replace((table, index)) {
                    place(draft, &table, index);
                }
            }
        }
    }
    if let Some((table, index)) = current {
        place(draft, &table, index);
    }
    Ok(())
}

fn part(server: &Server, row: &QueryResult) -> Result<IndexPart> {
    let column: Option<String> = row.try_get("", "column_name")?;
    let expression: Option<String> = row.try_get("", "expression")?;
    let length: Option<i64> = row.try_get("", "sub_part")?;
    let direction: Option<String> = row.try_get("", "direction")?;
    let mut modifiers = Vec::new();
    // The length of a spatial index's part is its own affair.
    if let Some(length) = length.filter(|_| row.try_get::<String>("", "index_type").as_deref() != Ok("SPATIAL")) {
        modifiers.push(format!("({length})"));
    }
    if direction.as_deref() == Some("D") {
        modifiers.push("DESC".to_owned());
    }
    Ok(IndexPart {
        key: match column {
            Some(column) => IndexKey::Column(ColumnName::new(column)),
            None => IndexKey::Expression(server.expression(&expression.unwrap_or_default())),
        },
        modifiers: modifiers.join(" "),
    })
}

fn place(draft: &mut Draft, table: &TableName, index: Index) {
    let Some(table) = draft.table(table) else {
        return;
    };
    let plain = index.parts.iter().all(|part| part.modifiers.is_empty());
    match index.columns() {
        Some(columns) if index.name == "PRIMARY" => table.primary_key = Some(PrimaryKey::new(columns)),
        Some(columns) if index.unique && plain => {
            let mut key = UniqueKey::new(columns);
            key.name = Some(ConstraintName::new(index.name));
            table.unique_keys.push(key);
        }
        _ => table.indexes.push(index),
    }
}
