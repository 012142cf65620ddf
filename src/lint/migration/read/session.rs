//! Transactions, and settings of the session.

use super::super::act::{Act, Scope};
use super::cursor::Cursor;
use crate::backend::Backend;
use crate::lex::Token;

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
                .and_then(|name| setting(cursor.backend, &name, "DEFAULT", Scope::Session)),
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
        acts.extend(setting(backend, &name, text(part.rest), scope));
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
    setting(backend, &name, text(value), scope)
}

/// A value without its quotes; nothing if there is none.
fn text<'a>(value: &[Token<'a>]) -> &'a str {
    match value.first() {
        Some(first) => first.text.trim_matches(['\'', '"']),
        None => "",
    }
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// The words for off.
const OFF: [&str; 4] = ["0", "OFF", "FALSE", "NO"];

fn setting(backend: Backend, name: &str, value: &str, scope: Scope) -> Option<Act> {
    let timeout = || Act::LockTimeout {
        scope,
        // Left to itself it is 0 on PostgreSQL, and a day or a year on MySQL.
        bounded: !is_one_of(value, &["", "0", "DEFAULT"]),
    };
    let checks = |on, how| Act::Checks { on, how, table: None };
    match backend {
        Backend::Postgres if is_one_of(name, &["lock_timeout", "statement_timeout"]) => Some(timeout()),
        Backend::Postgres if is_one_of(name, &["session_replication_role"]) => Some(checks(
            !is_one_of(value, &["replica"]),
            "session_replication_role = replica",
        )),
        Backend::MySql if is_one_of(name, &["lock_wait_timeout"]) => Some(timeout()),
        Backend::MySql if is_one_of(name, &["foreign_key_checks"]) => {
            Some(checks(!is_one_of(value, &OFF), "foreign_key_checks = 0"))
        }
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
                on: !is_one_of(text(value), &OFF),
                how: "PRAGMA foreign_keys = OFF",
                table: None,
            });
        }
    }
}
