//! Carrying a change out: look at the catalog, do the first step that is not done, look again.

mod attempt;

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sea_orm::ConnectionTrait;

use super::exclusive::Exclusive;
use super::foreign_key::{RequiredForeignKey, WritePath};
use super::ledger::{Entry, Ledger};
use super::plan::{KeyPlan, PlannedStep};
use super::progress::{Control, Event};
use super::proof;
use super::remembered::{Remembered, label, refuse_another};
use super::report::{ChangeReport, StepReport};
use super::revert::Revert;
use super::situation::Situation;
use super::sqlite;
use super::step::{Step, StepKind};
use super::steps::{self, Standing};
use super::target::Target;
use super::unfilled::unfilled;
use crate::backend::Backend;
use crate::connection::{Alone, Connection, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Operation;

/// Rounds of filling rows that came without a value, before that is given up.
const ROUNDS: u32 = 20;

/// The longest pause before a step is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl RequiredForeignKey {
    /// The steps, in order, and which of them are done: asks the catalog, and changes nothing.
    ///
    /// # Errors
    ///
    /// Invalid input for what cannot be done: tables or columns that are not there, a referenced key that is not unique, a partitioned
    /// table, a MySQL server that is not in strict mode.
    pub async fn plan(&self, on: &impl Target) -> Result<KeyPlan> {
        let lane = on.way().await?;
        let situation = Situation::read(&lane.connection, self).await?;
        let steps = match situation.backend() {
            Backend::Postgres | Backend::MySql => steps::forward(&situation, self)?,
            Backend::Sqlite => sqlite::steps(&lane.connection, &situation, self).await?,
        };
        let plan = KeyPlan {
            backend: situation.backend(),
            filled_to: situation.entry.and_then(|entry| entry.cursor),
            relation: situation.key.relation,
            steps: steps
                .into_iter()
                .map(|(step, done)| PlannedStep { step, done })
                .collect(),
        };
        lane.finish().await?;
        Ok(plan)
    }

    /// [`plan`](Self::plan) by the name one looks for.
    ///
    /// # Errors
    ///
    /// As for `plan`.
    pub async fn status(&self, on: &impl Target) -> Result<KeyPlan> {
        self.plan(on).await
    }

    /// Makes the key, from wherever it stands. Done already, it does nothing.
    ///
    /// On PostgreSQL and MySQL each step is a transaction of its own that waits for its locks only so long, lets others pass, and tries
    /// again. On SQLite the table is built anew, in one transaction. A second process that makes the same change waits for the first.
    ///
    /// # Errors
    ///
    /// Unfilled, before anything is changed, with the rows that would get no value or one that references nothing; also later, if such rows
    /// have come meanwhile. Timeout if a lock was not granted in all attempts, or another process did not finish. What the database
    /// refuses. What is done by then stays, and running it again goes on from there.
    pub async fn run(&self, on: &impl Target) -> Result<ChangeReport> {
        self.change(on, Direction::Forward).await
    }

    /// [`run`](Self::run) by the name one looks for: a run always goes on from where the last one ended.
    ///
    /// # Errors
    ///
    /// As for `run`.
    pub async fn resume(&self, on: &impl Target) -> Result<ChangeReport> {
        self.run(on).await
    }

    /// Takes the change back.
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run), but for unfilled.
    pub async fn revert(&self, on: &impl Target, how: Revert) -> Result<ChangeReport> {
        self.change(on, Direction::Backward(how)).await
    }

    async fn change(&self, on: &impl Target, direction: Direction) -> Result<ChangeReport> {
        let lane = on.way().await?;
        let operation = Operation::new("required_foreign_key", lane.connection.backend(), self.table.name());
        // In a box, so that the compiler need not follow it all the way from a migration's own future.
        let work: BoxFuture<'_, Result<ChangeReport>> = Box::pin(async {
            match lane.connection.backend() {
                Backend::Sqlite => on_sqlite(&lane.connection, self, direction).await,
                Backend::Postgres | Backend::MySql => exclusively(&lane.connection, self, direction).await,
            }
        });
        let report = operation.run(work, |report| report.filled).await?;
        lane.finish().await?;
        Ok(report)
    }

    /// Tells what happened; an error if the caller wants it to stop, which [`stopped`] tells from others.
    fn tell(&self, event: &Event) -> Control {
        self.progress
            .as_ref()
            .map_or(Control::Continue, |progress| progress(event))
    }
}

