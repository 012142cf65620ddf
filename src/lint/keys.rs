//! Rules about one foreign key, or two of one table.

use super::finding::{Draft, Fix, Subject};
use super::sql::{self, Uniqueness};
use super::types;
use crate::backend::Backend;
use crate::name::{ColumnList, ColumnName, TableName};
use crate::overlay::Severity;
use crate::schema::{Action, Column, Enforcement, ForeignKey, Index, Schema, Table};

/// The keys of the database with the tables they are in.
fn keys<'a>(schema: &'a Schema) -> impl Iterator<Item = (&'a Table, &'a ForeignKey)> {
    schema
        .tables
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)))
}

/// The key as a person reads it: `posts.user_id, which references users.id`.
pub(super) fn reference(key: &ForeignKey) -> String {
    let relation = &key.relation;
    format!(
        "{relation}, which references {}.{}",
        relation.referenced_table,
        ColumnList(&relation.referenced_columns)
    )
}

/// Pairs of referencing and referenced column, where both are there.
fn pairs<'a>(schema: &'a Schema, table: &'a Table, key: &'a ForeignKey) -> Vec<(&'a Column, &'a Table, &'a Column)> {
    let Some(referenced) = schema.table(&key.relation.referenced_table) else {
        return Vec::new();
    };
    let columns = key.relation.columns.iter().zip(&key.relation.referenced_columns);
    columns
        .filter_map(|(from, to)| Some((table.column(from)?, referenced, referenced.column(to)?)))
        .collect()
}

pub(super) fn missing_index(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    keys(subject.database)
        .filter(|(table, key)| {
            // InnoDB makes the index with the constraint, and does not let it go.
            let by_the_engine =
                backend == Backend::MySql && key.enforced_by == Enforcement::Database && table.options.engine.is_none();
            !by_the_engine && !is_served(backend, table, &key.relation.columns)
        })
        .map(|(table, key)| {
            let columns = &key.relation.columns;
            let fix = sql::create_index(backend, table, columns, Uniqueness::Any);
            Draft::new(
                &table.name,
                columns,
                format!("no index begins with {}", reference(key)),
                fix,
            )
        })
        .collect()
}

/// Whether rows are found by these columns without reading all of them.
fn is_served(backend: Backend, table: &Table, columns: &[ColumnName]) -> bool {
    let serves = |index: &Index| match index.method.as_deref() {
        // It finds equal values, and a key asks for nothing else.
        Some("hash") => backend == Backend::Postgres && index.columns().as_deref() == Some(columns),
        Some(_) => false,
        None => index
            .leading_columns()
            .get(..columns.len())
            .is_some_and(|start| columns.iter().all(|column| start.contains(column))),
    };
    table.has_leading_index(columns)
        || table.indexes.iter().any(|index| {
            !index.invalid
                && serves(index)
                && index
                    .predicate
                    .as_ref()
                    .is_none_or(|predicate| leaves_out_null(predicate, columns))
        })
}

