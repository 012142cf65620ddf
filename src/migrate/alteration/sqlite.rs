//! SQLite: ALTER TABLE where it can; else the table is built anew, with enforcement of foreign keys off.

use sea_orm::ConnectionTrait;

use super::{Alteration, in_the_way};
use crate::backend::Backend;
use crate::connection::{Connection, Session, TransactionOptions};
use crate::diff::{DiffOptions, diff};
use crate::error::{Error, Result};
use crate::observe::Operation;
use crate::sql::Sql;

pub(super) async fn make(alteration: &Alteration, connection: &Connection) -> Result<()> {
    if connection.is_transaction() {
        return in_it(alteration, connection, &Place::TheirTransaction).await;
    }
    let patience = alteration.patience;
    let alone = connection
        .alone(Session {
            begins: Vec::new(),
            busy_timeout: Some(patience.lock_timeout.saturating_mul(patience.attempts)),
        })
        .await?;
    let operation = Operation::new("alter", Backend::Sqlite, "");
    let made = alone
        .connection
        .transaction(TransactionOptions::new(), &operation, async |tx| {
            in_it(alteration, &tx, &Place::OwnTransaction).await
        })
        .await;
    // No transaction gives it back.
    let reset = alone.connection.execute_unprepared("PRAGMA legacy_alter_table = OFF").await;
    alone.close().await?;
    made.and_then(|()| Ok(reset.map(drop)?))
}

enum Place {
    OwnTransaction,
    TheirTransaction,
}

async fn in_it(alteration: &Alteration, tx: &Connection, place: &Place) -> Result<()> {
    // What was looked at before may have changed: nobody else writes from here on.
    let live = alteration.live(tx).await?;
    let goal = alteration.applied_to(&live)?;
    in_the_way::look(tx, &alteration.table, &live, &goal).await?;
    let steps = diff(&live, &goal, &DiffOptions::default()).statements();
    let rebuilds = steps.iter().any(|step| step.sql.starts_with("PRAGMA foreign_keys"));
    if let (true, Place::TheirTransaction) = (rebuilds, place) {
        refuse_if_enforced(alteration, tx).await?;
    }
    for step in steps {
        let is_frame = ["BEGIN", "COMMIT", "PRAGMA foreign_keys"];
        if !is_frame.iter().any(|frame| step.sql.starts_with(frame)) {
            tx.execute_unprepared(&step.sql).await?;
        }
    }
    Ok(())
}

/// With enforcement on, dropping a table deletes the rows that reference it.
async fn refuse_if_enforced(alteration: &Alteration, tx: &Connection) -> Result<()> {
    let asked = Sql::new(Backend::Sqlite, "SELECT foreign_keys FROM pragma_foreign_keys").statement();
    let enforced: i32 = match tx.query_one_raw(asked).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    match enforced {
        0 => Ok(()),
        _ => Err(Error::invalid_input(format!(
            "nothing was changed: {} must be built anew, and in a transaction that enforces foreign keys that would delete the rows that \
             reference it; let the migration's use_transaction return Some(false)",
            alteration.table
        ))),
    }
}
