//! Columns and constraints, in `CREATE TABLE` and in `ALTER TABLE … ADD`.

use super::super::act::{Act, Check, Key, Value};
use super::alter::{is_clause, on_referenced};
use super::cursor::Cursor;
use crate::backend::Backend;
use crate::lex::{Kind, Token, between_commas};
use crate::name::{ColumnName, TableName};

/// The keys of a table that is being made: only whom they make wait is of interest.
pub(super) fn of_new_table(cursor: &mut Cursor<'_, '_>, table: &TableName, acts: &mut Vec<Act>) {
    let mut inner = Cursor::new(cursor.backend, cursor.group().unwrap_or_default());
    while inner.find("REFERENCES") {
        inner.step();
        let referenced = inner.table().filter(|referenced| referenced != table);
        acts.extend(referenced.and_then(|referenced| on_referenced(cursor.backend, referenced)));
    }
}

/// Whether what is added is a foreign key.
pub(super) fn is_key(action: &Cursor<'_, '_>) -> bool {
    let mut action = *action;
    action.word("ADD");
    named(&mut action);
    action.words(&["FOREIGN", "KEY"])
}

/// `CONSTRAINT name`, if it is next.
fn named(action: &mut Cursor<'_, '_>) -> Option<String> {
    let kinds = ["FOREIGN", "CHECK", "UNIQUE", "PRIMARY", "EXCLUDE"];
    if !action.word("CONSTRAINT") {
        return None;
    }
    action.if_exists();
    match kinds.iter().any(|kind| action.is(kind)) {
        true => None,
        false => action.name(),
    }
}

/// Reads a constraint of the table, if it is one that follows.
pub(super) fn read(action: &mut Cursor<'_, '_>, table: &TableName, alone: bool, acts: &mut Vec<Act>) -> bool {
    let name = named(action);
    if action.words(&["FOREIGN", "KEY"]) {
        action.if_exists();
        let name = match action.rest.first() {
            // MySQL's name of the index.
            Some(token) if !token.is('(') => name.or_else(|| action.name()),
            _ => name,
        };
        let columns = action.columns();
        if action.word("REFERENCES")
            && let Some(referenced) = action.table()
        {
            let key = Key {
                table: table.clone(),
                columns,
                referenced: referenced.clone(),
                referenced_columns: action.columns(),
                name,
                validated: !not_valid(action),
                alone,
            };
            acts.push(Act::AddKey(key));
            acts.extend(on_referenced(action.backend, referenced));
        }
    } else if action.word("CHECK") {
        let condition = action.group().unwrap_or_default();
        let validated = !not_valid(action);
        acts.push(Act::AddCheck(check(
            table,
            name,
            &Cursor::new(action.backend, condition),
            validated,
        )));
    } else if action.word("UNIQUE") || action.words(&["PRIMARY", "KEY"]) {
        if !action.has(&["USING", "INDEX"]) {
            while action.rest.first().is_some_and(|token| !token.is('(')) {
                action.step();
            }
            acts.push(Act::AddUnique {
                table: table.clone(),
                columns: action.columns(),
            });
        }
    } else {
        return name.is_some() || action.word("EXCLUDE");
    }
    true
}

fn not_valid(action: &Cursor<'_, '_>) -> bool {
    match action.backend {
        Backend::Postgres => action.has(&["NOT", "VALID"]) || action.has(&["NOT", "ENFORCED"]),
        Backend::MySql | Backend::Sqlite => false,
    }
}

fn check(table: &TableName, name: Option<String>, condition: &Cursor<'_, '_>, validated: bool) -> Check {
    let names = condition
        .rest
        .iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Name));
    Check {
        table: table.clone(),
        name,
        words: names.map(Token::name).collect(),
        not_null: not_null(condition.backend, condition.rest),
        validated,
    }
}

/// The columns that a condition says are not NULL.
pub(in super::super) fn not_null(backend: Backend, condition: &[Token<'_>]) -> Vec<ColumnName> {
    // One of two alternatives says nothing.
    if condition.iter().any(|token| token.is_word("OR")) {
        return Vec::new();
    }
    let columns = condition.windows(4).filter_map(|window| match window {
        [column, is, not, null] if is.is_word("IS") && not.is_word("NOT") && null.is_word("NULL") => {
            Cursor::new(backend, std::slice::from_ref(column)).column()
        }
        _ => None,
    });
    columns.collect()
}

/// Reads a column that is added.
pub(super) fn column(action: &mut Cursor<'_, '_>, table: &TableName, acts: &mut Vec<Act>) {
    let Some(name) = action.column() else {
        return;
    };
    let serial = ["SERIAL", "BIGSERIAL", "SMALLSERIAL"]
        .iter()
        .any(|word| action.is(word));
    let own = serial
        || action.has(&["GENERATED"])
        || action.has(&["AUTO_INCREMENT"])
        || (action.has(&["AS"]) && action.backend != Backend::Postgres);
    let mut default = false;
    let mut clauses = *action;
    if clauses.find("DEFAULT") {
        clauses.step();
        default = !clauses.is("NULL");
    }
    let value = if own || default { Value::Some } else { Value::None };
    acts.push(Act::AddColumn {
        table: table.clone(),
        column: name.clone(),
        value,
        not_null: action.has(&["NOT", "NULL"]) || action.has(&["PRIMARY", "KEY"]) || serial,
    });
    let mut references = *action;
    if references.find("REFERENCES") {
        references.step();
        if let Some(referenced) = references.table() {
            key_of_column(&references, table, name, referenced, value, acts);
        }
    }
}

/// `REFERENCES` behind a column that is added.
fn key_of_column(
    rest: &Cursor<'_, '_>,
    table: &TableName,
    column: ColumnName,
    referenced: TableName,
    value: Value,
    acts: &mut Vec<Act>,
) {
    let mut rest = *rest;
    let validated = match rest.backend {
        // A column of NULLs is not read (`transformAlterTableStmt` in PostgreSQL's source: "if the column has a non-null default, we
        // can't skip validation of foreign keys").
        Backend::Postgres => value == Value::Some,
        // MySQL before 9 takes no notice of it, and MariaDB reads the table.
        Backend::MySql => true,
        Backend::Sqlite => false,
    };
    acts.push(Act::AddKey(Key {
        table: table.clone(),
        columns: vec![column],
        referenced: referenced.clone(),
        referenced_columns: rest.columns(),
        name: None,
        validated,
        alone: false,
    }));
    acts.extend(on_referenced(rest.backend, referenced));
}

/// The lists between commas, each as far as its first clause; for what is assigned in an UPDATE.
pub(super) fn names_before<'t, 'a>(backend: Backend, list: &'t [Token<'a>]) -> Vec<ColumnName> {
    between_commas(list)
        .into_iter()
        .filter(|part| !part.first().is_some_and(is_clause))
        .filter_map(|part| {
            let mut part = Cursor::new(backend, part);
            // posts.user_id = …
            part.table().map(|name| ColumnName::new(name.name()))
        })
        .collect()
}
