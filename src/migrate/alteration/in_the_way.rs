//! Rows that a change would fail at, or quietly change: they are named, and nothing is done.

use sea_orm::ConnectionTrait;

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues, TableName};
use crate::schema::{Column, Schema, Table, TypeKind};
use crate::sql::{Sql, column, from_table};

/// Rows that an error names.
const SHOWN: usize = 5;

pub(super) async fn look(connection: &Connection, table: &TableName, live: &Schema, goal: &Schema) -> Result<()> {
    let (Some(from), Some(to)) = (live.table(table), goal.table(table)) else {
        return Ok(());
    };
    let rows = Rows {
        connection,
        live,
        table: from,
    };
    for wanted in &to.columns {
        let name = format!("{}.{}", to.name, wanted.name);
        match from.column(&wanted.name) {
            // The engine would fail, or, MySQL, make up a value.
            None if !wanted.nullable && !has_value(wanted) => {
                rows.refuse("1 = 1", |found| {
                    format!("{name} is required and has no default, and {found}: give it a default, or add it nullable, fill it, and \
                         then require it")
                })
                .await?;
            }
            None => {}
            Some(known) => {
                if known.nullable && !wanted.nullable {
                    let empty = format!("{} IS NULL", rows.column(&known.name));
                    rows.refuse(&empty, |found| {
                        format!("{name} is to be required and has no value, and {found}: give them one by an UPDATE before this")
                    })
                    .await?;
                }
                if let Some(length) = shorter(connection.backend(), known, wanted) {
                    let longer = format!("CHAR_LENGTH({}) > {length}", rows.column(&known.name));
                    let longer = match connection.backend() {
                        Backend::Sqlite => longer.replace("CHAR_LENGTH", "LENGTH"),
                        Backend::Postgres | Backend::MySql => longer,
                    };
                    rows.refuse(&longer, |found| {
                        format!("{name} is to hold {length} character(s) and holds more, and {found}: shorten them before this")
                    })
                    .await?;
                }
            }
        }
    }
    Ok(())
}

const fn has_value(column: &Column) -> bool {
    column.default.is_some() || column.generated.is_some() || column.identity.is_some()
}

/// How many characters a text may have, if that becomes fewer. PostgreSQL would cut it off.
fn shorter(backend: Backend, from: &Column, to: &Column) -> Option<u64> {
    let is_text = |column: &Column| TypeKind::of(backend, &column.data_type) == TypeKind::Text;
    let length = |column: &Column| {
        let (_, inner) = column.data_type.split_once('(')?;
        inner.split_once(')')?.0.trim().parse::<u64>().ok()
    };
    if !is_text(from) || !is_text(to) {
        return None;
    }
    let wanted = length(to)?;
    length(from).is_none_or(|known| known > wanted).then_some(wanted)
}

struct Rows<'a> {
    connection: &'a Connection,
    live: &'a Schema,
    table: &'a Table,
}

impl Rows<'_> {
    fn column(&self, name: &ColumnName) -> String {
        column(self.connection.backend(), "r", name)
    }

    /// Fails if there are rows of which the condition is true; what it says is told how many, and which.
    async fn refuse(&self, condition: &str, problem: impl FnOnce(&str) -> String) -> Result<()> {
        let backend = self.connection.backend();
        let from = format!(
            "FROM {} AS r WHERE {condition}",
            from_table(self.live, &self.table.name)
        );
        let count = Sql::new(backend, format!("SELECT COUNT(*) {from}")).statement();
        let rows: i64 = match self.connection.query_one_raw(count).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        if rows == 0 {
            return Ok(());
        }
        let mut found = format!("there are {rows} such row(s)");
        let keys = self.keys(&from).await?;
        if !keys.is_empty() {
            found.push_str(", among them ");
            found.push_str(&keys.join("; "));
        }
        Err(Error::invalid_input(format!(
            "nothing was changed: {}",
            problem(&found)
        )))
    }

    async fn keys(&self, from: &str) -> Result<Vec<String>> {
        let backend = self.connection.backend();
        let Some(key) = &self.table.primary_key else {
            return Ok(Vec::new());
        };
        let text = match backend {
            Backend::Postgres | Backend::Sqlite => "text",
            Backend::MySql => "char",
        };
        let columns: Vec<_> = key.columns.iter().map(|name| self.column(name)).collect();
        let shown: Vec<_> = columns.iter().map(|name| format!("CAST({name} AS {text})")).collect();
        let sample = format!(
            "SELECT {} {from} ORDER BY {} LIMIT {SHOWN}",
            shown.join(", "),
            columns.join(", ")
        );
        let mut keys = Vec::new();
        for row in self
            .connection
            .query_all_raw(Sql::new(backend, sample).statement())
            .await?
        {
            let mut values = Vec::new();
            for (place, name) in key.columns.iter().enumerate() {
                let value: Option<String> = row.try_get_by_index(place)?;
                values.push((name.clone(), value.unwrap_or_default()));
            }
            keys.push(KeyValues::new(values).to_string());
        }
        Ok(keys)
    }
}
