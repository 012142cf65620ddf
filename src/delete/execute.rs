//! Carrying a plan out.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Statement};

use super::batches::Next;
use super::counts::{self, Counted, Counts, Found, number};
use super::hooks::Calls;
use super::on::On;
use super::options::{Check, Counting};
use super::plan::Plan;
use super::preview::Preview;
use super::report::DeleteReport;
use super::shape::ROOTS;
use super::stages::{Answer, Part, Stage};
use crate::connection::{Connection, TransactionOptions};
use crate::error::{Direction, Error, ErrorKind, Result, RetryReason};
use crate::observe::Operation;

impl Plan {
    /// Deletes what the plan says, all or nothing, and says what was done.
    ///
    /// On PostgreSQL this is one statement, unless there are hooks or guards; elsewhere a transaction of a few, however many rows there are. The
    /// roots are locked before anything else is looked for. A row that references one of them and comes meanwhile is deleted too, or, where a
    /// constraint refuses, all of it is done again.
    ///
    /// # Errors
    ///
    /// Blocked, with all blockers; stale plan if the catalog has changed ([`Check`]); vetoed by a hook; what the database refuses. Nothing has
    /// been changed then.
    pub async fn execute(&self, on: &impl On) -> Result<DeleteReport> {
        self.carry_out(on.connection(), &on.calls().await?, None).await
    }

    /// `calls` are the hooks, also those the plan does not know of.
    pub(crate) async fn carry_out(
        &self,
        connection: &Connection,
        calls: &Calls,
        expected: Option<&Preview>,
    ) -> Result<DeleteReport> {
        let hooked = self.with_hooks(calls)?;
        let plan = hooked.as_ref().unwrap_or(self);
        let operation = Operation::new("delete", connection.backend(), plan.root().name());
        let work = plan.attempts(connection, calls, &operation, expected);
        operation.run(work, DeleteReport::total_deleted).await
    }

    /// Tries until it is done or known why not.
    async fn attempts(
        &self,
        connection: &Connection,
        calls: &Calls,
        operation: &Operation,
        expected: Option<&Preview>,
    ) -> Result<DeleteReport> {
        if self.options.check != Check::Nothing {
            self.relations.check(connection).await?;
        }
        let expected = expected.filter(|_| self.options.check == Check::Counts);
        let mut attempt = 1;
        loop {
            let error = match self.attempt(connection, calls, operation, expected).await {
                Ok(report) => return Ok(report),
                Err(error) => error,
            };
            let refused = is_refused(&error);
            let again = refused || error.is_retryable() && !connection.is_transaction() && !self.shape.is_stepwise;
            if !again {
                return Err(error);
            }
            if refused {
                let blockers = self.preview(connection).await?.blockers().to_vec();
                if !blockers.is_empty() {
                    return Err(Error::new(ErrorKind::Blocked { blockers }));
                }
            }
            // Nothing blocks: a row has come that was not there when its table's turn was. A transaction sees it now, or, if it keeps to a snapshot,
            // never.
            if connection.is_transaction() {
                if attempt > 1 {
                    return Err(connection.demand_retry(RetryReason::Serialization));
                }
            } else if !connection.pause(attempt).await {
                return Err(error);
            }
            attempt += 1;
            operation.set_attempts(attempt);
        }
    }

    async fn attempt(
        &self,
        connection: &Connection,
        calls: &Calls,
        operation: &Operation,
        expected: Option<&Preview>,
    ) -> Result<DeleteReport> {
        if self.is_left_to_the_database() && expected.is_none() {
            return self.step_by_step(connection, calls).await;
        }
        if !self.shape.is_stepwise && expected.is_none() && !connection.is_transaction() {
            return self.at_once(connection).await;
        }
        connection
            .transaction(TransactionOptions::new(), operation, |tx| async move {
                let report = match self.shape.is_stepwise {
                    true => self.step_by_step(&tx, calls).await?,
                    // A statement does not see what is committed after it began, so what it waits for is waited for before.
                    false => {
                        tx.query_one_raw(self.lock_statement()).await?;
                        self.at_once(&tx).await?
                    }
                };
                match expected {
                    Some(preview) if preview.tables() != report.tables() => Err(Error::new(ErrorKind::StalePlan {
                        difference: "other rows would be touched".to_owned(),
                    })),
                    _ => Ok(report),
                }
            })
            .await
    }

    /// In one statement.
    async fn at_once(&self, connection: &Connection) -> Result<DeleteReport> {
        let (statement, items) = self.one_statement();
        let row = connection.query_one_raw(statement).await?;
        let mut found: BTreeMap<Counted, Found> = BTreeMap::new();
        if let Some(row) = row {
            for (place, (counted, part)) in items.iter().enumerate() {
                let count = number(row.try_get_by_index(place)?);
                let entry = found.entry(*counted).or_default();
                match part {
                    Part::Own => entry.own += count,
                    Part::Rows => entry.rows += count,
                    Part::Both => {
                        entry.own += count;
                        entry.rows += count;
                    }
                }
            }
        }
        refuse_blocked(&found)?;
        let roots = found.get(&Counted::Roots).map_or(0, |found| found.rows);
        Ok(self.report(roots, &found))
    }

