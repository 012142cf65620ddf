//! A connection of one's own, by sqlx alone: past SeaORM, its pool and this library.

use anyhow::Result;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, MySqlConnection, PgConnection};

/// The engines it is about: SQLite has one writer, which is stalled by every other one anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MariaDb,
}

impl Engine {
    pub(crate) fn of(url: &str) -> Self {
        match url.starts_with("mysql:") {
            true => Self::MariaDb,
            false => Self::Postgres,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }
}

pub(crate) enum Line {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// What a placeholder stands for.
pub(crate) enum Bound {
    Number(i64),
    Text(String),
}

macro_rules! bound {
    ($sql:expr, $values:expr) => {
        $values.into_iter().fold(sqlx::query($sql), |query, value| match value {
            Bound::Number(number) => query.bind(number),
            Bound::Text(text) => query.bind(text),
        })
    };
}

impl Line {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        Ok(match Engine::of(url) {
            Engine::Postgres => Self::Postgres(PgConnection::connect(url).await?),
            Engine::MariaDb => Self::MariaDb(MySqlConnection::connect(url).await?),
        })
    }

    /// A prepared statement that changes rows.
    pub(crate) async fn execute<const N: usize>(
        &mut self,
        sql: &'static str,
        values: [Bound; N],
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(line) => bound!(sql, values).execute(line).await.map(drop),
            Self::MariaDb(line) => bound!(sql, values).execute(line).await.map(drop),
        }
    }

    /// A prepared statement that reads a row by its key.
    pub(crate) async fn read(&mut self, sql: &'static str, key: i64) -> Result<(), sqlx::Error> {
        let key = [Bound::Number(key)];
        match self {
            Self::Postgres(line) => bound!(sql, key).fetch_one(line).await.map(drop),
            Self::MariaDb(line) => bound!(sql, key).fetch_one(line).await.map(drop),
        }
    }

    /// A statement as it is, prepared by nobody.
    pub(crate) async fn send(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Postgres(line) => sql.execute(line).await.map(drop),
            Self::MariaDb(line) => sql.execute(line).await.map(drop),
        }
    }

    /// The number that a query comes to.
    pub(crate) async fn number(&mut self, sql: &str) -> Result<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self {
            Self::Postgres(line) => sqlx::query_scalar(sql).fetch_one(line).await?,
            Self::MariaDb(line) => sqlx::query_scalar(sql).fetch_one(line).await?,
        })
    }

    /// The server's version, and what of its settings matters here.
    pub(crate) async fn version(&mut self) -> Result<String> {
        Ok(match self {
            Self::Postgres(line) => {
                let sql = "SELECT current_setting('server_version') || ', fsync ' || current_setting('fsync') \
                           || ', shared_buffers ' || current_setting('shared_buffers')";
                sqlx::query_scalar(sql).fetch_one(line).await?
            }
            Self::MariaDb(line) => {
                let sql = "SELECT CONCAT(VERSION(), ', innodb_flush_log_at_trx_commit ', @@innodb_flush_log_at_trx_commit, \
                           ', innodb_buffer_pool_size ', @@innodb_buffer_pool_size DIV 1048576, 'M, innodb_log_file_size ', \
                           @@innodb_log_file_size DIV 1048576, 'M')";
                sqlx::query_scalar(sql).fetch_one(line).await?
            }
        })
    }

    pub(crate) async fn close(self) -> Result<()> {
        match self {
            Self::Postgres(line) => line.close().await?,
            Self::MariaDb(line) => line.close().await?,
        }
        Ok(())
    }
}
