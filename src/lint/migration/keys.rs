//! Rules about foreign keys and whether they are checked.

use super::super::finding::{Draft, Fix};
use super::act::{Act, Key};
use super::history::{Event, History};
use super::seen::{Seen, column_of};
use crate::backend::Backend;
use crate::ddl::{identifier, table_name};
use crate::name::{ColumnName, TableName};

pub(super) fn validating_key(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for (position, event) in history.to_existing() {
        let Act::AddKey(key) = &event.act else {
            continue;
        };
        let (table, referenced) = (&key.table, &key.referenced);
        let of = column_of(table, &key.columns);
        let (message, fix) = match history.backend {
            _ if !key.validated => continue,
            Backend::Postgres => (
                format!(
                    "{of} gets a foreign key to {referenced} that is validated at once: writers of both tables wait while all of \
                     {table} is read"
                ),
                or_required(not_valid_first(history, event, key), key),
            ),
            Backend::MySql if unchecked_before(history, position).is_some() => continue,
            Backend::MySql => (
                format!(
                    "{of} gets a foreign key to {referenced} that is validated at once: writers of {table} wait while it is copied"
                ),
                or_required(
                    Fix::Advice(
                        "SET foreign_key_checks = 0 on the same connection, ADD the key with ALGORITHM=INPLACE, set it to 1 again, and \
                         then look for orphans with an anti-join"
                            .to_owned(),
                    ),
                    key,
                ),
            ),
            Backend::Sqlite => continue,
        };
        found.push(Seen::of(
            event,
            Draft::new(table, &key.columns, message, fix).and(&to(key)),
        ));
    }
    found
}

fn to(key: &Key) -> String {
    format!(" -> {}", key.referenced)
}

/// The key that the script adds on a column.
pub(super) fn key_on<'h>(history: &'h History<'_>, table: &TableName, column: &ColumnName) -> Option<&'h Key> {
    history.judged().find_map(|(_, event)| match &event.act {
        Act::AddKey(key) if history.same(&key.table, table) => {
            let mut columns = key.columns.iter();
            columns.any(|its| history.same_column(its, column)).then_some(key)
        }
        _ => None,
    })
}

/// The fix, and beside it the one call that takes all the steps of a key on a table in use.
pub(super) fn or_required(fix: Fix, key: &Key) -> Fix {
    let array = |columns: &[ColumnName]| {
        let columns: Vec<_> = columns.iter().map(|column| format!("{:?}", column.as_str())).collect();
        format!("[{}]", columns.join(", "))
    };
    let mut call = format!(
        "RequiredForeignKey::new({:?}, {})",
        key.table.to_string(),
        array(&key.columns)
    );
    // REFERENCES users, without its columns, is its primary key.
    if !key.referenced_columns.is_empty() {
        call.push_str(&format!(
            ".references({:?}, {})",
            key.referenced.to_string(),
            array(&key.referenced_columns)
        ));
    }
    match fix {
        Fix::Sql(sql) => Fix::Sql(format!(
            "-- or in a SeaORM migration, all steps in one call: {call}\n{sql}"
        )),
        Fix::Advice(advice) => Fix::Advice(format!("{advice}; or, all steps in one call, {call}")),
        other => other,
    }
}

/// The two steps, if the statement adds nothing else.
fn not_valid_first(history: &History<'_>, event: &Event, key: &Key) -> Fix {
    match (history.sql(event.source), &key.name) {
        (Some(sql), Some(name)) if key.alone => Fix::Sql(format!(
            "{sql} NOT VALID;\nALTER TABLE {} VALIDATE CONSTRAINT {};",
            table_name(Backend::Postgres, &key.table),
            identifier(Backend::Postgres, name)
        )),
        _ => Fix::Advice(
            "ADD CONSTRAINT … FOREIGN KEY … NOT VALID, and VALIDATE CONSTRAINT in another transaction; sea-query has neither: send them as \
             SQL"
                .to_owned(),
        ),
    }
}

pub(super) fn validated_at_once(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        Backend::Postgres => {}
        Backend::MySql | Backend::Sqlite => return found,
    }
    for (position, event) in history.to_existing() {
        let Act::Validate { table, name } = &event.act else {
            continue;
        };
        let together = |other: &Event| {
            other.judged
                && (other.source == event.source
                    || (other.transaction.is_some() && other.transaction == event.transaction))
        };
        let added = history
            .before(position)
            .filter(|other| together(other))
            .find_map(|other| {
                let (on, added, columns) = match &other.act {
                    Act::AddKey(key) if !key.validated => (&key.table, &key.name, key.columns.clone()),
                    Act::AddCheck(check) if !check.validated => (&check.table, &check.name, check.not_null.clone()),
                    _ => return None,
                };
                let is_it = history.same(on, table) && added.as_ref().is_none_or(|added| added == name);
                is_it.then_some(columns)
            });
        if let Some(columns) = added {
            let message = format!(
                "{name} of {table} is added NOT VALID and validated in one {}: writers wait for both",
                match event.transaction {
                    Some(_) => "transaction",
                    None => "statement",
                }
            );
            let fix =
                Fix::Advice("VALIDATE CONSTRAINT in a transaction of its own, after the one that adds it".to_owned());
            found.push(Seen::of(
                event,
                Draft::new(table, &columns, message, fix).and(&format!(" {name}")),
            ));
        }
    }
    found
}

