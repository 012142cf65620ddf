//! Rules about columns: NULLs in them, and how they are filled.

use super::super::finding::{Draft, Fix};
use super::super::sql::fitting;
use super::act::{Act, Check, Value};
use super::history::{Event, History};
use super::keys::{key_on, or_required};
use super::read::not_null;
use super::seen::Seen;
use crate::backend::Backend;
use crate::ddl::{identifier, table_name};
use crate::lex::tokens;
use crate::name::{ColumnName, TableName};

pub(super) fn required_without_value(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for (_, event) in history.to_existing() {
        let Act::AddColumn {
            table,
            column,
            value: Value::None,
            not_null: true,
        } = &event.act
        else {
            continue;
        };
        let message = format!(
            "{table}.{column} is NOT NULL and has no default: {}",
            match history.backend {
                Backend::Postgres | Backend::Sqlite => "if the table has a row, this fails",
                Backend::MySql => "the rows that are there get 0, an empty text or the like",
            }
        );
        let fix = Fix::Advice(match history.backend {
            Backend::Postgres => {
                "add it without NOT NULL, fill it in batches, then have it checked and SET NOT NULL; or give it a DEFAULT that is right for \
                 every row"
                    .to_owned()
            }
            Backend::MySql => {
                "add it as NULL, fill it in batches, then MODIFY it to NOT NULL; or give it a DEFAULT that is right for every row".to_owned()
            }
            Backend::Sqlite => {
                "give it a DEFAULT that is right for every row; or rebuild the table, with a value for every row in the copy".to_owned()
            }
        });
        let fix = with_its_key(history, table, column, fix);
        found.push(about(event, table, column, message, fix));
    }
    found
}

/// Where the column is of a key that the script adds, there is one call for all of it.
fn with_its_key(history: &History<'_>, table: &TableName, column: &ColumnName, fix: Fix) -> Fix {
    match key_on(history, table, column) {
        Some(key) => or_required(fix, key),
        None => fix,
    }
}

fn about(event: &Event, table: &TableName, column: &ColumnName, message: String, fix: Fix) -> Seen {
    Seen::of(event, Draft::new(table, std::slice::from_ref(column), message, fix))
}

pub(super) fn scanning_not_null(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        Backend::Postgres => {}
        // MODIFY reads the table, and there is no check that spares it.
        Backend::MySql | Backend::Sqlite => return found,
    }
    for (position, event) in history.to_existing() {
        match &event.act {
            Act::SetNotNull { table, column } if !is_proven(history, position, table, column) => {
                let message = format!(
                    "{table}.{column} becomes NOT NULL without a validated check: nobody reads or writes {table} while all of it is read"
                );
                found.push(about(
                    event,
                    table,
                    column,
                    message,
                    with_its_key(history, table, column, in_steps(table, column)),
                ));
            }
            Act::AddCheck(check) if check.validated => {
                let Check { table, not_null, .. } = check;
                if let Some(column) = not_null.first() {
                    let message = format!(
                        "the check that {table}.{column} is not NULL is validated at once: nobody reads or writes {table} while all of it \
                         is read"
                    );
                    found.push(about(
                        event,
                        table,
                        column,
                        message,
                        with_its_key(history, table, column, in_steps(table, column)),
                    ));
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether PostgreSQL has been told, and has checked, that there is no NULL.
fn is_proven(history: &History<'_>, position: usize, table: &TableName, column: &ColumnName) -> bool {
    let says_so = |check: &&Check| {
        history.same(&check.table, table) && check.not_null.iter().any(|its| history.same_column(its, column))
    };
    let by_script = history.before(position).any(|event| match &event.act {
        Act::AddCheck(check) if says_so(&check) => {
            let validated = check.validated || is_validated(history, position, check);
            validated && !is_dropped(history, position, check)
        }
        _ => false,
    });
    let by_schema = history.known(table).is_some_and(|known| {
        let required = known
            .columns
            .iter()
            .any(|its| history.same_column(&its.name, column) && !its.nullable);
        required
            || known.checks.iter().any(|check| {
                let named = not_null(history.backend, &tokens(history.backend, &check.expression));
                let validated = !check.not_validated
                    || history.before(position).any(|event| match &event.act {
                        Act::Validate { table: on, name } => {
                            history.same(on, table) && check.name.as_ref().is_some_and(|its| its.as_str() == name)
                        }
                        _ => false,
                    });
                validated && named.iter().any(|its| history.same_column(its, column))
            })
    });
    by_script || by_schema
}

fn is_validated(history: &History<'_>, position: usize, check: &Check) -> bool {
    history.before(position).any(|event| match &event.act {
        Act::Validate { table, name } => {
            history.same(table, &check.table) && check.name.as_ref().is_none_or(|its| its == name)
        }
        _ => false,
    })
}

fn is_dropped(history: &History<'_>, position: usize, check: &Check) -> bool {
    history.before(position).any(|event| match &event.act {
        Act::DropConstraint { table, name } => {
            history.same(table, &check.table) && check.name.as_ref().is_some_and(|its| its == name)
        }
        _ => false,
    })
}

/// The statements that read the table while others write it.
fn in_steps(table: &TableName, column: &ColumnName) -> Fix {
    let backend = Backend::Postgres;
    let on = table_name(backend, table);
    let name = identifier(
        backend,
        &fitting(backend, format!("check-{}-{column}-not-null", table.name())),
    );
    let column = identifier(backend, column.as_str());
    Fix::Sql(format!(
        "ALTER TABLE {on} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n\
         ALTER TABLE {on} VALIDATE CONSTRAINT {name};\n\
         ALTER TABLE {on} ALTER COLUMN {column} SET NOT NULL;\n\
         ALTER TABLE {on} DROP CONSTRAINT {name};"
    ))
}

pub(super) fn check_before_backfill(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        Backend::Postgres => {}
        // There is no NOT VALID: a check that rows violate is refused.
        Backend::MySql | Backend::Sqlite => return found,
    }
    for (position, event) in history.to_existing() {
        let Act::AddCheck(check) = &event.act else {
            continue;
        };
        let filled = history.after(position).find_map(|later| match &later.act {
            Act::Update { table, columns, .. } if history.same(table, &check.table) => columns.iter().find(|column| {
                check
                    .words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(column.as_str()))
            }),
            _ => None,
        });
        if let Some(column) = filled {
            let table = &check.table;
            let message = format!(
                "{table}.{column} is checked before it is filled: until then every update of a row that is there fails"
            );
            let fix = Fix::Advice("ADD the check after the backfill has ended".to_owned());
            found.push(about(event, table, column, message, fix));
        }
    }
    found
}

pub(super) fn one_statement_backfill(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        Backend::Postgres | Backend::MySql => {}
        // It has one writer, whatever it does.
        Backend::Sqlite => return found,
    }
    for (position, event) in history.to_existing() {
        let Act::Update {
            table,
            columns,
            whole: true,
        } = &event.act
        else {
            continue;
        };
        let added = columns.iter().find(|column| {
            history.before(position).any(|before| match &before.act {
                Act::AddColumn {
                    table: on,
                    column: added,
                    ..
                } => before.judged && history.same(on, table) && history.same_column(added, column),
                _ => false,
            })
        });
        if let Some(column) = added {
            let message =
                format!("{table}.{column} is filled by one UPDATE: all rows of {table} are locked until it ends");
            let fix = Fix::Advice(
                "fill it in batches, each a range of the primary key and a transaction of its own, and in a migration of its own".to_owned(),
            );
            let fix = with_its_key(history, table, column, fix);
            found.push(about(event, table, column, message, fix));
        }
    }
    found
}
