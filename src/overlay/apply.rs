//! From entries to the keys of a schema.

use super::problems::Problems;
use super::read::{At, Entry, File, Ignored, action_word};
use crate::backend::Backend;
use crate::error::Result;
use crate::name::{ColumnList, ColumnName, Relation, TableName, did_you_mean};
use crate::schema::{Action, Enforcement, ForeignKey, Schema, Table, TypeKind};

/// What can be told from the file alone.
pub(super) fn check(entries: &[Entry]) -> Result<()> {
    let mut problems = Problems::default();
    for (place, entry) in entries.iter().enumerate() {
        let earlier = entries.iter().take(place).find(|earlier| {
            earlier.table.value == entry.table.value
                && earlier.columns.value == entry.columns.value
                && earlier.referenced_table.value == entry.referenced_table.value
                && earlier.referenced_columns.as_ref().map(|at| &at.value)
                    == entry.referenced_columns.as_ref().map(|at| &at.value)
        });
        if let Some(earlier) = earlier {
            problems.add(entry.line, said_already(entry, earlier.line));
        }
        if let Some(subset) = &entry.on_delete_columns
            && let Some(column) = subset.value.iter().find(|column| !entry.columns.value.contains(column))
        {
            problems.add(
                subset.line,
                format!(
                    "on_delete_columns names {column}, which is not one of columns: name some of {}",
                    ColumnList(&entry.columns.value)
                ),
            );
        }
        if let (Some(on_delete), Some(enforced_by)) = (&entry.on_delete, &entry.enforced_by) {
            check_action(&mut problems, "on_delete", on_delete, enforced_by.value);
        }
        if let (Some(on_update), Some(enforced_by)) = (&entry.on_update, &entry.enforced_by) {
            check_action(&mut problems, "on_update", on_update, enforced_by.value);
        }
    }
    problems.unless_any(())
}

pub(super) fn apply(file: &File, schema: &mut Schema) -> Result<()> {
    let mut problems = Problems::default();
    for ignored in &file.ignored {
        check_ignored(ignored, schema, &mut problems);
    }
    let mut done: Vec<(usize, Relation)> = Vec::new();
    let mut changed = schema.clone();
    for entry in &file.entries {
        let Some(relation) = resolve(entry, schema, &mut problems) else {
            continue;
        };
        if let Some((line, _)) = done.iter().find(|(_, earlier)| is_same_key(earlier, &relation)) {
            problems.add(entry.line, said_already(entry, *line));
            continue;
        }
        done.push((entry.line, relation.clone()));
        let Some(table) = changed.table_mut(&relation.table) else {
            continue;
        };
        overlay_key(entry, relation, table, &mut problems);
    }
    problems.unless_any(())?;
    changed.sort();
    *schema = changed;
    Ok(())
}

/// A name that is not there would ignore nothing, without a word.
fn check_ignored(ignored: &Ignored, schema: &Schema, problems: &mut Problems) {
    let table = ignored.table.as_ref().map(|name| find_table(schema, name, problems));
    match (table, &ignored.column) {
        (Some(Some(table)), Some(column)) => {
            has_columns(table, column, problems);
        }
        (None, Some(column)) => {
            let is_there = |name| schema.tables.iter().any(|table| table.column(name).is_some());
            if let Some(missing) = column.value.iter().find(|name| !is_there(name)) {
                problems.add(column.line, format!("no table has a column {missing}"));
            }
        }
        (Some(None), _) | (_, None) => {}
    }
}

/// Finds the entry's tables and columns in the schema.
fn resolve(entry: &Entry, schema: &Schema, problems: &mut Problems) -> Option<Relation> {
    let table = find_table(schema, &entry.table, problems);
    let referenced = find_table(schema, &entry.referenced_table, problems);
    let columns_are_there = table.is_some_and(|table| has_columns(table, &entry.columns, problems));
    let referenced = referenced?;
    let referenced_columns = match (&entry.referenced_columns, &referenced.primary_key) {
        (Some(columns), _) => has_columns(referenced, columns, problems).then(|| columns.value.clone())?,
        (None, Some(key)) if key.columns.len() == entry.columns.value.len() => key.columns.clone(),
        (None, key) => {
            problems.add(
                entry.referenced_table.line,
                format!(
                    "references needs columns, since {} {}: references = {{ table = …, columns = […] }}",
                    referenced.name,
                    match key {
                        Some(key) => format!("has the primary key {}", ColumnList(&key.columns)),
                        None => "has no primary key".to_owned(),
                    }
                ),
            );
            return None;
        }
    };
    if let Some(guard) = &entry.guard {
        check_guard(guard, referenced, schema.backend, problems).then_some(())?;
    }
    columns_are_there.then(|| Relation {
        constraint: entry.name.as_ref().map(|name| name.value.clone()),
        table: entry.table.value.clone(),
        columns: entry.columns.value.clone(),
        referenced_table: entry.referenced_table.value.clone(),
        referenced_columns,
    })
}

