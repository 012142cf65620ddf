//! Rules about what is lost.

use super::super::finding::{Draft, Fix};
use super::act::{Act, Key};
use super::history::{Event, History};
use super::script::Direction;
use super::seen::{Seen, column_of};
use crate::backend::Backend;
use crate::name::TableName;

pub(super) fn destructive(history: &History<'_>) -> Vec<Seen> {
    match history.script.direction {
        Direction::Up => {}
        Direction::Down => return Vec::new(),
    }
    let mut found = Vec::new();
    for (position, event) in history.to_existing() {
        let (table, columns, message, advice) = match &event.act {
            Act::DropTable { table } if !comes_back(history, position, table) => (
                table,
                Vec::new(),
                format!("{table} is dropped with all its rows"),
                "drop it once no release that runs uses it, and after a backup; until then rename it",
            ),
            Act::DropColumn { table, column } if !is_own_column(history, position, event) => (
                table,
                vec![column.clone()],
                format!("{table}.{column} is dropped with what is in it"),
                "drop it once no release that runs reads or writes it: SeaORM names every column of an entity in its SELECTs",
            ),
            Act::Empty { table } => (
                table,
                Vec::new(),
                format!("all rows of {table} are deleted"),
                "delete them in batches that a condition names, and after a backup",
            ),
            Act::DropKey { table, name } if !is_replaced(history, position, table) => (
                table,
                Vec::new(),
                format!(
                    "the foreign key {} of {table} is dropped: nothing keeps rows from referencing what is not there",
                    name.as_deref().unwrap_or("(its name could not be read)")
                ),
                "add the key that replaces it in the same migration, or declare in cascade.toml who enforces it from then on",
            ),
            Act::DropConstraint { table, name }
                if is_key(history, position, table, name) && !is_replaced(history, position, table) =>
            {
                (
                    table,
                    Vec::new(),
                    format!(
                        "the foreign key {name} of {table} is dropped: nothing keeps rows from referencing what is not there"
                    ),
                    "add the key that replaces it in the same migration, or declare in cascade.toml who enforces it from then on",
                )
            }
            _ => continue,
        };
        let mut draft = Draft::new(table, &columns, message, Fix::Advice(advice.to_owned()));
        draft = match &event.act {
            Act::DropTable { .. } => draft.and(" dropped"),
            Act::DropKey { name: Some(name), .. } | Act::DropConstraint { name, .. } => draft.and(&format!(" {name}")),
            _ => draft,
        };
        found.push(Seen::of(event, draft));
    }
    found
}

/// Whether another table takes its name: it is rebuilt.
fn comes_back(history: &History<'_>, position: usize, table: &TableName) -> bool {
    let takes_its_name = |event: &Event| match &event.act {
        Act::RenameTable { to, .. } => history.same(to, table),
        _ => false,
    };
    history.after(position).any(takes_its_name) || replaced_under(history, position, table).is_some()
}

/// The name a table had before it was renamed out of the way of a new one of that name.
fn replaced_under<'h>(history: &'h History<'_>, position: usize, table: &TableName) -> Option<&'h TableName> {
    let original = history.before(position).find_map(|event| match &event.act {
        Act::RenameTable { table: original, to } if event.judged && history.same(to, table) => Some(original),
        _ => None,
    })?;
    let made = history.judged().any(|(_, event)| match &event.act {
        Act::CreateTable { table, .. } => history.same(table, original),
        Act::RenameTable { to, .. } => history.same(to, original),
        _ => false,
    });
    made.then_some(original)
}

/// Whether the script added the column itself.
fn is_own_column(history: &History<'_>, position: usize, event: &Event) -> bool {
    let Act::DropColumn { table, column } = &event.act else {
        return false;
    };
    history.before(position).any(|before| match &before.act {
        Act::AddColumn {
            table: on,
            column: added,
            ..
        } => before.judged && history.same(on, table) && history.same_column(added, column),
        _ => false,
    })
}

/// Whether the table gets a key in place of one that is dropped.
fn is_replaced(history: &History<'_>, position: usize, table: &TableName) -> bool {
    history.after(position).any(|event| match &event.act {
        Act::AddKey(Key { table: on, .. }) => history.same(on, table),
        _ => false,
    })
}

/// Whether a constraint is a foreign key, as far as the schema, what was added before, or else its name tells.
fn is_key(history: &History<'_>, position: usize, table: &TableName, name: &str) -> bool {
    if let Some(known) = history.known(table) {
        let mut names = known
            .foreign_keys
            .iter()
            .filter_map(|key| key.relation.constraint.as_ref());
        return names.any(|its| its.as_str() == name);
    }
    let added = history.before(position).find_map(|event| match &event.act {
        Act::AddKey(key) if key.name.as_deref() == Some(name) => Some(true),
        Act::AddCheck(check) if check.name.as_deref() == Some(name) => Some(false),
        _ => None,
    });
    // As SeaORM and PostgreSQL name them.
    added.unwrap_or_else(|| name.starts_with("fk") || name.ends_with("_fkey"))
}

pub(super) fn rebuilt_while_enforced(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        // Neither deletes rows one by one when it drops a table.
        Backend::Postgres | Backend::MySql => return found,
        Backend::Sqlite => {}
    }
    for (position, event) in history.to_existing() {
        let Act::DropTable { table } = &event.act else {
            continue;
        };
        let original = replaced_under(history, position, table).unwrap_or(table);
        if !comes_back(history, position, table) || !is_referenced(history, original) {
            continue;
        }
        let off: Vec<_> = history
            .before(position)
            .filter(|before| before.judged && matches!(&before.act, Act::Checks { .. }))
            .collect();
        // Inside a transaction it is ignored (SQLite, "PRAGMA foreign_keys").
        let effective = off.iter().rfind(|before| before.transaction.is_none());
        if effective.is_some_and(|last| matches!(&last.act, Act::Checks { on: false, .. })) {
            continue;
        }
        let mut message = format!(
            "{} is rebuilt while foreign keys are enforced: DROP TABLE deletes the rows that reference it by CASCADE",
            column_of(original, &[])
        );
        if !off.is_empty() {
            message.push_str("; PRAGMA foreign_keys inside a transaction does nothing");
        }
        let fix = Fix::Advice(
            "PRAGMA foreign_keys = OFF on the same connection before the transaction begins, PRAGMA foreign_key_check before it commits, \
             and ON again after it"
                .to_owned(),
        );
        found.push(Seen::of(event, Draft::new(original, &[], message, fix)));
    }
    found
}

/// Whether some table references it; where that is not known, one may.
fn is_referenced(history: &History<'_>, table: &TableName) -> bool {
    history.script.schema.is_none_or(|schema| {
        schema
            .foreign_keys()
            .any(|key| history.same(&key.relation.referenced_table, table))
    })
}
