//! Opening a pool from a URL.
//!
//! The pools are built with sqlx and handed to SeaORM: SeaORM's own `connect` records its options, the URL's password included, in a
//! TRACE span.

use sea_orm::DatabaseConnection;
use sea_orm::{DbErr, sqlx};

use super::options::StoreOptions;
use crate::error::{Error, Result};

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
async fn probe(connect: &impl sqlx::ConnectOptions<Connection: Sized>, options: &StoreOptions) -> Result<()> {
    use sqlx::Connection;

    let connection = tokio::time::timeout(options.acquire_timeout, connect.connect())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(connection_error)?;
    connection.close().await.map_err(connection_error)
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::postgres::PgConnectOptions;

    let mut connect: PgConnectOptions = url.parse().map_err(connection_error)?;
    if let Some(schema) = &options.schema {
        // A quoted identifier: a schema may be called "Select; drop".
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        connect = connect.options([("search_path", quoted)]);
    }
    probe(&connect, options).await?;
    let pool = pool(options, 10).connect_lazy_with(connect);
    Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::mysql::MySqlConnectOptions;

    let connect: MySqlConnectOptions = url.parse().map_err(connection_error)?;
    probe(&connect, options).await?;
    let pool = pool(options, 10).connect_lazy_with(connect);
    Ok(sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(pool))
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, options: &StoreOptions) -> Result<DatabaseConnection> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let read_only = url.contains("mode=ro") || url.contains("immutable=");
    let mut connect: SqliteConnectOptions = url.parse().map_err(connection_error)?;
    connect = connect.foreign_keys(true).busy_timeout(options.busy_timeout);
    if !in_memory && !read_only {
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
    let pool = pool.connect_with(connect).await.map_err(|error| {
        let error = connection_error(error);
        match error.driver_code() {
            Some("14") => error.with_hint(
                "the file cannot be opened; if it is to be created, add ?mode=rwc to the URL, and make its directory",
            ),
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