/// A guard is counted up, which NULL is not.
fn check_guard(guard: &At<ColumnName>, referenced: &Table, backend: Backend, problems: &mut Problems) -> bool {
    let named = At {
        value: vec![guard.value.clone()],
        line: guard.line,
    };
    if !has_columns(referenced, &named, problems) {
        return false;
    }
    let Some(column) = referenced.column(&guard.value) else {
        return false;
    };
    let whole = matches!(TypeKind::of(backend, &column.data_type), TypeKind::Integer { .. });
    if whole && !column.nullable {
        return true;
    }
    let null = if column.nullable { ", and may be NULL" } else { "" };
    problems.add(
        guard.line,
        format!(
            "the guard {}.{} is counted up with every write, and it is {}{null}: make it a whole number, NOT NULL DEFAULT 0",
            referenced.name, guard.value, column.data_type
        ),
    );
    false
}

fn find_table<'s>(schema: &'s Schema, name: &At<TableName>, problems: &mut Problems) -> Option<&'s Table> {
    let found = schema.table(&name.value);
    if found.is_none() {
        // The connection's own schema is left out of names: whoever writes public.posts means posts.
        let elsewhere = schema
            .tables
            .iter()
            .find(|table| table.name.name() == name.value.name())
            .map(|table| format!(", did you mean {}?", table.name));
        let names: Vec<_> = schema.tables.iter().map(|table| table.name.to_string()).collect();
        let meant =
            elsewhere.unwrap_or_else(|| did_you_mean(&name.value.to_string(), names.iter().map(String::as_str)));
        problems.add(name.line, format!("there is no table {}{meant}", name.value));
    }
    found
}

fn has_columns(table: &Table, columns: &At<Vec<ColumnName>>, problems: &mut Problems) -> bool {
    let mut all = true;
    for column in &columns.value {
        if table.column(column).is_none() {
            let meant = did_you_mean(column.as_str(), table.columns.iter().map(|known| known.name.as_str()));
            problems.add(columns.line, format!("{} has no column {column}{meant}", table.name));
            all = false;
        }
    }
    all
}

/// Changes the table's equal key, or adds one.
fn overlay_key(entry: &Entry, relation: Relation, table: &mut Table, problems: &mut Problems) {
    let equal: Vec<_> = table
        .foreign_keys
        .iter()
        .filter(|key| is_same_key(&key.relation, &relation))
        .cloned()
        .collect();
    if let Some(name) = &entry.name
        && let Some(called) = equal.iter().find_map(|key| key.relation.constraint.as_ref())
        && equal
            .iter()
            .all(|key| key.relation.constraint.as_ref() != Some(&name.value))
    {
        problems.add(
            name.line,
            format!("this key is called {called} in the database: write that name, or none"),
        );
        return;
    }
    if equal.is_empty() {
        let key = overlaid(entry, ForeignKey::new(relation), None);
        check_key(entry, &key, table, Known::No, problems);
        table.foreign_keys.push(key);
        return;
    }
    for was in equal {
        let key = overlaid(entry, was.clone(), Some(&was));
        check_key(entry, &key, table, Known::Yes, problems);
        for known in &mut table.foreign_keys {
            if *known == was {
                *known = key.clone();
            }
        }
    }
}

