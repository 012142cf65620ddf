//! Tables with their columns and checks; views, triggers and virtual tables.

use std::collections::BTreeMap;

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::definition::Definition;
use super::ordinary_tables;
use crate::backend::Backend;
use crate::error::Result;
use crate::lex::{Kind, tokens};
use crate::name::TableName;
use crate::schema::{Check, Column, Generated, Identity, LeftOutKind, PrimaryKey, Storage, Table};

/// Everything but indexes. The list of tables knows which are virtual, and which keep a virtual one's contents (`shadow`).
pub(super) const OBJECTS: &str = "\
WITH listed AS MATERIALIZED (SELECT l.name, l.type, l.wr, l.strict FROM pragma_table_list l WHERE l.schema = 'main')
SELECT m.type AS object, NULL AS table_schema, m.name AS name, m.tbl_name AS table_name, m.sql AS definition,
       COALESCE(l.type, '') AS kind, COALESCE(l.wr, 0) AS without_rowid, COALESCE(l.strict, 0) AS is_strict
FROM sqlite_master m LEFT JOIN listed l ON l.name = m.name AND m.type IN ('table', 'view')
WHERE m.type <> 'index' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

pub(super) const COLUMNS: &str = concat!(
    ordinary_tables!(),
    "SELECT NULL AS table_schema, o.name AS table_name, x.name AS column_name, x.type AS data_type, x.\"notnull\" AS not_null,
       CAST(x.dflt_value AS text) AS default_value, x.pk AS key_position, x.hidden AS hidden
FROM ordinary o JOIN pragma_table_xinfo(o.name) x ORDER BY o.name, x.cid"
);

/// What the statements of the tables say.
pub(super) type Definitions = BTreeMap<TableName, Definition>;

pub(super) fn add_tables(draft: &mut Draft, rows: &[QueryResult]) -> Result<Definitions> {
    let mut definitions = Definitions::new();
    for row in rows {
        let name = table_name(row, "table_schema", "name")?;
        let sql: Option<String> = row.try_get("", "definition")?;
        let object: String = row.try_get("", "object")?;
        let kind: String = row.try_get("", "kind")?;
        match (object.as_str(), kind.as_str()) {
            ("view", _) => draft.leave_out(LeftOutKind::View, name, None, sql),
            ("trigger", _) => {
                let table = table_name(row, "table_schema", "table_name")?;
                draft.leave_out(LeftOutKind::Trigger, name, Some(table), sql);
            }
            ("table", "virtual" | "shadow") => draft.leave_out(LeftOutKind::VirtualTable, name, None, sql),
            ("table", "table") => {
                let definition = Definition::read(&sql.unwrap_or_default());
                let mut table = Table::new(name.clone());
                table.options.without_rowid = row.try_get::<i64>("", "without_rowid")? != 0;
                table.options.strict = row.try_get::<i64>("", "is_strict")? != 0;
                table.checks = definition
                    .checks
                    .iter()
                    .map(|(expression, name)| {
                        let mut check = Check::new(expression);
                        check.name.clone_from(name);
                        check
                    })
                    .collect();
                draft.add(table);
                if definition.conflicts > 0 {
                    draft.unknown(format!(
                        "{name} has ON CONFLICT clauses, which the model has no place for"
                    ));
                }
                definitions.insert(name, definition);
            }
            (object, kind) => draft.unknown(format!(
                "the catalog says that {name} is a {object} of the kind {kind:?}"
            )),
        }
    }
    Ok(definitions)
}

pub(super) fn add_columns(draft: &mut Draft, definitions: &Definitions, rows: &[QueryResult]) -> Result<()> {
    let mut keys: BTreeMap<TableName, BTreeMap<i64, String>> = BTreeMap::new();
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        let Some(table) = draft.table(&name) else {
            continue;
        };
        let column_name: String = row.try_get("", "column_name")?;
        let mut column = Column::new(column_name.as_str(), row.try_get::<String>("", "data_type")?);
        column.nullable = row.try_get::<i64>("", "not_null")? == 0;
        let default: Option<String> = row.try_get("", "default_value")?;
        column.default = default.map(default_text);
        let declared = definitions
            .get(&name)
            .and_then(|known| known.column_named(&column.name));
        if let Some(declared) = declared {
            // The pragma writes some types in capitals, however they were written.
            if declared.data_type.eq_ignore_ascii_case(&column.data_type) {
                column.data_type.clone_from(&declared.data_type);
            }
            column.identity = declared.auto_increment.then_some(Identity::AutoIncrement);
            let collation = declared.collation.clone();
            column.collation = collation.filter(|name| !name.eq_ignore_ascii_case("BINARY"));
        }
        let storage = match row.try_get::<i64>("", "hidden")? {
            2 => Some(Storage::Virtual),
            3 => Some(Storage::Stored),
            _ => None,
        };
        column.generated = storage.map(|storage| Generated {
            expression: declared
                .and_then(|declared| declared.generated.as_ref())
                .map(|generated| generated.expression.clone())
                .unwrap_or_default(),
            storage,
        });
        table.columns.push(column);
        let position: i64 = row.try_get("", "key_position")?;
        if position > 0 {
            keys.entry(name.clone()).or_default().insert(position, column_name);
        }
        if declared.is_none() {
            draft.unknown(format!(
                "the statement that made {name} does not tell of its column {}",
                row.try_get::<String>("", "column_name")?
            ));
        }
    }
    for (name, columns) in keys {
        if let Some(table) = draft.table(&name) {
            let columns = columns.values().map(|column| column.as_str().into()).collect();
            let mut key = PrimaryKey::new(columns);
            key.name = definitions.get(&name).and_then(|known| known.primary_key.clone());
            table.primary_key = Some(key);
        }
    }
    Ok(())
}

/// A default as it is written after DEFAULT; the catalog keeps an expression without the parentheses it needs there.
fn default_text(text: String) -> String {
    let tokens = tokens(Backend::Sqlite, &text);
    let is_constant = match tokens.as_slice() {
        [_] => true,
        // A blob: x'00'.
        [word, string] => word.is_word("x") && string.kind == Kind::Text && !string.spaced,
        _ => false,
    };
    let is_number = text.replace(['+', '-', ' '], "").parse::<f64>().is_ok();
    match is_constant || is_number {
        true => text,
        false => format!("({text})"),
    }
}
