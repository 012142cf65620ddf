//! Statements written by hand, sent by sqlx alone.

use anyhow::{Context, Result};
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, MySqlPool, PgPool, SqlitePool};
use sea_orm_cascade::{Backend, Store};

/// A pool, past SeaORM and this library.
pub(crate) enum Raw {
    Postgres(PgPool),
    MySql(MySqlPool),
    Sqlite(SqlitePool),
}

/// What the only parameter of a statement stands for.
#[derive(Clone, Copy)]
pub(crate) enum Keys<'a> {
    One(i64),
    Many(&'a [i64]),
}

macro_rules! each {
    ($raw:expr, $pool:ident => $body:expr) => {
        match $raw {
            Raw::Postgres($pool) => $body,
            Raw::MySql($pool) => $body,
            Raw::Sqlite($pool) => $body,
        }
    };
}

/// One engine's way to bind keys.
macro_rules! query {
    ($name:ident, $database:ty, |$query:ident, $keys:ident| $many:expr) => {
        fn $name(sql: &str, keys: Keys<'_>) -> Query<'static, $database, <$database as sqlx::Database>::Arguments> {
            let $query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
            match keys {
                Keys::One(key) => $query.bind(key),
                Keys::Many($keys) => $many,
            }
        }
    };
}

query!(on_postgres, sqlx::Postgres, |query, keys| query.bind(keys.to_vec()));
query!(on_mysql, sqlx::MySql, |query, keys| keys
    .iter()
    .fold(query, |query, key| query.bind(*key)));
query!(on_sqlite, sqlx::Sqlite, |query, keys| query.bind(json(keys)));

impl Raw {
    /// The pool under a store.
    pub(crate) fn of(store: &Store) -> Result<Self> {
        let pool: &DatabaseConnection = store.connection().as_pool().context("a pool")?;
        Ok(match store.backend() {
            Backend::Postgres => Self::Postgres(pool.get_postgres_connection_pool().clone()),
            Backend::MySql => Self::MySql(pool.get_mysql_connection_pool().clone()),
            Backend::Sqlite => Self::Sqlite(pool.get_sqlite_connection_pool().clone()),
        })
    }

    /// Statements one after the other, on one connection.
    pub(crate) async fn script(&self, statements: &[String]) -> Result<()> {
        each!(self, pool => {
            let mut connection = pool.acquire().await?;
            for sql in statements {
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut *connection).await?;
            }
        });
        Ok(())
    }

    /// One statement, which needs no transaction.
    pub(crate) async fn execute(&self, sql: &str, keys: Keys<'_>) -> Result<()> {
        match self {
            Self::Postgres(pool) => {
                on_postgres(sql, keys).execute(pool).await?;
            }
            Self::MySql(pool) => {
                on_mysql(sql, keys).execute(pool).await?;
            }
            Self::Sqlite(pool) => {
                on_sqlite(sql, keys).execute(pool).await?;
            }
        }
        Ok(())
    }

    /// Several statements in a transaction.
    pub(crate) async fn transaction(&self, statements: &[String], keys: Keys<'_>) -> Result<()> {
        match self {
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                for sql in statements {
                    on_postgres(sql, keys).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
            Self::MySql(pool) => {
                let mut tx = pool.begin().await?;
                for sql in statements {
                    on_mysql(sql, keys).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
            Self::Sqlite(pool) => {
                let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
                for sql in statements {
                    on_sqlite(sql, keys).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// The numbers in a query's only row.
    pub(crate) async fn numbers(&self, sql: &str, keys: Keys<'_>) -> Result<(i64, i64, i64)> {
        let row = match self {
            Self::Postgres(pool) => {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned()));
                let Keys::Many(keys) = keys else {
                    return Ok(query.fetch_one(pool).await?);
                };
                query.bind(keys.to_vec()).fetch_one(pool).await?
            }
            Self::MySql(pool) => {
                let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned()));
                let Keys::Many(keys) = keys else {
                    return Ok(query.fetch_one(pool).await?);
                };
                // Each of the three counts names the keys.
                for key in keys.iter().chain(keys).chain(keys) {
                    query = query.bind(*key);
                }
                query.fetch_one(pool).await?
            }
            Self::Sqlite(pool) => {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned()));
                let Keys::Many(keys) = keys else {
                    return Ok(query.fetch_one(pool).await?);
                };
                query.bind(json(keys)).fetch_one(pool).await?
            }
        };
        Ok(row)
    }
}

fn json(keys: &[i64]) -> String {
    serde_json::Value::from(keys).to_string()
}

/// Statements that an expert would write.
pub(crate) mod sql {
    use sea_orm_cascade::Backend;

    /// The condition that a column holds one of the keys.
    fn is_key(backend: Backend, column: &str, count: usize) -> String {
        match (backend, count) {
            (Backend::Postgres, 1) => format!("{column} = $1"),
            (Backend::Postgres, _) => format!("{column} = ANY($1)"),
            (Backend::Sqlite, 1) => format!("{column} = ?1"),
            (Backend::Sqlite, _) => format!("{column} IN (SELECT value FROM json_each(?1))"),
            (Backend::MySql, 1) => format!("{column} = ?"),
            (Backend::MySql, count) => format!("{column} IN ({})", vec!["?"; count].join(", ")),
        }
    }

    /// What the database's own cascade takes.
    pub(crate) fn cascade(backend: Backend, count: usize) -> String {
        format!("DELETE FROM users WHERE {}", is_key(backend, "id", count))
    }

    /// Children first, for a transaction.
    pub(crate) fn child_first(backend: Backend, count: usize) -> Vec<String> {
        let owned = is_key(backend, "user_id", count);
        let comments = match backend {
            Backend::Postgres => {
                let owned = is_key(backend, "p.user_id", count);
                format!("DELETE FROM comments c USING posts p WHERE c.post_id = p.id AND {owned}")
            }
            Backend::MySql => {
                let owned = is_key(backend, "p.user_id", count);
                format!("DELETE c FROM posts p JOIN comments c ON c.post_id = p.id WHERE {owned}")
            }
            Backend::Sqlite => format!("DELETE FROM comments WHERE post_id IN (SELECT id FROM posts WHERE {owned})"),
        };
        vec![
            comments,
            format!("DELETE FROM posts WHERE {owned}"),
            cascade(backend, count),
        ]
    }

    /// All in one statement: PostgreSQL.
    pub(crate) fn at_once(count: usize) -> String {
        let owned = is_key(Backend::Postgres, "p.user_id", count);
        let posts = is_key(Backend::Postgres, "user_id", count);
        format!(
            "WITH dc AS (DELETE FROM comments c USING posts p WHERE c.post_id = p.id AND {owned}), dp AS (DELETE FROM posts WHERE {posts}) {}",
            cascade(Backend::Postgres, count)
        )
    }

    /// How many rows of each table would go.
    pub(crate) fn counts(backend: Backend, count: usize) -> String {
        let users = is_key(backend, "id", count);
        let posts = is_key(backend, "user_id", count);
        let owned = is_key(backend, "p.user_id", count);
        format!(
            "SELECT (SELECT COUNT(*) FROM users WHERE {users}), (SELECT COUNT(*) FROM posts WHERE {posts}), (SELECT COUNT(*) FROM \
             posts p JOIN comments c ON c.post_id = p.id WHERE {owned})"
        )
    }

    /// How many rows there are.
    pub(crate) const ALL: &str =
        "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM posts), (SELECT COUNT(*) FROM comments)";
}
