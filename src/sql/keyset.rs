//! [`Keyset`]: the columns that put a table's rows in order, as text, and as values to compare with.

use sea_orm::Value;

use super::{Sql, column, is_binary};
use crate::backend::Backend;
use crate::name::ColumnName;
use crate::schema::{Schema, Table, TypeKind};

/// Columns that put a table's rows in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keyset<'a> {
    pub(crate) backend: Backend,
    pub(crate) table: Option<&'a Table>,
    pub(crate) columns: &'a [ColumnName],
}

/// On which side of a row others are.
#[derive(Clone, Copy)]
enum Side {
    Behind,
    UpTo,
}

impl<'a> Keyset<'a> {
    /// A table's primary key; nothing for a table without one.
    pub(crate) fn primary(schema: &Schema, table: &'a Table) -> Option<Self> {
        table.primary_key.as_ref().map(|key| Self {
            backend: schema.backend,
            table: Some(table),
            columns: &key.columns,
        })
    }

    /// `ORDER BY` what.
    pub(crate) fn order(&self, alias: &str) -> String {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|name| column(self.backend, alias, name))
            .collect();
        columns.join(", ")
    }

    /// Writes the condition for rows behind this one. `a >= x AND (a > x OR (b > y))`: the first comparison is one an index can begin with.
    pub(crate) fn push_behind(&self, sql: &mut Sql, alias: &str, values: &[Value]) {
        self.push_side(sql, alias, values, Side::Behind);
    }

    /// Writes the condition for this row and those before it.
    pub(crate) fn push_up_to(&self, sql: &mut Sql, alias: &str, values: &[Value]) {
        self.push_side(sql, alias, values, Side::UpTo);
    }

    /// Writes the condition for this row alone.
    pub(crate) fn push_equal(&self, sql: &mut Sql, alias: &str, values: &[Value]) {
        for (place, (name, value)) in self.columns.iter().zip(values).enumerate() {
            sql.push(if place > 0 { " AND " } else { "" });
            sql.push(&format!("{} = ", column(self.backend, alias, name)));
            sql.bind(value.clone(), self.cast(name).as_deref());
        }
    }

    fn push_side(&self, sql: &mut Sql, alias: &str, values: &[Value], side: Side) {
        let (loose, strict, last_one) = match side {
            Side::Behind => (">=", ">", ">"),
            Side::UpTo => ("<=", "<", "<="),
        };
        let last = self.columns.len().saturating_sub(1);
        for (place, (name, value)) in self.columns.iter().zip(values).enumerate() {
            let name_in_sql = column(self.backend, alias, name);
            let cast = self.cast(name);
            if place < last {
                sql.push(&format!("({name_in_sql} {loose} "));
                sql.bind(value.clone(), cast.as_deref());
                sql.push(&format!(" AND ({name_in_sql} {strict} "));
            } else {
                sql.push(&format!("{name_in_sql} {last_one} "));
            }
            sql.bind(value.clone(), cast.as_deref());
            if place < last {
                sql.push(" OR ");
            }
        }
        sql.push(&"))".repeat(last));
    }

    fn data_type(&self, name: &ColumnName) -> Option<&'a str> {
        Some(self.table?.column(name)?.data_type.as_str())
    }

    /// A column's value as text.
    pub(crate) fn shown(&self, alias: &str, name: &ColumnName) -> String {
        super::shown(self.backend, self.data_type(name), &column(self.backend, alias, name))
    }

    /// A shown value as one that compares with the column as the column's values do with each other. SQLite must say what it is
    /// stored as.
    pub(crate) fn comparable(&self, name: &ColumnName, text: &str, stored_as: Option<&str>) -> Option<Value> {
        match self.backend {
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

    /// The type a value is cast to.
    fn cast(&self, name: &ColumnName) -> Option<String> {
        let data_type = self.data_type(name)?;
        match self.backend {
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