/// Rows whose reference is NULL reference nothing, so that an index may well leave them out: `WHERE user_id IS NOT NULL`.
fn leaves_out_null(predicate: &str, columns: &[ColumnName]) -> bool {
    let bare: String = predicate
        .chars()
        .filter(|c| !matches!(c, '(' | ')' | '"' | '`'))
        .collect();
    let words: Vec<_> = bare.split_whitespace().collect();
    match words.as_slice() {
        [column, is, not, null] => {
            columns.iter().any(|known| known.as_str() == *column)
                && format!("{is} {not} {null}").eq_ignore_ascii_case("is not null")
        }
        _ => false,
    }
}

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
            if from.collation == to.collation || !types::is_text(schema, from) || !types::is_text(schema, to) {
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
                // What the default is, the model does not say; MODIFY without COLLATE takes the table's.
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

/// The columns that a delete writes through this key.
fn written_on_delete(key: &ForeignKey) -> &[ColumnName] {
    match key.on_delete_columns.as_slice() {
        [] => &key.relation.columns,
        some => some,
    }
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

fn is_required(table: &Table, column: &ColumnName) -> bool {
    table.column(column).is_some_and(|column| !column.nullable)
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
    for key in subject.all_keys() {
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

pub(super) fn referenced_not_unique(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    keys(schema)
        .filter_map(|(table, key)| {
            let relation = &key.relation;
            let referenced = schema.table(&relation.referenced_table)?;
            let there = pairs(schema, table, key).len() == relation.columns.len();
            let rowid = schema.backend == Backend::Sqlite && !there && is_rowid(key);
            if !(there || rowid) || referenced.is_unique(&relation.referenced_columns) {
                return None;
            }
            let columns = ColumnList(&relation.referenced_columns);
            let message = format!(
                "{relation} references {}.{columns}, which no primary key, unique key or unique index has",
                referenced.name
            );
            let fix = match rowid {
                true => Fix::Advice(format!(
                    "give {} a primary key: rowid cannot be referenced",
                    referenced.name
                )),
                false => sql::create_index(
                    schema.backend,
                    referenced,
                    &relation.referenced_columns,
                    Uniqueness::Unique,
                ),
            };
            Some(Draft::of_key(key, message, fix))
        })
        .collect()
}

/// What a SQLite key references that names no columns, if the table has no primary key.
fn is_rowid(key: &ForeignKey) -> bool {
    matches!(key.relation.referenced_columns.as_slice(), [only] if only.as_str() == "rowid")
}

pub(super) fn referenced_missing(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let mut found = Vec::new();
    for (_, key) in keys(schema) {
        let relation = &key.relation;
        let name = &relation.referenced_table;
        let message = match schema.table(name) {
            None if is_elsewhere(schema, name) => continue,
            None => format!("{relation} references {name}, and there is no such table"),
            Some(table) => {
                let missing = relation
                    .referenced_columns
                    .iter()
                    .find(|column| table.column(column).is_none());
                match missing {
                    Some(column) if !is_rowid(key) => {
                        format!("{relation} references {name}.{column}, and there is no such column")
                    }
                    Some(_) | None => continue,
                }
            }
        };
        let constraint = relation.constraint.as_ref().map(|name| name.as_str());
        let fix = match key.enforced_by {
            Enforcement::Database => sql::drop_constraint(schema.backend, &relation.table, constraint),
            Enforcement::Application | Enforcement::Loose => {
                Fix::Advice("correct the foreign key in the overlay file".to_owned())
            }
        };
        found.push(Draft::of_key(key, message, fix));
    }
    found
}

/// Whether the table may be there without being in the model: in a schema that was not read, or among what is left out.
fn is_elsewhere(schema: &Schema, name: &TableName) -> bool {
    let known = |known: &TableName| known.schema() == name.schema();
    schema.left_out.iter().any(|left_out| left_out.name == *name)
        || (name.schema().is_some() && !schema.tables.iter().any(|table| known(&table.name)))
}

pub(super) fn overlapping(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for table in &subject.database.tables {
        for (position, first) in table.foreign_keys.iter().enumerate() {
            for second in table.foreign_keys.iter().skip(position + 1) {
                found.extend(overlap(backend, table, first, second));
            }
        }
    }
    found
}

fn overlap(backend: Backend, table: &Table, first: &ForeignKey, second: &ForeignKey) -> Option<Draft> {
    let (one, other) = (&first.relation, &second.relation);
    let shared: Vec<_> = one
        .columns
        .iter()
        .filter(|column| other.columns.contains(column))
        .cloned()
        .collect();
    if shared.is_empty() {
        return None;
    }
    let target = |key: &ForeignKey| {
        let relation = &key.relation;
        format!(
            "{}.{}",
            relation.referenced_table,
            ColumnList(&relation.referenced_columns)
        )
    };
    let of_second = format!(" and {}", second.relation);
    if same_pairs(first, second) {
        let name = |key: &ForeignKey| {
            key.relation
                .constraint
                .as_ref()
                .map_or_else(String::new, |name| format!(" ({name})"))
        };
        let message = format!(
            "{one} references {} twice, {}{} and {}{}",
            target(first),
            first.on_delete,
            name(first),
            second.on_delete,
            name(second)
        );
        let constraint = other.constraint.as_ref().map(|name| name.as_str());
        let fix = sql::drop_constraint(backend, &table.name, constraint);
        return Some(Draft::of_key(first, message, fix).and(" twice"));
    }
    let message = format!(
        "{} references {} and {} references {}: they share {}",
        one,
        target(first),
        other,
        target(second),
        ColumnList(&shared)
    );
    let same_columns = shared.len() == one.columns.len() && shared.len() == other.columns.len();
    // A tenant's column is in each of its keys. That is well as long as no key writes it.
    let harmless = !same_columns && !writes(first, &shared) && !writes(second, &shared);
    let fix = Fix::Advice(match (same_columns, harmless) {
        (true, _) => {
            "a value must be in both tables: if either will do, give each table a column of its own".to_owned()
        }
        (false, true) => "nothing, as long as neither key writes the shared columns".to_owned(),
        (false, false) => format!(
            "let neither key write {}: another action, or a column less",
            ColumnList(&shared)
        ),
    });
    let mut draft = Draft::of_key(first, message, fix)
        .and(&of_second)
        .and(" -> ")
        .and(&target(second));
    draft.columns = shared;
    Some(if harmless {
        draft.severity(Severity::Info)
    } else {
        draft
    })
}

/// Whether the same columns reference the same columns, in whatever order.
fn same_pairs(first: &ForeignKey, second: &ForeignKey) -> bool {
    let pairs = |key: &ForeignKey| {
        let mut pairs: Vec<_> = key
            .relation
            .columns
            .iter()
            .cloned()
            .zip(key.relation.referenced_columns.iter().cloned())
            .collect();
        pairs.sort();
        pairs
    };
    first.relation.referenced_table == second.relation.referenced_table && pairs(first) == pairs(second)
}

/// Whether the key writes one of these columns when the other table changes. What [`shared_column_nulled`] reports is not told twice.
fn writes(key: &ForeignKey, columns: &[ColumnName]) -> bool {
    let touches = |written: &[ColumnName]| written.iter().any(|column| columns.contains(column));
    (key.on_delete == Action::SetDefault && touches(written_on_delete(key)))
        || (matches!(key.on_update, Action::Cascade | Action::SetNull | Action::SetDefault)
            && touches(&key.relation.columns))
}

pub(super) fn shared_column_nulled(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for (table, key) in keys(subject.database) {
        if key.on_delete != Action::SetNull || key.relation.columns.len() < 2 {
            continue;
        }
        let others: Vec<_> = table
            .foreign_keys
            .iter()
            .filter(|other| !same_pairs(key, other))
            .flat_map(|other| &other.relation.columns)
            .chain(table.primary_key.iter().flat_map(|key| &key.columns))
            .collect();
        let is_shared = |column: &&ColumnName| others.contains(column);
        // One that must not be NULL is an error of its own (L15).
        let shared: Vec<_> = written_on_delete(key)
            .iter()
            .filter(|column| is_shared(column) && !is_required(table, column))
            .cloned()
            .collect();
        let own: Vec<_> = key
            .relation
            .columns
            .iter()
            .filter(|column| !is_shared(column))
            .cloned()
            .collect();
        if shared.is_empty() {
            continue;
        }
        let message = format!(
            "{} is ON DELETE SET NULL and nulls {}.{} too, which another key uses",
            key.relation,
            table.name,
            ColumnList(&shared)
        );
        let mut narrower = key.clone();
        narrower.on_delete_columns.clone_from(&own);
        let fix = match (backend, own.is_empty()) {
            (Backend::Postgres, false) => sql::replace_key(backend, key, &narrower),
            (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => Fix::Advice(format!(
                "use RESTRICT or CASCADE, or null {} alone before the delete: the engine can only null the whole key",
                ColumnList(if own.is_empty() { &key.relation.columns } else { &own })
            )),
        };
        let mut draft = Draft::of_key(key, message, fix);
        draft.columns = shared;
        found.push(draft);
    }
    found
}
