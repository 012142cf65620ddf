//! [`Reason`]: why a key cannot be checked.

use std::error::Error as _;
use std::fmt;

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{DriverError, Error, Result};
use crate::introspect;
use crate::name::{ColumnName, TableName};
use crate::schema::{ForeignKey, Match, Schema, TypeKind};

/// Why a key cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A table is not there.
    TableMissing {
        /// The table.
        table: TableName,
    },
    /// A column is not there.
    ColumnMissing {
        /// The table.
        table: TableName,
        /// The column.
        column: ColumnName,
    },
    /// A referencing and a referenced column have types that cannot be compared.
    TypesDiffer {
        /// The referencing column, behind its table's name.
        column: String,
        /// Its type.
        data_type: String,
        /// The referenced column, behind its table's name.
        referenced_column: String,
        /// Its type.
        referenced_type: String,
    },
    /// The role may not read one of the tables.
    NotPermitted,
    /// The key is MATCH PARTIAL, which no engine has.
    MatchPartial,
    /// The database refused the question for another reason.
    Refused {
        /// The database's words.
        message: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableMissing { table } => {
                write!(f, "there is no table {table}: create it, or remove the foreign key")
            }
            Self::ColumnMissing { table, column } => {
                write!(f, "{table} has no column {column}: add it, or remove the foreign key")
            }
            Self::TypesDiffer {
                column,
                data_type,
                referenced_column,
                referenced_type,
            } => write!(
                f,
                "{column} is {data_type} and {referenced_column} is {referenced_type}, which cannot be compared: give both one type"
            ),
            Self::NotPermitted => f.write_str("the role may not read one of the tables: grant it SELECT on both"),
            Self::MatchPartial => f.write_str("no engine has MATCH PARTIAL: declare MATCH SIMPLE or MATCH FULL"),
            Self::Refused { message } => write!(f, "the database refused: {message}"),
        }
    }
}

/// What the schema tells without asking the database.
pub(super) fn beforehand(backend: Backend, schema: &Schema, key: &ForeignKey) -> Result<Option<Reason>> {
    let relation = &key.relation;
    if relation.columns.is_empty() || relation.columns.len() != relation.referenced_columns.len() {
        return Err(Error::invalid_input(format!(
            "the foreign key of {} has {} column(s) and references {}: take it from a schema",
            relation.table,
            relation.columns.len(),
            relation.referenced_columns.len()
        )));
    }
    if key.matching == Match::Partial {
        return Ok(Some(Reason::MatchPartial));
    }
    let mut types = Vec::new();
    for (table, columns) in [
        (&relation.table, &relation.columns),
        (&relation.referenced_table, &relation.referenced_columns),
    ] {
        // A table the schema does not have may still be there: the database is asked.
        let Some(known) = schema.table(table) else {
            continue;
        };
        for column in columns {
            match known.column(column) {
                Some(found) => types.push(found.data_type.as_str()),
                None if backend == Backend::Sqlite && column.as_str().eq_ignore_ascii_case("rowid") => {
                    types.push("integer");
                }
                None => {
                    return Ok(Some(Reason::ColumnMissing {
                        table: table.clone(),
                        column: column.clone(),
                    }));
                }
            }
        }
    }
    if types.len() != 2 * relation.columns.len() {
        return Ok(None);
    }
    let (own, referenced) = types.split_at(relation.columns.len());
    let names = relation.columns.iter().zip(&relation.referenced_columns);
    for ((data_type, referenced_type), (column, referenced_column)) in own.iter().zip(referenced).zip(names) {
        if !comparable(backend, data_type, referenced_type) {
            return Ok(Some(Reason::TypesDiffer {
                column: format!("{}.{column}", relation.table),
                data_type: (*data_type).to_owned(),
                referenced_column: format!("{}.{referenced_column}", relation.referenced_table),
                referenced_type: (*referenced_type).to_owned(),
            }));
        }
    }
    Ok(None)
}

/// Whether comparing the two means anything. PostgreSQL refuses; MySQL takes `'17b' = 17` for true; SQLite's constraints convert, and so
/// does its comparison.
fn comparable(backend: Backend, a: &str, b: &str) -> bool {
    use TypeKind::{Integer, Text, Uuid};
    match (TypeKind::of(backend, a), TypeKind::of(backend, b)) {
        (Integer { .. }, Text | Uuid) | (Text | Uuid, Integer { .. }) => backend == Backend::Sqlite,
        (Text, Uuid) | (Uuid, Text) => backend != Backend::Postgres,
        _ => true,
    }
}

/// What a refused question says about the key; nothing if it says nothing about it.
pub(super) async fn of_error(connection: &Connection, key: &ForeignKey, error: &Error) -> Result<Option<Reason>> {
    let Some(driver) = error.source().and_then(|source| source.downcast_ref::<DriverError>()) else {
        return Ok(None);
    };
    let message = driver.to_string();
    let refused = || {
        Some(Reason::Refused {
            message: message.clone(),
        })
    };
    Ok(match (connection.backend(), driver.code().unwrap_or_default()) {
        (Backend::Postgres, "42P01" | "3F000") | (Backend::MySql, "1146" | "1049") => {
            missing_table(connection, key).await?.or_else(refused)
        }
        (Backend::Sqlite, "1") if message.starts_with("no such table") => {
            missing_table(connection, key).await?.or_else(refused)
        }
        (Backend::Sqlite, "1") if message.starts_with("no such column") => refused(),
        (Backend::Postgres, "42501") | (Backend::MySql, "1044" | "1142" | "1143" | "1370") => {
            Some(Reason::NotPermitted)
        }
        // No such column; no operator for these types; collations that do not go together.
        (Backend::Postgres, "42703" | "42883" | "42804" | "42P21" | "42P22") | (Backend::MySql, "1054" | "1267") => {
            refused()
        }
        _ => None,
    })
}

async fn missing_table(connection: &Connection, key: &ForeignKey) -> Result<Option<Reason>> {
    let asked = [key.relation.table.clone(), key.relation.referenced_table.clone()];
    let existing = introspect::existing(connection, &asked).await?;
    Ok(asked
        .into_iter()
        .find(|table| !existing.contains(table))
        .map(|table| Reason::TableMissing { table }))
}
