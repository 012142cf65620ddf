//! Doing one step: in a transaction, by itself, or batch by batch, and again until its locks are granted.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};

use super::{LONGEST_PAUSE, Run, close, wait_only};
use crate::backend::Backend;
use crate::connection::{Alone, Session, TransactionOptions};
use crate::error::{Error, ErrorKind, Result, TimeLimit};
use crate::migrate::batches;
use crate::migrate::blockers::blockers;
use crate::migrate::ledger::{Entry, Ledger};
use crate::migrate::placeholder::Placeholders;
use crate::migrate::progress::{Control, Event};
use crate::migrate::proof;
use crate::migrate::report::ChangeReport;
use crate::migrate::situation::Situation;
use crate::migrate::step::{Step, StepKind, Way};
use crate::observe::Operation;

impl Run<'_> {
    /// Does a step; says how many attempts it took.
    pub(super) async fn carry_out(
        &self,
        step: &Step,
        situation: &Situation,
        ledger: &Ledger,
        report: &mut ChangeReport,
    ) -> Result<u32> {
        match step.way {
            Way::Batches if step.kind == StepKind::ClearPlaceholders => self.clear(situation, ledger, report).await,
            Way::Batches => self.fill(situation, ledger, report).await,
            Way::Looking => {
                proof::refuse_bad_rows(self.working, situation, self.request.is_required, |sql| {
                    sql.push("1 = 1")
                })
                .await?;
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let entry = Entry {
                    proved_at: Some(now.map_or(0, |now| now.as_secs())),
                    placeholders: Placeholders::default(),
                    ..situation.entry()
                };
                ledger.write(self.working, &entry).await?;
                Ok(1)
            }
            Way::Transaction => {
                let done = self
                    .patiently(step.kind, situation, ledger, Work::Transaction(step))
                    .await?;
                report.stopped = done.stopped;
                Ok(done.attempts)
            }
            Way::Alone => {
                if step.kind == StepKind::DropInvalidIndex {
                    report.stopped = self.wait_for_builder(situation).await?;
                    let now = Situation::read(self.working, self.request).await?;
                    if report.stopped.is_some() || now.invalid_index().is_none() {
                        return Ok(1);
                    }
                }
                if step.kind == StepKind::Require && !situation.is_nullable() {
                    // The server would not notice: a placeholder is a value to it.
                    proof::refuse_missing(self.working, situation).await?;
                }
                let done = self.patiently(step.kind, situation, ledger, Work::Alone(step)).await?;
                report.stopped = done.stopped;
                Ok(done.attempts)
            }
            Way::Rebuild => Err(Error::invalid_input("only SQLite builds tables anew")),
        }
    }

    async fn in_transaction(&self, step: &Step, situation: &Situation) -> Result<()> {
        let operation = Operation::new("step", self.working.backend(), situation.key.relation.table.name());
        let work = self
            .working
            .transaction(TransactionOptions::new(), &operation, |tx| async move {
                wait_only(&tx, self.request).await?;
                for statement in &step.statements {
                    tx.execute_unprepared(statement).await?;
                }
                Ok(())
            });
        operation.run(work, |()| 0).await
    }

    /// A default that is there from now on is somebody else's.
    pub(super) async fn forget_default(&self, situation: &mut Situation, ledger: &Ledger) -> Result<()> {
        if let Some(entry) = situation.entry.as_mut().filter(|entry| entry.gave_default) {
            entry.gave_default = false;
            ledger.write(self.working, entry).await?;
        }
        Ok(())
    }

    /// Outside any transaction. What follows a statement that fails puts the session back as it was.
    async fn by_itself(&self, step: &Step) -> Result<()> {
        let unlimited = self.unlimited().await?;
        let working = unlimited.as_ref().map_or(self.working, |alone| &alone.connection);
        let mut outcome = Ok(());
        for statement in &step.statements {
            if outcome.is_ok() || statement.starts_with("SET SESSION") {
                let sent = working.execute_unprepared(statement).await;
                outcome = outcome.and(sent.map(drop).map_err(Error::from));
            }
        }
        if let Some(alone) = unlimited {
            close(alone).await;
        }
        outcome
    }

    /// On PostgreSQL a time limit of the role's or the database's would cut off the making of an index, again and again, and leave one that
    /// is unusable. A session of its own has none. Without such limits nothing is set, so that a pooler hands out no changed session.
    async fn unlimited(&self) -> Result<Option<Alone>> {
        match self.working.backend() {
            Backend::Postgres => {}
            Backend::MySql | Backend::Sqlite => return Ok(None),
        }
        let sql = "SELECT current_setting('lock_timeout') <> '0' OR current_setting('statement_timeout') <> '0'";
        let asked = Statement::from_string(self.working.get_database_backend(), sql);
        let row = self.working.query_one_raw(asked).await?;
        let is_limited: bool = row.map_or(Ok(false), |row| row.try_get_by_index(0))?;
        if !is_limited {
            return Ok(None);
        }
        let session = Session {
            begins: vec![
                "SET lock_timeout = 0".to_owned(),
                "SET statement_timeout = 0".to_owned(),
            ],
            busy_timeout: None,
        };
        self.working.alone(session).await.map(Some)
    }

    /// An unusable index may be one that somebody is still building. Says what it was stopped before, if it was.
    async fn wait_for_builder(&self, situation: &Situation) -> Result<Option<StepKind>> {
        let sql = "SELECT 1 FROM pg_catalog.pg_stat_progress_create_index WHERE relid = to_regclass($1)";
        for attempt in 1.. {
            let asked =
                Statement::from_sql_and_values(self.working.get_database_backend(), sql, [situation.quoted().into()]);
            if self.working.query_one_raw(asked).await?.is_none() {
                return Ok(None);
            }
            if self.pause(StepKind::DropInvalidIndex, situation, attempt).await == Control::Stop {
                return Ok(Some(StepKind::DropInvalidIndex));
            }
        }
        Ok(None)
    }

    async fn fill(&self, situation: &Situation, ledger: &Ledger, report: &mut ChangeReport) -> Result<u32> {
        let of = self.estimate(situation).await;
        let mut entry = situation.entry();
        let mut most = 1;
        while !entry.filled {
            let started = Instant::now();
            let done = self
                .patiently(StepKind::Backfill, situation, ledger, Work::Batch(&entry))
                .await?;
            most = most.max(done.attempts);
            if done.stopped.is_some() {
                report.stopped = done.stopped;
                return Ok(most);
            }
            if let Came::Filled(filled) = done.came {
                report.filled += filled.rows;
                entry = filled.entry;
            }
            let event = Event::Filled {
                rows: report.filled,
                of,
            };
            if self.request.tell(&event) == Control::Stop && !entry.filled {
                report.stopped = Some(StepKind::Backfill);
                return Ok(most);
            }
            if !entry.filled {
                self.rest(started.elapsed()).await;
            }
            self.lock.check().await?;
        }
        Ok(most)
    }

    /// Puts NULL in place of what stands for no value. Not remembered on the way: a second look finds nothing, and harms nothing.
    async fn clear(&self, situation: &Situation, ledger: &Ledger, report: &mut ChangeReport) -> Result<u32> {
        let of = self.estimate(situation).await;
        let (mut behind, mut rows, mut most) = (None, 0, 1);
        loop {
            let started = Instant::now();
            let work = Work::Clearing(behind.as_deref());
            let done = self
                .patiently(StepKind::ClearPlaceholders, situation, ledger, work)
                .await?;
            most = most.max(done.attempts);
            if done.stopped.is_some() {
                report.stopped = done.stopped;
                return Ok(most);
            }
            let Came::Cleared(cleared) = done.came else { break };
            if cleared.to.is_none() {
                break;
            }
            behind = cleared.to;
            rows += cleared.rows;
            if self.request.tell(&Event::Filled { rows, of }) == Control::Stop {
                report.stopped = Some(StepKind::ClearPlaceholders);
                return Ok(most);
            }
            self.rest(started.elapsed()).await;
            self.lock.check().await?;
        }
        let entry = Entry {
            placeholders: Placeholders::default(),
            ..situation.entry()
        };
        ledger.write(self.working, &entry).await?;
        Ok(most)
    }

    /// Leaves the server to others, after a batch that took so long.
    async fn rest(&self, took: Duration) {
        let percent = self.request.rest.unwrap_or(match self.working.backend() {
            Backend::MySql => 100,
            Backend::Postgres | Backend::Sqlite => 0,
        });
        if percent > 0 {
            tokio::time::sleep(took.saturating_mul(percent) / 100).await;
        }
    }

    /// How many rows there are, as the catalog estimates.
    async fn estimate(&self, situation: &Situation) -> Option<u64> {
        let table = &situation.key.relation.table;
        let (sql, values) = match self.working.backend() {
            Backend::Postgres => (
                "SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = to_regclass($1)",
                vec![situation.quoted().into()],
            ),
            Backend::MySql => (
                "SELECT CAST(table_rows AS SIGNED) FROM information_schema.tables \
                 WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?",
                vec![table.schema().into(), table.name().into()],
            ),
            Backend::Sqlite => return None,
        };
        let asked = Statement::from_sql_and_values(self.working.get_database_backend(), sql, values);
        let row = self.working.query_one_raw(asked).await.ok().flatten()?;
        let rows: i64 = row.try_get_by_index(0).ok()?;
        u64::try_from(rows).ok().filter(|rows| *rows > 0)
    }

    /// Tries until locks are granted, with pauses in which others pass.
    async fn patiently(&self, kind: StepKind, situation: &Situation, ledger: &Ledger, work: Work<'_>) -> Result<Done> {
        let mut attempts = 1;
        loop {
            let outcome = match work {
                Work::Transaction(step) => self.in_transaction(step, situation).await.map(|()| Came::Statements),
                Work::Alone(step) => self.by_itself(step).await.map(|()| Came::Statements),
                Work::Batch(entry) => {
                    let batch = batches::fill(self.working, situation, self.request, ledger, entry).await;
                    batch.map(Box::new).map(Came::Filled)
                }
                Work::Clearing(behind) => {
                    let batch = batches::clear(self.working, situation, self.request, behind).await;
                    batch.map(Came::Cleared)
                }
            };
            let error = match outcome {
                Ok(came) => {
                    return Ok(Done {
                        attempts,
                        came,
                        stopped: None,
                    });
                }
                Err(error) => error,
            };
            let waited = matches!(error.kind(), ErrorKind::Timeout { limit: TimeLimit::Lock });
            if !(waited || error.is_retryable()) || attempts >= self.request.attempts.max(1) {
                return Err(error);
            }
            if self.pause(kind, situation, attempts).await == Control::Stop {
                return Ok(Done {
                    attempts,
                    came: Came::Statements,
                    stopped: Some(kind),
                });
            }
            attempts += 1;
        }
    }

    async fn pause(&self, kind: StepKind, situation: &Situation, attempt: u32) -> Control {
        let ceiling = Duration::from_millis(50) * 2_u32.saturating_pow(attempt.min(8) - 1);
        let pause = ceiling.min(LONGEST_PAUSE).mul_f64(0.5 + fastrand::f64() / 2.0);
        let control = self.request.tell(&Event::Waits {
            step: kind,
            attempt,
            blockers: blockers(self.working, situation).await,
            pause,
        });
        if control == Control::Continue {
            tokio::time::sleep(pause).await;
        }
        control
    }
}

/// What is tried until its locks are granted.
#[derive(Clone, Copy)]
enum Work<'a> {
    Transaction(&'a Step),
    Alone(&'a Step),
    Batch(&'a Entry),
    /// Behind this primary key.
    Clearing(Option<&'a [String]>),
}

/// What came of the work itself.
enum Came {
    Statements,
    Filled(Box<batches::Filled>),
    Cleared(batches::Cleared),
}

/// What came of trying.
struct Done {
    attempts: u32,
    came: Came,
    /// It was stopped while it waited.
    stopped: Option<StepKind>,
}
