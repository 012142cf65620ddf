//! The row that orphans are re-owned to.

use sea_orm::{ConnectionTrait, Value};

use super::sql::{Dangling, Lock};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName};
use crate::schema::Table;
use crate::sql::{self, Sql, Typed, column};

/// The values to re-own to; text in the referenced columns' types.
pub(super) fn typed(dangling: Dangling<'_>, values: &[Value]) -> Result<Vec<Typed>> {
    let relation = &dangling.key.relation;
    if values.len() != relation.referenced_columns.len() {
        return Err(Error::invalid_input(format!(
            "{} value(s) were given to re-own to: give one for each of {}.{}",
            values.len(),
            relation.referenced_table,
            ColumnList(&relation.referenced_columns)
        )));
    }
    let known = dangling.schema.table(&relation.referenced_table);
    relation
        .referenced_columns
        .iter()
        .zip(values)
        .map(|(name, value)| typed_value(dangling.backend, known, name, value))
        .collect()
}

fn typed_value(backend: Backend, table: Option<&Table>, name: &ColumnName, value: &Value) -> Result<Typed> {
    if *value == value.as_null() {
        return Err(Error::invalid_input(format!(
            "the value for {name} is NULL, which references nothing: use SetNull, or give a value"
        )));
    }
    sql::typed(backend, table, name, value).map_err(|must| Error::invalid_input(format!("the value for {name} {must}")))
}

/// Locks the row to re-own to, so that it does not go before the transaction ends.
pub(super) async fn refuse_missing(
    connection: &Connection,
    dangling: Dangling<'_>,
    values: &[Typed],
    lock: Lock,
) -> Result<()> {
    let relation = &dangling.key.relation;
    let backend = dangling.backend;
    let mut sql = Sql::new(
        backend,
        format!(
            "SELECT 1 FROM {} WHERE ",
            dangling.from(&relation.referenced_table, "p")
        ),
    );
    for (place, (name, value)) in relation.referenced_columns.iter().zip(values).enumerate() {
        if place > 0 {
            sql.push(" AND ");
        }
        sql.push(&format!("{} = ", column(backend, "p", name)));
        value.bind_to(&mut sql);
    }
    sql.push(" LIMIT 1");
    match (backend, lock) {
        (Backend::Postgres, Lock::Rows) => sql.push(" FOR KEY SHARE"),
        (Backend::MySql, Lock::Rows) => sql.push(" LOCK IN SHARE MODE"),
        (Backend::Sqlite, _) | (_, Lock::No) => {}
    }
    match connection.query_one_raw(sql.statement()).await? {
        Some(_) => Ok(()),
        None => Err(Error::invalid_input(format!(
            "{} has no row with the {} to re-own to: give the key of a row that is there",
            relation.referenced_table,
            ColumnList(&relation.referenced_columns)
        ))),
    }
}
