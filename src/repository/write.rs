//! Writing one row, or one change to many.

use sea_orm::sea_query::{Condition, OnConflict};
use sea_orm::{ActiveModelBehavior, ActiveModelTrait, DbErr, IdenStatic, Insert, Iterable, QueryFilter};

use super::explain::{Attempted, Explain};
use super::guard::{check_complete, mark, mark_rest, touched};
use super::key::{KeyTuple, column_name, key_columns, key_of_row, key_values, row_condition, set_value, table_of};
use super::read::count_rows;
use super::{Entity, EntityRepository};
use crate::connection::{Connection, TransactionOptions};
use crate::delete::{DeleteReport, Preview, Roots};
use crate::error::{Error, ErrorKind, Result};
use crate::observe::Operation;

/// A unique key that is violated this often is violated by another row.
const UPSERT_ATTEMPTS: u32 = 3;

impl<E: Entity> EntityRepository<E> {
    pub(super) async fn write_insert(&self, operation: &Operation, row: E::ActiveModel) -> Result<E::Model> {
        let guards = self.guards().await?;
        if self.connection.backend().capability().returning && guards.is_empty() {
            return insert_row::<E>(&self.connection, row).await;
        }
        // The row is read back by a second statement, and must not go in between.
        self.connection
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (row, guards) = (row.clone(), &guards);
                async move {
                    let marked = mark::<E>(guards, &tx, std::slice::from_ref(&row)).await?;
                    let stored = insert_row::<E>(&tx, row).await?;
                    mark_rest::<E>(guards, &tx, &stored, &marked).await?;
                    Ok(stored)
                }
            })
            .await
    }

    pub(super) async fn write_update(&self, operation: &Operation, row: E::ActiveModel) -> Result<E::Model> {
        let key = primary_key::<E>(&row)?;
        let guards = touched::<E>(self.guards().await?, &row);
        if guards.is_empty() {
            return update_row::<E>(&self.connection, row, &key).await;
        }
        self.connection
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (row, key, guards) = (row.clone(), &key, &guards);
                async move {
                    let marked = mark::<E>(guards, &tx, std::slice::from_ref(&row)).await?;
                    let stored = update_row::<E>(&tx, row, key).await?;
                    mark_rest::<E>(guards, &tx, &stored, &marked).await?;
                    Ok(stored)
                }
            })
            .await
    }

    pub(super) async fn write_update_if(
        &self,
        operation: &Operation,
        row: E::ActiveModel,
        condition: Condition,
    ) -> Result<E::Model> {
        let key = primary_key::<E>(&row)?;
        let guards = self.guards().await?;
        self.connection
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (key, row, condition, guards) = (&key, row.clone(), condition.clone(), guards.clone());
                async move {
                    let row = ActiveModelBehavior::before_save(row, &tx, false).await?;
                    let guards = touched::<E>(guards, &row);
                    let marked = mark::<E>(&guards, &tx, std::slice::from_ref(&row)).await?;
                    let found = row_condition(&key_columns::<E>(), key);
                    let changed = change_rows::<E>(&tx, found.add(condition), &row).await?;
                    match self.on(&tx).read_one(key.clone()).await? {
                        Some(model) if changed > 0 => {
                            mark_rest::<E>(&guards, &tx, &model, &marked).await?;
                            Ok(<E::ActiveModel as ActiveModelBehavior>::after_save(model, &tx, false).await?)
                        }
                        Some(_) => Err(Error::new(ErrorKind::Stale {
                            table: table_of::<E>(),
                            key: key_values::<E>(key),
                        })),
                        None => Err(not_found::<E>(key)),
                    }
                }
            })
            .await
    }

    pub(super) async fn write_update_rows(
        &self,
        operation: &Operation,
        filter: Condition,
        change: E::ActiveModel,
    ) -> Result<u64> {
        if E::Column::iter().all(|column| !change.get(column).is_set()) {
            return Err(Error::invalid_input(format!(
                "the change to {} sets no column",
                table_of::<E>()
            )));
        }
        let guards = touched::<E>(self.guards().await?, &change);
        if guards.is_empty() {
            return change_rows::<E>(&self.connection, filter, &change).await;
        }
        check_complete::<E>(&guards, &change)?;
        self.connection
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (filter, change, guards) = (filter.clone(), &change, &guards);
                async move {
                    match mark::<E>(guards, &tx, std::slice::from_ref(change)).await {
                        Ok(_) => change_rows::<E>(&tx, filter, change).await,
                        // Nobody would get the parent that is not there.
                        Err(error) if error.is_foreign_key() && count_rows::<E>(&tx, filter).await? == 0 => Ok(0),
                        Err(error) => Err(error),
                    }
                }
            })
            .await
    }

    pub(super) async fn write_upsert(
        &self,
        operation: &Operation,
        row: E::ActiveModel,
        unique_key: &[E::Column],
    ) -> Result<E::Model> {
        let key = match unique_key {
            [] => key_columns::<E>(),
            columns => columns.to_vec(),
        };
        let Some(values) = key
            .iter()
            .map(|column| set_value(&row, *column))
            .collect::<Option<KeyTuple>>()
        else {
            let names: Vec<_> = key.iter().map(IdenStatic::as_str).collect();
            return Err(Error::invalid_input(format!(
                "upsert into {} needs a value in each of: {}",
                table_of::<E>(),
                names.join(", ")
            )));
        };
        let found = row_condition(&key, &values);
        for _ in 1..UPSERT_ATTEMPTS {
            match self.upsert_once(operation, &row, &key, &found).await {
                // Perhaps another connection has just inserted the very row, and it was met by another of its unique keys first.
                Err(error) if error.is_unique() => {}
                result => return result,
            }
        }
        self.upsert_once(operation, &row, &key, &found).await
    }

    async fn upsert_once(
        &self,
        operation: &Operation,
        row: &E::ActiveModel,
        key: &[E::Column],
        found: &Condition,
    ) -> Result<E::Model> {
        let guards = self.guards().await?;
        self.connection
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (found, row, guards) = (found.clone(), row.clone(), &guards);
                async move {
                    let marked = mark::<E>(guards, &tx, std::slice::from_ref(&row)).await?;
                    if tx.backend().capability().conflict_target {
                        insert_or_change::<E>(&tx, key, row).await?;
                    } else {
                        change_or_insert::<E>(&tx, key, found.clone(), row).await?;
                    }
                    let stored = E::find().filter(found).one(&tx).await?;
                    let stored = stored.ok_or_else(|| not_found_after_upsert::<E>())?;
                    mark_rest::<E>(guards, &tx, &stored, &marked).await?;
                    Ok(stored)
                }
            })
            .await
    }

    /// The rows with these primary keys.
    pub(super) fn roots(&self, keys: Vec<KeyTuple>) -> Roots {
        Roots::keys_of(table_of::<E>(), key_columns::<E>().iter().map(column_name), keys)
    }

    pub(super) async fn delete_roots(&self, roots: Roots) -> Result<DeleteReport> {
        let plan = self.registry.plan(&self.connection, &roots).await?;
        let calls = self.registry.calls(&self.connection).await?;
        let error = match plan.carry_out(&self.connection, &calls, None).await {
            Err(error) if error.is_foreign_key() || matches!(error.kind(), ErrorKind::Database { .. }) => error,
            result => return result,
        };
        // Perhaps the catalog is no longer what it was when the plan was made.
        self.registry.forget();
        if self.connection.is_transaction() {
            return Err(error);
        }
        let again = self.registry.plan(&self.connection, &roots).await?;
        match again.fingerprint() == plan.fingerprint() {
            true => Err(error),
            false => again.carry_out(&self.connection, &calls, None).await,
        }
    }

    pub(super) async fn write_delete(&self, key: KeyTuple) -> Result<DeleteReport> {
        let report = self.delete_roots(self.roots(vec![key.clone()])).await?;
        match report.roots() {
            0 => Err(not_found::<E>(&key)),
            _ => Ok(report),
        }
    }

    pub(super) async fn look_at_delete(&self, key: KeyTuple) -> Result<Preview> {
        let roots = self.roots(vec![key.clone()]);
        let plan = self.registry.plan(&self.connection, &roots).await?;
        let preview = plan.preview(&self.connection).await?;
        match preview.roots() {
            0 => Err(not_found::<E>(&key)),
            _ => Ok(preview),
        }
    }
}

