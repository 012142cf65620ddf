//! MySQL's and MariaDB's errors, by number (MySQL manual, "Server Error Message Reference"; MariaDB, "Error Codes").

use sea_orm::sqlx::mysql::MySqlDatabaseError;

use super::driver::{DriverError, without_literals};
use super::{Direction, ErrorKind, RetryReason, TimeLimit};
use crate::name::{ColumnName, ConstraintName, Relation, TableName};

pub(super) fn classify(error: &MySqlDatabaseError) -> (ErrorKind, DriverError) {
    let number = error.number();
    let kind = kind(number, error.message());
    // Single quotes hold data in integrity and data errors and names elsewhere; backquotes hold names.
    let message = match kind {
        ErrorKind::Unique { .. } | ErrorKind::InvalidInput { .. } => without_literals(error.message(), '\''),
        _ => error.message().to_owned(),
    };
    (kind, DriverError::new(Some(number.to_string()), message))
}

fn kind(number: u16, message: &str) -> ErrorKind {
    match number {
        // 1022 and 1169 are the storage engines' own wording of 1062.
        1022 | 1062 | 1169 | 1586 => unique(message),
        1216 | 1452 => foreign_key(message, Direction::MissingParent),
        1217 | 1451 | 1761 | 1762 => foreign_key(message, Direction::StillReferenced),
        // 1048: NULL given; 1364: nothing given and no default.
        1048 | 1364 => match quoted(message) {
            Some(column) => ErrorKind::NotNull {
                table: None,
                column: ColumnName::new(column),
            },
            None => database(number),
        },
        // MariaDB: CONSTRAINT `name` failed for `db`.`table`. MySQL: Check constraint 'name' is violated.
        4025 => match backquoted(message).as_slice() {
            [name, .., table] => ErrorKind::Check {
                table: Some(TableName::new(*table)),
                name: ConstraintName::new(*name),
            },
            _ => database(number),
        },
        3819 => match quoted(message) {
            Some(name) => ErrorKind::Check {
                table: None,
                name: ConstraintName::new(name),
            },
            None => database(number),
        },
        1213 => ErrorKind::retryable(RetryReason::Deadlock),
        1205 => ErrorKind::retryable(RetryReason::LockWait),
        // MariaDB's innodb_snapshot_isolation: the row changed since this transaction's snapshot.
        1020 => ErrorKind::retryable(RetryReason::Serialization),
        3572 => ErrorKind::Timeout { limit: TimeLimit::Lock },
        // 3024: MySQL's max_execution_time; 1969: MariaDB's max_statement_time; 1317: KILL QUERY.
        1317 | 1969 | 3024 => ErrorKind::Timeout {
            limit: TimeLimit::Statement,
        },
        1040 | 1045 | 1049 | 1053 | 1129 | 1130 | 1152..=1161 | 1203 | 1226 | 1698 | 1927 | 2002..=2013 | 4031 => {
            ErrorKind::Connection
        }
        1264 | 1265 | 1292 | 1366 | 1406 | 1411 | 1690 => ErrorKind::InvalidInput {
            problem: "a value does not fit its column".to_owned(),
        },
        _ => database(number),
    }
}

fn database(number: u16) -> ErrorKind {
    ErrorKind::Database {
        code: Some(number.to_string()),
    }
}

/// `Duplicate entry 'ann' for key 'email'` (MySQL 8: `'users.email'`). The entry may hold quotes, so the key is what follows the
/// last but one of them. The index's columns are the catalog's to tell.
fn unique(message: &str) -> ErrorKind {
    let index = message
        .rsplit_once('\'')
        .and_then(|(rest, _)| rest.rsplit_once('\''))
        .map(|(_, index)| index);
    let (table, index) = match index.and_then(|index| index.split_once('.')) {
        Some((table, index)) => (Some(TableName::new(table)), Some(index)),
        None => (None, index),
    };
    ErrorKind::Unique {
        table,
        columns: Vec::new(),
        constraint: index.map(ConstraintName::new),
    }
}

/// ``(`db`.`posts`, CONSTRAINT `name` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE …)``
fn foreign_key(message: &str, direction: Direction) -> ErrorKind {
    ErrorKind::ForeignKey {
        relation: parse_relation(message),
        key: None,
        direction: Some(direction),
    }
}

fn parse_relation(message: &str) -> Option<Relation> {
    let (table, rest) = message.split_once("CONSTRAINT ")?;
    let (name, rest) = rest.split_once(" FOREIGN KEY (")?;
    let (columns, rest) = rest.split_once(") REFERENCES ")?;
    let (referenced, rest) = rest.split_once(" (")?;
    let (referenced_columns, _) = rest.split_once(')')?;
    let referenced_table = match backquoted(referenced).as_slice() {
        [table] => TableName::new(*table),
        [schema, table] => TableName::in_schema(*schema, *table),
        _ => return None,
    };
    Some(Relation {
        constraint: backquoted(name).first().map(|name| ConstraintName::new(*name)),
        table: TableName::new(*backquoted(table).last()?),
        columns: columns_of(columns),
        referenced_table,
        referenced_columns: columns_of(referenced_columns),
    })
}

fn columns_of(list: &str) -> Vec<ColumnName> {
    backquoted(list).into_iter().map(ColumnName::new).collect()
}

/// The names in backquotes.
fn backquoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The first name in single quotes.
fn quoted(text: &str) -> Option<&str> {
    text.split('\'').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_key_message_gives_the_whole_relation() {
        let relation = parse_relation(
            "Cannot add or update a child row: a foreign key constraint fails (`app`.`orders`, CONSTRAINT `fk-orders` \
             FOREIGN KEY (`tenant_id`, `user_id`) REFERENCES `users` (`tenant_id`, `id`) ON DELETE CASCADE)",
        );
        assert_eq!(
            relation.map(|r| r.to_string()).as_deref(),
            Some("orders.(tenant_id, user_id)")
        );
    }

    #[test]
    fn the_index_is_found_behind_an_entry_with_quotes() {
        let ErrorKind::Unique { constraint, table, .. } = kind(1062, "Duplicate entry 'o'brien' for key 'users.email'")
        else {
            unreachable_kind()
        };
        assert_eq!(constraint.map(|c| c.to_string()).as_deref(), Some("email"));
        assert_eq!(table.map(|t| t.to_string()).as_deref(), Some("users"));
    }

    fn unreachable_kind() -> ! {
        panic!("1062 is not classified as unique")
    }
}
