//! A required foreign key on SQLite: one step, which builds the table anew.

mod mapped;

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::backfill::Backfill;
use super::foreign_key::RequiredForeignKey;
use super::rebuild::{self, Edit, Filled, rebuild, rebuilding};
use super::revert::Revert;
use super::step::{Lock, Step, StepKind, Way};
use super::unfilled::{Filling, column_type};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::{ColumnName, Relation, TableName};
use crate::schema::{ForeignKey, Index, Schema, Table};
use crate::sql::Sql;

/// Whether the key, its index and all it asks of its columns are there.
///
/// # Errors
///
/// Invalid input if one of the tables is not there; otherwise what the database refuses.
pub(super) async fn done(connection: &Connection, request: &RequiredForeignKey, key: &ForeignKey) -> Result<bool> {
    let schema = introspect::schema(connection, &Scope::Own).await?;
    let goal = Goal::new(&schema, request, key)?;
    Ok(goal.edits()?.is_empty() && goal.has_index())
}

/// Makes the change, all of it or nothing; how many rows were filled.
///
/// # Errors
///
/// [`Unfilled`](crate::ErrorKind::Unfilled) with the rows that would get nothing or reference a row that is not there; invalid input if
/// the change cannot be made; busy if another connection writes for too long. Nothing was changed then.
pub(super) async fn run(connection: &Connection, request: &RequiredForeignKey, key: &ForeignKey) -> Result<u64> {
    if done(connection, request, key).await? {
        return Ok(0);
    }
    rebuilding(connection, patience(request), |tx| async move {
        change(&tx, request, key).await
    })
    .await
}

/// Takes the change back, as much of it as is there.
///
/// # Errors
///
/// Invalid input if something else needs what is to go; otherwise as for [`run`].
pub(super) async fn revert(
    connection: &Connection,
    request: &RequiredForeignKey,
    key: &ForeignKey,
    how: Revert,
) -> Result<()> {
    let schema = introspect::schema(connection, &Scope::Own).await?;
    if Goal::new(&schema, request, key)?.reverting(how).is_empty() {
        return Ok(());
    }
    rebuilding(connection, patience(request), |tx| async move {
        let schema = introspect::schema(&tx, &Scope::Own).await?;
        let goal = Goal::new(&schema, request, key)?;
        let edits = goal.reverting(how);
        if !edits.is_empty() {
            rebuild(&tx, &goal.table.name, &edits, &[]).await?;
        }
        Ok(())
    })
    .await
}

/// The one step, with the statements that matter; none if all is done.
///
/// # Errors
///
/// As for [`done`].
pub(super) async fn steps(
    connection: &Connection,
    request: &RequiredForeignKey,
    key: &ForeignKey,
) -> Result<Vec<Step>> {
    let schema = introspect::schema(connection, &Scope::Own).await?;
    let goal = Goal::new(&schema, request, key)?;
    let edits = goal.edits()?;
    let mut statements = Vec::new();
    if !edits.is_empty() {
        let backfill = match &request.backfill {
            Some(Backfill::Rust(_)) => Some(mapped::mapping(&goal.key, goal.table)),
            other => other.clone(),
        };
        let filling = Filling::new(&schema, request, &goal.key, backfill.as_ref())?;
        let filled = goal.filled(&filling);
        statements.extend(rebuild::statements(connection, &goal.table.name, &edits, &filled).await?);
    }
    if !goal.has_index() {
        statements.push(goal.index());
    }
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Step {
        kind: StepKind::Rebuild,
        statements,
        locks: vec![Lock {
            table: goal.table.name.clone(),
            mode: "RESERVED, the whole database",
        }],
        scans: Some(goal.table.name.clone()),
        leaves: "everything done, or nothing",
        way: Way::Rebuild,
    }])
}

/// As long as all attempts to get another engine's lock may take.
fn patience(request: &RequiredForeignKey) -> Duration {
    request.lock_timeout.saturating_mul(request.attempts.max(1))
}

