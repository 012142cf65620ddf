//! Running a transaction: begin, the caller's closure, commit or roll back, and the whole of it again when the database asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbErr, SqliteTransactionMode, Statement, TransactionTrait,
};

use super::options::{Access, TransactionOptions};
use super::{Bound, Connection};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result, RetryReason};
use crate::observe::{Operation, STATEMENT};

/// What happened inside a transaction so far, whether or not the caller passed it on.
#[derive(Debug, Default)]
pub(super) struct TransactionState {
    retry: Mutex<Option<Error>>,
    failed: AtomicBool,
}

impl TransactionState {
    pub(super) fn record(&self, error: &DbErr) {
        self.failed.store(true, Ordering::Relaxed);
        let error = Error::from(error.clone());
        if error.is_retryable() {
            *self.retry.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    /// The failure that wants the transaction run again, if there was one.
    fn take_retry(&self) -> Option<Error> {
        self.retry.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// How one attempt ended.
enum Attempt<T, E> {
    Done(T),
    Failed(E),
    /// With a retryable failure.
    Again(Error),
}

impl Connection {
    /// Runs `body` in a transaction and commits if it returns `Ok`.
    ///
    /// On a pool, the whole of it runs again after a retryable failure. On a transaction, `body` runs in a savepoint and once: the
    /// retry is the outermost transaction's to do.
    pub(crate) async fn transaction<T, E, F, Fut>(
        &self,
        options: TransactionOptions,
        operation: &Operation,
        body: F,
    ) -> Result<T, E>
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let allowed = match self.bound {
            Bound::Pool(_) => self.retry.attempts.max(1),
            Bound::Transaction { .. } => 1,
        };
        let mut attempt = 1;
        loop {
            operation.set_attempts(attempt);
            match self.attempt(options, &body).await {
                Attempt::Done(value) => return Ok(value),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again(error) => {
                    let ErrorKind::Retryable { reason, .. } = *error.kind() else {
                        return Err(E::from(error));
                    };
                    if attempt >= allowed {
                        let attempts = attempt;
                        return Err(E::from(error.with_kind(ErrorKind::Retryable { reason, attempts })));
                    }
                    let pause = self.retry.ceiling(attempt).mul_f64(fastrand::f64());
                    tracing::debug!(
                        ?reason,
                        attempt,
                        pause_ms = crate::error::milliseconds(pause),
                        "retrying the transaction"
                    );
                    tokio::time::sleep(pause).await;
                    attempt += 1;
                }
            }
        }
    }

    /// Waits as long as this attempt's number asks; false if there is to be no other.
    pub(crate) async fn pause(&self, attempt: u32) -> bool {
        if attempt >= self.retry.attempts.max(1) {
            return false;
        }
        tokio::time::sleep(self.retry.ceiling(attempt).mul_f64(fastrand::f64())).await;
        true
    }

    /// Asks for the transaction this is bound to, if any, to be run again as a whole.
    pub(crate) fn demand_retry(&self, reason: RetryReason) -> Error {
        let error = || Error::new(ErrorKind::retryable(reason));
        if let Bound::Transaction { state, .. } = &self.bound {
            *state.retry.lock().unwrap_or_else(PoisonError::into_inner) = Some(error());
        }
        error()
    }

    async fn attempt<T, E, F, Fut>(&self, options: TransactionOptions, body: &F) -> Attempt<T, E>
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let transaction = match self.begin(options).await {
            Ok(transaction) => Arc::new(transaction),
            Err(error) => return self.failed_outside(error),
        };
        let state = Arc::new(TransactionState::default());
        let bound = Self {
            bound: Bound::Transaction {
                transaction: Arc::downgrade(&transaction),
                state: Arc::clone(&state),
            },
            ..self.clone()
        };
        let result = body(bound).await;
        let Some(transaction) = Arc::into_inner(transaction) else {
            // The last holder's drop rolls back.
            return Attempt::Failed(E::from(Error::invalid_input(
                "nothing was committed: an operation of the transaction is still running in another task; wait for it inside the closure",
            )));
        };
        if let Some(error) = state.take_retry() {
            self.roll_back(transaction).await;
            return self.again(error);
        }
        match result {
            Err(error) => {
                self.roll_back(transaction).await;
                Attempt::Failed(error)
            }
            Ok(value) => match self.commit(transaction, &state).await {
                Ok(()) => Attempt::Done(value),
                Err(error) => self.failed_outside(error),
            },
        }
    }

    /// A failure of BEGIN or COMMIT itself.
    fn failed_outside<T, E: From<Error>>(&self, error: Error) -> Attempt<T, E> {
        match error.is_retryable() {
            true => self.again(error),
            false => Attempt::Failed(E::from(error)),
        }
    }

    /// Asks for another attempt, also of the transaction around this one.
    fn again<T, E>(&self, error: Error) -> Attempt<T, E> {
        if let (Bound::Transaction { state: outer, .. }, Some(raw)) = (&self.bound, error.db_err()) {
            outer.record(raw);
        }
        Attempt::Again(error)
    }

    async fn begin(&self, options: TransactionOptions) -> Result<DatabaseTransaction> {
        let read_only = options.access == Access::ReadOnly;
        tracing::trace!(target: STATEMENT, backend = self.backend.name(), statement = "BEGIN");
        let options = match (&self.bound, self.backend) {
            // A savepoint has neither isolation level nor access mode of its own.
            (Bound::Transaction { .. }, _) => sea_orm::TransactionOptions::default(),
            (Bound::Pool(_), Backend::Postgres | Backend::MySql) => sea_orm::TransactionOptions {
                isolation_level: options.isolation,
                access_mode: read_only.then_some(AccessMode::ReadOnly),
                ..Default::default()
            },
            (Bound::Pool(_), Backend::Sqlite) => sea_orm::TransactionOptions {
                sqlite_transaction_mode: (!read_only).then_some(SqliteTransactionMode::Immediate),
                ..Default::default()
            },
        };
        Ok(self.hold()?.executor().begin_with_options(options).await?)
    }

    async fn commit(&self, transaction: DatabaseTransaction, state: &TransactionState) -> Result<()> {
        if state.failed() && self.backend.capability().error_aborts_transaction {
            // In a doomed transaction PostgreSQL answers COMMIT with ROLLBACK and no error; any other statement tells.
            transaction
                .query_one_raw(Statement::from_string(transaction.get_database_backend(), "SELECT 1"))
                .await?;
        }
        tracing::trace!(target: STATEMENT, backend = self.backend.name(), statement = "COMMIT");
        transaction.commit().await.map_err(|error| {
            let error = Error::from(error);
            match (error.kind(), &self.bound) {
                (ErrorKind::Connection, Bound::Pool(_)) => error.with_kind(ErrorKind::CommitUnknown),
                _ => error,
            }
        })
    }

    /// Rolls back. If that fails the connection is gone, and the server rolls back by itself.
    async fn roll_back(&self, transaction: DatabaseTransaction) {
        tracing::trace!(target: STATEMENT, backend = self.backend.name(), statement = "ROLLBACK");
        if let Err(error) = transaction.rollback().await {
            tracing::debug!(
                error = Error::from(error).kind().name(),
                "rolling back failed; the server does it on disconnect"
            );
        }
    }
}
