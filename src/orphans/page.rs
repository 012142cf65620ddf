//! Orphans page by page: what identifies a row, in which order rows come, and where the next page begins.

use std::fmt;

use sea_orm::{QueryResult, Value};

use super::sql::{Dangling, Lock};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues};
use crate::schema::TypeKind;
use crate::sql::{Sql, column, is_binary, shown};

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

    /// The orphans behind a place, in order.
    pub(super) fn statement(&self, rows: u64, after: Option<&Cursor>) -> Result<Sql> {
        let backend = self.dangling.backend;
        let table = &self.dangling.key.relation.table;
        let references = &self.dangling.key.relation.columns;
        let mut shown: Vec<_> = self
            .columns
            .iter()
            .chain(references)
            .map(|name| self.shown(name))
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
            self.push_behind(&mut sql, cursor);
        }
        let order: Vec<_> = self.columns.iter().map(|name| column(backend, "c", name)).collect();
        let order = order.join(", ");
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
                .and_then(|text| self.comparable(name, text, stored_as.as_deref()));
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

    /// `a >= x AND (a > x OR (b >= y AND …))`: the first comparison is one an index can begin with.
    fn push_behind(&self, sql: &mut Sql, cursor: &Cursor) {
        let last = self.columns.len().saturating_sub(1);
        for (place, (name, value)) in self.columns.iter().zip(&cursor.values).enumerate() {
            let name_in_sql = column(self.dangling.backend, "c", name);
            let cast = self.cast(name);
            if place < last {
                sql.push(&format!("({name_in_sql} >= "));
                sql.bind(value.clone(), cast.as_deref());
                sql.push(" AND (");
            }
            sql.push(&format!("{name_in_sql} > "));
            sql.bind(value.clone(), cast.as_deref());
            if place < last {
                sql.push(" OR ");
            }
        }
        sql.push(&"))".repeat(last));
    }

    fn data_type(&self, name: &ColumnName) -> Option<&'a str> {
        let table = self.dangling.schema.table(&self.dangling.key.relation.table)?;
        Some(table.column(name)?.data_type.as_str())
    }

    /// A column's value as text.
    fn shown(&self, name: &ColumnName) -> String {
        let backend = self.dangling.backend;
        shown(backend, self.data_type(name), &column(backend, "c", name))
    }

    /// A shown value as one that compares with the column as the column's values do with each other.
    fn comparable(&self, name: &ColumnName, text: &str, stored_as: Option<&str>) -> Option<Value> {
        match self.dangling.backend {
            Backend::Postgres => self.data_type(name).map(|_| text.into()),
            Backend::MySql => match self.data_type(name)? {
                binary if is_binary(binary) => from_hex(text).map(Value::from),
                data_type if !is_compared_as_text(data_type) => None,
                _ => Some(text.into()),
            },
            Backend::Sqlite => match stored_as? {
                "integer" => text.parse::<i64>().ok().map(Value::from),
                "text" => Some(text.into()),
                "blob" => from_hex(text).map(Value::from),
                _ => None,
            },
        }
    }

    /// The type a cursor's value is cast to.
    fn cast(&self, name: &ColumnName) -> Option<String> {
        let data_type = self.data_type(name)?;
        match self.dangling.backend {
            Backend::Postgres => Some(data_type.to_owned()),
            Backend::Sqlite => None,
            // A number compared with text is compared as a floating-point number, unless the engine sees that the text is constant.
            Backend::MySql => match TypeKind::of(Backend::MySql, data_type) {
                TypeKind::Integer { unsigned: true, .. } => Some("UNSIGNED".to_owned()),
                TypeKind::Integer { unsigned: false, .. } => Some("SIGNED".to_owned()),
                TypeKind::Text | TypeKind::Uuid | TypeKind::Other => {
                    let decimal = data_type.to_ascii_lowercase();
                    let first = decimal.split(' ').next().unwrap_or_default();
                    first.starts_with("decimal").then(|| first.to_owned())
                }
            },
        }
    }
}

/// Whether MySQL compares and sorts values of the type as it compares them with text, or with text that is cast.
fn is_compared_as_text(data_type: &str) -> bool {
    let lower = data_type.to_ascii_lowercase();
    let name = lower.split(['(', ' ']).next().unwrap_or_default();
    !matches!(name, "enum" | "set" | "bit" | "float" | "double" | "real")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        })
        .collect()
}
