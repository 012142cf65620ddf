//! Names as SQL has them.

use crate::backend::Backend;
use crate::name::{ColumnName, TableName};

/// A name in the engine's quotes.
pub(crate) fn identifier(backend: Backend, name: &str) -> String {
    match backend {
        Backend::Postgres | Backend::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        Backend::MySql => format!("`{}`", name.replace('`', "``")),
    }
}

/// A table's name in the engine's quotes, with its schema if it carries one.
pub(crate) fn table_name(backend: Backend, table: &TableName) -> String {
    let name = identifier(backend, table.name());
    match table.schema() {
        Some(schema) => format!("{}.{name}", identifier(backend, schema)),
        None => name,
    }
}

/// Columns in parentheses.
pub(crate) fn column_list(backend: Backend, columns: &[ColumnName]) -> String {
    let columns: Vec<_> = columns
        .iter()
        .map(|column| identifier(backend, column.as_str()))
        .collect();
    format!("({})", columns.join(", "))
}
