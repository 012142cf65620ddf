//! Statements as text in the making: names quoted, values bound.

mod keyset;
mod typed;

use sea_orm::{Statement, Value};

use crate::backend::Backend;
use crate::ddl::{identifier, table_name};
use crate::name::{ColumnName, TableName};
use crate::schema::Schema;

pub(crate) use keyset::Keyset;
pub(crate) use typed::{Typed, typed};

/// A statement in the making.
pub(crate) struct Sql {
    backend: Backend,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(backend: Backend, text: impl Into<String>) -> Self {
        Self {
            backend,
            text: text.into(),
            values: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Binds a value and writes its placeholder, in a cast where the type would not follow from the place.
    pub(crate) fn bind(&mut self, value: Value, cast: Option<&str>) {
        self.values.push(value);
        let placeholder = match self.backend {
            Backend::Postgres => format!("${}", self.values.len()),
            Backend::MySql | Backend::Sqlite => "?".to_owned(),
        };
        match cast {
            Some(data_type) => self.push(&format!("CAST({placeholder} AS {data_type})")),
            None => self.push(&placeholder),
        }
    }

    /// Adds text with the placeholders of values of its own.
    pub(crate) fn push_with(&mut self, text: &str, values: &[Value]) {
        self.text.push_str(text);
        self.values.extend_from_slice(values);
    }

    /// The text, and what its placeholders stand for.
    pub(crate) fn into_parts(self) -> (String, Vec<Value>) {
        (self.text, self.values)
    }

    pub(crate) fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend.into(), self.text, self.values)
    }
}

/// A column behind its table's alias. Never without one: SQLite takes a quoted name that is no column for a string.
pub(crate) fn column(backend: Backend, alias: &str, column: &ColumnName) -> String {
    format!("{alias}.{}", identifier(backend, column.as_str()))
}

/// A table as a `FROM` clause names it.
///
/// A constraint of PostgreSQL's does not reach the tables that inherit; so a table that others inherit from is named with `ONLY`. For a
/// partitioned table, `ONLY` would leave nothing.
pub(crate) fn from_table(schema: &Schema, table: &TableName) -> String {
    let inherited = |other: &crate::schema::Table| other.options.inherits.contains(table);
    let only = schema.backend == Backend::Postgres && schema.tables.iter().any(inherited);
    format!(
        "{}{}",
        if only { "ONLY " } else { "" },
        table_name(schema.backend, table)
    )
}

/// A value of a column of this type as text, the way a person is shown it: bytes in hexadecimal.
pub(crate) fn shown(backend: Backend, data_type: Option<&str>, value: &str) -> String {
    match backend {
        Backend::Postgres => format!("CAST({value} AS text)"),
        Backend::MySql if data_type.is_some_and(is_binary) => format!("HEX({value})"),
        Backend::MySql => format!("CAST({value} AS CHAR)"),
        Backend::Sqlite => {
            format!("CASE typeof({value}) WHEN 'blob' THEN hex({value}) ELSE CAST({value} AS TEXT) END")
        }
    }
}

/// Whether a type of MySQL's holds bytes.
pub(crate) fn is_binary(data_type: &str) -> bool {
    let lower = data_type.to_ascii_lowercase();
    lower.contains("binary") || lower.contains("blob")
}
