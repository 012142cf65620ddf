//! JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{State, View};
use crate::error::Blocker;
use crate::name::{KeyValues, TableName};
use crate::schema::{Action, TypeKind};

#[derive(Serialize)]
pub(super) struct Json<'a> {
    format: u8,
    done: bool,
    fingerprint: &'a str,
    enforce: String,
    roots: Roots<'a>,
    tables: Vec<Table<'a>>,
    blockers: Vec<Blocking<'a>>,
    not_counted: &'a [TableName],
    warnings: &'a [String],
    statements: Vec<String>,
}

#[derive(Serialize)]
struct Roots<'a> {
    table: &'a TableName,
    rows: u64,
    capped: bool,
}

#[derive(Serialize)]
struct Table<'a> {
    table: &'a TableName,
    delete: u64,
    set_null: u64,
    set_default: u64,
    set_value: u64,
    dangling: u64,
    capped: bool,
    by: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    foreign_key: String,
    action: Action,
    rows: u64,
    by_database: bool,
}

#[derive(Serialize)]
struct Blocking<'a> {
    foreign_key: String,
    action: &'static str,
    referencing: &'a TableName,
    referenced: &'a TableName,
    rows: u64,
    capped: bool,
    sample: Vec<Map<String, Value>>,
}

pub(super) fn json<'a>(view: &'a View<'a>) -> Json<'a> {
    let plan = view.plan;
    let root = plan.root();
    let tables = view.tables.iter().map(|report| Table {
        table: &report.table,
        delete: report.deleted,
        set_null: report.set_null,
        set_default: report.set_default,
        set_value: report.set_value,
        dangling: report.dangling,
        capped: report.by.iter().any(|by| view.is_capped(by.rows))
            || report.table == *root && view.is_capped(view.roots),
        by: report
            .by
            .iter()
            .map(|by| Key {
                foreign_key: by.relation.label(),
                action: by.action,
                rows: by.rows,
                by_database: by.by_database,
            })
            .collect(),
    });
    Json {
        format: 1,
        done: view.state == State::Done,
        fingerprint: plan.fingerprint(),
        enforce: plan.options.enforce.to_string(),
        roots: Roots {
            table: root,
            rows: view.roots,
            capped: view.is_capped(view.roots),
        },
        tables: tables.collect(),
        blockers: view.blockers.iter().map(|blocker| blocking(view, blocker)).collect(),
        not_counted: view.not_counted,
        warnings: plan.warnings(),
        statements: plan.statements(),
    }
}

/// With line breaks.
pub(super) fn text(view: &View<'_>) -> String {
    // There are neither maps with odd keys nor values that refuse to be written, which is all that could fail.
    serde_json::to_string_pretty(&json(view)).unwrap_or_default()
}

fn blocking<'a>(view: &View<'_>, blocker: &'a Blocker) -> Blocking<'a> {
    Blocking {
        foreign_key: blocker.relation.label(),
        action: blocker.reason.word(),
        referencing: &blocker.relation.table,
        referenced: &blocker.relation.referenced_table,
        rows: blocker.rows,
        capped: view.is_capped(blocker.rows),
        sample: blocker
            .sample
            .iter()
            .map(|key| values(view, &blocker.relation.table, key))
            .collect(),
    }
}

/// A key's values by column: numbers where the column holds whole numbers, else text.
fn values(view: &View<'_>, table: &TableName, key: &KeyValues) -> Map<String, Value> {
    let schema = view.plan.relations.schema();
    let known = schema.table(table);
    let pairs = key.columns().iter().zip(key.values());
    pairs
        .map(|(name, text)| {
            let column = known.and_then(|table| table.column(name));
            let kind = column.map(|column| TypeKind::of(schema.backend, &column.data_type));
            let number = match kind {
                Some(TypeKind::Integer { .. }) => {
                    let signed = text.parse::<i64>().map(Value::from);
                    signed.or_else(|_| text.parse::<u64>().map(Value::from)).ok()
                }
                _ => None,
            };
            (name.to_string(), number.unwrap_or_else(|| Value::from(text.as_str())))
        })
        .collect()
}
