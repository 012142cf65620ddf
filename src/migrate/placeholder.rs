//! What stands for "no value yet" in a column that MySQL is given as NOT NULL from the start.
//!
//! InnoDB makes a nullable column NOT NULL by building the table anew (MySQL, "Online DDL Operations", column operations; MariaDB,
//! "InnoDB Online DDL Operations with the INPLACE Alter Algorithm"), and whoever wants the table waits while the new one takes the place of
//! the old: the longer the larger it is. A column that is added as NOT NULL with a default is there at once, and its default is dropped at once.
//! So a new required column begins with a value that no referenced row has, and rows that have it are looked at as rows without a value.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::name::ColumnName;
use crate::schema::{ForeignKey, Schema, Table, TypeKind};
use crate::sql::{column, from_table};

/// For some columns, the literal that stands for no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Placeholders(BTreeMap<String, String>);

impl Placeholders {
    /// One for each of the columns that are to be added; none at all if the table has to be built anew in any case, if one of the types has
    /// none, or if a referenced row has one for a key.
    pub(super) async fn choose(
        connection: &Connection,
        schema: &Schema,
        key: &ForeignKey,
        missing: &[crate::schema::Column],
    ) -> Result<Self> {
        let relation = &key.relation;
        let (Some(table), Some(referenced)) = (schema.table(&relation.table), schema.table(&relation.referenced_table))
        else {
            return Ok(Self::default());
        };
        let is_nullable = |name| table.column(name).is_some_and(|column| column.nullable);
        if schema.backend != Backend::MySql || relation.columns.iter().any(is_nullable) {
            return Ok(Self::default());
        }
        let mut chosen = BTreeMap::new();
        for new in missing {
            let place = relation.columns.iter().position(|name| *name == new.name);
            let Some(other) = place.and_then(|place| relation.referenced_columns.get(place)) else {
                return Ok(Self::default());
            };
            let Some(literal) = placeholder(&new.data_type) else {
                return Ok(Self::default());
            };
            if is_taken(connection, schema, referenced, other, &literal).await? {
                return Ok(Self::default());
            }
            chosen.insert(new.name.as_str().to_owned(), literal);
        }
        Ok(Self(chosen))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The literal that stands for no value in this column.
    pub(super) fn of(&self, name: &ColumnName) -> Option<&str> {
        self.0.get(name.as_str()).map(String::as_str)
    }

    /// The condition that a column, written as `own`, has no value.
    pub(super) fn lacks(&self, name: &ColumnName, own: &str) -> String {
        match self.of(name) {
            Some(literal) => format!("({own} IS NULL OR {own} = {literal})"),
            None => format!("{own} IS NULL"),
        }
    }

    /// The condition that a column, written as `own`, has a value.
    pub(super) fn has(&self, name: &ColumnName, own: &str) -> String {
        match self.of(name) {
            Some(literal) => format!("({own} IS NOT NULL AND {own} <> {literal})"),
            None => format!("{own} IS NOT NULL"),
        }
    }

    /// The value of a column, written as `own`, or NULL.
    pub(super) fn value(&self, name: &ColumnName, own: &str) -> String {
        match self.of(name) {
            Some(literal) => format!("NULLIF({own}, {literal})"),
            None => own.to_owned(),
        }
    }

    /// What a column is given if there is no value for it, behind the other arguments of COALESCE: it must not be NULL.
    pub(super) fn instead(&self, name: &ColumnName, table: &Table) -> String {
        let is_nullable = table.column(name).is_some_and(|column| column.nullable);
        match self.of(name) {
            Some(literal) if !is_nullable => format!(", {literal}"),
            Some(_) | None => String::new(),
        }
    }
}

/// The value that stands for none in a column of this type.
fn placeholder(data_type: &str) -> Option<String> {
    let lower = data_type.to_ascii_lowercase();
    if let Some(length) = lower.strip_prefix("binary(").and_then(|rest| rest.strip_suffix(')')) {
        let bytes = length.parse::<usize>().ok().filter(|bytes| *bytes <= 64)?;
        return Some(format!("X'{}'", "00".repeat(bytes)));
    }
    match TypeKind::of(Backend::MySql, data_type) {
        TypeKind::Integer { .. } => Some("0".to_owned()),
        // The others take no literal for a default.
        TypeKind::Text if lower.contains("char") => Some("''".to_owned()),
        TypeKind::Uuid => Some("'00000000-0000-0000-0000-000000000000'".to_owned()),
        TypeKind::Text | TypeKind::Other => None,
    }
}

async fn is_taken(
    connection: &Connection,
    schema: &Schema,
    referenced: &Table,
    name: &ColumnName,
    literal: &str,
) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM {} AS p WHERE {} = {literal} LIMIT 1",
        from_table(schema, &referenced.name),
        column(schema.backend, "p", name)
    );
    let asked = Statement::from_string(connection.get_database_backend(), sql);
    Ok(connection.query_one_raw(asked).await?.is_some())
}
