//! [`Steps`]: doing what is left to do, so that nobody has to wait for long.
//!
//! Before each step the catalog says what is left, and after one that failed it is asked again: what a killed process had sent may have
//! been carried out meanwhile.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};

use super::edit::references;
use super::{Alteration, Patience};
use crate::backend::Backend;
use crate::connection::{Connection, Session, TransactionOptions};
use crate::error::{Error, ErrorKind, Result, TimeLimit};
use crate::migrate::blockers::holders;
use crate::observe::Operation;
use crate::schema::Schema;

/// The longest pause before a step is tried again.
const LONGEST: Duration = Duration::from_secs(5);

/// Something that is done at once or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// What it does, in words.
    pub(super) says: String,
    pub(super) statements: Vec<String>,
    pub(super) way: Way,
}

/// How the statements are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// In one transaction of PostgreSQL's.
    Transaction,
    /// One after the other, each by itself. On MySQL each commits.
    Alone,
    /// As `Alone`, in a session of MySQL's that does not check keys.
    Unchecked,
    /// Making this index CONCURRENTLY: PostgreSQL leaves an unusable one behind if that fails, which this statement drops.
    Building { index: String, drop: String },
    /// Dropping an unusable index CONCURRENTLY, once nobody is making it any more.
    Dropping,
}

/// The first step that is left to do, given what is there and what is to be.
pub(super) type Next = fn(&Alteration, &Schema, &Schema) -> Option<Step>;

/// The steps of one run.
pub(super) struct Steps<'a> {
    pub(super) alteration: &'a Alteration,
    pub(super) connection: &'a Connection,
    done: Vec<String>,
}

impl<'a> Steps<'a> {
    pub(super) const fn new(alteration: &'a Alteration, connection: &'a Connection) -> Self {
        Self {
            alteration,
            connection,
            done: Vec::new(),
        }
    }

    /// Does steps until none is left.
    pub(super) async fn until_none(&mut self, next: Next) -> Result<()> {
        let mut last = None;
        let mut attempt = 0;
        loop {
            let Some(step) = self.left(next).await? else {
                return Ok(());
            };
            // The catalog spells it otherwise than it was said.
            if last.as_ref() == Some(&step) {
                return Ok(());
            }
            match self.carry_out(&step).await {
                Ok(()) => {
                    attempt = 0;
                    self.done.push(step.says.clone());
                    last = Some(step);
                }
                Err(error) => {
                    attempt += 1;
                    let waits = may_succeed_later(&error);
                    if attempt >= self.alteration.patience.attempts.max(1)
                        || !waits && !self.was_done_by_others(next, &step, &error).await
                    {
                        return Err(self.told(error, &step, attempt).await);
                    }
                    if waits {
                        tokio::time::sleep(pause(attempt)).await;
                    }
                }
            }
        }
    }

    async fn left(&self, next: Next) -> Result<Option<Step>> {
        let (live, goal) = self.alteration.now(self.connection).await?;
        Ok(next(self.alteration, &live, &goal))
    }

    /// A statement that is refused since what it does is there: a process that was killed may have left it to the server.
    async fn was_done_by_others(&self, next: Next, step: &Step, error: &Error) -> bool {
        matches!(error.kind(), ErrorKind::Database { .. })
            && matches!(self.left(next).await, Ok(now) if now.as_ref() != Some(step))
    }

    async fn carry_out(&mut self, step: &Step) -> Result<()> {
        match &step.way {
            Way::Transaction => self.in_one_transaction(&step.statements).await,
            Way::Alone => self.one_by_one(&step.statements).await,
            Way::Unchecked => {
                self.connection
                    .execute_unprepared("SET SESSION foreign_key_checks = 0")
                    .await?;
                let outcome = self.one_by_one(&step.statements).await;
                let checked = self
                    .connection
                    .execute_unprepared("SET SESSION foreign_key_checks = 1")
                    .await;
                outcome.and(checked.map(drop).map_err(Error::from))
            }
            Way::Building { index: name, drop } => {
                let outcome = self.without_limits(&step.statements).await;
                if outcome.is_err() {
                    let table = &self.alteration.table;
                    let live = self.alteration.live(self.connection).await?;
                    let indexes = live
                        .table(table)
                        .map(|table| table.indexes.as_slice())
                        .unwrap_or_default();
                    let is_left = indexes.iter().any(|index| index.invalid && index.name == *name);
                    if is_left && !self.is_being_built().await? {
                        self.without_limits(std::slice::from_ref(drop)).await?;
                    }
                }
                outcome
            }
            Way::Dropping => {
                if self.is_being_built().await? {
                    return Err(Error::new(ErrorKind::Timeout { limit: TimeLimit::Lock }));
                }
                self.without_limits(&step.statements).await
            }
        }
    }