    /// In several statements of a transaction.
    async fn step_by_step(&self, tx: &Connection, calls: &Calls) -> Result<DeleteReport> {
        let mut progress = Progress::default();
        let stages = self.stages();
        let mut stages = stages.iter().peekable();
        while let Some(Stage { statement, answer }) = stages.next() {
            match answer {
                Answer::None => send(tx, statement).await?,
                Answer::RootCount => {
                    if let Some(row) = tx.query_one_raw(statement.clone()).await? {
                        progress.roots = Some(number(row.try_get_by_index(0)?));
                    }
                }
                Answer::Roots => {
                    let found = tx.execute_raw(statement.clone()).await?.rows_affected();
                    progress.roots = Some(progress.roots.unwrap_or(0) + found);
                }
                Answer::Counts(items) => {
                    let rows = tx.query_all_raw(statement.clone()).await?;
                    counts::read(&rows, items, &mut progress.counts)?;
                    refuse_blocked(&progress.counts)?;
                }
                Answer::Updated(update, arm) => {
                    let rows = tx.execute_raw(statement.clone()).await?.rows_affected();
                    progress.done(self, Counted::Update(*update, *arm), rows);
                }
                Answer::Deleted(place, arm) => {
                    let rows = tx.execute_raw(statement.clone()).await?.rows_affected();
                    if arm.is_some() || self.options.counting == Counting::Declined {
                        progress.done(self, Counted::Delete(*place, arm.unwrap_or(0)), rows);
                    }
                }
                Answer::Hooked(place) => {
                    self.in_batches(tx, calls, *place, Next::Any, &mut progress.counts)
                        .await?;
                }
                Answer::Peel(_) | Answer::HookedPeel(..) => {
                    let mut peeling = vec![(statement, answer)];
                    let peels = |next: &&Stage| matches!(next.answer, Answer::Peel(_) | Answer::HookedPeel(..));
                    while let Some(next) = stages.next_if(peels) {
                        peeling.push((&next.statement, &next.answer));
                    }
                    while self.peel(tx, calls, &peeling, &mut progress.counts).await? > 0 {}
                }
            }
        }
        let root = self
            .shape
            .deletes
            .iter()
            .position(|delete| delete.table == self.shape.root);
        let roots_deleted = root.and_then(|place| progress.counts.get(&Counted::Delete(place, ROOTS)));
        let roots = progress.roots.unwrap_or(roots_deleted.map_or(0, |found| found.own));
        Ok(self.report(roots, &progress.counts))
    }

    /// Deletes what no other row references now; says how many rows that were.
    async fn peel(
        &self,
        tx: &Connection,
        calls: &Calls,
        peeling: &[(&Statement, &Answer)],
        counts: &mut Counts,
    ) -> Result<u64> {
        let mut rows = 0;
        for (statement, answer) in peeling {
            rows += match answer {
                Answer::HookedPeel(place, keys) => {
                    let next = Next::Unreferenced(keys);
                    self.in_batches(tx, calls, *place, next, counts).await?
                }
                _ => tx.execute_raw((*statement).clone()).await?.rows_affected(),
            };
        }
        Ok(rows)
    }

    fn report(&self, roots: u64, counts: &Counts) -> DeleteReport {
        DeleteReport {
            roots,
            tables: self.table_reports(counts),
            not_counted: self.not_counted(),
            plan: self.clone(),
        }
    }
}

/// How far a delete has come.
#[derive(Default)]
struct Progress {
    roots: Option<u64>,
    counts: Counts,
}

impl Progress {
    /// A statement changed so many rows.
    fn done(&mut self, plan: &Plan, counted: Counted, rows: u64) {
        let found = self.counts.entry(counted).or_default();
        found.own = rows;
        if !plan.must_be_counted(counted) {
            found.rows = rows;
        }
    }
}

/// The blockers themselves are listed by a preview, all at once.
fn refuse_blocked(counts: &Counts) -> Result<()> {
    let blocked = counts
        .iter()
        .any(|(counted, found)| matches!(counted, Counted::Block(_)) && found.rows > 0);
    match blocked {
        true => Err(Error::new(ErrorKind::Blocked { blockers: Vec::new() })),
        false => Ok(()),
    }
}

/// Whether rows that stay may be the reason.
fn is_refused(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Blocked { .. } => true,
        ErrorKind::ForeignKey { direction, .. } => *direction != Some(Direction::MissingParent),
        _ => false,
    }
}

/// Sends a statement whose answer does not matter.
pub(super) async fn send(connection: &Connection, statement: &Statement) -> Result<()> {
    let sent = connection.execute_raw(statement.clone()).await;
    sent.map(drop).map_err(|error| {
        let error = Error::from(error);
        let stores = statement.sql.starts_with("CREATE TEMP");
        match error.kind() {
            ErrorKind::Database { .. } if stores => error.with_hint(
                "this delete is no plain tree of tables and puts keys into temporary tables first; the user needs the right to make them \
                 (MySQL: GRANT CREATE TEMPORARY TABLES; PostgreSQL: GRANT TEMPORARY)",
            ),
            _ => error,
        }
    })
}
