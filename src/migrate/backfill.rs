//! [`Backfill`]: what rows that have no value yet get.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use sea_orm::Value;

use super::foreign_key::WritePath;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues, TableName};
use crate::schema::{Identity, Schema};

type Fill = dyn Fn(Batch) -> BoxFuture<'static, Result<Vec<Option<Vec<Value>>>>> + Send + Sync;

/// What rows that have no value yet get. What it yields is looked at before a row is changed: a row that would get nothing, or an owner
/// that is not there, is named and stops the change.
#[derive(Clone)]
#[non_exhaustive]
pub enum Backfill {
    /// An SQL expression over the row for each column, such as `1 + id % 1000` or `(SELECT MIN(id) FROM users)`. It is put into
    /// statements as it is.
    Sql(Vec<String>),
    /// A table that holds, for each row's key, its values.
    Mapping {
        /// The table.
        table: TableName,
        /// The row's columns, and the mapping table's that hold the same.
        on: Vec<(ColumnName, ColumnName)>,
        /// The mapping table's columns that hold the values.
        values: Vec<ColumnName>,
    },
    /// One owner for all.
    Owner(Vec<Value>),
    /// Code that is told the keys of some rows and returns the values of each, or nothing for a row it has none for.
    Rust(RustBackfill),
}

/// [`Backfill::with`].
#[derive(Clone)]
pub struct RustBackfill(pub(super) Arc<Fill>);

/// Some rows to be filled.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Batch {
    /// Their primary keys, in order.
    pub keys: Vec<KeyValues>,
    /// The transaction that fills them, to look up what is needed.
    pub connection: Connection,
}

impl Backfill {
    /// An SQL expression over the row.
    pub fn sql(expression: impl Into<String>) -> Self {
        Self::Sql(vec![expression.into()])
    }

    /// An SQL expression for each column of the key.
    pub fn sqls(expressions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Sql(expressions.into_iter().map(Into::into).collect())
    }

    /// What a table says: `Backfill::mapping("post_owners", [("id", "post_id")], ["user_id"])` gives a post the `user_id` of the row
    /// of `post_owners` whose `post_id` is the post's `id`.
    pub fn mapping(
        table: &str,
        on: impl IntoIterator<Item = (&'static str, &'static str)>,
        values: impl IntoIterator<Item = impl Into<ColumnName>>,
    ) -> Self {
        Self::Mapping {
            table: TableName::read(table).unwrap_or_else(|| TableName::new(table)),
            on: on
                .into_iter()
                .map(|(own, other)| (ColumnName::new(own), ColumnName::new(other)))
                .collect(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// One owner for all rows: its key, a value for each column. Text is read as the column's type asks.
    pub fn owner(key: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Self::Owner(key.into_iter().map(Into::into).collect())
    }

    /// Code that returns the values for each of some rows, in the order of their keys. It is called in the transaction that fills them,
    /// and again if that has to be run again.
    pub fn with<F, Fut>(fill: F) -> Self
    where
        F: Fn(Batch) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Option<Vec<Value>>>>> + Send + 'static,
    {
        Self::Rust(RustBackfill(Arc::new(move |batch| Box::pin(fill(batch)))))
    }

    /// Who can do for new rows what this does for old ones.
    pub(super) fn fitting_write_path(&self, schema: &Schema, table: &TableName) -> WritePath {
        match self {
            Self::Rust(_) => WritePath::Application,
            Self::Mapping { .. } => WritePath::Application,
            Self::Owner(_) => WritePath::Trigger,
            Self::Sql(expressions) => {
                // MySQL counts up after the triggers, which see 0.
                let counts_up = schema.table(table).and_then(|table| {
                    let mut columns = table.columns.iter();
                    columns.find(|column| column.identity == Some(Identity::AutoIncrement))
                });
                let uses = |column: &ColumnName| {
                    let words = |text: &str| {
                        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                        words.map(str::to_lowercase).collect::<Vec<_>>()
                    };
                    expressions
                        .iter()
                        .any(|text| words(text).contains(&column.as_str().to_lowercase()))
                };
                match counts_up {
                    Some(column) if schema.backend == Backend::MySql && uses(&column.name) => WritePath::Application,
                    _ => WritePath::Trigger,
                }
            }
        }
    }

    /// Refuses what has not as many values as the key has columns.
    pub(super) fn check(&self, columns: &[ColumnName]) -> Result<()> {
        let given = match self {
            Self::Sql(expressions) => expressions.len(),
            Self::Mapping { values, .. } => values.len(),
            Self::Owner(values) => values.len(),
            Self::Rust(_) => return Ok(()),
        };
        match given == columns.len() {
            true => Ok(()),
            false => Err(Error::invalid_input(format!(
                "the key has {} column(s) and the backfill gives {given} value(s)",
                columns.len()
            ))),
        }
    }
}

impl fmt::Debug for Backfill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(expressions) => f.debug_tuple("Sql").field(expressions).finish(),
            Self::Mapping { table, .. } => f.debug_tuple("Mapping").field(table).finish(),
            Self::Owner(_) => f.write_str("Owner(<hidden>)"),
            Self::Rust(_) => f.write_str("Rust"),
        }
    }
}

impl fmt::Debug for RustBackfill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RustBackfill")
    }
}