async fn insert_row<E: Entity>(connection: &Connection, row: E::ActiveModel) -> Result<E::Model> {
    let attempted = row.clone();
    let result = row.insert(connection).await;
    result.explain::<E>(connection, Attempted::Insert(&[attempted])).await
}

async fn update_row<E: Entity>(connection: &Connection, row: E::ActiveModel, key: &KeyTuple) -> Result<E::Model> {
    let attempted = row.clone();
    match row.update(connection).await {
        Err(DbErr::RecordNotUpdated | DbErr::RecordNotFound(_)) => Err(not_found::<E>(key)),
        result => result.explain::<E>(connection, Attempted::Update(&attempted)).await,
    }
}

fn not_found<E: Entity>(key: &KeyTuple) -> Error {
    Error::not_found(table_of::<E>(), key_values::<E>(key))
}

fn not_found_after_upsert<E: Entity>() -> Error {
    Error::invalid_input(format!(
        "the row upserted into {} cannot be read back: a trigger changed its key",
        table_of::<E>()
    ))
}

fn primary_key<E: Entity>(row: &E::ActiveModel) -> Result<KeyTuple> {
    key_of_row::<E>(row).ok_or_else(|| {
        let names: Vec<_> = key_columns::<E>().iter().map(IdenStatic::as_str).collect();
        Error::invalid_input(format!(
            "the update does not say which row of {} it is for: set {}",
            table_of::<E>(),
            names.join(", ")
        ))
    })
}

