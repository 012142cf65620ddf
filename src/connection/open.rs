//! Opening a pool from a URL.
//!
//! The pools are built with sqlx and handed to SeaORM: SeaORM's own `connect` records its options, the URL's password included, in a
//! TRACE span.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::path::{Path, PathBuf};

use sea_orm::DatabaseConnection;
use sea_orm::{DbErr, sqlx};

use super::options::StoreOptions;
use crate::error::{Error, Result};

/// How a password gets into a URL.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const ESCAPES: &str = "with / # ? @ : in the user's name and the password written as %2F %23 %3F %40 %3A";

/// Opens a pool and proves that it can reach the database.
pub(crate) async fn open(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => postgres(url, options).await,
        Some("mysql" | "mariadb") => mysql(url, options).await,
        Some("sqlite") => sqlite(url, options).await,
        // The URL itself stays out of the text: it may hold a password.
        Some(scheme) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) && url.contains("//") => {
            Err(Error::invalid_input(format!(
                "{scheme} is not a supported database: the URL must begin with postgres://, mysql:// or sqlite:"
            )))
        }
        _ => Err(Error::invalid_input(
            "the database URL must begin with postgres://, mysql:// or sqlite:",
        )),
    }
}

fn connection_error(error: sqlx::Error) -> Error {
    Error::from(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(std::sync::Arc::new(error))))
}

fn pool<DB: sqlx::Database>(options: &StoreOptions, default: u32) -> sqlx::pool::PoolOptions<DB> {
    sqlx::pool::PoolOptions::new()
        .max_connections(options.max_connections.unwrap_or(default).max(1))
        .acquire_timeout(options.acquire_timeout)
}

/// Connects once, outside the pool: a pool would try a server that refuses until its time is up, and then not say why.
#[cfg(any(feature = "postgres", feature = "mysql"))]
async fn probe(
    connect: &impl sqlx::ConnectOptions<Connection: Sized>,
    options: &StoreOptions,
    server: &str,
) -> Result<()> {
    use crate::error::ErrorKind;
    use sqlx::Connection;

    let too_long = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time"));
    let connection = tokio::time::timeout(options.acquire_timeout, connect.connect())
        .await
        .unwrap_or_else(|_| Err(too_long()))
        .map_err(|error| {
            let error = connection_error(error);
            // A server that answers is not what is looked for.
            match (error.kind(), error.driver_code()) {
                (ErrorKind::Connection, None) => error.with_hint(format!("no server answers at {server}")),
                _ => error,
            }
        })?;
    connection.close().await.map_err(connection_error)
}

/// Where a server is looked for.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn server(socket: Option<&Path>, host: &str, port: u16) -> String {
    match socket {
        Some(socket) => socket.display().to_string(),
        None => format!("{host}:{port}"),
    }
}

/// sqlx's own words quote the offending part of the URL, which may be the password.
fn unreadable(form: &str) -> Error {
    Error::invalid_input(format!("the database URL cannot be read: it must look like {form}"))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::postgres::PgConnectOptions;

    let mut connect: PgConnectOptions = url.parse().map_err(|_: sqlx::Error| {
        unreadable(&format!(
            "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require, {ESCAPES}"
        ))
    })?;
    if let Some(schema) = &options.schema {
        // A quoted identifier: a schema may be called "Select; drop".
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        connect = connect.options([("search_path", quoted)]);
    }
    let server = server(
        connect.get_socket().map(PathBuf::as_path),
        connect.get_host(),
        connect.get_port(),
    );
    probe(&connect, options, &server).await?;
    let pool = pool(options, 10).connect_lazy_with(connect);
    Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::mysql::MySqlConnectOptions;

    let connect: MySqlConnectOptions = url.parse().map_err(|_: sqlx::Error| {
        unreadable(&format!(
            "mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=required, {ESCAPES}"
        ))
    })?;
    let server = server(
        connect.get_socket().map(PathBuf::as_path),
        connect.get_host(),
        connect.get_port(),
    );
    probe(&connect, options, &server).await?;
    let pool = pool(options, 10).connect_lazy_with(connect);
    Ok(sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let read_only = url.contains("mode=ro") || url.contains("immutable=");
    let mut connect: SqliteConnectOptions = url.parse().map_err(|_: sqlx::Error| {
        unreadable(
            "sqlite:FILE or sqlite::memory:, with ?mode=ro, rw, rwc or memory, cache=, immutable= or vfs= behind it",
        )
    })?;
    let file = connect.get_filename().display().to_string();
    // Another engine's URL with a wrong beginning may hold a password before its @.
    let file = file.rsplit('@').next().unwrap_or_default();
    connect = connect.foreign_keys(true).busy_timeout(options.busy_timeout);
    if !in_memory && !read_only && options.sqlite_journal == super::options::SqliteJournal::Wal {
        connect = connect.journal_mode(SqliteJournalMode::Wal);
    }
    let pool = if in_memory {
        // The database lives and dies with its one connection, so that one is never retired.
        pool(options, 1)
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
    } else {
        pool(options, 4)
    };
    let opened = async {
        let pool = pool.connect_with(connect).await?;
        // Whether it is a database is not known before something is read.
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1")
            .execute(&pool)
            .await?;
        Ok(pool)
    };
    let pool = opened.await.map_err(|error: sqlx::Error| {
        let error = connection_error(error);
        match error.driver_code() {
            Some("14") => error.with_hint(format!(
                "{file} cannot be opened; if it is to be created, add ?mode=rwc to the URL, and make its directory"
            )),
            Some("8" | "264" | "520" | "1032" | "1288" | "1544") => error.with_hint(format!(
                "{file} keeps its journal in files beside it, which cannot be written here; add ?immutable=1 to the URL if nobody \
                 else has it open"
            )),
            Some("26") => error.with_hint(format!("{file} is no SQLite database, or is encrypted")),
            _ => error,
        }
    })?;
    Ok(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

macro_rules! absent {
    ($feature:literal, $function:ident, $database:literal) => {
        #[cfg(not(feature = $feature))]
        async fn $function(_: &str, _: &StoreOptions) -> Result<DatabaseConnection> {
            Err(Error::invalid_input(concat!(
                "this program was built without ",
                $database,
                ": enable the feature `",
                $feature,
                "` of sea-orm-cascade"
            )))
        }
    };
}

absent!("postgres", postgres, "PostgreSQL");
absent!("mysql", mysql, "MySQL");
absent!("sqlite", sqlite, "SQLite");
