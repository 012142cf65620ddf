//! Deleting rows and saying what went with them.
//!
//! In this version the database's own foreign keys do the work. What they will do is counted first, in the same transaction and behind
//! locks, from the keys the *catalog* holds: a cascade that is declared on an entity and missing in the database is not counted,
//! because it does not happen.

mod count;
mod report;

use sea_orm::sea_query::{Condition, LockType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, Statement};

pub use report::{DeleteReport, TableReport};

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::introspect;
use crate::name::TableName;
use crate::schema::ForeignKey;

pub(crate) use count::{Closure, table_ref};

/// What is known before a delete.
pub(crate) struct Outlook {
    pub(crate) report: DeleteReport,
    pub(crate) closure: Closure,
}

/// Locks the rows to delete and everything that will go with them, and counts it.
///
/// The roots are locked before anything is counted, and each level before the next: a row that is inserted meanwhile and references
/// one of them waits for this transaction's end, so the counts are exact.
pub(crate) async fn outlook(connection: &Connection, root: &TableName, rows: Condition) -> Result<Outlook> {
    let root = introspect::canonical(connection, root.clone()).await?;
    let keys = introspect::foreign_keys_around(connection, root.schema()).await?;
    let closure = Closure::new(connection.backend(), root, rows, keys);
    let report = count::count(connection, &closure).await?;
    Ok(Outlook { report, closure })
}

/// Finds a key that keeps the rows from going, after the database refused and did not say which.
pub(crate) async fn find_blocker(connection: &Connection, closure: &Closure) -> Result<Option<ForeignKey>> {
    for key in closure.restricting() {
        if count_rows(connection, closure.blocking_rows(key)).await? > 0 {
            return Ok(Some(key.clone()));
        }
    }
    Ok(None)
}

/// Counts what a `SELECT 1 …` finds, locking it where the engine can.
pub(crate) async fn count_rows(connection: &Connection, mut rows: SelectStatement) -> Result<u64> {
    if connection.backend().capability().row_locks {
        rows.lock(LockType::Update);
    }
    let backend = connection.get_database_backend();
    let statement: Statement = match connection.backend() {
        // PostgreSQL allows no lock beside an aggregate, but one in the table it counts.
        Backend::Postgres | Backend::Sqlite => {
            let counted = Query::select()
                .expr(sea_orm::sea_query::Func::count(sea_orm::sea_query::Expr::val(1)))
                .from_subquery(rows, "counted")
                .take();
            backend.build(&counted)
        }
        // MariaDB ignores a lock in a derived table and honours it beside an aggregate.
        Backend::MySql => {
            rows.clear_selects();
            rows.expr(sea_orm::sea_query::Func::count(sea_orm::sea_query::Expr::val(1)));
            backend.build(&rows)
        }
    };
    let row = connection.query_one_raw(statement).await?;
    let counted: i64 = match row {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(u64::try_from(counted).unwrap_or(0))
}