/// Writes the columns that are set to the rows that meet the condition; counts the rows, changed or equal already.
async fn change_rows<E: Entity>(connection: &Connection, filter: Condition, change: &E::ActiveModel) -> Result<u64> {
    if E::Column::iter().all(|column| !change.get(column).is_set()) {
        return count_rows::<E>(connection, filter).await;
    }
    let result = E::update_many()
        .set(change.clone())
        .filter(filter)
        .exec(connection)
        .await;
    let done = result.explain::<E>(connection, Attempted::Update(change)).await?;
    Ok(done.rows_affected)
}

/// `INSERT … ON CONFLICT (key) DO UPDATE`.
async fn insert_or_change<E: Entity>(connection: &Connection, key: &[E::Column], row: E::ActiveModel) -> Result<()> {
    let row = ActiveModelBehavior::before_save(row, connection, true).await?;
    let primary: Vec<_> = key_columns::<E>().iter().map(IdenStatic::as_str).collect();
    let others = E::Column::iter().filter(|column| {
        row.get(*column).is_set()
            && key.iter().all(|known| known.as_str() != column.as_str())
            && !primary.contains(&column.as_str())
    });
    let mut conflict = OnConflict::columns(key.iter().copied());
    let others: Vec<_> = others.collect();
    if others.is_empty() {
        conflict.do_nothing();
    } else {
        conflict.update_columns(others);
    }
    let result = Insert::one(row.clone())
        .on_conflict(conflict)
        .exec_without_returning(connection)
        .await;
    match result {
        // DO NOTHING met a row that is there already.
        Err(DbErr::RecordNotInserted) => Ok(()),
        result => result
            .explain::<E>(connection, Attempted::Insert(&[row]))
            .await
            .map(drop),
    }
}

/// For engines whose upsert does not say which unique key it is about: an update, and an insert if that found no row.
async fn change_or_insert<E: Entity>(
    connection: &Connection,
    key: &[E::Column],
    found: Condition,
    row: E::ActiveModel,
) -> Result<()> {
    let row = ActiveModelBehavior::before_save(row, connection, true).await?;
    let mut change = row.clone();
    for column in key.iter().copied().chain(key_columns::<E>()) {
        change.not_set(column);
    }
    if change_rows::<E>(connection, found, &change).await? > 0 {
        return Ok(());
    }
    let result = Insert::one(row.clone()).exec_without_returning(connection).await;
    result
        .explain::<E>(connection, Attempted::Insert(&[row]))
        .await
        .map(drop)
}
