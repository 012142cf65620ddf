//! Asking a catalog, and reading what comes back.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::connection::Connection;
use crate::error::Result;
use crate::name::TableName;

pub(super) async fn query(
    connection: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    Ok(connection.query_all_raw(statement).await?)
}

/// The table that two columns of a row name; the schema is NULL if it is the connection's own.
pub(super) fn table_name(row: &QueryResult, schema: &str, name: &str) -> Result<TableName> {
    let name: String = row.try_get("", name)?;
    Ok(match row.try_get::<Option<String>>("", schema)? {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    })
}
