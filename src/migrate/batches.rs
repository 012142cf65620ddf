//! Filling rows in batches: a transaction each, by ranges of the primary key, the place reached saved in the same transaction.

use sea_orm::{ConnectionTrait, IsolationLevel, QueryResult, Value};

use super::backfill::{Backfill, Batch};
use super::foreign_key::RequiredForeignKey;
use super::ledger::{Entry, Ledger};
use super::situation::Situation;
use super::unfilled::Filling;
use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::ddl::identifier;
use crate::error::{Error, Result};
use crate::name::{ColumnName, KeyValues};
use crate::observe::Operation;
use crate::sql::{Keyset, Sql, from_table, typed};

/// What one batch did.
pub(super) struct Filled {
    pub(super) rows: u64,
    /// Where the ledger stands now.
    pub(super) entry: Entry,
}

/// What one batch of clearing did.
pub(super) struct Cleared {
    pub(super) rows: u64,
    /// The primary key up to which it went, unless it was the last.
    pub(super) to: Option<Vec<String>>,
}

/// Fills one batch and moves the ledger's cursor behind it, in one transaction.
pub(super) async fn fill(
    connection: &Connection,
    situation: &Situation,
    request: &RequiredForeignKey,
    ledger: &Ledger,
    entry: &Entry,
) -> Result<Filled> {
    let operation = Operation::new("backfill", connection.backend(), situation.key.relation.table.name());
    let once = connection.once();
    let work = once.transaction(options(connection), &operation, |tx| async move {
        super::run::wait_only(&tx, request).await?;
        let range = Range::next(&tx, situation, request, entry.cursor.as_deref()).await?;
        let rows = match &request.backfill {
            Some(Backfill::Rust(code)) => {
                let rows = range.empty_rows(&tx, situation, request).await?;
                let keyset = keyset(situation)?;
                let asked = Batch {
                    keys: rows.iter().map(|row| row.key(&keyset)).collect(),
                    connection: tx.clone(),
                };
                let given = match rows.is_empty() {
                    true => Vec::new(),
                    false => (code.0)(asked).await?,
                };
                assign(&tx, situation, &rows, given).await?
            }
            Some(Backfill::Sql(_) | Backfill::Mapping { .. } | Backfill::Owner(_)) | None => {
                let update = range.update(situation, request)?.statement();
                tx.execute_raw(update).await?.rows_affected()
            }
        };
        range.refuse_bad_rows(&tx, situation, request).await?;
        let entry = Entry {
            cursor: range.to.clone().map(|to| to.texts),
            filled: range.to.is_none(),
            ..entry.clone()
        };
        ledger.write(&tx, &entry).await?;
        Ok(Filled { rows, entry })
    });
    operation.run(work, |filled: &Filled| filled.rows).await
}

/// Puts NULL in place of what stands for no value, in one batch of rows.
pub(super) async fn clear(
    connection: &Connection,
    situation: &Situation,
    request: &RequiredForeignKey,
    behind: Option<&[String]>,
) -> Result<Cleared> {
    let operation = Operation::new("clear", connection.backend(), situation.key.relation.table.name());
    let once = connection.once();
    let work = once.transaction(options(connection), &operation, |tx| async move {
        let range = Range::next(&tx, situation, request, behind).await?;
        let cleared = tx.execute_raw(range.clearing(situation)?.statement()).await?;
        Ok(Cleared {
            rows: cleared.rows_affected(),
            to: range.to.map(|to| to.texts),
        })
    });
    operation.run(work, |cleared: &Cleared| cleared.rows).await
}

fn options(connection: &Connection) -> TransactionOptions {
    let isolation = match connection.backend() {
        // Gaps between keys stay open for writers.
        Backend::MySql => Some(IsolationLevel::ReadCommitted),
        Backend::Postgres | Backend::Sqlite => None,
    };
    TransactionOptions {
        isolation,
        ..TransactionOptions::new()
    }
}

/// The statement of a batch, for a plan.
pub(super) fn example(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<String>> {
    if matches!(request.backfill, Some(Backfill::Rust(_))) {
        return Ok(vec!["-- the values come from Rust code".to_owned()]);
    }
    let later = situation.with_columns(request);
    let range = Range::example(&later)?;
    Ok(vec![range.update(&later, request)?.statement().sql])
}

/// The statement that clears a batch, for a plan.
pub(super) fn clearing_example(situation: &Situation) -> Result<Vec<String>> {
    let range = Range::example(situation)?;
    Ok(vec![range.clearing(situation)?.statement().sql])
}

/// A row, by its primary key.
#[derive(Clone)]
struct Place {
    texts: Vec<String>,
    values: Vec<Value>,
}

/// The rows behind one and up to another.
struct Range {
    from: Option<Place>,
    to: Option<Place>,
}

/// The primary key, by which rows are put in order.
fn keyset(situation: &Situation) -> Result<Keyset<'_>> {
    let keyset = situation
        .table()
        .and_then(|table| Keyset::primary(&situation.schema, table));
    keyset.ok_or_else(|| Error::invalid_input(format!("{} has no primary key", situation.key.relation.table)))
}

