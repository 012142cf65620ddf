//! Orphans page by page: what identifies a row, in which order rows come, and where the next page begins.

use std::fmt;

use sea_orm::{QueryResult, Value};

use super::sql::{Dangling, Lock};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues};
use crate::sql::{Keyset, Sql, column};

/// A place between two orphans of a key.
///
/// It holds the values of the row before it. `Debug` does not show them.
#[derive(Clone, PartialEq)]
pub struct Cursor {
    columns: Vec<ColumnName>,
    values: Vec<Value>,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor(<{} values hidden>)", self.values.len())
    }
}

/// How rows are told apart and put in order.
pub(super) struct Pages<'a> {
    dangling: Dangling<'a>,
    columns: &'a [ColumnName],
    identity: Identity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    PrimaryKey,
    /// Without a primary key, rows with the same reference are one.
    Reference,
}

/// One row of a page.
pub(super) struct Row {
    pub(super) key: KeyValues,
    pub(super) reference: KeyValues,
    /// The place behind it, unless its key's values cannot be compared.
    pub(super) place: Option<Cursor>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(dangling: Dangling<'a>) -> Self {
        let relation = &dangling.key.relation;
        let key = dangling
            .schema
            .table(&relation.table)
            .and_then(|table| table.primary_key.as_ref());
        let (columns, identity) = match key {
            Some(key) => (&key.columns, Identity::PrimaryKey),
            None => (&relation.columns, Identity::Reference),
        };
        Self {
            dangling,
            columns,
            identity,
        }
    }

    fn keyset(&self) -> Keyset<'_> {
        Keyset {
            backend: self.dangling.backend,
            table: self.dangling.schema.table(&self.dangling.key.relation.table),
            columns: self.columns,
        }
    }

    /// The orphans behind a place, in order.
    pub(super) fn statement(&self, rows: u64, after: Option<&Cursor>) -> Result<Sql> {
        let backend = self.dangling.backend;
        let table = &self.dangling.key.relation.table;
        let references = &self.dangling.key.relation.columns;
        let mut shown: Vec<_> = self
            .columns
            .iter()
            .chain(references)
            .map(|name| self.keyset().shown("c", name))
            .collect();
        if backend == Backend::Sqlite {
            let types = self.columns.iter();
            shown.extend(types.map(|name| format!("typeof({})", column(backend, "c", name))));
        }
        let mut sql = Sql::new(
            backend,
            format!(
                "SELECT {} FROM {} WHERE {}",
                shown.join(", "),
                self.dangling.from(table, "c"),
                self.dangling.violates("c", Lock::No)
            ),
        );
        if let Some(cursor) = after {
            if cursor.columns != self.columns {
                return Err(Error::invalid_input(format!(
                    "the cursor belongs to another table or key than {}: use it with the search it came from",
                    self.dangling.key.relation
                )));
            }
            sql.push(" AND ");
            self.keyset().push_behind(&mut sql, "c", &cursor.values);
        }
        let order = self.keyset().order("c");
        if self.identity == Identity::Reference {
            sql.push(&format!(" GROUP BY {order}"));
        }
        sql.push(&format!(" ORDER BY {order} LIMIT {rows}"));
        Ok(sql)
    }

    pub(super) fn row(&self, row: &QueryResult) -> Result<Row> {
        let references = &self.dangling.key.relation.columns;
        let mut texts: Vec<Option<String>> = Vec::new();
        for place in 0..self.columns.len() + references.len() {
            texts.push(row.try_get_by_index(place)?);
        }
        let (key, reference) = texts.split_at(self.columns.len());
        let shown = |columns: &[ColumnName], values: &[Option<String>]| {
            let values = values
                .iter()
                .map(|value| value.clone().unwrap_or_else(|| "NULL".to_owned()));
            KeyValues::new(columns.iter().cloned().zip(values))
        };
        let mut values = Some(Vec::new());
        for (place, (name, text)) in self.columns.iter().zip(key).enumerate() {
            let stored_as: Option<String> = match self.dangling.backend {
                Backend::Sqlite => row.try_get_by_index(texts.len() + place)?,
                Backend::Postgres | Backend::MySql => None,
            };
            let value = text
                .as_ref()
                .and_then(|text| self.keyset().comparable(name, text, stored_as.as_deref()));
            values = values.zip(value).map(|(mut values, value)| {
                values.push(value);
                values
            });
        }
        Ok(Row {
            key: shown(self.columns, key),
            reference: shown(references, reference),
            place: values.map(|values| Cursor {
                columns: self.columns.to_vec(),
                values,
            }),
        })
    }
}
