//! The rows of a table with hooks: fetched, told to the hooks, deleted, batch by batch.
//!
//! The next batch is whatever still goes, so no key is remembered and rows that a hook itself removed are not missed. Rows are locked when
//! they are fetched: what a hook sees is what is deleted.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::conditions::{Conditions, stored};
use super::counts::{Counted, Counts};
use super::hooks::{Calls, Cause, Going};
use super::plan::Plan;
use super::roots::Roots;
use super::shape::{Arm, Break, SetId, TableDelete};
use super::stages::referencing;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::table_name;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, Relation, TableName};
use crate::sql::Sql;

/// Which rows of the table are next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<'a> {
    Any,
    /// Those that no other row references through these keys.
    Unreferenced(&'a [usize]),
}

/// Where the columns of hooked rows are kept that are set to NULL before the rows go.
fn kept(place: usize) -> String {
    format!("cascade_h{place}")
}

fn kept_identity(column: usize) -> String {
    format!("cascade_i{column}")
}

fn flag(arm: usize) -> String {
    format!("cascade_f{arm}")
}

impl Plan {
    /// The keys by which rows go without their hooks being called, since the plan leaves them to the database
    /// ([`Enforce::Database`](super::Enforce::Database)).
    #[must_use]
    pub fn skipped_hooks(&self) -> Vec<Relation> {
        let shape = &*self.shape;
        let skipping = shape
            .deletes
            .iter()
            .filter(|delete| delete.hooked && delete.by_database);
        let arms = skipping.flat_map(|delete| &delete.arms);
        arms.filter_map(|arm| shape.key(arm))
            .map(|key| key.key.relation.clone())
            .collect()
    }

    /// What is sent for one batch, for those who only look.
    pub(super) fn hooked_text(&self, place: usize, next: Next<'_>) -> String {
        let Some(delete) = self.shape.deletes.get(place) else {
            return String::new();
        };
        let select = self.next_statement(place, delete, &["x.*".to_owned()], next, None);
        let table = table_name(self.backend(), &delete.table);
        format!("{}; DELETE FROM {table} WHERE … (those rows)", select.sql)
    }

    /// The statements that keep what hooks are to see of rows whose references are about to be set to NULL.
    pub(super) fn keeping(&self, conditions: &Conditions<'_>) -> Vec<String> {
        let mut statements = Vec::new();
        for (place, delete, set, broken) in self.kept_tables() {
            let name = stored(self.backend(), &kept(place));
            let identity = self.identity(set).iter().enumerate();
            let mut list: Vec<_> = identity
                .map(|(column, name)| format!("{} AS {}", conditions.column("x", name), kept_identity(column)))
                .collect();
            list.extend(broken.columns.iter().map(|name| conditions.column("x", name)));
            let mut sql = Sql::new(self.backend(), "");
            sql.push(match self.backend() {
                Backend::MySql => "CREATE TEMPORARY TABLE ",
                Backend::Postgres | Backend::Sqlite => "CREATE TEMP TABLE ",
            });
            sql.push(&kept(place));
            sql.push(match self.backend() {
                Backend::Postgres => " ON COMMIT DROP AS ",
                Backend::MySql | Backend::Sqlite => " AS ",
            });
            sql.push(&format!("SELECT {}", list.join(", ")));
            push_flags(conditions, &mut sql, &delete.arms);
            sql.push(&format!(" FROM {} AS x WHERE ", conditions.from(&delete.table)));
            push_identity(conditions, &mut sql, set, self.identity(set));
            statements.push(self.drop_kept(&name));
            statements.push(sql.statement().sql);
        }
        statements
    }

    /// The statements that throw it away.
    pub(super) fn forgetting(&self) -> Vec<String> {
        let names = self
            .kept_tables()
            .map(|(place, ..)| stored(self.backend(), &kept(place)));
        names.map(|name| self.drop_kept(&name)).collect()
    }

    fn drop_kept(&self, name: &str) -> String {
        let table = match self.backend() {
            Backend::MySql => "TEMPORARY TABLE",
            Backend::Postgres | Backend::Sqlite => "TABLE",
        };
        format!("DROP {table} IF EXISTS {name}")
    }

    fn kept_tables(&self) -> impl Iterator<Item = (usize, &TableDelete, SetId, &Break)> {
        let hooked = self.shape.deletes.iter().enumerate();
        hooked
            .filter(|(_, delete)| delete.hooked)
            .filter_map(|(place, delete)| {
                let broken = self.shape.breaks.iter().find(|broken| broken.table == delete.table)?;
                Some((place, delete, delete.by_identity?, broken))
            })
    }

    fn identity(&self, set: SetId) -> &[ColumnName] {
        self.shape.sets.get(set).map_or(&[], |set| set.columns.as_slice())
    }