async fn change(tx: &Connection, request: &RequiredForeignKey, key: &ForeignKey) -> Result<u64> {
    // Another process may have been faster.
    let schema = introspect::schema(tx, &Scope::Own).await?;
    let goal = Goal::new(&schema, request, key)?;
    let edits = goal.edits()?;
    let mut filled_rows = 0;
    if !edits.is_empty() {
        let key = &goal.key;
        let own = match &request.backfill {
            Some(Backfill::Rust(fill)) => {
                let filling = Filling::new(&schema, request, key, None)?;
                Some(mapped::fill(tx, request, key, goal.table, &filling, fill).await?)
            }
            Some(Backfill::Sql(_) | Backfill::Mapping { .. } | Backfill::Owner(_)) | None => request.backfill.clone(),
        };
        let filling = Filling::new(&schema, request, key, own.as_ref())?;
        filling.check(tx).await?;
        let before = goal.empty_rows(tx, &filling).await?;
        let rebuilt = rebuild(tx, &goal.table.name, &edits, &goal.filled(&filling)).await?;
        if matches!(request.backfill, Some(Backfill::Rust(_))) {
            mapped::discard(tx).await?;
        }
        let after = introspect::schema(tx, &Scope::Own).await?;
        let left = Filling::new(&after, request, key, None)?;
        filled_rows = before.saturating_sub(goal.empty_rows(tx, &left).await?);
        tracing::debug!(rows = rebuilt.rows, filled = filled_rows, "built anew");
    }
    if !goal.has_index() {
        tx.execute_unprepared(&goal.index()).await?;
    }
    Ok(filled_rows)
}

/// What is to be, and what of it is there.
struct Goal<'a> {
    request: &'a RequiredForeignKey,
    schema: &'a Schema,
    table: &'a Table,
    /// With its names as the catalog has them.
    key: ForeignKey,
}

impl<'a> Goal<'a> {
    fn new(schema: &'a Schema, request: &'a RequiredForeignKey, key: &ForeignKey) -> Result<Self> {
        let table = find(schema, &key.relation.table)?;
        let referenced = find(schema, &key.relation.referenced_table)?;
        let mut key = key.clone();
        key.relation.table = table.name.clone();
        key.relation.columns = spelled(table, &key.relation.columns);
        key.relation.referenced_table = referenced.name.clone();
        key.relation.referenced_columns = spelled(referenced, &key.relation.referenced_columns);
        if !referenced.is_unique(&key.relation.referenced_columns) {
            return Err(Error::invalid_input(format!(
                "nothing was changed: {} references {}, of which {} is neither the primary key nor unique",
                key.relation,
                referenced.name,
                crate::name::ColumnList(&key.relation.referenced_columns)
            )));
        }
        Ok(Self {
            request,
            schema,
            table,
            key,
        })
    }

    /// What the table's definition lacks.
    fn edits(&self) -> Result<Vec<Edit>> {
        let mut edits = Vec::new();
        for (place, name) in self.key.relation.columns.iter().enumerate() {
            match self.table.column(name) {
                None => edits.push(Edit::AddColumn {
                    definition: self.definition(place, name)?,
                }),
                Some(column) if self.request.is_required && column.nullable => {
                    edits.push(Edit::SetNotNull(name.clone()));
                }
                Some(_) => {}
            }
        }
        let known: Vec<_> = self.keys().collect();
        let does_the_same =
            |known: &ForeignKey| known.on_delete == self.key.on_delete && known.on_update == self.key.on_update;
        if !known.iter().any(|known| does_the_same(known)) {
            edits.extend(known.first().map(|known| Edit::DropForeignKey(known.relation.clone())));
            edits.push(Edit::AddConstraint {
                text: ddl::foreign_key(Backend::Sqlite, &self.key),
            });
        }
        Ok(edits)
    }

    fn definition(&self, place: usize, name: &ColumnName) -> Result<String> {
        let data_type = column_type(self.schema, self.request, &self.key, place).ok_or_else(|| {
            let relation = &self.key.relation;
            Error::invalid_input(format!(
                "nothing was changed: {} has no column to take the type of {name} from; give it with column_types",
                relation.referenced_table
            ))
        })?;
        let required = if self.request.is_required { " NOT NULL" } else { "" };
        let name = ddl::identifier(Backend::Sqlite, name.as_str());
        Ok(format!("{name} {data_type}").trim_end().to_owned() + required)
    }

    /// The foreign keys of these columns to that table that are there.
    fn keys(&self) -> impl Iterator<Item = &ForeignKey> {
        self.table
            .foreign_keys
            .iter()
            .filter(|known| is_same(&known.relation, &self.key.relation))
    }