    async fn in_one_transaction(&self, statements: &[String]) -> Result<()> {
        let operation = Operation::new("alter", self.connection.backend(), "");
        let timeout = self.alteration.patience.lock_timeout.as_millis();
        let limit = &format!("SET LOCAL lock_timeout = {timeout}");
        let once = self.connection.once();
        let work = once.transaction(TransactionOptions::new(), &operation, |tx| async move {
            tx.execute_unprepared(limit).await?;
            for statement in statements {
                tx.execute_unprepared(statement).await?;
            }
            Ok::<(), Error>(())
        });
        operation.run(work, |()| 0).await
    }

    /// The second and later ones are tried again by themselves: the first is committed then.
    async fn one_by_one(&mut self, statements: &[String]) -> Result<()> {
        for (place, statement) in statements.iter().enumerate() {
            let mut attempt = 0;
            while let Err(error) = self.connection.execute_unprepared(statement).await {
                let error = Error::from(error);
                attempt += 1;
                if place == 0 || !may_succeed_later(&error) || attempt >= self.alteration.patience.attempts {
                    return Err(error);
                }
                tokio::time::sleep(pause(attempt)).await;
            }
            if place + 1 < statements.len() {
                self.done.push(statement.clone());
            }
        }
        Ok(())
    }

    /// A time limit of the role's or the database's would cut off the making of an index, again and again, and leave one that is unusable.
    /// A lock limit would too; nobody who reads or writes waits for the lock it takes.
    async fn without_limits(&self, statements: &[String]) -> Result<()> {
        let session = Session {
            begins: vec![
                "SET lock_timeout = 0".to_owned(),
                "SET statement_timeout = 0".to_owned(),
            ],
            busy_timeout: None,
        };
        let alone = self.connection.alone(session).await?;
        let mut outcome = Ok(());
        for statement in statements {
            if outcome.is_ok() {
                outcome = alone.connection.execute_unprepared(statement).await.map(drop);
            }
        }
        // What matters is what became of the statements.
        alone.close().await.ok();
        Ok(outcome?)
    }

    async fn is_being_built(&self) -> Result<bool> {
        let sql = "SELECT 1 FROM pg_catalog.pg_stat_progress_create_index WHERE relid = to_regclass($1)";
        let table = crate::ddl::table_name(Backend::Postgres, &self.alteration.table);
        let asked = Statement::from_sql_and_values(self.connection.get_database_backend(), sql, [table.into()]);
        Ok(self.connection.query_one_raw(asked).await?.is_some())
    }

    /// The error with what it happened at, what is done, and the way out.
    async fn told(&self, error: Error, step: &Step, attempts: u32) -> Error {
        let mut told = format!("this failed: {}", step.says);
        let waited = may_succeed_later(&error);
        if waited {
            let referenced: Vec<_> = self.alteration.edits.iter().filter_map(references).collect();
            let tables: Vec<_> = std::iter::once(&self.alteration.table).chain(&referenced).collect();
            let holders = holders(self.connection, &tables).await;
            told = format!("this was tried {attempts} time(s) and got no lock: {}", step.says);
            if !holders.is_empty() {
                told.push_str(&format!("; at work there: {}", holders.join("; ")));
            }
        }
        match self.done.is_empty() {
            true => told.push_str("; nothing was changed"),
            false => told.push_str(&format!("; done before that, and kept: {}", self.done.join("; "))),
        }
        told.push_str(match waited {
            true => "; run it again when others have less to do, or give it more attempts: it goes on from here",
            false => "; when the reason is gone, run it again: it goes on from here",
        });
        error.with_hint(told)
    }
}

impl Patience {
    /// How long a run waits in all, about.
    pub(super) fn in_all(self) -> Duration {
        self.lock_timeout.saturating_mul(self.attempts)
    }
}

fn pause(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ceiling = Duration::from_millis(50).saturating_mul(1 << doublings).min(LONGEST);
    ceiling.mul_f64(fastrand::f64())
}

fn may_succeed_later(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Timeout { limit } => *limit == TimeLimit::Lock,
        _ => error.is_retryable(),
    }
}