impl Place {
    fn read(keyset: &Keyset<'_>, texts: Vec<String>, row: Option<&QueryResult>) -> Result<Self> {
        let mut values = Vec::new();
        for (place, (name, text)) in keyset.columns.iter().zip(&texts).enumerate() {
            let stored_as: Option<String> = match (keyset.backend, row) {
                (Backend::Sqlite, Some(row)) => row.try_get_by_index(keyset.columns.len() + place)?,
                (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => None,
            };
            let value = keyset.comparable(name, text, stored_as.as_deref());
            values.push(value.ok_or_else(|| {
                Error::invalid_input(format!(
                    "rows cannot be filled in the order of {name}, a part of the primary key whose type has no order that can be followed"
                ))
            })?);
        }
        Ok(Self { texts, values })
    }

    fn of_row(keyset: &Keyset<'_>, row: &QueryResult) -> Result<Self> {
        let mut texts = Vec::new();
        for place in 0..keyset.columns.len() {
            texts.push(row.try_get_by_index(place)?);
        }
        Self::read(keyset, texts, Some(row))
    }

    fn key(&self, keyset: &Keyset<'_>) -> KeyValues {
        KeyValues::new(keyset.columns.iter().cloned().zip(self.texts.iter().cloned()))
    }
}

impl Range {
    /// One for a plan, with nothing but placeholders.
    fn example(situation: &Situation) -> Result<Self> {
        let place = Place {
            texts: Vec::new(),
            values: vec![Value::from(0_i64); keyset(situation)?.columns.len()],
        };
        Ok(Self {
            from: Some(place.clone()),
            to: Some(place),
        })
    }

    /// Behind the ledger's cursor, as many rows as a batch has.
    async fn next(
        connection: &Connection,
        situation: &Situation,
        request: &RequiredForeignKey,
        cursor: Option<&[String]>,
    ) -> Result<Self> {
        let keyset = keyset(situation)?;
        let from = match cursor {
            Some(texts) => Some(Place::read(&keyset, texts.to_vec(), None)?),
            None => None,
        };
        let range = Self { from, to: None };
        let mut sql = select_keys(situation, &keyset);
        sql.push(" WHERE ");
        range.push(&mut sql, situation, &keyset);
        let row = row(situation);
        let offset = request.batch_rows.max(1) - 1;
        sql.push(&format!(" ORDER BY {} LIMIT 1 OFFSET {offset}", keyset.order(&row)));
        let last = connection.query_one_raw(sql.statement()).await?;
        let to = last.map(|last| Place::of_row(&keyset, &last)).transpose()?;
        Ok(Self { to, ..range })
    }

    fn push(&self, sql: &mut Sql, situation: &Situation, keyset: &Keyset<'_>) {
        let row = row(situation);
        match (&self.from, &self.to) {
            (None, None) => sql.push("1 = 1"),
            (Some(from), None) => keyset.push_behind(sql, &row, &from.values),
            (None, Some(to)) => keyset.push_up_to(sql, &row, &to.values),
            (Some(from), Some(to)) => {
                keyset.push_behind(sql, &row, &from.values);
                sql.push(" AND ");
                keyset.push_up_to(sql, &row, &to.values);
            }
        }
    }

    /// The statement that fills the rows of the range.
    fn update(&self, situation: &Situation, request: &RequiredForeignKey) -> Result<Sql> {
        let filling = filling(situation, request)?;
        let from = from_table(&situation.schema, &situation.key.relation.table);
        let mut sql = Sql::new(situation.backend(), format!("UPDATE {from} SET "));
        filling.push_assignments(&mut sql);
        sql.push(" WHERE ");
        self.push(&mut sql, situation, &keyset(situation)?);
        sql.push(" AND ");
        filling.push_is_empty(&mut sql);
        Ok(sql)
    }

    /// The statement that puts NULL in place of what stands for no value.
    fn clearing(&self, situation: &Situation) -> Result<Sql> {
        let from = from_table(&situation.schema, &situation.key.relation.table);
        let names = situation.key.relation.columns.iter();
        let stand_in: Vec<_> = names.filter(|name| situation.placeholders.of(name).is_some()).collect();
        let row = row(situation);
        let own = |name: &ColumnName| crate::sql::column(situation.backend(), &row, name);
        let set = stand_in.iter().map(|name| {
            let value = situation.placeholders.value(name, &own(name));
            format!("{} = {value}", identifier(situation.backend(), name.as_str()))
        });
        let set: Vec<_> = set.collect();
        let lacks: Vec<_> = stand_in
            .iter()
            .map(|name| situation.placeholders.lacks(name, &own(name)))
            .collect();
        let mut sql = Sql::new(
            situation.backend(),
            format!("UPDATE {from} SET {} WHERE ", set.join(", ")),
        );
        self.push(&mut sql, situation, &keyset(situation)?);
        sql.push(&format!(" AND ({})", lacks.join(" OR ")));
        Ok(sql)
    }

