//! Rules about which columns a foreign key has and references, and two keys of one table.

use super::finding::{Draft, Fix, Subject};
use super::sql::{self, Uniqueness};
use crate::backend::Backend;
use crate::name::{ColumnList, ColumnName, TableName};
use crate::overlay::Severity;
use crate::schema::{Action, Column, Enforcement, ForeignKey, Index, Schema, Table};

/// The keys of the database with the tables they are in.
pub(super) fn keys(schema: &Schema) -> impl Iterator<Item = (&Table, &ForeignKey)> {
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
pub(super) fn pairs<'a>(
    schema: &'a Schema,
    table: &'a Table,
    key: &'a ForeignKey,
) -> Vec<(&'a Column, &'a Table, &'a Column)> {
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

/// The columns that a delete writes through this key.
pub(super) fn written_on_delete(key: &ForeignKey) -> &[ColumnName] {
    match key.on_delete_columns.as_slice() {
        [] => &key.relation.columns,
        some => some,
    }
}

pub(super) fn is_required(table: &Table, column: &ColumnName) -> bool {
    table.column(column).is_some_and(|column| !column.nullable)
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
