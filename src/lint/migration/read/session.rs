//! Transactions, and settings of the session.

use super::super::act::{Act, Scope};
use super::cursor::Cursor;
use crate::backend::Backend;
use crate::lex::{Kind, Token};

/// Reads BEGIN, COMMIT, SET and PRAGMA, and SELECT set_config.
pub(super) fn read(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    let mut first = *cursor;
    if first.word("BEGIN") || first.words(&["START", "TRANSACTION"]) {
        acts.push(Act::Begin);
    } else if first.word("COMMIT") || first.word("END") || (first.word("ROLLBACK") && !first.has(&["TO"])) {
        acts.push(Act::End);
    } else if first.word("SET") {
        set(&mut first, acts);
    } else if first.word("RESET") {
        acts.extend(
            first
                .name()
                .and_then(|name| setting(cursor.backend, &name, false, Scope::Session)),
        );
    } else if first.word("PRAGMA") {
        pragma(&mut first, acts);
    } else if first.is("SELECT") && first.find("set_config") {
        first.step();
        acts.extend(set_config(cursor.backend, first.group().unwrap_or_default()));
    }
}

fn set(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    let backend = cursor.backend;
    // MySQL sets several at once, and names the session before each.
    for part in crate::lex::between_commas(cursor.rest) {
        let mut part = Cursor::new(backend, part);
        let mut scope = Scope::Session;
        while part.symbol('@') {}
        if part.word("LOCAL") && backend == Backend::Postgres {
            scope = Scope::Transaction;
        }
        part.one_of(&["SESSION", "GLOBAL"]);
        part.symbol('.');
        let Some(name) = part.name() else {
            continue;
        };
        part.symbol(':');
        let _: bool = part.symbol('=') || part.word("TO");
        acts.extend(setting(backend, &name, is_positive(part.rest), scope));
    }
}

/// The three arguments of PostgreSQL's function.
fn set_config(backend: Backend, arguments: &[Token<'_>]) -> Option<Act> {
    let mut parts = crate::lex::between_commas(arguments).into_iter();
    let name = parts.next()?.first()?.name();
    let value = parts.next()?;
    let local = parts
        .next()
        .is_some_and(|part| part.iter().any(|token| token.is_word("true")));
    let scope = if local { Scope::Transaction } else { Scope::Session };
    setting(backend, &name, is_positive(value), scope)
}

/// Whether a value is something else than nothing and its like.
fn is_positive(value: &[Token<'_>]) -> bool {
    let nothing = ["0", "OFF", "FALSE", "NO", "DEFAULT", "replica"];
    let Some(first) = value.first() else {
        return false;
    };
    let text = match first.kind {
        Kind::Text | Kind::Name => first.text.trim_matches(['\'', '"']),
        Kind::Word | Kind::Symbol | Kind::Comment => first.text,
    };
    !nothing.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn setting(backend: Backend, name: &str, positive: bool, scope: Scope) -> Option<Act> {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    let checks = |how| Act::Checks {
        on: positive,
        how,
        table: None,
    };
    match backend {
        Backend::Postgres if is("lock_timeout") || is("statement_timeout") => Some(Act::LockTimeout {
            scope,
            bounded: positive,
        }),
        Backend::Postgres if is("session_replication_role") => Some(checks("session_replication_role = replica")),
        Backend::MySql if is("lock_wait_timeout") => Some(Act::LockTimeout {
            scope,
            bounded: positive,
        }),
        Backend::MySql if is("foreign_key_checks") => Some(checks("foreign_key_checks = 0")),
        Backend::Postgres | Backend::MySql | Backend::Sqlite => None,
    }
}

fn pragma(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    let Some(name) = cursor.name() else {
        return;
    };
    if name.eq_ignore_ascii_case("foreign_key_check") {
        acts.push(Act::Proof);
    } else if name.eq_ignore_ascii_case("foreign_keys") {
        let value = cursor.group();
        cursor.symbol('=');
        let value = value.unwrap_or(cursor.rest);
        if !value.is_empty() {
            acts.push(Act::Checks {
                on: is_positive(value),
                how: "PRAGMA foreign_keys = OFF",
                table: None,
            });
        }
    }
}
