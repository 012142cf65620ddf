//! Running a few statements so that nobody has to wait for long.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::Patience;
use crate::connection::{Connection, TransactionOptions};
use crate::error::{Error, ErrorKind, Result, TimeLimit};
use crate::observe::Operation;

/// The longest pause before a step is tried again.
const LONGEST: Duration = Duration::from_secs(5);

impl Patience {
    /// Waits before a step that failed is tried again; gives its error back if it is not to be.
    pub(super) async fn before_another(self, error: Error, attempt: u32) -> Result<()> {
        if !may_succeed_later(&error) {
            return Err(error);
        }
        if attempt >= self.attempts {
            return Err(error.with_hint(format!(
                "others held the lock each of {attempt} time(s): run it again when there is less to do, or give it more attempts"
            )));
        }
        let doublings = attempt.saturating_sub(1).min(16);
        let ceiling = Duration::from_millis(50).saturating_mul(1 << doublings).min(LONGEST);
        tokio::time::sleep(ceiling.mul_f64(fastrand::f64())).await;
        Ok(())
    }

    /// Runs statements in one transaction of PostgreSQL's, as often as it may be tried until it gets its locks.
    pub(super) async fn in_one_transaction(self, connection: &Connection, statements: &[String]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        for attempt in 1.. {
            match self.attempt(connection, statements).await {
                Err(error) => self.before_another(error, attempt).await?,
                done => return done,
            }
        }
        Ok(())
    }

    async fn attempt(self, connection: &Connection, statements: &[String]) -> Result<()> {
        let operation = Operation::new("alter", connection.backend(), "");
        let limit = &format!("SET LOCAL lock_timeout = {}", self.lock_timeout.as_millis());
        let once = connection.once();
        let work = once.transaction(TransactionOptions::new(), &operation, |tx| async move {
            tx.execute_unprepared(limit).await?;
            for statement in statements {
                tx.execute_unprepared(statement).await?;
            }
            Ok::<(), Error>(())
        });
        operation.run(work, |()| 0).await
    }
}

fn may_succeed_later(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout { limit } => *limit == TimeLimit::Lock,
        _ => error.is_retryable(),
    }
}