/// The key with what the entry says.
fn overlaid(entry: &Entry, mut key: ForeignKey, was: Option<&ForeignKey>) -> ForeignKey {
    if let Some(on_delete) = &entry.on_delete {
        if on_delete.value != key.on_delete {
            key.on_delete_columns.clear();
        }
        key.on_delete = on_delete.value;
    }
    if let Some(columns) = &entry.on_delete_columns {
        key.on_delete_columns.clone_from(&columns.value);
    }
    if let Some(values) = &entry.on_delete_values {
        key.on_delete_values.clone_from(&values.value);
    }
    if let Some(guard) = &entry.guard {
        key.guard = Some(guard.value.clone());
    }
    if let Some(on_update) = &entry.on_update {
        key.on_update = on_update.value;
    }
    if key.relation.constraint.is_none() {
        key.relation.constraint = entry.name.as_ref().map(|name| name.value.clone());
    }
    let does_the_same = was.is_some_and(|was| {
        was.on_delete == key.on_delete
            && was.on_delete_columns == key.on_delete_columns
            && was.on_update == key.on_update
    });
    key.enforced_by = match (&entry.enforced_by, was) {
        (Some(enforced_by), _) => enforced_by.value,
        (None, Some(was)) if does_the_same => was.enforced_by,
        // A constraint that does something else does not enforce what the file says.
        (None, _) => Enforcement::Application,
    };
    key
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// What can be told only when the key is complete.
fn check_key(entry: &Entry, key: &ForeignKey, table: &Table, known: Known, problems: &mut Problems) {
    if let Some(enforced_by) = &entry.enforced_by {
        if enforced_by.value == Enforcement::Database && known == Known::No {
            problems.add(
                enforced_by.line,
                format!(
                    "the database has no such foreign key on {}: write enforced_by = \"application\", or add the constraint",
                    key.relation
                ),
            );
        }
        // What the file itself says was checked when it was read.
        if entry.on_delete.is_none() {
            let on_delete = At {
                value: key.on_delete,
                line: enforced_by.line,
            };
            check_action(problems, "on_delete", &on_delete, enforced_by.value);
        }
    }
    let named = key.set_columns().len();
    if key.on_delete == Action::SetValue && key.on_delete_values.len() != named {
        problems.add(
            entry.on_delete_values.as_ref().map_or(entry.line, |at| at.line),
            format!("set_value needs a value for each column it sets: write on_delete_values with {named} of them"),
        );
    }
    if key.on_delete != Action::SetValue && !key.on_delete_values.is_empty() {
        problems.add(
            entry.on_delete_values.as_ref().map_or(entry.line, |at| at.line),
            format!(
                "on_delete_values says what columns are set to, and on_delete = \"{}\" sets none to a value: leave it out",
                action_word(&key.on_delete)
            ),
        );
    }
    if !key.on_delete_columns.is_empty()
        && !matches!(key.on_delete, Action::SetNull | Action::SetDefault | Action::SetValue)
    {
        problems.add(
            entry.on_delete_columns.as_ref().map_or(entry.line, |at| at.line),
            format!(
                "on_delete_columns says which columns are set, and on_delete = \"{}\" sets none: leave it out",
                action_word(&key.on_delete)
            ),
        );
    }
    let set_by_delete = match key.on_delete_columns.as_slice() {
        [] => key.relation.columns.as_slice(),
        subset => subset,
    };
    for (field, said, action, columns) in [
        ("on_delete", &entry.on_delete, key.on_delete, set_by_delete),
        ("on_update", &entry.on_update, key.on_update, &key.relation.columns),
    ] {
        let required = columns
            .iter()
            .find(|column| table.column(column).is_some_and(|column| !column.nullable));
        if action == Action::SetNull
            && let Some(column) = required
        {
            let subset = match (field, columns.len()) {
                ("on_delete", 2..) => ", name the others in on_delete_columns",
                _ => "",
            };
            problems.add(
                said.as_ref().map_or(entry.line, |said| said.line),
                format!(
                    "{field} is set_null, and {}.{column} cannot be NULL: make it nullable{subset}, or choose another action",
                    table.name
                ),
            );
        }
    }
}

/// Which action goes with which enforcement.
fn check_action(problems: &mut Problems, field: &str, action: &At<Action>, enforced_by: Enforcement) {
    let word = action_word(&action.value);
    match enforced_by {
        Enforcement::Database if !action.value.is_in_databases() => problems.add(
            action.line,
            format!("no database has {field} = \"{word}\": write enforced_by = \"application\", or choose another action"),
        ),
        Enforcement::Loose if blocks(action.value) && field == "on_delete" => problems.add(
            action.line,
            format!(
                "a loose key is looked at after the delete, too late for on_delete = \"{word}\": write enforced_by = \"application\", \
                 or choose cascade, set_null, set_default or do_nothing"
            ),
        ),
        Enforcement::Loose if matches!(action.value, Action::Restrict | Action::Protect) => problems.add(
            action.line,
            format!(
                "a loose key is looked at after the update, too late for {field} = \"{word}\": write enforced_by = \"application\", \
                 or choose another action"
            ),
        ),
        Enforcement::Database | Enforcement::Application | Enforcement::Loose => {}
    }
}

const fn blocks(action: Action) -> bool {
    matches!(action, Action::Restrict | Action::NoAction | Action::Protect)
}

fn said_already(entry: &Entry, line: usize) -> String {
    format!(
        "{}.{} is on line {line} already: merge the two",
        entry.table.value,
        ColumnList(&entry.columns.value)
    )
}

/// Whether the same columns reference the same columns, in whatever order the pairs are written.
fn is_same_key(a: &Relation, b: &Relation) -> bool {
    fn pairs(relation: &Relation) -> Vec<(&ColumnName, &ColumnName)> {
        let mut pairs: Vec<_> = relation.columns.iter().zip(&relation.referenced_columns).collect();
        pairs.sort();
        pairs
    }
    a.table == b.table && a.referenced_table == b.referenced_table && pairs(a) == pairs(b)
}
