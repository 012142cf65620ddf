//! Statements as [`Act`]s.
//!
//! # Invariants
//!
//! - Any text is read: what is not understood does nothing.

mod alter;
mod constraint;
mod cursor;
mod rows;
mod session;

use super::act::{Act, Lock};
use crate::backend::Backend;
use crate::lex::{Token, between_commas};
use crate::name::TableName;
use cursor::Cursor;

pub(super) use constraint::not_null;

/// What a statement does.
pub(super) fn acts(backend: Backend, tokens: &[Token<'_>]) -> Vec<Act> {
    let mut cursor = Cursor::new(backend, tokens);
    let mut acts = Vec::new();
    if cursor.word("ALTER") {
        alter(&mut cursor, &mut acts);
    } else if cursor.word("CREATE") {
        create(&mut cursor, &mut acts);
    } else if cursor.word("DROP") {
        drop(&mut cursor, &mut acts);
    } else if cursor.word("TRUNCATE") {
        cursor.word("TABLE");
        cursor.word("ONLY");
        for table in tables(&mut cursor) {
            acts.push(Act::Empty { table: table.clone() });
            acts.push(exclusive(table));
        }
    } else if cursor.words(&["RENAME", "TABLE"]) {
        for part in between_commas(cursor.rest) {
            let mut part = Cursor::new(backend, part);
            let table = part.table();
            part.word("TO");
            rename(table, part.table(), &mut acts);
        }
    } else if cursor.word("LOCK") {
        lock(&mut cursor, &mut acts);
    } else if cursor.is("CLUSTER") || cursor.is("VACUUM") {
        rewrite(&mut cursor, &mut acts);
    } else {
        session::read(&mut cursor, &mut acts);
        rows::read(&mut cursor, &mut acts);
    }
    acts
}

const fn exclusive(table: TableName) -> Act {
    Act::Lock {
        table,
        lock: Lock::AccessExclusive,
    }
}

/// The tables of a list. What follows the name in its part is no name.
fn tables(cursor: &mut Cursor<'_, '_>) -> Vec<TableName> {
    let parts = between_commas(cursor.rest).into_iter();
    parts
        .filter_map(|part| Cursor::new(cursor.backend, part).table())
        .collect()
}

fn rename(table: Option<TableName>, to: Option<TableName>, acts: &mut Vec<Act>) {
    if let (Some(table), Some(to)) = (table, to) {
        acts.push(exclusive(table.clone()));
        acts.push(Act::RenameTable { table, to });
    }
}

fn alter(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    cursor.word("ONLINE");
    cursor.word("IGNORE");
    if !cursor.word("TABLE") {
        return;
    }
    cursor.if_exists();
    cursor.word("ONLY");
    let Some(table) = cursor.table() else {
        return;
    };
    cursor.symbol('*');
    // MariaDB: how long this one statement waits.
    let bounded = cursor.word("NOWAIT") || cursor.word("WAIT");
    let before = acts.len();
    alter::read(cursor, &table, acts);
    if bounded {
        let added = acts.split_off(before);
        acts.extend(added.into_iter().filter(|act| !matches!(act, Act::Lock { .. })));
    }
}

fn create(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    cursor.words(&["OR", "REPLACE"]);
    let own = cursor.one_of(&["TEMP", "TEMPORARY"]);
    cursor.one_of(&["UNLOGGED", "GLOBAL", "LOCAL"]);
    if cursor.word("TABLE") {
        let perhaps = cursor.if_exists();
        let Some(table) = cursor.table() else {
            return;
        };
        acts.push(Act::CreateTable {
            table: table.clone(),
            perhaps: perhaps && !own,
        });
        constraint::of_new_table(cursor, &table, acts);
        return;
    }
    cursor.one_of(&["UNIQUE", "FULLTEXT", "SPATIAL"]);
    if cursor.word("INDEX") {
        let concurrently = cursor.word("CONCURRENTLY");
        cursor.if_exists();
        let name = if cursor.is("ON") { None } else { cursor.table() };
        if !cursor.find("ON") {
            return;
        }
        cursor.step();
        cursor.word("ONLY");
        let Some(table) = cursor.table() else {
            return;
        };
        while cursor.rest.first().is_some_and(|token| !token.is('(')) {
            cursor.step();
        }
        acts.push(Act::CreateIndex {
            table,
            columns: cursor.columns(),
            name: name.map(|name| name.name().to_owned()),
            concurrently,
        });
        return;
    }
    cursor.word("CONSTRAINT");
    if cursor.word("TRIGGER") && cursor.find("ON") {
        cursor.step();
        acts.extend(cursor.table().map(|table| Act::Lock {
            table,
            lock: Lock::ShareRowExclusive,
        }));
    }
}

fn drop(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    cursor.word("TEMPORARY");
    if cursor.word("TABLE") {
        cursor.if_exists();
        for table in tables(cursor) {
            acts.push(Act::DropTable { table: table.clone() });
            acts.push(exclusive(table));
        }
    } else if cursor.word("INDEX") && !cursor.is("CONCURRENTLY") && cursor.find("ON") {
        // MySQL says of which table; elsewhere it is not known whom it makes wait.
        cursor.step();
        acts.extend(cursor.table().map(exclusive));
    }
}

fn lock(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    match cursor.backend {
        Backend::Postgres => {}
        // MySQL's LOCK TABLES waits as an ALTER TABLE does, and holds the table as long as it is told to.
        Backend::MySql | Backend::Sqlite => return,
    }
    cursor.word("TABLE");
    cursor.word("ONLY");
    if cursor.has(&["NOWAIT"]) {
        // It has the lock or fails: what the transaction then does to the table waits for nobody.
        acts.push(Act::LockTimeout {
            scope: super::act::Scope::Transaction,
            bounded: true,
        });
        return;
    }
    let strong = !cursor.has(&["IN"]) || cursor.has(&["ACCESS", "EXCLUSIVE"]);
    let share = cursor.has(&["SHARE", "ROW", "EXCLUSIVE"]) || cursor.has(&["IN", "EXCLUSIVE"]);
    let lock = match (strong, share) {
        (true, _) => Lock::AccessExclusive,
        (false, true) => Lock::ShareRowExclusive,
        (false, false) => return,
    };
    for table in tables(cursor) {
        acts.push(Act::Lock { table, lock });
    }
}

/// What writes a whole table anew (PostgreSQL).
fn rewrite(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    let whole = cursor.is("CLUSTER") || cursor.has(&["FULL"]);
    cursor.step();
    cursor.group();
    while cursor.one_of(&["FULL", "FREEZE", "VERBOSE", "ANALYZE"]) {}
    acts.extend(cursor.table().filter(|_| whole).map(exclusive));
}
