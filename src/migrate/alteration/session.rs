//! Running a few statements so that nobody has to wait for long.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::Patience;
use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::error::{Error, ErrorKind, Result, TimeLimit};
use crate::observe::Operation;

/// The longest pause before a step is tried again.
const LONGEST: Duration = Duration::from_secs(5);

impl Patience {
    /// Runs a step until it gets its locks, or as often as it may be tried.
    pub(super) async fn until_it_gets_its_locks(self, mut step: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let mut attempt = 1u32;
        loop {
            match step().await {
                Err(error) if attempt < self.attempts && may_succeed_later(&error) => {
                    let doublings = attempt.saturating_sub(1).min(16);
                    let ceiling = Duration::from_millis(50).saturating_mul(1 << doublings).min(LONGEST);
                    tokio::time::sleep(ceiling.mul_f64(fastrand::f64())).await;
                    attempt += 1;
                }
                Err(error) if may_succeed_later(&error) => {
                    return Err(error.with_hint(format!(
                        "others held the lock each of {attempt} time(s): run it again when there is less to do, or give it more attempts"
                    )));
                }
                done => return done,
            }
        }
    }

    /// Runs statements in one transaction.
    pub(super) async fn in_one_transaction(self, connection: &Connection, statements: &[String]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        let connection = connection.once();
        let limit = match connection.backend() {
            Backend::Postgres => Some(format!("SET LOCAL lock_timeout = {}", self.lock_timeout.as_millis())),
            // Its ALTERs commit by themselves; its one writer waits by the connection's busy timeout.
            Backend::MySql | Backend::Sqlite => None,
        };
        self.until_it_gets_its_locks(async || {
            let operation = Operation::new("alter", connection.backend(), "");
            let (limit, statements) = (&limit, statements);
            let body = |tx: Connection| async move {
                for statement in limit.iter().chain(statements) {
                    tx.execute_unprepared(statement).await?;
                }
                Ok::<(), Error>(())
            };
            connection
                .transaction(TransactionOptions::new(), &operation, body)
                .await
        })
        .await
    }
}

fn may_succeed_later(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout { limit } => *limit == TimeLimit::Lock,
        _ => error.is_retryable(),
    }
}