    /// The next rows, locked.
    fn next_statement(
        &self,
        place: usize,
        delete: &TableDelete,
        columns: &[String],
        next: Next<'_>,
        limit: Option<usize>,
    ) -> Statement {
        let conditions = self.stepwise_conditions();
        let backend = self.backend();
        let kept_in = self
            .kept_tables()
            .find(|(kept, ..)| *kept == place)
            .map(|_| kept(place));
        let mut sql = Sql::new(backend, format!("SELECT {}", columns.join(", ")));
        match kept_in {
            Some(_) => (0..flagged(&delete.arms)).for_each(|arm| sql.push(&format!(", h.{}", flag(arm)))),
            None => push_flags(&conditions, &mut sql, &delete.arms),
        }
        sql.push(&format!(" FROM {} AS x", conditions.from(&delete.table)));
        match (delete.by_identity, kept_in) {
            (Some(set), Some(kept)) => {
                let own = self.identity(set).iter().enumerate();
                let equal: Vec<_> = own
                    .map(|(column, name)| format!("h.{} = {}", kept_identity(column), conditions.column("x", name)))
                    .collect();
                sql.push(&format!(
                    " INNER JOIN {} AS h ON {} WHERE 1 = 1",
                    stored(backend, &kept),
                    equal.join(" AND ")
                ));
            }
            (Some(set), None) => {
                sql.push(" WHERE ");
                push_identity(&conditions, &mut sql, set, self.identity(set));
            }
            (None, _) => {
                sql.push(" WHERE ");
                conditions.push_goes(&mut sql, "x", &delete.table);
            }
        }
        if let Next::Unreferenced(keys) = next {
            let identity = delete.by_identity.map_or(&[][..], |set| self.identity(set));
            for (from, equal) in referencing(&conditions, delete, identity, keys) {
                sql.push(&format!(" AND NOT EXISTS (SELECT 1 FROM {from} WHERE {equal})"));
            }
        }
        sql.push(&match limit {
            Some(limit) => format!(" LIMIT {limit}"),
            None => " LIMIT …".to_owned(),
        });
        sql.push(match backend {
            Backend::Postgres => " FOR UPDATE OF x",
            Backend::MySql => " FOR UPDATE",
            // BEGIN IMMEDIATE has locked the whole database.
            Backend::Sqlite => "",
        });
        sql.statement()
    }

