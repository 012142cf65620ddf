//! A required foreign key on SQLite: one step, which builds the table anew.

mod mapped;

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::backfill::Backfill;
use super::foreign_key::RequiredForeignKey;
use super::ledger::{Entry, Ledger};
use super::rebuild::{self, Edit, Filled, rebuild, rebuilding};
use super::revert::Revert;
use super::situation::Situation;
use super::step::{Lock, Step, StepKind, Way};
use super::steps::Standing;
use super::unfilled::{Filling, column_type};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::{ColumnName, Relation, TableName};
use crate::schema::{Column, ForeignKey, Index, Schema, Table};
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

/// Takes the change back, as much of it as is there and was not there before.
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
    rebuilding(connection, patience(request), |tx| async move {
        let (tx, ledger) = (&tx, Ledger::of(Backend::Sqlite, &request.label()));
        let schema = introspect::schema(tx, &Scope::Own).await?;
        let goal = Goal::new(&schema, request, key)?;
        let before = match (ledger.read(tx).await?, how) {
            (Some(before), _) => before,
            (None, Revert::Soft) => Entry::default(),
            // It was not made here, or has been taken back: all that is there was there before.
            (None, Revert::KeepData | Revert::Full) => return Ok(()),
        };
        if how != Revert::Soft && !before.had_index {
            let index = ddl::identifier(Backend::Sqlite, &goal.index().name);
            tx.execute_unprepared(&format!("DROP INDEX IF EXISTS {index}")).await?;
        }
        let edits = goal.reverting(how, &before);
        if !edits.is_empty() {
            rebuild(tx, &goal.table.name, &edits, &[]).await?;
        }
        match how {
            Revert::Soft => Ok(()),
            Revert::KeepData | Revert::Full => ledger.forget(tx).await,
        }
    })
    .await
}

