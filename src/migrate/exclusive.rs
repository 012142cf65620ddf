//! [`Exclusive`]: one process at a time.
//!
//! The lock is held by a transaction that stays open on a connection of its own and touches no table: an advisory lock of PostgreSQL's that
//! ends with the transaction, a named lock of MySQL's. A pooler that hands out a server's connection by the transaction keeps that
//! connection for it, so the lock holds there too. It goes with the process that took it. A statement of a process that was killed
//! may go on for a while after that; whoever comes next looks at the catalog before each step and after a step that failed.
//!
//! SQLite needs none of this: its one writer is the lock. On a Galera cluster named locks are each node's own: migrate through one node.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, TransactionTrait};

use crate::backend::Backend;
use crate::connection::{Alone, Connection, Session};
use crate::error::{Error, ErrorKind, Result, TimeLimit};

/// How often a process that waits asks again, on average.
const POLL: Duration = Duration::from_millis(200);

/// A lock that one process has. [`release`](Self::release) it; if it is dropped, it goes with its connection.
#[derive(Debug)]
pub struct Exclusive {
    held: Option<(Alone, DatabaseTransaction)>,
    what: String,
}

impl Exclusive {
    /// Takes the lock for `what`, waiting for another process so long; `waiting` is called once if there is one.
    ///
    /// # Errors
    ///
    /// Timeout if the other process still has it then; connection.
    pub async fn take(
        connection: &Connection,
        what: &str,
        patience: Duration,
        waiting: impl FnOnce() + Send,
    ) -> Result<Self> {
        let what = what.to_owned();
        // It is not to be cut off while it waits for a long step of another connection.
        let (begins, goes_on) = match connection.backend() {
            Backend::Postgres => (
                Vec::new(),
                [
                    // At a higher level it would keep its snapshot, for whose end its own CREATE INDEX CONCURRENTLY would wait.
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                    "SET LOCAL idle_in_transaction_session_timeout = 0",
                ]
                .as_slice(),
            ),
            Backend::MySql => (vec!["SET SESSION wait_timeout = 2147483".to_owned()], [].as_slice()),
            Backend::Sqlite => return Ok(Self { held: None, what }),
        };
        let session = Session {
            begins,
            busy_timeout: None,
        };
        let alone = connection.alone(session).await?;
        let pool = alone.connection.as_pool().cloned();
        let pool = pool.ok_or_else(|| Error::invalid_input("a lock needs a connection of its own"))?;
        let backend = connection.backend();
        let started = Instant::now();
        let mut waiting = Some(waiting);
        let transaction = loop {
            // A transaction each time: whoever builds an index without locking waits for the ends of those it has met asking.
            let transaction = pool.begin().await?;
            for sql in goes_on {
                transaction.execute_unprepared(sql).await?;
            }
            if ask(&transaction, backend, &what).await? {
                break transaction;
            }
            transaction.rollback().await?;
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            if started.elapsed() >= patience {
                return Err(Error::new(ErrorKind::Timeout { limit: TimeLimit::Lock }).with_hint(format!(
                    "another process has the lock for {what}, and kept it for {} s: wait until it is done, or stop it",
                    patience.as_secs()
                )));
            }
            tokio::time::sleep(POLL.mul_f64(0.5 + fastrand::f64())).await;
        };
        Ok(Self {
            held: Some((alone, transaction)),
            what,
        })
    }

    /// Proves that the lock is still held.
    ///
    /// # Errors
    ///
    /// Connection if the connection that held it is gone, and the lock with it.
    pub async fn check(&self) -> Result<()> {
        let Some((_, transaction)) = &self.held else {
            return Ok(());
        };
        let statement = Statement::from_string(transaction.get_database_backend(), "SELECT 1");
        transaction.query_one_raw(statement).await.map(drop).map_err(|error| {
            Error::from(error).with_hint(format!(
                "the lock for {} is lost: begin again, it goes on from here",
                self.what
            ))
        })
    }

    /// Gives it back.
    ///
    /// # Errors
    ///
    /// Connection; the lock is gone then too.
    pub async fn release(self) -> Result<()> {
        if let Some((alone, transaction)) = self.held {
            // It ends with the session, or, on PostgreSQL, with the transaction.
            transaction.rollback().await?;
            alone.close().await?;
        }
        Ok(())
    }
}

/// Whether the lock was granted, at once. Nobody waits for it within a statement: such a statement would hold a snapshot, for whose end a
/// CREATE INDEX CONCURRENTLY of whoever has the lock would wait.
async fn ask(transaction: &DatabaseTransaction, backend: Backend, what: &str) -> Result<bool> {
    let sql = match backend {
        Backend::Postgres => {
            "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' in ' || COALESCE(current_schema(), ''), 0))"
        }
        // A lock's name is the server's and has at most 64 characters.
        Backend::MySql | Backend::Sqlite => {
            "SELECT COALESCE(GET_LOCK(CONCAT('cascade ', SHA1(CONCAT(DATABASE(), ' ', ?))), 0), 0) = 1"
        }
    };
    let statement = Statement::from_sql_and_values(backend.into(), sql, [what.into()]);
    let row = transaction.query_one_raw(statement).await?;
    Ok(row.map_or(Ok(false), |row| row.try_get_by_index(0))?)
}
