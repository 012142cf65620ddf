//! [`Target`]: what a change of a live database is carried out on.

use std::sync::Arc;

use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction, TransactionTrait};

use crate::backend::Backend;
use crate::connection::{Connection, RetryPolicy};
use crate::error::{Error, Result};

/// What a change is carried out on: a [`Connection`], SeaORM's `DatabaseConnection`, or, in a migration, `manager.get_connection()`.
///
/// The changes of this module begin and end transactions of their own, so it has to be a pool, on PostgreSQL and MySQL: a
/// migration's `use_transaction` returns `Some(false)`. On SQLite a change takes part in the migrator's transaction if there is one.
#[expect(private_bounds, reason = "nobody else is to implement it")]
pub trait Target: Way {}

/// The way to the database.
pub(crate) trait Way: Sync {
    fn way(&self) -> impl Future<Output = Result<Lane>> + Send;
}

/// A pool, or a savepoint within a transaction that somebody else has begun.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) connection: Connection,
    savepoint: Option<Arc<DatabaseTransaction>>,
}

impl Lane {
    fn pool(pool: &DatabaseConnection) -> Result<Self> {
        Ok(Self {
            connection: Connection::pool(pool.clone(), RetryPolicy::default())?,
            savepoint: None,
        })
    }

    async fn within(transaction: &DatabaseTransaction) -> Result<Self> {
        let savepoint = Arc::new(transaction.begin().await?);
        let connection = Connection::within(&savepoint)?;
        match connection.backend() {
            Backend::Sqlite => Ok(Self {
                connection,
                savepoint: Some(savepoint),
            }),
            Backend::Postgres | Backend::MySql => Err(in_a_transaction()),
        }
    }

    /// Keeps what was done within somebody else's transaction; without it, that is undone.
    pub(crate) async fn finish(self) -> Result<()> {
        match self.savepoint.map(Arc::into_inner) {
            Some(Some(savepoint)) => Ok(savepoint.commit().await?),
            Some(None) | None => Ok(()),
        }
    }
}

/// For what cannot be done within somebody else's transaction.
pub(super) fn in_a_transaction() -> Error {
    Error::invalid_input(
        "nothing was changed: this is done in several transactions of its own, and the connection is in one already; run it on the pool, \
         and in a migration let use_transaction return Some(false)",
    )
}

impl Target for Connection {}

impl Way for Connection {
    async fn way(&self) -> Result<Lane> {
        Ok(Lane {
            connection: self.clone(),
            savepoint: None,
        })
    }
}

impl Target for DatabaseConnection {}

impl Way for DatabaseConnection {
    async fn way(&self) -> Result<Lane> {
        Lane::pool(self)
    }
}

impl Target for DatabaseExecutor<'_> {}

impl Way for DatabaseExecutor<'_> {
    async fn way(&self) -> Result<Lane> {
        match self {
            Self::Connection(pool) => Lane::pool(pool),
            Self::Transaction(transaction) => Lane::within(transaction).await,
            Self::OwnedTransaction(transaction) => Lane::within(transaction).await,
        }
    }
}
