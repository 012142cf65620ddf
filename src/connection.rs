//! [`Connection`]: a pool, or one transaction of it; how a pool is opened, and how a transaction is run and retried.
//!
//! Everything this crate sends goes through a [`Connection`]. It implements SeaORM's [`ConnectionTrait`], so that any SeaORM query can be
//! run on it too and takes part in the same transaction, the same log and the same retries.
//!
//! # Invariants
//!
//! - A transaction that met a retryable failure never commits, whoever swallowed the error.
//! - A connection bound to a transaction holds it weakly: once the transaction has ended, using it is an error and not a surprise.

mod alone;
mod open;
mod options;
mod transaction;

use std::fmt;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement,
};

use crate::backend::Backend;
use crate::error::{Result, TRANSACTION_ENDED};
use crate::observe::STATEMENT;

pub use options::{Access, RetryPolicy, SqliteJournal, StoreOptions, TransactionOptions};
use transaction::TransactionState;

pub(crate) use alone::{Alone, Session};
pub(crate) use open::open;

/// A pool, or one transaction of it. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    backend: Backend,
    retry: RetryPolicy,
    bound: Bound,
}

#[derive(Clone)]
enum Bound {
    Pool(DatabaseConnection),
    Transaction {
        transaction: Weak<DatabaseTransaction>,
        state: Arc<TransactionState>,
    },
}

/// A [`Bound`] that is held for the time of one call.
enum Held<'a> {
    Pool(&'a DatabaseConnection),
    Transaction(Arc<DatabaseTransaction>, &'a TransactionState),
}

impl Connection {
    pub(crate) fn pool(connection: DatabaseConnection, retry: RetryPolicy) -> Result<Self> {
        Ok(Self {
            backend: Backend::of(connection.get_database_backend())?,
            retry,
            bound: Bound::Pool(connection),
        })
    }

    /// The engine at the other end.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether this is bound to a transaction.
    #[must_use]
    pub const fn is_transaction(&self) -> bool {
        matches!(self.bound, Bound::Transaction { .. })
    }

    /// SeaORM's own pool, unless this is bound to a transaction: for code that manages its transactions itself, such as migrations.
    #[must_use]
    pub const fn as_pool(&self) -> Option<&DatabaseConnection> {
        match &self.bound {
            Bound::Pool(pool) => Some(pool),
            Bound::Transaction { .. } => None,
        }
    }

    /// The same connection, whose transactions are tried once.
    pub(crate) fn once(&self) -> Self {
        Self {
            retry: RetryPolicy::never(),
            ..self.clone()
        }
    }

    /// A connection bound to a transaction that somebody else has begun, for as long as `transaction` is held.
    pub(crate) fn within(transaction: &Arc<DatabaseTransaction>) -> Result<Self> {
        Ok(Self {
            backend: Backend::of(transaction.get_database_backend())?,
            retry: RetryPolicy::never(),
            bound: Bound::Transaction {
                transaction: Arc::downgrade(transaction),
                state: Arc::new(TransactionState::default()),
            },
        })
    }

    pub(crate) async fn close(self) -> Result<()> {
        match self.bound {
            Bound::Pool(pool) => Ok(pool.close().await?),
            Bound::Transaction { .. } => Ok(()),
        }
    }

    fn hold(&self) -> Result<Held<'_>, DbErr> {
        match &self.bound {
            Bound::Pool(pool) => Ok(Held::Pool(pool)),
            Bound::Transaction { transaction, state } => transaction
                .upgrade()
                .map(|transaction| Held::Transaction(transaction, state))
                .ok_or_else(|| DbErr::Conn(RuntimeErr::Internal(TRANSACTION_ENDED.to_owned()))),
        }
    }

    async fn send<T>(
        &self,
        sql: &str,
        call: impl AsyncFnOnce(DatabaseExecutor<'_>) -> Result<T, DbErr>,
    ) -> Result<T, DbErr> {
        tracing::trace!(target: STATEMENT, backend = self.backend.name(), statement = sql);
        let held = self.hold()?;
        let result = call(held.executor()).await;
        if let (Held::Transaction(_, state), Err(error)) = (&held, &result) {
            state.record(error);
        }
        result
    }
}

impl Held<'_> {
    fn executor(&self) -> DatabaseExecutor<'_> {
        match self {
            Self::Pool(pool) => DatabaseExecutor::Connection(pool),
            Self::Transaction(transaction, _) => DatabaseExecutor::Transaction(transaction),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.backend.into()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let sql = statement.sql.clone();
        self.send(&sql, async |executor| executor.execute_raw(statement).await)
            .await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.send(sql, async |executor| executor.execute_unprepared(sql).await)
            .await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let sql = statement.sql.clone();
        self.send(&sql, async |executor| executor.query_one_raw(statement).await)
            .await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let sql = statement.sql.clone();
        self.send(&sql, async |executor| executor.query_all_raw(statement).await)
            .await
    }
}

impl AsRef<Self> for Connection {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("backend", &self.backend)
            .field("transaction", &self.is_transaction())
            .finish_non_exhaustive()
    }
}
