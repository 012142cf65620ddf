//! SQLite: ALTER TABLE where it can; else the table is built anew, with enforcement of foreign keys off.

use sea_orm::ConnectionTrait;

use super::{Alteration, in_the_way};
use crate::connection::Connection;
use crate::diff::{DiffOptions, diff};
use crate::error::{Error, Result};
use crate::introspect;
use crate::migrate::rebuild::rebuilding;
use crate::schema::ForeignKey;

pub(super) async fn make(alteration: &Alteration, connection: &Connection) -> Result<()> {
    rebuilding(connection, alteration.patience.in_all(), |tx| {
        let alteration = alteration.clone();
        async move { within(&alteration, &tx).await }
    })
    .await
}

async fn within(alteration: &Alteration, tx: &Connection) -> Result<()> {
    // What was looked at before may have changed: nobody else writes from here on.
    let live = alteration.live(tx).await?;
    let goal = alteration.applied_to(&live)?;
    in_the_way::look(tx, &alteration.table, &live, &goal).await?;
    let steps = diff(&live, &goal, &DiffOptions::default()).statements();
    let is_rebuilt = steps.iter().any(|step| step.sql.starts_with("PRAGMA foreign_keys"));
    let references = |key: &&ForeignKey| {
        key.relation
            .referenced_table
            .name()
            .eq_ignore_ascii_case(alteration.table.name())
    };
    let referencing = live.foreign_keys().chain(goal.foreign_keys()).find(references);
    if let Some(key) = referencing.filter(|_| is_rebuilt)
        && introspect::enforces_foreign_keys(tx).await?
    {
        return Err(Error::invalid_input(format!(
            "nothing was changed: {} must be built anew, and in a transaction that enforces foreign keys that would delete the rows of {} \
             that reference it; let the migration's use_transaction return Some(false)",
            alteration.table, key.relation.table
        )));
    }
    for step in steps {
        // The transaction is there already.
        let is_frame = ["BEGIN", "COMMIT", "PRAGMA foreign_keys"];
        if !is_frame.iter().any(|frame| step.sql.starts_with(frame)) {
            tx.execute_unprepared(&step.sql).await?;
        }
    }
    Ok(())
}