/// What turned the checks off that are off when this event comes.
fn unchecked_before<'h>(history: &'h History<'_>, position: usize) -> Option<&'h Event> {
    let last = history
        .before(position)
        .rfind(|event| event.judged && matches!(&event.act, Act::Checks { table: None, .. }))?;
    matches!(&last.act, Act::Checks { on: false, .. }).then_some(last)
}

pub(super) fn unchecked(history: &History<'_>) -> Vec<Seen> {
    let mut found: Vec<Seen> = Vec::new();
    for (position, event) in history.judged() {
        let Act::Checks { on: false, how, table } = &event.act else {
            continue;
        };
        // SQLite ignores it inside a transaction.
        let ignored = match history.backend {
            Backend::Postgres | Backend::MySql => false,
            Backend::Sqlite => event.transaction.is_some(),
        };
        if ignored || !event.existing {
            continue;
        }
        let done = while_off(history, position, table.as_ref());
        let proven = history.after(done.last).any(|event| event.act == Act::Proof);
        if proven {
            continue;
        }
        let draft = Draft {
            table: table.clone().or_else(|| done.key.map(|key| key.table.clone())),
            columns: done.key.map(|key| key.columns.clone()).unwrap_or_default(),
            about: match table {
                Some(table) => format!("{how} {table}"),
                None => (*how).to_owned(),
            },
            message: match (done.key, table) {
                (Some(key), _) => format!(
                    "{how}, and the foreign key of {} to {} is added unchecked: nothing afterwards looks for orphans",
                    column_of(&key.table, &key.columns),
                    key.referenced
                ),
                (None, Some(table)) => format!("{how} on {table}, and nothing afterwards looks for orphans"),
                (None, None) => format!("{how}, and nothing afterwards looks for orphans"),
            },
            fix: proof(history.backend, done.key),
            severity: None,
        };
        found.push(Seen::of(event, draft));
    }
    found
}

/// What is done while the checks are off.
struct WhileOff<'h> {
    /// The last event whose rows or key nobody checked.
    last: usize,
    key: Option<&'h Key>,
}

fn while_off<'h>(history: &'h History<'_>, off: usize, only: Option<&TableName>) -> WhileOff<'h> {
    let mut done = WhileOff { last: off, key: None };
    for (position, event) in history.judged().filter(|(position, _)| *position > off) {
        match &event.act {
            Act::Checks { on: true, .. } => return done,
            Act::AddKey(key) => {
                done.last = position;
                done.key = done.key.or(Some(key));
            }
            Act::Update { table, .. } | Act::Write { table } | Act::Empty { table }
                if only.is_none_or(|only| history.same(only, table)) =>
            {
                done.last = position;
            }
            _ => {}
        }
    }
    done
}

/// The query that finds what nobody checked.
fn proof(backend: Backend, key: Option<&Key>) -> Fix {
    let general = "SELECT the rows whose reference is NOT NULL and for which NOT EXISTS a referenced row, after the last change, and fail if \
                   there are any";
    match (backend, key) {
        (Backend::Sqlite, _) => Fix::Sql("PRAGMA foreign_key_check;".to_owned()),
        (Backend::Postgres | Backend::MySql, Some(key))
            if !key.columns.is_empty() && key.columns.len() == key.referenced_columns.len() =>
        {
            let column = |side: &str, name: &str| format!("{side}.{}", identifier(backend, name));
            let (mut given, mut equal) = (Vec::new(), Vec::new());
            for (own, its) in key.columns.iter().zip(&key.referenced_columns) {
                given.push(format!("{} IS NOT NULL", column("child", own.as_str())));
                equal.push(format!(
                    "{} = {}",
                    column("parent", its.as_str()),
                    column("child", own.as_str())
                ));
            }
            Fix::Sql(format!(
                "SELECT * FROM {} AS child WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {});",
                table_name(backend, &key.table),
                given.join(" AND "),
                table_name(backend, &key.referenced),
                equal.join(" AND ")
            ))
        }
        (Backend::Postgres | Backend::MySql, _) => Fix::Advice(general.to_owned()),
    }
}