    fn has_index(&self) -> bool {
        self.table.has_leading_index(&self.key.relation.columns)
    }

    fn index(&self) -> String {
        let columns = &self.key.relation.columns;
        let names: Vec<_> = columns.iter().map(ColumnName::as_str).collect();
        let name = format!("idx-{}-{}", self.table.name.name(), names.join("-"));
        let index = Index::new(name, columns.iter().cloned());
        ddl::index_statement(Backend::Sqlite, &self.table.name, &index)
    }

    /// What the columns are filled with that may be without a value.
    fn filled(&self, filling: &Filling<'_>) -> Vec<Filled> {
        let mut filled = Vec::new();
        for (place, name) in self.key.relation.columns.iter().enumerate() {
            if self.table.column(name).is_some_and(|column| !column.nullable) {
                continue;
            }
            let mut sql = Sql::new(Backend::Sqlite, "");
            filling.push_value(&mut sql, place);
            let (expression, values) = sql.into_parts();
            filled.push(Filled {
                column: name.clone(),
                expression,
                values,
            });
        }
        filled
    }

    /// How many rows have no value for one of the columns.
    async fn empty_rows(&self, tx: &Connection, filling: &Filling<'_>) -> Result<u64> {
        let mut sql = Sql::new(Backend::Sqlite, "SELECT COUNT(*) FROM ");
        sql.push(&ddl::table_name(Backend::Sqlite, &self.table.name));
        sql.push(" WHERE ");
        filling.push_is_empty(&mut sql);
        let row = tx.query_one_raw(sql.statement()).await?;
        let rows: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    fn reverting(&self, how: Revert) -> Vec<Edit> {
        let mut edits = Vec::new();
        let of_others = |name: &ColumnName| {
            let mut others = self.table.foreign_keys.iter();
            let in_other = |other: &ForeignKey| {
                !is_same(&other.relation, &self.key.relation) && other.relation.columns.contains(name)
            };
            let primary = self.table.primary_key.as_ref();
            primary.is_some_and(|key| key.columns.contains(name)) || others.any(in_other)
        };
        if matches!(how, Revert::KeepData | Revert::Full) {
            edits.extend(self.keys().map(|known| Edit::DropForeignKey(known.relation.clone())));
        }
        for name in &self.key.relation.columns {
            match self.table.column(name) {
                Some(column) if !of_others(name) => match how {
                    Revert::Full => edits.push(Edit::DropColumn(name.clone())),
                    Revert::Soft | Revert::KeepData if !column.nullable => edits.push(Edit::DropNotNull(name.clone())),
                    Revert::Soft | Revert::KeepData => {}
                },
                Some(_) | None => {}
            }
        }
        edits
    }
}

fn find<'a>(schema: &'a Schema, name: &TableName) -> Result<&'a Table> {
    let is_main = name.schema().is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
    let mut tables = schema.tables.iter();
    let found = tables.find(|table| is_main && table.name.name().eq_ignore_ascii_case(name.name()));
    found.ok_or_else(|| {
        let known = schema.tables.iter().map(|table| table.name.name());
        Error::invalid_input(format!(
            "nothing was changed: there is no table {name}{}",
            crate::name::did_you_mean(name.name(), known)
        ))
    })
}

/// The columns as the table spells them.
fn spelled(table: &Table, names: &[ColumnName]) -> Vec<ColumnName> {
    names
        .iter()
        .map(|name| {
            let mut columns = table.columns.iter();
            let known = columns.find(|column| column.name.as_str().eq_ignore_ascii_case(name.as_str()));
            known.map_or_else(|| name.clone(), |column| column.name.clone())
        })
        .collect()
}

/// Names in a key may be spelled otherwise than those of the columns.
fn is_same(known: &Relation, wanted: &Relation) -> bool {
    let same = |known: &[ColumnName], wanted: &[ColumnName]| {
        known.len() == wanted.len()
            && known
                .iter()
                .zip(wanted)
                .all(|(known, wanted)| known.as_str().eq_ignore_ascii_case(wanted.as_str()))
    };
    known
        .referenced_table
        .name()
        .eq_ignore_ascii_case(wanted.referenced_table.name())
        && same(&known.columns, &wanted.columns)
        && same(&known.referenced_columns, &wanted.referenced_columns)
}
