//! SQLite's errors, by extended result code (SQLite, "Result and Error Codes").

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::sqlite::SqliteError;

use super::driver::DriverError;
use super::{Direction, ErrorKind, RetryReason};
use crate::name::{ColumnName, ConstraintName, TableName};

/// What SQLite says of a foreign key, whichever it is.
const FOREIGN_KEY_MESSAGE: &str = "FOREIGN KEY constraint failed";

pub(super) fn classify(error: &SqliteError) -> (ErrorKind, DriverError) {
    let code = DatabaseError::code(error).map(std::borrow::Cow::into_owned);
    let number = code.as_deref().and_then(|code| code.parse().ok()).unwrap_or(0);
    let message = DatabaseError::message(error);
    (kind(number, message), DriverError::new(code, message))
}

fn kind(code: u32, message: &str) -> ErrorKind {
    match code {
        // CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY, CONSTRAINT_ROWID.
        2067 | 1555 | 2579 => unique(message),
        787 => ErrorKind::foreign_key_unknown(),
        // CONSTRAINT_TRIGGER: RAISE() in a trigger, and ON DELETE RESTRICT, which SQLite builds as one.
        1811 if message == FOREIGN_KEY_MESSAGE => ErrorKind::ForeignKey {
            relation: None,
            key: None,
            direction: Some(Direction::StillReferenced),
        },
        1299 => match column_of(message) {
            Some((table, column)) => ErrorKind::NotNull {
                table: Some(table),
                column,
            },
            None => database(code),
        },
        275 => match after_colon(message) {
            Some(name) => ErrorKind::Check {
                table: None,
                name: ConstraintName::new(name),
            },
            None => database(code),
        },
        // The primary code is the low byte.
        _ => match code & 0xff {
            5 | 6 => ErrorKind::retryable(RetryReason::Busy),
            // IOERR, CANTOPEN, NOTADB.
            10 | 14 | 26 => ErrorKind::Connection,
            // TOOBIG, MISMATCH.
            18 | 20 => ErrorKind::InvalidInput {
                problem: "a value does not fit its column".to_owned(),
            },
            _ => database(code),
        },
    }
}

fn database(code: u32) -> ErrorKind {
    ErrorKind::Database {
        code: Some(code.to_string()),
    }
}

/// `UNIQUE constraint failed: orders.tenant_id, orders.number`, or `…: index 'name'` for an index on expressions.
fn unique(message: &str) -> ErrorKind {
    let list = after_colon(message).unwrap_or_default();
    if let Some(index) = list.strip_prefix("index '") {
        return ErrorKind::Unique {
            table: None,
            columns: Vec::new(),
            constraint: Some(ConstraintName::new(index.trim_end_matches('\''))),
        };
    }
    let mut table = None;
    let mut columns = Vec::new();
    for name in list.split(", ") {
        if let Some((of, column)) = name.split_once('.') {
            table = Some(TableName::new(of));
            columns.push(ColumnName::new(column));
        }
    }
    ErrorKind::Unique {
        table,
        columns,
        constraint: None,
    }
}

fn column_of(message: &str) -> Option<(TableName, ColumnName)> {
    let (table, column) = after_colon(message)?.split_once('.')?;
    Some((TableName::new(table), ColumnName::new(column)))
}

fn after_colon(message: &str) -> Option<&str> {
    message.split_once(": ").map(|(_, rest)| rest)
}