/// Towards the key, or back.
#[derive(Debug, Clone, Copy)]
enum Direction {
    Forward,
    Backward(Revert),
}

/// One step: the whole is one transaction.
async fn on_sqlite(
    connection: &Connection,
    request: &RequiredForeignKey,
    direction: Direction,
) -> Result<ChangeReport> {
    let situation = Situation::read(connection, request).await?;
    let mut report = ChangeReport::new(situation.key.relation.clone());
    let done = match direction {
        Direction::Forward => sqlite::done(connection, request, &situation.key).await?,
        Direction::Backward(_) => false,
    };
    if done {
        return Ok(report);
    }
    let kind = StepKind::Rebuild;
    if request.tell(&Event::Begins { step: kind }) == Control::Stop {
        report.stopped = Some(kind);
        return Ok(report);
    }
    let started = Instant::now();
    match direction {
        Direction::Forward => report.filled = sqlite::run(connection, request, &situation.key).await?,
        Direction::Backward(how) => sqlite::revert(connection, request, &situation.key, how).await?,
    }
    let took = started.elapsed();
    report.steps.push(StepReport {
        kind,
        took,
        attempts: 1,
    });
    request.tell(&Event::Ends { step: kind, took });
    Ok(report)
}

async fn exclusively(
    connection: &Connection,
    request: &RequiredForeignKey,
    direction: Direction,
) -> Result<ChangeReport> {
    // The same for `posts` and `public.posts`.
    let what = format!("the foreign key {}", label(connection, request).await?);
    let waiting = || {
        request.tell(&Event::WaitingForOther);
    };
    let lock = Exclusive::take(connection, &what, request.patience, waiting).await?;
    let outcome = step_by_step(connection, request, direction, &lock).await;
    let released = lock.release().await;
    let report = outcome?;
    released?;
    Ok(report)
}

async fn step_by_step(
    connection: &Connection,
    request: &RequiredForeignKey,
    direction: Direction,
    lock: &Exclusive,
) -> Result<ChangeReport> {
    // PostgreSQL's settings are the transaction's, which a pooler respects. MySQL has only the session's.
    let alone = match connection.backend() {
        Backend::MySql => Some(connection.alone(session(request)).await?),
        Backend::Postgres | Backend::Sqlite => None,
    };
    let working = alone.as_ref().map_or(connection, |alone| &alone.connection).once();
    let run = Run {
        request,
        lock,
        working: &working,
    };
    let outcome = run.steps(direction).await;
    if let Some(alone) = alone {
        close(alone).await;
    }
    outcome
}

/// Its session goes with it; how it ends says nothing of the change.
async fn close(alone: Alone) {
    if let Err(error) = alone.close().await {
        tracing::debug!(error = error.kind().name(), "closing a connection failed");
    }
}

/// How long MySQL waits for the locks of tables and rows, in whole seconds.
fn session(request: &RequiredForeignKey) -> Session {
    let seconds = request.lock_timeout.as_secs().max(1);
    Session {
        begins: vec![
            format!("SET SESSION lock_wait_timeout = {seconds}"),
            format!("SET SESSION innodb_lock_wait_timeout = {seconds}"),
        ],
        busy_timeout: None,
    }
}

/// In a transaction on PostgreSQL: locks are waited for only so long, and work that has them is not cut off.
pub(super) async fn wait_only(tx: &Connection, request: &RequiredForeignKey) -> Result<()> {
    if tx.backend() == Backend::Postgres {
        let limit = request.lock_timeout.as_millis();
        tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {limit}"))
            .await?;
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    Ok(())
}

/// What the steps of one run share.
struct Run<'a> {
    request: &'a RequiredForeignKey,
    lock: &'a Exclusive,
    working: &'a Connection,
}

