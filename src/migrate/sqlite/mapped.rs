//! A backfill in Rust, asked for the values of all rows before one is changed: what it says is put into a temporary table.

use sea_orm::ConnectionTrait;

use super::super::backfill::{Backfill, Batch, RustBackfill};
use super::super::foreign_key::RequiredForeignKey;
use super::super::unfilled::Filling;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues, TableName};
use crate::schema::{ForeignKey, Table};
use crate::sql::{Sql, column, shown};

const NAME: &str = "cascade_backfill";

fn name() -> TableName {
    TableName::in_schema("temp", NAME)
}

/// What stands for the code once it was asked.
pub(super) fn mapping(key: &ForeignKey, table: &Table) -> Backfill {
    let keys = primary_key(table).iter().enumerate();
    let values = 0..key.relation.columns.len();
    Backfill::Mapping {
        table: name(),
        on: keys.map(|(place, own)| (own.clone(), numbered("key", place))).collect(),
        values: values.map(|place| numbered("value", place)).collect(),
    }
}

/// Asks the code for the values of all rows that have none, in batches.
pub(super) async fn fill(
    tx: &Connection,
    request: &RequiredForeignKey,
    key: &ForeignKey,
    table: &Table,
    filling: &Filling<'_>,
    code: &RustBackfill,
) -> Result<Backfill> {
    let primary_key = primary_key(table);
    if primary_key.is_empty() {
        return Err(Error::invalid_input(format!(
            "nothing was changed: a backfill in Rust is told primary keys, and {} has none; use an SQL expression",
            table.name
        )));
    }
    create(tx, key, table, primary_key, filling).await?;
    let temporary = ddl::table_name(Backend::Sqlite, &name());
    let mut list = vec!["rowid".to_owned()];
    list.extend((0..primary_key.len()).map(|place| shown(Backend::Sqlite, None, &format!("key_{place}"))));
    let mut after = 0_i64;
    loop {
        let mut sql = Sql::new(
            Backend::Sqlite,
            format!("SELECT {} FROM {temporary} WHERE rowid > {after}", list.join(", ")),
        );
        sql.push(&format!(" ORDER BY rowid LIMIT {}", request.batch_rows.max(1)));
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        for row in tx.query_all_raw(sql.statement()).await? {
            places.push(row.try_get_by_index::<i64>(0)?);
            let mut values = Vec::new();
            for (place, name) in primary_key.iter().enumerate() {
                let value: Option<String> = row.try_get_by_index(place + 1)?;
                values.push((name.clone(), value.unwrap_or_else(|| "NULL".to_owned())));
            }
            keys.push(KeyValues::new(values));
        }
        let Some(last) = places.last() else {
            return Ok(mapping(key, table));
        };
        after = *last;
        let given = (code.0)(Batch {
            keys,
            connection: tx.clone(),
        })
        .await?;
        if given.len() != places.len() {
            return Err(Error::invalid_input(format!(
                "nothing was changed: the backfill of {} was asked about {} row(s) and answered for {}",
                key.relation,
                places.len(),
                given.len()
            )));
        }
        for (place, values) in places.iter().zip(given) {
            if let Some(values) = values {
                let mut sql = Sql::new(Backend::Sqlite, format!("UPDATE {temporary} SET "));
                filling.push_given(&mut sql, &values)?;
                sql.push(&format!(" WHERE rowid = {place}"));
                tx.execute_raw(sql.statement()).await?;
            }
        }
    }
}

/// The keys in their order, each in a column of its own type, so that it is found by an index.
async fn create(
    tx: &Connection,
    key: &ForeignKey,
    table: &Table,
    primary_key: &[ColumnName],
    filling: &Filling<'_>,
) -> Result<()> {
    let backend = Backend::Sqlite;
    let own = ddl::table_name(backend, &table.name);
    let columns: Vec<_> = primary_key.iter().map(|name| column(backend, &own, name)).collect();
    let keys = columns
        .iter()
        .enumerate()
        .map(|(place, column)| format!("{column} AS key_{place}"));
    let values = (0..key.relation.columns.len()).map(|place| format!("NULL AS value_{place}"));
    let list: Vec<_> = keys.chain(values).collect();
    let mut sql = Sql::new(
        backend,
        format!(
            "CREATE TEMP TABLE {NAME} AS SELECT {} FROM {own} WHERE ",
            list.join(", ")
        ),
    );
    filling.push_is_empty(&mut sql);
    sql.push(&format!(" ORDER BY {}", columns.join(", ")));
    tx.execute_raw(sql.statement()).await?;
    let places: Vec<_> = (0..primary_key.len()).map(|place| format!("key_{place}")).collect();
    let index = format!("CREATE INDEX temp.{NAME}_keys ON {NAME} ({})", places.join(", "));
    tx.execute_unprepared(&index).await?;
    Ok(())
}

pub(super) async fn discard(tx: &Connection) -> Result<()> {
    let temporary = ddl::table_name(Backend::Sqlite, &name());
    tx.execute_unprepared(&format!("DROP TABLE {temporary}")).await?;
    Ok(())
}

fn primary_key(table: &Table) -> &[ColumnName] {
    table.primary_key.as_ref().map_or(&[], |key| key.columns.as_slice())
}

fn numbered(word: &str, place: usize) -> ColumnName {
    ColumnName::new(format!("{word}_{place}"))
}
