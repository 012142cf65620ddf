//! [`Alone`]: one connection of its own beside a pool, whose session settings are nobody else's.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, sqlx};

use super::Connection;
use super::options::RetryPolicy;
use crate::backend::Backend;
use crate::error::Result;

/// One connection, opened as the pool's are. What is set for its session goes with it, however its owner ends.
///
/// On SQLite it does not enforce foreign keys: with enforcement on, dropping a table deletes the rows that reference it, and the setting
/// is ignored inside a transaction. A database in memory has but one connection; it is borrowed then, and enforces again after
/// [`close`](Self::close).
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) connection: Connection,
    is_borrowed: bool,
}

/// What a connection of one's own is for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    /// Statements that each new connection begins with.
    pub(crate) begins: Vec<String>,
    /// How long SQLite waits for another writer.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "only SQLite waits for another writer")
    )]
    pub(crate) busy_timeout: Option<Duration>,
}

impl Connection {
    /// Opens a connection of one's own, beside the pool this is.
    ///
    /// # Errors
    ///
    /// Connection if it cannot be opened; invalid input if this is a transaction.
    pub(crate) async fn alone(&self, session: Session) -> Result<Alone> {
        let Some(pool) = self.as_pool() else {
            return Err(crate::error::Error::invalid_input(
                "this needs connections of its own: run it on a pool, outside any transaction; in a SeaORM migration let use_transaction \
                 return Some(false)",
            ));
        };
        let (pool, is_borrowed) = match self.backend {
            Backend::Postgres => (postgres(pool, session).await?, false),
            Backend::MySql => (mysql(pool, session).await?, false),
            Backend::Sqlite => sqlite(pool, session).await?,
        };
        Ok(Alone {
            connection: Self::pool(pool, RetryPolicy::never())?,
            is_borrowed,
        })
    }
}

impl Alone {
    /// Closes it; a borrowed one is given back as it was.
    pub(crate) async fn close(self) -> Result<()> {
        if self.is_borrowed {
            self.connection.execute_unprepared("PRAGMA foreign_keys = ON").await?;
            return Ok(());
        }
        self.connection.close().await
    }
}

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn opened<T>(pool: Result<T, sqlx::Error>) -> Result<T, DbErr> {
    pool.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

/// A pool of one connection that begins as it is told, also if it has to be opened again.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
fn pool_of_one<DB>(begins: Vec<String>) -> sqlx::pool::PoolOptions<DB>
where
    DB: sqlx::Database,
    for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
{
    sqlx::pool::PoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection: &mut DB::Connection, _| {
            let begins = begins.clone();
            Box::pin(async move {
                for statement in begins {
                    sqlx::Executor::execute(&mut *connection, sqlx::AssertSqlSafe(statement)).await?;
                }
                Ok(())
            })
        })
}

#[cfg(feature = "postgres")]
async fn postgres(pool: &DatabaseConnection, session: Session) -> Result<DatabaseConnection> {
    let options = pool.get_postgres_connection_pool().connect_options();
    let alone = pool_of_one(session.begins).connect_with(options.as_ref().clone()).await;
    Ok(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(opened(alone)?))
}

#[cfg(feature = "mysql")]
async fn mysql(pool: &DatabaseConnection, session: Session) -> Result<DatabaseConnection> {
    let options = pool.get_mysql_connection_pool().connect_options();
    let alone = pool_of_one(session.begins).connect_with(options.as_ref().clone()).await;
    Ok(sea_orm::SqlxMySqlConnector::from_sqlx_mysql_pool(opened(alone)?))
}

#[cfg(feature = "sqlite")]
async fn sqlite(pool: &DatabaseConnection, session: Session) -> Result<(DatabaseConnection, bool)> {
    let asked = sea_orm::Statement::from_string(
        pool.get_database_backend(),
        "SELECT COALESCE(file, '') FROM pragma_database_list WHERE name = 'main'",
    );
    let file: String = match pool.query_one_raw(asked).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => String::new(),
    };
    // A database in memory: nobody else can see it.
    if file.is_empty() {
        pool.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
        return Ok((pool.clone(), true));
    }
    let options = pool.get_sqlite_connection_pool().connect_options();
    let mut options = options.as_ref().clone().foreign_keys(false);
    if let Some(patience) = session.busy_timeout {
        options = options.busy_timeout(patience);
    }
    let alone = pool_of_one(session.begins).connect_with(options).await;
    Ok((
        sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(opened(alone)?),
        false,
    ))
}

macro_rules! absent {
    ($feature:literal, $function:ident, $pool:ty) => {
        #[cfg(not(feature = $feature))]
        async fn $function(_: &DatabaseConnection, _: Session) -> Result<$pool> {
            Err(crate::error::Error::invalid_input(concat!(
                "this program was built without the feature `",
                $feature,
                "` of sea-orm-cascade"
            )))
        }
    };
}

absent!("postgres", postgres, DatabaseConnection);
absent!("mysql", mysql, DatabaseConnection);
absent!("sqlite", sqlite, (DatabaseConnection, bool));
