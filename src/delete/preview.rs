//! [`Preview`]: what a delete would do, with the rows counted.

use sea_orm::ConnectionTrait;

use super::conditions::Form;
use super::counts::{self, Counted, Counts};
use super::execute::send;
use super::on::On;
use super::plan::Plan;
use super::report::{DeleteReport, TableReport};
use super::stages::{Answer, Stage};
use crate::backend::Backend;
use crate::connection::{Access, Connection, TransactionOptions};
use crate::error::{Blocker, Result};
use crate::name::{ColumnName, KeyValues, TableName};
use crate::observe::Operation;

/// What a delete would do now: the rows of each table that would go or be changed, and all that keeps it from happening.
#[derive(Debug, Clone)]
pub struct Preview {
    pub(super) plan: Plan,
    pub(super) roots: u64,
    pub(super) tables: Vec<TableReport>,
    pub(super) blockers: Vec<Blocker>,
}

impl Plan {
    /// Counts what would go, be changed, dangle or block. Nothing is locked, and nothing written but, on SQLite and MySQL for a plan that is no
    /// tree, temporary tables. On PostgreSQL this is one statement; elsewhere one for a tree. The keys of blocking rows cost one more for each
    /// key that blocks.
    ///
    /// # Errors
    ///
    /// What reading reports.
    pub async fn preview(&self, on: &(impl AsRef<Connection> + Sync)) -> Result<Preview> {
        let connection = on.as_ref();
        let operation = Operation::new("preview", connection.backend(), self.root().name());
        let work = self.look(connection, &operation);
        operation
            .run(work, |preview| preview.tables.iter().map(|table| table.deleted).sum())
            .await
    }

    async fn look(&self, connection: &Connection, operation: &Operation) -> Result<Preview> {
        let stores = self.backend() != Backend::Postgres && self.form() == Form::Stored;
        if !stores {
            return self.look_on(connection).await;
        }
        // Temporary tables are one connection's. MySQL makes none in a transaction that may only read.
        let options = match connection.backend() {
            Backend::Sqlite => TransactionOptions {
                access: Access::ReadOnly,
                ..TransactionOptions::new()
            },
            Backend::MySql | Backend::Postgres => TransactionOptions::new(),
        };
        connection
            .transaction(options, operation, |tx| async move { self.look_on(&tx).await })
            .await
    }

    async fn look_on(&self, connection: &Connection) -> Result<Preview> {
        let stages = self.preview_stages();
        let counting = stages
            .iter()
            .rposition(|stage| matches!(stage.answer, Answer::Counts(_)));
        let (looking, leaving) = stages.split_at(counting.map_or(stages.len(), |last| last + 1));
        let mut counts = Counts::new();
        for Stage { statement, answer } in looking {
            match answer {
                Answer::Counts(items) => {
                    let rows = connection.query_all_raw(statement.clone()).await?;
                    counts::read(&rows, items, &mut counts)?;
                }
                _ => send(connection, statement).await?,
            }
        }
        let mut blockers = Vec::new();
        for (place, block) in self.shape.blocks.iter().enumerate() {
            let found = counts.get(&Counted::Block(place)).copied().unwrap_or_default();
            if found.rows > 0 {
                let sample = self.sample(connection, place, &block.key.relation.table).await?;
                blockers.push(Blocker::new(
                    block.key.relation.clone(),
                    block.reason,
                    found.rows,
                    sample,
                ));
            }
        }
        for stage in leaving {
            send(connection, &stage.statement).await?;
        }
        let root = self
            .shape
            .deletes
            .iter()
            .position(|delete| delete.table == self.shape.root);
        Ok(Preview {
            roots: root
                .and_then(|place| counts.get(&Counted::Delete(place, 0)))
                .map_or(0, |found| found.rows),
            tables: self.table_reports(&counts),
            blockers: merged(blockers),
            plan: self.clone(),
        })
    }

    /// The primary keys of some blocking rows.
    async fn sample(&self, connection: &Connection, block: usize, table: &TableName) -> Result<Vec<KeyValues>> {
        let known = self.relations.schema().table(table);
        let columns: Vec<ColumnName> = known
            .and_then(|table| table.primary_key.as_ref())
            .map(|key| key.columns.clone())
            .unwrap_or_default();
        if columns.is_empty() || self.options.sample == 0 {
            return Ok(Vec::new());
        }
        let statement = self.sample_statement(Counted::Block(block), &columns);
        let rows = connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let values: Result<Vec<_>> = columns
                    .iter()
                    .enumerate()
                    .map(|(place, name)| {
                        let value: Option<String> = row.try_get_by_index(place)?;
                        Ok((name.clone(), value.unwrap_or_default()))
                    })
                    .collect();
                Ok(KeyValues::new(values?))
            })
            .collect()
    }
}

/// One key may block in several ways that are told by one word: the rows of the largest, since the same rows may be in several.
fn merged(blockers: Vec<Blocker>) -> Vec<Blocker> {
    let mut merged: Vec<Blocker> = Vec::new();
    for blocker in blockers {
        let same = |known: &&mut Blocker| known.relation == blocker.relation && known.reason == blocker.reason;
        match merged.iter_mut().find(same) {
            Some(known) if known.rows < blocker.rows => *known = blocker,
            Some(_) => {}
            None => merged.push(blocker),
        }
    }
    merged
}

impl Preview {
    /// What was looked at.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many rows there are that the delete would start from.
    #[must_use]
    pub const fn roots(&self) -> u64 {
        self.roots
    }

    /// How many of the keys that were named have no row.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let given = self.plan.roots.given().and_then(|given| u64::try_from(given).ok());
        given.map_or(0, |given| given.saturating_sub(self.roots))
    }

    /// Each table the delete can reach, in the order of execution.
    #[must_use]
    pub fn tables(&self) -> &[TableReport] {
        &self.tables
    }

    /// All that keeps the delete from happening, in the order of the keys.
    #[must_use]
    pub fn blockers(&self) -> &[Blocker] {
        &self.blockers
    }

    /// Whether the delete would be refused.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        !self.blockers.is_empty()
    }

    /// Rows that would go from a table.
    #[must_use]
    pub fn deleted(&self, table: &str) -> u64 {
        let of = self
            .tables
            .iter()
            .filter(|report| report.table.name() == table || report.table.to_string() == table);
        of.map(|report| report.deleted).sum()
    }

    /// Rows that would go from all tables.
    #[must_use]
    pub fn total_deleted(&self) -> u64 {
        self.tables.iter().map(|report| report.deleted).sum()
    }

    /// Carries the plan out; see [`Plan::execute`]. With [`Check::Counts`](super::Check::Counts) only if every count is as it was here.
    ///
    /// # Errors
    ///
    /// As for [`Plan::execute`]; a stale plan also if the counts differ.
    pub async fn execute(&self, on: &impl On) -> Result<DeleteReport> {
        let calls = on.calls().await?;
        self.plan.carry_out(on.connection(), &calls, Some(self)).await
    }
}