impl Run<'_> {
    async fn steps(&self, direction: Direction) -> Result<ChangeReport> {
        if let Direction::Forward = direction {
            refuse_another(self.working, self.request).await?;
        }
        let mut situation = Situation::read(self.working, self.request).await?;
        let ledger = Ledger::of(situation.backend(), &situation.key.relation.to_string());
        let mut report = ChangeReport::new(situation.key.relation.clone());
        let mut rounds = 0;
        if !situation.has_default() {
            self.forget_default(&mut situation, &ledger).await?;
        }
        if let Direction::Forward = direction {
            self.prepare(&mut situation, &ledger).await?;
        }
        while let Some(step) = next(&situation, self.request, direction)? {
            self.lock.check().await?;
            let kind = step.kind;
            if self.request.tell(&Event::Begins { step: kind }) == Control::Stop {
                report.stopped = Some(kind);
                return Ok(report);
            }
            let started = Instant::now();
            if let Some(entry) = ahead(&step, &situation) {
                ledger.write(self.working, &entry).await?;
                situation.entry = Some(entry);
            }
            let done = self.carry_out(&step, &situation, &ledger, &mut report).await;
            situation = Situation::read(self.working, self.request).await?;
            let after = next(&situation, self.request, direction)?;
            let again = after.as_ref().is_some_and(|after| after.kind == kind);
            // Of several statements somebody else's has come through: the others are still to be done.
            let is_less =
                after.is_some_and(|after| after.kind == kind && after.statements.len() < step.statements.len());
            match done {
                // Stopped while it waited for a lock, with nothing done.
                Ok(_) if report.stopped == Some(kind) && kind != StepKind::Backfill => return Ok(report),
                Ok(attempts) if !again || report.stopped.is_some() => {
                    if kind == StepKind::CloseWritePath {
                        self.forget_default(&mut situation, &ledger).await?;
                    }
                    let took = started.elapsed();
                    report.steps.push(StepReport { kind, took, attempts });
                    self.request.tell(&Event::Ends { step: kind, took });
                    if report.stopped.is_some() {
                        return Ok(report);
                    }
                }
                Ok(_) => return Err(no_effect(kind)),
                // Somebody else did it, or what a killed process had sent came through only now.
                Err(error) if (!again || is_less) && !matches!(error.kind(), ErrorKind::Unfilled { .. }) => {
                    tracing::debug!(
                        error = error.kind().name(),
                        step = kind.title(),
                        "done by somebody else"
                    );
                }
                Err(error) => {
                    rounds += 1;
                    match self.fill_again(&error, kind, &situation, rounds) {
                        true => {
                            let entry = Entry {
                                cursor: None,
                                filled: false,
                                ..situation.entry()
                            };
                            ledger.write(self.working, &entry).await?;
                            situation.entry = Some(entry);
                        }
                        false => return Err(self.explain(error, kind, &situation).await),
                    }
                }
            }
        }
        match direction {
            Direction::Forward => {}
            Direction::Backward(Revert::Soft) => self.release(&situation, &ledger).await?,
            Direction::Backward(Revert::Full | Revert::KeepData) => ledger.forget(self.working).await?,
        }
        Ok(report)
    }

    /// Looks at what would be filled before anything is changed, and remembers what was there.
    async fn prepare(&self, situation: &mut Situation, ledger: &Ledger) -> Result<()> {
        let standing = steps::forward(situation, self.request)?;
        let is_done = standing.iter().all(|(_, done)| *done);
        if is_done && situation.entry.is_none() {
            return Ok(());
        }
        let is_undone = |kind| standing.iter().any(|(step, done)| step.kind == kind && !done);
        if is_undone(StepKind::Backfill) || is_undone(StepKind::AddKey) || is_undone(StepKind::Require) {
            let (schema, key) = (&situation.schema, &situation.key);
            unfilled(self.working, schema, self.request, key, &situation.placeholders).await?;
        }
        let asked = Remembered::of(self.request);
        let entry = match &situation.entry {
            None => Entry {
                request: asked,
                ..situation.first_entry()
            },
            Some(known) if known.request == asked && !known.is_released => return Ok(()),
            Some(known) => {
                let fills_alike = |before: &Remembered| asked.as_ref().is_some_and(|asked| asked.fills_like(before));
                // Rows are looked at again if they are filled by another rule from now on.
                let keeps_place = known.request.as_ref().is_none_or(fills_alike);
                Entry {
                    cursor: known.cursor.clone().filter(|_| keeps_place),
                    filled: known.filled && keeps_place,
                    request: asked,
                    is_released: false,
                    ..known.clone()
                }
            }
        };
        ledger.create(self.working).await?;
        ledger.write(self.working, &entry).await?;
        situation.entry = Some(entry);
        Ok(())
    }

    /// Lets the change be begun as another.
    async fn release(&self, situation: &Situation, ledger: &Ledger) -> Result<()> {
        let Some(entry) = situation.entry.clone() else {
            return Ok(());
        };
        let entry = Entry {
            is_released: true,
            ..entry
        };
        ledger.write(self.working, &entry).await
    }

    /// Whether rows that came without a value are to be filled by one more round.
    fn fill_again(&self, error: &Error, kind: StepKind, situation: &Situation, rounds: u32) -> bool {
        let lacks_values = match error.kind() {
            ErrorKind::Unfilled { missing, .. } => {
                let is_looked_for = kind == StepKind::Require || kind == StepKind::Prove;
                is_looked_for && *missing > 0 && !situation.placeholders.is_empty()
            }
            ErrorKind::Timeout { .. } | ErrorKind::Retryable { .. } | ErrorKind::Connection => false,
            ErrorKind::Check { .. } => kind == StepKind::ValidateCheck && situation.is_nullable(),
            // 1138 and 1265 are MySQL's words for a NULL that the new type has no place for.
            _ => kind == StepKind::Require && situation.is_nullable(),
        };
        lacks_values && self.request.backfill.is_some() && rounds < ROUNDS
    }

    /// What a person needs to know of a step that failed.
    async fn explain(&self, error: Error, kind: StepKind, situation: &Situation) -> Error {
        let rows = matches!(
            kind,
            StepKind::ValidateKey | StepKind::ValidateCheck | StepKind::Require | StepKind::AddKey | StepKind::Prove
        );
        if rows && situation.has_columns() {
            let found = proof::refuse_bad_rows(self.working, situation, self.request.is_required, |sql| {
                sql.push("1 = 1")
            });
            if let Err(found) = found.await
                && matches!(found.kind(), ErrorKind::Unfilled { .. })
            {
                return found.with_hint(format!(
                    "it stopped at: {kind}; repair these rows and run it again to go on"
                ));
            }
        }
        match error.kind() {
            ErrorKind::Unfilled { .. } | ErrorKind::InvalidInput { .. } => error,
            _ => error.with_hint(format!(
                "it stopped at: {kind}; what was done before stays, and running it again goes on from there"
            )),
        }
    }
}