    /// Deletes the rows of a table with hooks; says how many went, and counts them for each arm.
    pub(super) async fn in_batches(
        &self,
        tx: &Connection,
        calls: &Calls,
        place: usize,
        next: Next<'_>,
        counts: &mut Counts,
    ) -> Result<u64> {
        let Some(delete) = self.shape.deletes.get(place) else {
            return Ok(0);
        };
        let broken = self.kept_tables().find(|(kept, ..)| *kept == place);
        let of_h = broken.map_or(&[][..], |(_, _, _, broken)| broken.columns.as_slice());
        let columns = calls.columns(self.backend(), &delete.table, of_h);
        let key = calls.key(&delete.table);
        let most = calls
            .rows()
            .min(self.backend().capability().bind_limit / key.len().max(1));
        let mut gone = 0;
        loop {
            let statement = self.next_statement(place, delete, &columns, next, Some(most));
            let rows = tx.query_all_raw(statement).await?;
            if rows.is_empty() {
                return Ok(gone);
            }
            let fetched = rows.len();
            gone += self.batch(tx, calls, place, delete, &key, rows, counts).await?;
            // Rows that were referenced may be no longer.
            if fetched < most && next == Next::Any {
                return Ok(gone);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what the loop around it found out once")]
    async fn batch(
        &self,
        tx: &Connection,
        calls: &Calls,
        place: usize,
        delete: &TableDelete,
        key: &[ColumnName],
        rows: Vec<QueryResult>,
        counts: &mut Counts,
    ) -> Result<u64> {
        let held = held(&rows, &delete.arms)?;
        let mut entities = calls.read(&delete.table, &rows)?;
        drop(rows);
        let Some(first) = entities.first() else {
            return Err(unknown_hooks(&delete.table));
        };
        let keys = first.keys();
        let causes = self.causes(delete, &held, entities.as_slice());
        let told = calls.told(causes, tx);
        for entity in &mut entities {
            let done = entity.before(&told).await;
            done.map_err(|error| Error::of_hook(&delete.table, error))?;
        }
        self.delete_batch(tx, &delete.table, key, keys).await?;
        for (arm, found) in (0..delete.arms.len()).map(|arm| (arm, count(&held, arm))) {
            let entry = counts.entry(Counted::Delete(place, arm)).or_default();
            entry.rows += found.0;
            entry.own += found.1;
        }
        for entity in &mut entities {
            let done = entity.after(&told).await;
            done.map_err(|error| Error::of_hook(&delete.table, error))?;
        }
        Ok(u64::try_from(held.len()).unwrap_or(u64::MAX))
    }

    async fn delete_batch(
        &self,
        tx: &Connection,
        table: &TableName,
        key: &[ColumnName],
        keys: Vec<Vec<sea_orm::Value>>,
    ) -> Result<()> {
        let fetched = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let found = Roots::keys_of(table.clone(), key.iter().cloned(), keys).resolve(&self.relations)?;
        let backend = self.backend();
        let mut sql = Sql::new(backend, "DELETE ");
        found.push_from(&mut sql, backend);
        let deleted = tx.execute_raw(sql.statement()).await?.rows_affected();
        if deleted >= fetched {
            return Ok(());
        }
        // A hook may have deleted some by itself. But what is still there would come again and again.
        let mut sql = Sql::new(backend, "SELECT COUNT(*) ");
        found.push_from(&mut sql, backend);
        let left = tx.query_one_raw(sql.statement()).await?;
        let left: i64 = left.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        match left {
            0 => Ok(()),
            _ => Err(Error::invalid_input(format!(
                "{left} rows of {table} do not go although they were deleted by {}: a trigger keeps them, or the entity's primary key is another \
                 than the table's",
                ColumnList(key)
            ))),
        }
    }

    /// Why each row goes.
    fn causes(&self, delete: &TableDelete, held: &[Vec<bool>], entities: &[Box<dyn Going>]) -> Vec<Vec<Cause>> {
        let arms: Vec<_> = delete
            .arms
            .iter()
            .map(|arm| (arm, self.shape.key(arm).map(|key| Arc::new(key.key.relation.clone()))))
            .collect();
        let value = |row: usize, name: &ColumnName| entities.iter().find_map(|entity| entity.value(row, name));
        let cause = |row: usize, arm: &Arm, relation: &Option<Arc<Relation>>| match relation {
            None => Cause::root(),
            Some(relation) => Cause::key(
                Arc::clone(relation),
                arm.columns.iter().filter_map(|name| value(row, name)).collect(),
            ),
        };
        let rows = held.iter().enumerate().map(|(row, held)| {
            let own = arms.iter().zip(held).filter(|(_, held)| **held);
            own.map(|((arm, relation), _)| cause(row, arm, relation)).collect()
        });
        rows.collect()
    }

    /// The same plan, if it knows of these hooks; else one that does.
    pub(super) fn with_hooks(&self, calls: &Calls) -> Result<Option<Self>> {
        let unknown = self
            .shape
            .deletes
            .iter()
            .find(|delete| delete.hooked && !delete.by_database && !calls.has(&delete.table));
        if let Some(delete) = unknown {
            return Err(unknown_hooks(&delete.table));
        }
        let is_new = |table: &&TableName| {
            let mut deletes = self.shape.deletes.iter();
            deletes.any(|delete| delete.table == **table && !delete.hooked)
        };
        match calls.tables().any(|table| is_new(&table)) {
            false => Ok(None),
            true => {
                let relations = (*self.relations).clone().hooked(calls.tables().cloned());
                self.made_of(Arc::new(relations)).map(Some)
            }
        }
    }
}

fn unknown_hooks(table: &TableName) -> Error {
    Error::invalid_input(format!(
        "rows of {table} have hooks, which a store calls and a connection does not know: carry the plan out on the store"
    ))
}

/// How many flags there are: one reason needs none.
const fn flagged(arms: &[Arm]) -> usize {
    if arms.len() > 1 { arms.len() } else { 0 }
}

/// Writes `, … AS cascade_f0`: whether each arm holds the row.
fn push_flags(conditions: &Conditions<'_>, sql: &mut Sql, arms: &[Arm]) {
    for (place, arm) in arms.iter().take(flagged(arms)).enumerate() {
        sql.push(", CASE WHEN ");
        conditions.push_arm(sql, "x", arm);
        sql.push(&format!(" THEN 1 ELSE 0 END AS {}", flag(place)));
    }
}

/// Writes the condition that `x` is one of the rows that a set identifies.
fn push_identity(conditions: &Conditions<'_>, sql: &mut Sql, set: SetId, columns: &[ColumnName]) {
    let own: Vec<_> = columns.iter().map(|name| conditions.column("x", name)).collect();
    sql.push(&format!("({}) IN (", own.join(", ")));
    conditions.push_set(sql, set);
    sql.push(")");
}

/// Which arms hold each row.
fn held(rows: &[QueryResult], arms: &[Arm]) -> Result<Vec<Vec<bool>>> {
    if flagged(arms) == 0 {
        return Ok(vec![vec![true]; rows.len()]);
    }
    rows.iter()
        .map(|row| {
            let flags = (0..arms.len()).map(|arm| {
                let name = flag(arm);
                let set = row
                    .try_get::<i64>("", &name)
                    .or_else(|_| row.try_get::<i32>("", &name).map(i64::from))?;
                Ok(set != 0)
            });
            flags.collect()
        })
        .collect()
}

/// How many of the rows an arm holds, and how many of these no earlier one does.
fn count(held: &[Vec<bool>], arm: usize) -> (u64, u64) {
    let holds = |row: &&Vec<bool>| row.get(arm).copied().unwrap_or(false);
    let is_first = |row: &&Vec<bool>| row.iter().position(|held| *held) == Some(arm);
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    (
        count(held.iter().filter(holds).count()),
        count(held.iter().filter(is_first).count()),
    )
}
