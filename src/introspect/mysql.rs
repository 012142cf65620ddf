//! MySQL and MariaDB, from `information_schema`.
//!
//! The two spell their catalogs differently, and their versions have different columns of it; which ones there are is asked first. Every
//! column has an alias, since the case of the headings differs too.

mod columns;
mod constraints;
mod indexes;
mod objects;

use sea_orm::{QueryResult, Value};

use super::Scope;
use super::draft::Draft;
use super::keys::{self, action, sorted};
use super::rows::query;
use super::scope::{Words, in_scope};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{ErrorKind, Result};
use crate::schema::{ForeignKey, Schema};
use columns::Apart;

/// NULL as the schema of a table of the connection's own database. A connection may have none.
macro_rules! schema_of {
    ($column:literal) => {
        concat!("CASE WHEN NOT ", $column, " <=> database() THEN ", $column, " END")
    };
}
use schema_of;

/// What is known of the server before the tables are read.
struct Server {
    /// MariaDB tells expressions as they would be written; MySQL tells constants bare, and escapes quotes in expressions.
    is_mariadb: bool,
    /// Which of the catalog's columns that not every server has are here, in capitals.
    has: Vec<String>,
}

impl Server {
    fn has(&self, column: &str) -> bool {
        self.has.iter().any(|known| known.eq_ignore_ascii_case(column))
    }
}

const DATABASES: &str = "\
SELECT s.schema_name AS name, database() AS own, version() AS version
FROM information_schema.schemata s
WHERE s.schema_name NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')";

const CATALOG: &str = "\
SELECT CONCAT(c.table_name, '.', c.column_name) AS name FROM information_schema.columns c
WHERE c.table_schema = 'information_schema' AND c.table_name IN ('CHECK_CONSTRAINTS', 'STATISTICS', 'TABLE_CONSTRAINTS')";

pub(super) async fn schema(connection: &Connection, scope: &Scope) -> Result<Schema> {
    let rows = query(connection, DATABASES, []).await?;
    let texts = |rows: &[QueryResult], column| {
        rows.iter()
            .map(|row| row.try_get("", column))
            .collect::<Result<Vec<String>, _>>()
    };
    let own = rows.first().map_or(Ok(None), |row| row.try_get("", "own"))?;
    let words = Words {
        kind: "database",
        without:
            "the connection names no database that can be read: put one into the URL, or name the databases to read"
                .to_owned(),
    };
    let databases = in_scope(scope, own, texts(&rows, "name")?, &words)?;
    let is_mariadb = texts(&rows, "version")?
        .iter()
        .any(|version| version.contains("MariaDB"));
    let has = texts(&query(connection, CATALOG, []).await?, "name")?;
    let server = Server { is_mariadb, has };
    let ask = async |sql: &str| -> Result<Vec<QueryResult>> {
        let places = vec!["?"; databases.len()].join(", ");
        // A list without members is no SQL.
        let places = if places.is_empty() { "NULL" } else { &places };
        let times = sql.matches("{scope}").count();
        let values: Vec<Value> = databases.iter().map(|name| name.as_str().into()).collect();
        let values = std::iter::repeat_n(values, times).flatten();
        query(connection, &sql.replace("{scope}", &format!("IN ({places})")), values).await
    };

    let mut draft = Draft::new(Backend::MySql);
    let Apart { sequences, collations } = columns::add_tables(&mut draft, &ask(columns::TABLES).await?)?;
    columns::add_columns(&mut draft, &server, &collations, &ask(columns::COLUMNS).await?)?;
    indexes::add(&mut draft, &server, &ask(&indexes::sql(&server)).await?)?;
    for read in keys::collect(&ask(constraints::FOREIGN_KEYS_IN).await?, action)? {
        constraints::add_foreign_key(&mut draft, read)?;
    }
    if let Some(sql) = constraints::checks_sql(&server) {
        constraints::add_checks(&mut draft, &server, &ask(sql).await?)?;
    }
    constraints::add_hidden(&mut draft, &ask(constraints::SEEN).await?)?;
    objects::add_triggers(&mut draft, &ask(objects::TRIGGERS).await?)?;
    if let Some(sql) = objects::sequences_sql(&sequences) {
        match query(connection, &sql, []).await {
            Ok(rows) => objects::add_sequences(&mut draft, &sequences, &rows)?,
            // One of them went away, or this user may see and not read it.
            Err(error) if matches!(error.kind(), ErrorKind::Database { .. }) => {
                objects::add_unread_sequences(&mut draft, &sequences);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(draft.finish())
}

pub(super) async fn foreign_keys(connection: &Connection, database: Option<&str>) -> Result<Vec<ForeignKey>> {
    let rows = query(
        connection,
        constraints::FOREIGN_KEYS_AROUND,
        [database.into(), database.into()],
    )
    .await?;
    Ok(sorted(keys::collect(&rows, action)?))
}