/// The first step that is not done.
fn next(situation: &Situation, request: &RequiredForeignKey, direction: Direction) -> Result<Option<Step>> {
    let standing: Vec<Standing> = match direction {
        Direction::Forward => steps::forward(situation, request)?,
        Direction::Backward(how) => steps::backward(situation, how)?,
    };
    Ok(standing.into_iter().find(|(_, done)| !done).map(|(step, _)| step))
}

/// What the ledger is to say before a step, if that is something else than it says: what a step makes anew is neither filled nor proved,
/// however the step ends, and whoever was there before.
fn ahead(step: &Step, situation: &Situation) -> Option<Entry> {
    let known = situation.entry.as_ref()?;
    let mut entry = known.clone();
    match step.kind {
        StepKind::AddColumns | StepKind::Release | StepKind::DropColumns => {
            entry.cursor = None;
            entry.filled = false;
            if step.kind == StepKind::AddColumns {
                entry.placeholders = situation.placeholders.clone();
            }
        }
        StepKind::AddKey | StepKind::DropKey => entry.proved_at = None,
        // That a default is ours, the catalog does not say. MySQL commits it by itself, so it is remembered before.
        StepKind::OpenWritePath => entry.gave_default |= situation.write_path == WritePath::Default,
        StepKind::Backfill
        | StepKind::DropInvalidIndex
        | StepKind::AddIndex
        | StepKind::ValidateKey
        | StepKind::AddCheck
        | StepKind::ValidateCheck
        | StepKind::Require
        | StepKind::DropCheck
        | StepKind::Prove
        | StepKind::CloseWritePath
        | StepKind::Rebuild
        | StepKind::ClearPlaceholders
        | StepKind::DropIndex => {}
    }
    (entry != *known).then_some(entry)
}

fn no_effect(kind: StepKind) -> Error {
    Error::invalid_input(format!(
        "the step \"{kind}\" was carried out, and the catalog does not show it: something else changes the same table, or this user does not \
         see its own changes in the catalog"
    ))
}
