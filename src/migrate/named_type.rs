//! Types that have a name of their own, which only PostgreSQL has.

use sea_orm::{ConnectionTrait, Statement};

use crate::backend::Backend;
use crate::error::Result;

/// Whether this is PostgreSQL and there is no type of that name in the connection's schema: then a migration has to create it. Elsewhere an
/// enum is part of its column.
///
/// PostgreSQL has no `CREATE TYPE IF NOT EXISTS`, and a migration that is no single transaction may have to be run again.
///
/// # Errors
///
/// What the database refuses; a backend that is not supported.
pub async fn needs_type(connection: &impl ConnectionTrait, name: &str) -> Result<bool> {
    match Backend::of(connection.get_database_backend())? {
        Backend::MySql | Backend::Sqlite => return Ok(false),
        Backend::Postgres => {}
    }
    let sql = "SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
               WHERE n.nspname = current_schema() AND t.typname = $1";
    let asked = Statement::from_sql_and_values(connection.get_database_backend(), sql, [name.into()]);
    Ok(connection.query_one_raw(asked).await?.is_none())
}
