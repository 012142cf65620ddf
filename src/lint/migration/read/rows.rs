//! Statements about rows.

use super::super::act::Act;
use super::constraint::names_before;
use super::cursor::Cursor;
use crate::lex::{Token, between_commas};

/// Reads UPDATE, DELETE, INSERT and SELECT.
pub(super) fn read(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    if cursor.is("WITH") {
        with(cursor, acts);
    } else if cursor.word("UPDATE") {
        update(cursor, acts);
    } else if cursor.word("DELETE") {
        cursor.word("FROM");
        cursor.word("ONLY");
        let Some(table) = cursor.table() else {
            return;
        };
        acts.push(
            match cursor.has(&["WHERE"]) || cursor.has(&["LIMIT"]) || cursor.has(&["USING"]) {
                true => Act::Write { table },
                false => Act::Empty { table },
            },
        );
    } else if cursor.word("INSERT") || cursor.word("REPLACE") {
        if cursor.find("INTO") {
            cursor.step();
            acts.extend(cursor.table().map(|table| Act::Write { table }));
        }
    } else if cursor.is("SELECT") && is_anti_join(cursor) {
        acts.push(Act::Proof);
    }
}

/// The statement behind the common table expressions; where one of them writes, that counts too.
fn with(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    if is_anti_join(cursor) && !cursor.has(&["UPDATE"]) && !cursor.has(&["DELETE"]) {
        acts.push(Act::Proof);
        return;
    }
    let mut whole = *cursor;
    if whole.find("UPDATE") {
        whole.step();
        update(&mut whole, acts);
    }
}

/// A query that can list rows without a counterpart.
fn is_anti_join(cursor: &Cursor<'_, '_>) -> bool {
    let outer = cursor.has(&["LEFT", "JOIN"]) || cursor.has(&["LEFT", "OUTER", "JOIN"]);
    cursor.has(&["NOT", "EXISTS"]) || cursor.has(&["NOT", "IN"]) || (outer && cursor.has(&["IS", "NULL"]))
}

fn update(cursor: &mut Cursor<'_, '_>, acts: &mut Vec<Act>) {
    while cursor.one_of(&["ONLY", "LOW_PRIORITY", "IGNORE"]) {}
    let Some(table) = cursor.table() else {
        return;
    };
    if !cursor.find("SET") {
        return;
    }
    cursor.step();
    let ends = ["WHERE", "FROM", "ORDER", "LIMIT", "RETURNING"];
    let length = top_level(cursor.rest, |token| ends.iter().any(|word| token.is_word(word)));
    let (assigned, rest) = cursor.rest.split_at_checked(length).unwrap_or((cursor.rest, &[]));
    let rest = Cursor::new(cursor.backend, rest);
    acts.push(Act::Update {
        table,
        columns: assigned_columns(&rest, assigned),
        whole: is_whole(&rest),
    });
}

fn assigned_columns(cursor: &Cursor<'_, '_>, assigned: &[Token<'_>]) -> Vec<crate::name::ColumnName> {
    // SET (a, b) = (…)
    let mut list = Cursor::new(cursor.backend, assigned);
    match list.group() {
        Some(columns) => names_before(cursor.backend, columns),
        None => names_before(cursor.backend, assigned),
    }
}

/// Whether an UPDATE takes all its rows at once: there is no condition, or only that something is NULL, or is not.
fn is_whole(rest: &Cursor<'_, '_>) -> bool {
    let mut rest = *rest;
    if rest.has(&["LIMIT"]) {
        return false;
    }
    if !rest.find("WHERE") {
        return true;
    }
    rest.step();
    let end = top_level(rest.rest, |token| token.is_word("RETURNING") || token.is_word("ORDER"));
    let condition = rest.rest.get(..end).unwrap_or(rest.rest);
    between_ands(condition).into_iter().all(|part| match part {
        // IS NULL, and IS NOT NULL
        [.., is, null] => (is.is_word("IS") || is.is_word("NOT")) && null.is_word("NULL"),
        _ => false,
    })
}

/// How many tokens stand before the first in no parentheses that is one of these.
fn top_level(tokens: &[Token<'_>], ends: impl Fn(&Token<'_>) -> bool) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is('(') {
            depth += 1;
        } else if token.is(')') {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && ends(token) {
            return at;
        }
    }
    tokens.len()
}

fn between_ands<'t, 'a>(condition: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    // A comma in a condition is in parentheses.
    between_commas(condition)
        .into_iter()
        .flat_map(|part| part.split(|token| token.is_word("AND")))
        .collect()
}
