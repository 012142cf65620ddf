//! PostgreSQL's errors, by SQLSTATE (PostgreSQL manual, appendix A).

use sea_orm::sqlx::postgres::PgDatabaseError;

use super::driver::{DriverError, without_literals};
use super::{Direction, ErrorKind, RetryReason, TimeLimit};
use crate::name::{ColumnName, ConstraintName, KeyValues, Relation, TableName};

pub(super) fn classify(error: &PgDatabaseError) -> (ErrorKind, DriverError) {
    let code = error.code();
    let kind = kind(error);
    // Messages of class 22 (data exceptions) and of type conversion quote the value; the others quote names.
    let message = if code.starts_with("22") || code == "42804" || code == "23P01" {
        without_literals(error.message(), '"')
    } else {
        error.message().to_owned()
    };
    (kind, DriverError::new(Some(code.to_owned()), message))
}

fn kind(error: &PgDatabaseError) -> ErrorKind {
    let table = error.table().map(TableName::new);
    let constraint = error.constraint().map(ConstraintName::new);
    match error.code() {
        "23505" => ErrorKind::Unique {
            table,
            columns: detail_key(error).map_or_else(Vec::new, |key| key.columns().to_vec()),
            constraint,
        },
        // 23001 is what RESTRICT raises from PostgreSQL 18 on.
        "23503" | "23001" => foreign_key(error),
        "23502" => match error.column() {
            Some(column) => ErrorKind::NotNull {
                table,
                column: ColumnName::new(column),
            },
            None => database(error),
        },
        "23514" | "23P01" => match constraint {
            Some(name) => ErrorKind::Check { table, name },
            None => database(error),
        },
        "40001" => ErrorKind::retryable(RetryReason::Serialization),
        "40P01" => ErrorKind::retryable(RetryReason::Deadlock),
        "55P03" => ErrorKind::Timeout { limit: TimeLimit::Lock },
        "57014" => ErrorKind::Timeout {
            limit: TimeLimit::Statement,
        },
        "25P02" => ErrorKind::Aborted,
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "3D000" => ErrorKind::Connection,
        code if code.starts_with("08") || code.starts_with("28") => ErrorKind::Connection,
        code if code.starts_with("22") => ErrorKind::InvalidInput {
            problem: match error.column() {
                Some(column) => format!("{column} cannot hold the value"),
                None => "a value does not fit its column".to_owned(),
            },
        },
        _ => database(error),
    }
}

fn database(error: &PgDatabaseError) -> ErrorKind {
    ErrorKind::Database {
        code: Some(error.code().to_owned()),
    }
}

/// The referencing table and the constraint are fields of the error. The direction is in the words of the message, which follow
/// the server's `lc_messages`; the repository fills in what another language hides.
fn foreign_key(error: &PgDatabaseError) -> ErrorKind {
    let key = detail_key(error);
    let direction = if error.message().starts_with("insert or update on table") {
        Some(Direction::MissingParent)
    } else if error.message().starts_with("update or delete on table") {
        Some(Direction::StillReferenced)
    } else {
        None
    };
    let mentioned = error.detail().and_then(last_quoted).map(TableName::new);
    let relation = error.table().map(|table| {
        let columns = key.as_ref().map_or_else(Vec::new, |key| key.columns().to_vec());
        let (columns, referenced_columns) = match direction {
            Some(Direction::MissingParent) => (columns, Vec::new()),
            Some(Direction::StillReferenced) => (Vec::new(), columns),
            None => (Vec::new(), Vec::new()),
        };
        Relation {
            constraint: error.constraint().map(ConstraintName::new),
            table: TableName::new(table),
            columns,
            referenced_table: match direction {
                Some(Direction::MissingParent) => mentioned,
                Some(Direction::StillReferenced) => first_quoted(error.message()),
                None => None,
            }
            .unwrap_or_else(|| TableName::new("the referenced table")),
            referenced_columns,
        }
    });
    ErrorKind::ForeignKey {
        relation,
        key,
        direction,
    }
}

/// `Key (a, b)=(1, 2) …` in any language: the first two parenthesised lists, joined by `)=(`.
fn detail_key(error: &PgDatabaseError) -> Option<KeyValues> {
    parse_key(error.detail()?)
}

fn parse_key(detail: &str) -> Option<KeyValues> {
    let (before, after) = detail.split_once(")=(")?;
    let (_, columns) = before.split_once('(')?;
    let columns: Vec<_> = columns
        .split(", ")
        .map(|column| column.trim_matches('"').to_owned())
        .collect();
    // An expression's text is not a column's name.
    if columns.iter().any(|column| column.contains('(')) {
        return None;
    }
    // The list of values ends at the last parenthesis that a space or a full stop follows; the values may hold others.
    let end = after.rfind(')')?;
    let values = after.get(..end)?;
    let values: Vec<_> = if columns.len() == 1 {
        vec![values.to_owned()]
    } else {
        values.split(", ").map(str::to_owned).collect()
    };
    (columns.len() == values.len()).then(|| KeyValues::new(columns.into_iter().map(ColumnName::new).zip(values)))
}

/// The last name in double quotes: `… is not present in table "users".`
fn last_quoted(text: &str) -> Option<&str> {
    let (rest, _) = text.rsplit_once('"')?;
    rest.rsplit_once('"').map(|(_, name)| name)
}

/// `update or delete on table "users" violates …`: the referenced table is the first quoted name.
fn first_quoted(message: &str) -> Option<TableName> {
    message.split('"').nth(1).map(TableName::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(detail: &str) -> String {
        parse_key(detail).map_or_else(|| "nothing".to_owned(), |key| key.to_string())
    }

    #[test]
    fn details_give_their_key_in_any_language() {
        assert_eq!(
            key(r#"Key (user_id)=(20) is not present in table "users"."#),
            "user_id = 20"
        );
        assert_eq!(key("Key (a, b)=(1, 2) already exists."), "(a, b) = (1, 2)");
        assert_eq!(
            key("Schlüssel (user_id)=(20) ist nicht in Tabelle »users« vorhanden."),
            "user_id = 20"
        );
        assert_eq!(key("Key (lower(email))=(x) already exists."), "nothing");
        assert_eq!(key("Key (name)=(f(x)) already exists."), "name = f(x)");
    }
}
