//! Rules about what a foreign key's columns are: their types, and whether its actions suit them.

use super::finding::{Draft, Fix, Subject};
use super::keys::{is_required, keys, pairs, written_on_delete};
use super::{sql, types};
use crate::backend::Backend;
use crate::name::{ColumnList, ColumnName, TableName};
use crate::overlay::Severity;
use crate::schema::{Action, Column, Enforcement, ForeignKey, Schema, Table};

pub(super) fn type_mismatch(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let mut found = Vec::new();
    for (table, key) in keys(schema) {
        for (from, referenced, to) in pairs(schema, table, key) {
            if types::are_comparable(schema, from, to) {
                continue;
            }
            let message = format!(
                "{}.{} is {}, and {}.{}, which it references, is {}",
                table.name,
                from.name,
                shown(&from.data_type),
                referenced.name,
                to.name,
                shown(&to.data_type)
            );
            let wider = |a: &Column, b: &Column| types::integer(schema, a) > types::integer(schema, b);
            let fix = match wider(from, to) && types::integer(schema, to).is_some() {
                true => with_type_of(schema.backend, &referenced.name, to, from),
                false => with_type_of(schema.backend, &table.name, from, to),
            };
            let about = format!(" -> {}.{}", referenced.name.written(), to.name);
            found.push(Draft::new(&table.name, std::slice::from_ref(&from.name), message, fix).and(&about));
        }
    }
    found
}

fn with_type_of(backend: Backend, table: &TableName, column: &Column, model: &Column) -> Fix {
    let mut wanted = column.clone();
    wanted.data_type.clone_from(&model.data_type);
    sql::change_column(backend, table, column, &wanted)
}

fn shown(data_type: &str) -> &str {
    if data_type.is_empty() {
        "without a type"
    } else {
        data_type
    }
}

pub(super) fn collation_mismatch(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let mut found = Vec::new();
    for (table, key) in keys(schema) {
        for (from, referenced, to) in pairs(schema, table, key) {
            let known = schema.backend != Backend::MySql || (from.collation.is_some() && to.collation.is_some());
            let texts = types::is_text(schema, from) && types::is_text(schema, to);
            if from.collation == to.collation || !texts || !known {
                continue;
            }
            let collation = |column: &Column| column.collation.clone().unwrap_or_else(|| "the default one".to_owned());
            let message = format!(
                "{}.{} has the collation {}, and {}.{}, which it references, {}",
                table.name,
                from.name,
                collation(from),
                referenced.name,
                to.name,
                collation(to)
            );
            let mut wanted = from.clone();
            wanted.collation.clone_from(&to.collation);
            let fix = match (schema.backend, &to.collation) {
                (Backend::Postgres | Backend::MySql, _) => {
                    sql::change_column(schema.backend, &table.name, from, &wanted)
                }
                (Backend::Sqlite, Some(collation)) => {
                    sql::rebuild(&table.name, &format!("with {} COLLATE {collation}", from.name))
                }
                (Backend::Sqlite, None) => sql::rebuild(&table.name, &format!("with {} without COLLATE", from.name)),
            };
            let about = format!(" -> {}.{}", referenced.name.written(), to.name);
            found.push(Draft::new(&table.name, std::slice::from_ref(&from.name), message, fix).and(&about));
        }
    }
    found
}

pub(super) fn set_null_not_null(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for (table, key) in keys(subject.database) {
        let required = |columns: &[ColumnName]| -> Vec<ColumnName> {
            columns
                .iter()
                .filter(|name| is_required(table, name))
                .cloned()
                .collect()
        };
        for (event, action, columns) in [
            ("delete", key.on_delete, written_on_delete(key)),
            ("update", key.on_update, key.relation.columns.as_slice()),
        ] {
            let refusing = required(columns);
            if action != Action::SetNull || refusing.is_empty() {
                continue;
            }
            let message = format!(
                "{} is ON {} SET NULL, and {}.{} must not be NULL",
                key.relation,
                event.to_uppercase(),
                table.name,
                ColumnList(&refusing)
            );
            let fix = null_fix(backend, table, key, event, &refusing);
            let mut draft = Draft::of_key(key, message, fix).and(" on ").and(event);
            draft.columns = refusing;
            found.push(draft);
        }
    }
    found
}