    /// The rows of the range that have no value.
    async fn empty_rows(
        &self,
        connection: &Connection,
        situation: &Situation,
        request: &RequiredForeignKey,
    ) -> Result<Vec<Place>> {
        let keyset = keyset(situation)?;
        let mut sql = select_keys(situation, &keyset);
        sql.push(" WHERE ");
        self.push(&mut sql, situation, &keyset);
        sql.push(" AND ");
        filling(situation, request)?.push_is_empty(&mut sql);
        sql.push(&format!(" ORDER BY {}", keyset.order(&row(situation))));
        let rows = connection.query_all_raw(sql.statement()).await?;
        rows.iter().map(|row| Place::of_row(&keyset, row)).collect()
    }

    /// Refuses what the batch would leave: rows without a value that must have one, and rows that reference none.
    async fn refuse_bad_rows(
        &self,
        connection: &Connection,
        situation: &Situation,
        request: &RequiredForeignKey,
    ) -> Result<()> {
        let keyset = keyset(situation)?;
        let range = |sql: &mut Sql| self.push(sql, situation, &keyset);
        super::proof::refuse_bad_rows(connection, situation, request.is_required, range).await
    }
}

/// Gives rows the values that Rust code has for them: one statement for all rows that get the same.
async fn assign(
    connection: &Connection,
    situation: &Situation,
    rows: &[Place],
    given: Vec<Option<Vec<Value>>>,
) -> Result<u64> {
    let (keyset, relation) = (keyset(situation)?, &situation.key.relation);
    if given.len() != rows.len() {
        return Err(Error::invalid_input(format!(
            "the backfill was asked about {} rows of {} and answered for {}",
            rows.len(),
            relation.table,
            given.len()
        )));
    }
    let mut groups: Vec<(Vec<Value>, Vec<&Place>)> = Vec::new();
    for (row, values) in rows.iter().zip(given) {
        let Some(values) = values else { continue };
        if values.len() != relation.columns.len() {
            return Err(Error::invalid_input(format!(
                "the backfill gives {} value(s) for {}, and {relation} has {} column(s)",
                values.len(),
                row.key(&keyset),
                relation.columns.len()
            )));
        }
        match groups.iter_mut().find(|(known, _)| *known == values) {
            Some((_, members)) => members.push(row),
            None => groups.push((values, vec![row])),
        }
    }
    let mut changed = 0;
    for (values, members) in groups {
        let mut sql = Sql::new(
            situation.backend(),
            format!("UPDATE {} SET ", from_table(&situation.schema, &relation.table)),
        );
        let referenced = situation.schema.table(&relation.referenced_table);
        let columns = relation.columns.iter().zip(&relation.referenced_columns).zip(&values);
        for (place, ((name, other), value)) in columns.enumerate() {
            sql.push(if place > 0 { ", " } else { "" });
            sql.push(&format!("{} = ", identifier(situation.backend(), name.as_str())));
            let value = typed(situation.backend(), referenced, other, value);
            let value =
                value.map_err(|must| Error::invalid_input(format!("what the backfill gives for {name} {must}")))?;
            value.bind_to(&mut sql);
        }
        sql.push(" WHERE ");
        for (place, member) in members.iter().enumerate() {
            sql.push(if place > 0 { " OR " } else { "" });
            keyset.push_equal(&mut sql, &row(situation), &member.values);
        }
        changed += connection.execute_raw(sql.statement()).await?.rows_affected();
    }
    Ok(changed)
}

fn filling<'a>(situation: &'a Situation, request: &'a RequiredForeignKey) -> Result<Filling<'a>> {
    let backfill = request.backfill.as_ref();
    let filling = Filling::new(&situation.schema, request, &situation.key, backfill)?;
    Ok(filling.with_placeholders(&situation.placeholders))
}

/// The table's own name: an expression of the caller's may use it, so it has no alias.
fn row(situation: &Situation) -> String {
    identifier(situation.backend(), situation.key.relation.table.name())
}

/// `SELECT` the keys of rows; on SQLite what they are stored as too.
fn select_keys(situation: &Situation, keyset: &Keyset<'_>) -> Sql {
    let (backend, row) = (situation.backend(), row(situation));
    let mut shown: Vec<_> = keyset.columns.iter().map(|name| keyset.shown(&row, name)).collect();
    if backend == Backend::Sqlite {
        let types = keyset.columns.iter();
        shown.extend(types.map(|name| format!("typeof({})", crate::sql::column(backend, &row, name))));
    }
    let from = from_table(&situation.schema, &situation.key.relation.table);
    Sql::new(backend, format!("SELECT {} FROM {from}", shown.join(", ")))
}
