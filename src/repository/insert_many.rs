//! Inserting many rows, of which each may leave other columns unset.

use std::sync::{Mutex, PoisonError};

use sea_orm::sea_query::{Expr, InsertStatement, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, Iterable};

use super::explain::{Attempted, Explain};
use super::guard::mark;
use super::key::{key_columns, set_value};
use super::{Entity, EntityRepository, Rows};
use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::delete::Guards;
use crate::error::{Error, Result};
use crate::observe::Operation;

/// Rows of one statement, if they have few columns: more save no time, and the rows of one statement are held in memory.
const ROWS_PER_STATEMENT: usize = 1_000;

impl<E: Entity> EntityRepository<E> {
    pub(super) async fn write_rows(&self, operation: &Operation, rows: Rows<'_, E>) -> Result<u64> {
        // The rows can be taken once, so the transaction is tried once.
        let rows = Mutex::new(Some(rows));
        let guards = self.guards().await?;
        self.connection
            .once()
            .transaction(TransactionOptions::new(), operation, |tx| {
                let (rows, guards) = (rows.lock().unwrap_or_else(PoisonError::into_inner).take(), &guards);
                async move {
                    match rows {
                        Some(rows) => insert_in_chunks::<E>(&tx, guards, rows).await,
                        None => Err(Error::invalid_input("the rows to insert were used up")),
                    }
                }
            })
            .await
    }
}

async fn insert_in_chunks<E: Entity>(connection: &Connection, guards: &Guards, mut rows: Rows<'_, E>) -> Result<u64> {
    let columns = E::Column::iter().count().max(1);
    let limit = connection.backend().capability().bind_limit / columns;
    let size = ROWS_PER_STATEMENT.min(limit).max(1);
    let mut inserted = 0;
    loop {
        let chunk: Vec<_> = rows.by_ref().take(size).collect();
        if chunk.is_empty() {
            return Ok(inserted);
        }
        mark::<E>(guards, connection, &chunk).await?;
        for run in alike::<E>(connection.backend(), &chunk) {
            let statement = insert::<E>(connection.backend(), run);
            let result = connection.execute(&statement).await;
            let done = result.explain::<E>(connection, Attempted::Insert(run)).await?;
            inserted += done.rows_affected();
        }
    }
}

/// Rows that one statement can insert. Where `DEFAULT` may stand for a value that is all of them; elsewhere, neighbours that set the
/// same columns. The order of the rows is kept, since a row may reference an earlier one.
fn alike<E: Entity>(backend: Backend, rows: &[E::ActiveModel]) -> Vec<&[E::ActiveModel]> {
    if backend.capability().default_keyword {
        return vec![rows];
    }
    rows.chunk_by(|one, next| {
        E::Column::iter().all(|column| set_value(one, column).is_some() == set_value(next, column).is_some())
    })
    .flat_map(|run| match run {
        // A row of nothing but defaults has no VALUES list to share.
        [first, _, ..] if E::Column::iter().all(|column| set_value(first, column).is_none()) => run.chunks(1),
        _ => run.chunks(run.len().max(1)),
    })
    .collect()
}

fn insert<E: Entity>(backend: Backend, rows: &[E::ActiveModel]) -> InsertStatement {
    let mut columns: Vec<_> = E::Column::iter()
        .filter(|column| rows.iter().any(|row| set_value(row, *column).is_some()))
        .collect();
    if columns.is_empty() && backend.capability().default_keyword {
        columns = key_columns::<E>().into_iter().take(1).collect();
    }
    let mut insert = Query::insert();
    insert.into_table(E::default().table_ref());
    if columns.is_empty() {
        return insert.or_default_values().take();
    }
    insert.columns(columns.iter().copied());
    for row in rows {
        insert.values_panic(columns.iter().map(|column| match set_value(row, *column) {
            Some(value) => column.save_as(Expr::val(value)),
            None => Expr::keyword_default(),
        }));
    }
    insert
}