/// Null only what may be NULL, or let the column be NULL, or act otherwise.
fn null_fix(backend: Backend, table: &Table, key: &ForeignKey, event: &str, refusing: &[ColumnName]) -> Fix {
    let rest: Vec<_> = written_on_delete(key)
        .iter()
        .filter(|column| !refusing.contains(column))
        .cloned()
        .collect();
    if backend == Backend::Postgres && event == "delete" && !rest.is_empty() {
        let mut narrower = key.clone();
        narrower.on_delete_columns = rest;
        return sql::replace_key(backend, key, &narrower);
    }
    let in_primary_key = |column| {
        table
            .primary_key
            .as_ref()
            .is_some_and(|key| key.columns.contains(column))
    };
    match refusing {
        [only] if !in_primary_key(only) => match table.column(only) {
            Some(column) => {
                let mut wanted = column.clone();
                wanted.nullable = true;
                sql::change_column(backend, &table.name, column, &wanted)
            }
            None => Fix::Advice("let the column be NULL".to_owned()),
        },
        _ => Fix::Advice(format!(
            "give {} another action: CASCADE if the row makes no sense without the other, RESTRICT if it must keep it",
            key.relation
        )),
    }
}

pub(super) fn set_default(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    // On InnoDB the catalog never has it: MySQL refuses it and MariaDB keeps RESTRICT. Then only the entity tells.
    let declared = subject.declared().filter(|_| backend == Backend::MySql);
    let declared = declared.into_iter().flat_map(Schema::foreign_keys);
    for key in subject.database.foreign_keys().chain(declared) {
        let (on_delete, on_update) = (key.on_delete == Action::SetDefault, key.on_update == Action::SetDefault);
        if !on_delete && !on_update {
            continue;
        }
        if backend == Backend::MySql && key.enforced_by == Enforcement::Database {
            let message = format!("{} is SET DEFAULT, which InnoDB does not have", key.relation);
            let fix = Fix::Advice("use SET NULL or RESTRICT, or let the application enforce this key".to_owned());
            found.push(Draft::of_key(key, message, fix));
            continue;
        }
        let Some(table) = subject.database.table(&key.relation.table) else {
            continue;
        };
        let columns = if on_update {
            &key.relation.columns
        } else {
            written_on_delete(key)
        };
        for column in columns.iter().filter_map(|name| table.column(name)) {
            if column.default.is_some() || column.generated.is_some() || column.identity.is_some() {
                continue;
            }
            let (severity, then) = match column.nullable {
                true => (Severity::Warning, "so it becomes NULL"),
                false => (Severity::Error, "and must not be NULL"),
            };
            let message = format!(
                "{} is SET DEFAULT, and {}.{} has no default, {then}",
                key.relation, table.name, column.name
            );
            let fix = Fix::Advice(format!(
                "give {}.{} a default that references a row, or use SET NULL or RESTRICT",
                table.name, column.name
            ));
            let mut draft = Draft::of_key(key, message, fix).severity(severity);
            draft.columns = vec![column.name.clone()];
            found.push(draft.and(" ").and(column.name.as_str()));
        }
    }
    found
}

pub(super) fn nullable_cascade(subject: &Subject<'_>) -> Vec<Draft> {
    keys(subject.database)
        .filter(|(table, key)| {
            // The root of a tree has no parent, and a subtree goes with its root.
            key.on_delete == Action::Cascade && key.relation.referenced_table != table.name
        })
        .filter_map(|(table, key)| {
            let columns = key.relation.columns.iter().filter_map(|name| table.column(name));
            let nullable: Vec<_> = columns.filter(|column| column.nullable).collect();
            let names: Vec<_> = nullable.iter().map(|column| column.name.clone()).collect();
            let message = format!(
                "{} is ON DELETE CASCADE, and {} may be NULL",
                key.relation,
                ColumnList(&names)
            );
            let fix = Fix::Advice(format!(
                "if a row of {} can live without one of {}, SET NULL keeps it; if it cannot, NOT NULL says so",
                table.name, key.relation.referenced_table
            ));
            (!names.is_empty()).then(|| Draft::of_key(key, message, fix))
        })
        .collect()
}
