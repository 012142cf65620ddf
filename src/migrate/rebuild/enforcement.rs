//! A transaction that does not enforce foreign keys, and the proof that none was the worse for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sea_orm::{ConnectionTrait, QueryResult};

use super::query;
use crate::backend::Backend;
use crate::connection::{Connection, Session, TransactionOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::introspect;
use crate::observe::Operation;

/// Runs `body` in one transaction that has the database's write lock and does not enforce foreign keys, and proves before COMMIT that no
/// more rows dangle than did before. Whatever happens, enforcement is afterwards as it was.
///
/// On a pool this is a connection of its own, which waits so long for another writer; if the future is dropped, that connection is closed
/// and nothing was changed. A database in memory has but one connection: if the future is dropped there, enforcement stays off. On a
/// transaction, `body` runs in a savepoint of that one, whose enforcement nobody can change any more.
///
/// # Errors
///
/// What `body` returns; invalid input if rows would reference a row that is not there; busy if another connection writes for too long.
pub(crate) async fn rebuilding<T, F, Fut>(connection: &Connection, patience: Duration, body: F) -> Result<T>
where
    F: Fn(Connection) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    if connection.is_transaction() {
        return checked(connection, &body).await;
    }
    let enforced = introspect::enforces_foreign_keys(connection).await?;
    let session = Session {
        begins: Vec::new(),
        busy_timeout: Some(patience),
    };
    let alone = connection.alone(session).await?;
    let result = checked(&alone.connection, &body).await;
    alone.close().await?;
    if !enforced {
        connection.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
    }
    match introspect::enforces_foreign_keys(connection).await? == enforced {
        true => result,
        false => Err(Error::invalid_input(
            "foreign keys are no longer enforced on this connection: close it and open another",
        )),
    }
}

async fn checked<T, F, Fut>(connection: &Connection, body: &F) -> Result<T>
where
    F: Fn(Connection) -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let operation = Operation::new("rebuild", Backend::Sqlite, "");
    let work = connection.transaction(TransactionOptions::new(), &operation, |tx| async move {
        let before = Dangling::find(&tx).await?;
        let value = body(tx.clone()).await?;
        before.refuse_more(&Dangling::find(&tx).await?)?;
        Ok::<_, Error>(value)
    });
    operation.run(work, |_| 0).await
}

/// Dropping a table on a connection that enforces foreign keys deletes its rows first, and every CASCADE key follows (SQLite, "DROP
/// TABLE"); a table that references itself is one of these.
pub(super) async fn refuse_deleting_children(connection: &Connection, table: &str) -> Result<()> {
    if !introspect::enforces_foreign_keys(connection).await? {
        return Ok(());
    }
    let children = query(
        connection,
        "SELECT m.name FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" = ?1 COLLATE NOCASE",
        [table.into()],
    )
    .await?;
    match children.first() {
        Some(row) => Err(Error::invalid_input(format!(
            "nothing was changed: building {table} anew while foreign keys are enforced would delete the rows of {} that reference it, and \
             within a transaction enforcement cannot be changed; run this outside any transaction, or after PRAGMA foreign_keys = OFF",
            row.try_get_by_index::<String>(0)?
        ))),
        None => Ok(()),
    }
}

/// Rows whose reference dangles.
#[derive(Debug, Default)]
struct Dangling {
    /// How many, by referencing table, referenced table and referencing columns. Not by the number SQLite gives a key, which is another
    /// once the table has one more.
    rows: BTreeMap<(String, String, String), i64>,
    /// Tables that cannot be checked, since what one of their keys references is not unique.
    unchecked: BTreeSet<String>,
}

/// Behind `FROM`, what is to be checked.
macro_rules! dangling {
    ($check:literal) => {
        concat!(
            "SELECT c.child, c.parent,
               COALESCE((SELECT group_concat(f.\"from\", ', ') FROM pragma_foreign_key_list(c.child) f WHERE f.id = c.fkid), ''),
               c.violations
             FROM (SELECT \"table\" AS child, parent, fkid, COUNT(*) AS violations FROM ",
            $check,
            " GROUP BY 1, 2, 3) c"
        )
    };
}

impl Dangling {
    async fn find(connection: &Connection) -> Result<Self> {
        let mut found = Self::default();
        match query(connection, dangling!("pragma_foreign_key_check"), []).await {
            Ok(rows) => found.add(&rows)?,
            Err(error) if matches!(error.kind(), ErrorKind::Database { .. }) => found.one_by_one(connection).await?,
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    /// Where one key cannot be checked, SQLite says nothing of the others.
    async fn one_by_one(&mut self, connection: &Connection) -> Result<()> {
        let tables = "SELECT l.name FROM pragma_table_list l WHERE l.schema = 'main' AND l.type = 'table' ORDER BY 1";
        for row in query(connection, tables, []).await? {
            let table: String = row.try_get_by_index(0)?;
            let check = dangling!("pragma_foreign_key_check(?1)");
            match query(connection, check, [table.as_str().into()]).await {
                Ok(rows) => self.add(&rows)?,
                Err(error) if matches!(error.kind(), ErrorKind::Database { .. }) => {
                    self.unchecked.insert(table);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn add(&mut self, rows: &[QueryResult]) -> Result<()> {
        for row in rows {
            let key = (
                row.try_get_by_index(0)?,
                row.try_get_by_index(1)?,
                row.try_get_by_index(2)?,
            );
            *self.rows.entry(key).or_default() += row.try_get_by_index::<i64>(3)?;
        }
        Ok(())
    }

    fn refuse_more(&self, after: &Self) -> Result<()> {
        if let Some(table) = after.unchecked.difference(&self.unchecked).next() {
            return Err(Error::invalid_input(format!(
                "nothing was changed: a key of {table} would reference what is no primary or unique key"
            )));
        }
        for (key, rows) in &after.rows {
            let known = self.rows.get(key).copied().unwrap_or_default();
            if *rows > known {
                let (table, parent, columns) = key;
                return Err(Error::invalid_input(format!(
                    "nothing was changed: afterwards {rows} row(s) of {table} would reference no row of {parent} through {columns}, and {known} \
                     do so now"
                )));
            }
        }
        Ok(())
    }
}
