//! PostgreSQL, from `pg_catalog`, which a role that owns nothing may read too (`information_schema` shows it no keys).
//!
//! Columns of the catalog that not every supported version has are read through `to_jsonb`, which says nothing where there is none.

mod constraints;
mod indexes;
mod json;
mod objects;
mod tables;

use sea_orm::QueryResult;

use super::Scope;
use super::draft::Draft;
use super::keys::sorted;
use super::rows::query;
use super::scope::{Words, in_scope};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::schema::{ForeignKey, Schema};

/// The schema column of every statement: NULL for the connection's own. A connection may have none.
macro_rules! schema_of {
    ($namespace:literal) => {
        concat!(
            "CASE WHEN ",
            $namespace,
            ".nspname IS DISTINCT FROM current_schema() THEN ",
            $namespace,
            ".nspname::text END"
        )
    };
}
/// Whether a namespace is to be read: its name is in the JSON array bound as `$1`.
macro_rules! in_scope {
    ($namespace:literal) => {
        concat!(
            $namespace,
            ".nspname IN (SELECT pg_catalog.jsonb_array_elements_text($1::text::jsonb))"
        )
    };
}
use {in_scope as namespace_in_scope, schema_of};

const SCHEMAS: &str = "\
SELECT n.nspname::text AS name, current_schema()::text AS own, current_setting('search_path') AS path
FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

pub(super) async fn schema(connection: &Connection, scope: &Scope) -> Result<Schema> {
    let rows = query(connection, SCHEMAS, []).await?;
    let own = rows.first().map_or(Ok(None), |row| row.try_get("", "own"))?;
    let path: Option<String> = rows.first().map_or(Ok(None), |row| row.try_get("", "path"))?;
    let words = Words {
        kind: "schema",
        without: format!(
            "the connection's search_path is {}, and this user may use no schema of it: create one, grant USAGE, or name the schemas",
            path.unwrap_or_default()
        ),
    };
    let present = rows
        .iter()
        .map(|row| row.try_get("", "name"))
        .collect::<Result<Vec<String>, _>>()?;
    let names = serde_json::Value::from(in_scope(scope, own, present, &words)?).to_string();
    let ask = async |sql: &str| -> Result<Vec<QueryResult>> { query(connection, sql, [names.as_str().into()]).await };

    let mut draft = Draft::new(Backend::Postgres);
    tables::add_tables(&mut draft, &ask(tables::TABLES).await?)?;
    tables::add_columns(&mut draft, &ask(tables::COLUMNS).await?)?;
    constraints::add(&mut draft, &ask(constraints::CONSTRAINTS).await?)?;
    constraints::add_foreign_keys(&mut draft, &ask(constraints::FOREIGN_KEYS).await?)?;
    indexes::add(&mut draft, &ask(indexes::INDEXES).await?)?;
    objects::add_types(&mut draft, &ask(objects::TYPES).await?)?;
    objects::add_sequences(&mut draft, &ask(objects::SEQUENCES).await?)?;
    objects::add_triggers(&mut draft, &ask(objects::TRIGGERS).await?)?;
    Ok(draft.finish())
}

pub(super) async fn foreign_keys(connection: &Connection) -> Result<Vec<ForeignKey>> {
    let rows = query(connection, constraints::FOREIGN_KEYS, [None::<String>.into()]).await?;
    Ok(sorted(constraints::foreign_keys(&rows)?))
}
