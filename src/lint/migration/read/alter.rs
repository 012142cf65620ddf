//! The actions of `ALTER TABLE`.

use super::super::act::{Act, Lock};
use super::constraint;
use super::cursor::Cursor;
use super::{exclusive, rename};
use crate::backend::Backend;
use crate::lex::{Token, between_commas};
use crate::name::TableName;

/// Reads what follows the table's name.
pub(super) fn read(cursor: &Cursor<'_, '_>, table: &TableName, acts: &mut Vec<Act>) {
    let actions = between_commas(cursor.rest);
    let alone = actions.len() == 1;
    let mut strongest: Option<Lock> = None;
    for action in actions {
        let mut action = Cursor::new(cursor.backend, action);
        strongest = strongest.max(lock(cursor.backend, &action));
        one(&mut action, table, alone, acts);
    }
    acts.extend(strongest.map(|lock| Act::Lock {
        table: table.clone(),
        lock,
    }));
}

/// The lock an action takes on its table, if that makes writers wait.
///
/// PostgreSQL, "ALTER TABLE": ACCESS EXCLUSIVE unless noted otherwise.
fn lock(backend: Backend, action: &Cursor<'_, '_>) -> Option<Lock> {
    let mut action = *action;
    match backend {
        Backend::Postgres => {}
        // A metadata lock, whatever is done after it.
        Backend::MySql => return Some(Lock::AccessExclusive),
        Backend::Sqlite => return None,
    }
    let weak = action.is("VALIDATE")
        || action.is("ATTACH")
        || action.is("CLUSTER")
        || action.is("RESET")
        || (action.is("DETACH") && action.has(&["CONCURRENTLY"]))
        || action.has(&["SET", "STATISTICS"])
        || (action.word("SET") && action.group().is_some());
    if weak {
        return None;
    }
    let triggers = (action.is("ENABLE") || action.is("DISABLE")) && action.has(&["TRIGGER"]);
    let key = action.is("ADD") && constraint::is_key(&action);
    Some(match triggers || key {
        true => Lock::ShareRowExclusive,
        false => Lock::AccessExclusive,
    })
}

fn one(action: &mut Cursor<'_, '_>, table: &TableName, alone: bool, acts: &mut Vec<Act>) {
    if action.word("ADD") {
        add(action, table, alone, acts);
    } else if action.word("DROP") {
        drop(action, table, acts);
    } else if action.words(&["VALIDATE", "CONSTRAINT"]) {
        acts.extend(action.name().map(|name| Act::Validate {
            table: table.clone(),
            name,
        }));
    } else if action.word("ALTER") {
        action.word("COLUMN");
        let column = action.column();
        if action.words(&["SET", "NOT", "NULL"]) {
            acts.extend(column.map(|column| Act::SetNotNull {
                table: table.clone(),
                column,
            }));
        }
    } else if action.word("RENAME") {
        if action.one_of(&["TO", "AS"]) {
            rename(Some(table.clone()), action.table(), acts);
        }
    } else if action.word("DISABLE") && (action.words(&["TRIGGER", "ALL"])) {
        acts.push(Act::Checks {
            on: false,
            how: "DISABLE TRIGGER ALL",
            table: Some(table.clone()),
        });
    } else if action.word("ENABLE") && (action.words(&["TRIGGER", "ALL"])) {
        acts.push(Act::Checks {
            on: true,
            how: "ENABLE TRIGGER ALL",
            table: Some(table.clone()),
        });
    }
}

fn add(action: &mut Cursor<'_, '_>, table: &TableName, alone: bool, acts: &mut Vec<Act>) {
    if constraint::read(action, table, alone, acts) {
        return;
    }
    let index = ["INDEX", "KEY", "FULLTEXT", "SPATIAL", "PARTITION", "PERIOD", "SYSTEM"];
    let is_name = action.rest.get(1).is_some_and(|token| token.is('('));
    if index.iter().any(|word| action.is(word)) && action.backend == Backend::MySql && !is_name {
        return;
    }
    action.word("COLUMN");
    action.if_exists();
    match action.group() {
        // MySQL's list of columns in one pair of parentheses.
        Some(columns) => {
            for column in between_commas(columns) {
                constraint::column(&mut Cursor::new(action.backend, column), table, acts);
            }
        }
        None => constraint::column(action, table, acts),
    }
}

fn drop(action: &mut Cursor<'_, '_>, table: &TableName, acts: &mut Vec<Act>) {
    if action.words(&["FOREIGN", "KEY"]) {
        action.if_exists();
        acts.push(Act::DropKey {
            table: table.clone(),
            name: action.name(),
        });
    } else if action.word("CONSTRAINT") {
        action.if_exists();
        acts.extend(action.name().map(|name| Act::DropConstraint {
            table: table.clone(),
            name,
        }));
    } else if !is_no_column(action) {
        action.word("COLUMN");
        action.if_exists();
        acts.extend(action.column().map(|column| Act::DropColumn {
            table: table.clone(),
            column,
        }));
    }
}

/// MySQL's other things that ALTER TABLE drops.
fn is_no_column(action: &Cursor<'_, '_>) -> bool {
    let words: &[&str] = match action.backend {
        Backend::Postgres | Backend::Sqlite => return false,
        Backend::MySql => &["INDEX", "KEY", "PRIMARY", "CHECK", "PARTITION", "PERIOD", "SYSTEM"],
    };
    words.iter().any(|word| action.is(word))
}

/// A lock on a table that a key references.
pub(super) fn on_referenced(backend: Backend, table: TableName) -> Option<Act> {
    match backend {
        Backend::Postgres => Some(Act::Lock {
            table,
            lock: Lock::ShareRowExclusive,
        }),
        Backend::MySql => Some(exclusive(table)),
        Backend::Sqlite => None,
    }
}

/// Whether a token begins a clause and ends what stands before it.
pub(super) fn is_clause(token: &Token<'_>) -> bool {
    let words = [
        "CONSTRAINT",
        "NOT",
        "NULL",
        "DEFAULT",
        "PRIMARY",
        "UNIQUE",
        "REFERENCES",
        "CHECK",
        "GENERATED",
        "COLLATE",
        "AS",
        "ON",
        "DEFERRABLE",
        "INITIALLY",
        "COMMENT",
        "AFTER",
        "FIRST",
    ];
    words.iter().any(|word| token.is_word(word))
}