/// The one step, with the statements that matter.
///
/// # Errors
///
/// As for [`done`].
pub(super) async fn steps(
    connection: &Connection,
    situation: &Situation,
    request: &RequiredForeignKey,
) -> Result<Vec<Standing>> {
    let schema = &situation.schema;
    let goal = Goal::new(schema, request, &situation.key)?;
    let edits = goal.edits()?;
    let mut statements = Vec::new();
    if !edits.is_empty() {
        let backfill = match &request.backfill {
            Some(Backfill::Rust(_)) => Some(mapped::mapping(&goal.key, goal.table)),
            other => other.clone(),
        };
        let filling = Filling::new(schema, request, &goal.key, backfill.as_ref())?;
        let filled = goal.filled(&filling);
        statements.extend(rebuild::statements(connection, &goal.table.name, &edits, &filled).await?);
    }
    if !goal.has_index() {
        statements.push(goal.index_statement());
    }
    let done = statements.is_empty();
    let step = Step {
        kind: StepKind::Rebuild,
        statements,
        locks: vec![Lock {
            table: goal.table.name.clone(),
            mode: "RESERVED, the whole database",
        }],
        scans: Some(goal.table.name.clone()),
        leaves: "all of it done",
        way: Way::Rebuild,
    };
    Ok(vec![(step, done)])
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
    goal.remember(tx).await?;
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
        tx.execute_unprepared(&goal.index_statement()).await?;
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
                    definition: self.definition(place, name),
                }),
                Some(column) if self.request.is_required && column.nullable => {
                    edits.push(Edit::SetNotNull(name.clone()));
                }
                Some(_) => {}
            }
        }
        match self.keys().next() {
            None => edits.push(Edit::AddConstraint {
                text: ddl::foreign_key(Backend::Sqlite, &self.key),
            }),
            Some(known) if known.on_delete == self.key.on_delete && known.on_update == self.key.on_update => {}
            Some(known) => {
                return Err(Error::invalid_input(format!(
                    "the key {} is there already, {} on delete and {} on update: name the actions it has",
                    known.relation.label(),
                    known.on_delete,
                    known.on_update
                )));
            }
        }
        Ok(edits)
    }

    /// A column to add: of the type, and the collation, of what it references.
    fn definition(&self, place: usize, name: &ColumnName) -> String {
        let relation = &self.key.relation;
        let referenced = self.schema.table(&relation.referenced_table);
        let other = relation.referenced_columns.get(place);
        let other = referenced.zip(other).and_then(|(table, other)| table.column(other));
        let data_type = column_type(self.schema, self.request, &self.key, place).unwrap_or_default();
        let data_type = match self.table.options.strict {
            true => strict_type(&data_type).to_owned(),
            false => data_type,
        };
        let mut column = Column::new(name.as_str(), data_type);
        column.collation = other.and_then(|other| other.collation.clone());
        column.nullable = !self.request.is_required;
        ddl::column(Backend::Sqlite, self.table, &column)
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

    fn index(&self) -> Index {
        let columns = &self.key.relation.columns;
        let names: Vec<_> = columns.iter().map(ColumnName::as_str).collect();
        let name = format!("idx-{}-{}", self.table.name.name(), names.join("-"));
        Index::new(name, columns.iter().cloned())
    }

    fn index_statement(&self) -> String {
        ddl::index_statement(Backend::Sqlite, &self.table.name, &self.index())
    }

    /// Writes down what was there before, so that taking the change back leaves it.
    async fn remember(&self, tx: &Connection) -> Result<()> {
        let ledger = Ledger::of(Backend::Sqlite, &self.request.label());
        let columns = self.key.relation.columns.iter();
        let there: Vec<_> = columns.filter_map(|name| self.table.column(name)).collect();
        let required = there.iter().filter(|column| !column.nullable);
        let entry = Entry {
            required_before: required.map(|column| column.name.as_str().to_owned()).collect(),
            columns_before: there.iter().map(|column| column.name.as_str().to_owned()).collect(),
            had_index: self.has_index(),
            had_key: self.keys().next().is_some(),
            ..Entry::default()
        };
        if ledger.read(tx).await?.is_some() {
            return Ok(());
        }
        ledger.create(tx).await?;
        ledger.write(tx, &entry).await
    }

    /// What the columns are filled with that may be without a value.
    fn filled(&self, filling: &Filling<'_>) -> Vec<Filled> {
        let mut filled = Vec::new();
        for (place, name) in self.key.relation.columns.iter().enumerate() {
            let column = self.table.column(name);
            let is_filled = |column: &Column| column.nullable && self.request.backfill.is_some();
            if column.is_some_and(|column| !is_filled(column)) {
                continue;
            }
            let mut sql = Sql::new(Backend::Sqlite, "");
            filling.push_value(&mut sql, place);
            let (expression, values) = sql.into_parts();
            filled.push(Filled {
                column: name.clone(),
                expression,
                values,
                only_empty: true,
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

    fn reverting(&self, how: Revert, before: &Entry) -> Vec<Edit> {
        let is_older = |name: &ColumnName| {
            let mut others = self.table.foreign_keys.iter();
            let in_other = |other: &ForeignKey| {
                !is_same(&other.relation, &self.key.relation) && other.relation.columns.contains(name)
            };
            let primary = self.table.primary_key.as_ref();
            primary.is_some_and(|key| key.columns.contains(name))
                || others.any(in_other)
                || before.required_before.iter().any(|before| before == name.as_str())
        };
        let is_added = |name: &ColumnName| !before.columns_before.iter().any(|before| before == name.as_str());
        let mut edits = Vec::new();
        if how != Revert::Soft && !before.had_key {
            edits.extend(self.keys().map(|known| Edit::DropForeignKey(known.relation.clone())));
        }
        for name in self.key.relation.columns.iter().filter(|name| !is_older(name)) {
            match (self.table.column(name), how) {
                (Some(_), Revert::Full) if is_added(name) => edits.push(Edit::DropColumn(name.clone())),
                (Some(column), _) if !column.nullable => edits.push(Edit::DropNotNull(name.clone())),
                (Some(_) | None, _) => {}
            }
        }
        edits
    }
}

/// Of all types a STRICT table takes only these; which one follows as affinity does (SQLite, "Datatypes In SQLite", section 3.1).
fn strict_type(data_type: &str) -> &'static str {
    let upper = data_type.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    match () {
        () if has(&["INT"]) => "INTEGER",
        () if has(&["CHAR", "CLOB", "TEXT"]) => "TEXT",
        () if has(&["BLOB"]) => "BLOB",
        () if has(&["REAL", "FLOA", "DOUB"]) => "REAL",
        () => "ANY",
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
