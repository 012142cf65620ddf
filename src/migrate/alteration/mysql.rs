//! MySQL and MariaDB: each ALTER commits by itself, and waits for its lock a little only.

use sea_orm::ConnectionTrait;

use super::Alteration;
use crate::connection::{Connection, Session};
use crate::diff::{DiffOptions, Step, diff};
use crate::error::Result;
use crate::introspect;
use crate::schema::Schema;

pub(super) async fn make(alteration: &Alteration, connection: &Connection, live: &Schema, goal: &Schema) -> Result<()> {
    let mut found = diff(live, goal, &DiffOptions::default());
    if alteration.table.schema().is_some() {
        found.own = introspect::own_schema(connection).await?;
    }
    let steps = found.statements();
    if steps.is_empty() {
        return Ok(());
    }
    let seconds = alteration.patience.lock_timeout.as_secs().max(1);
    let alone = connection
        .alone(Session {
            begins: vec![
                format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"),
                // Otherwise a value that does not fit is made to: NULL becomes 0.
                "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')".to_owned(),
            ],
            busy_timeout: None,
        })
        .await?;
    let made = run(alteration, &alone.connection, &steps).await;
    alone.close().await?;
    made
}

async fn run(alteration: &Alteration, connection: &Connection, steps: &[Step]) -> Result<()> {
    for step in steps {
        for attempt in 1.. {
            match connection.execute_unprepared(&step.sql).await {
                Ok(_) => break,
                Err(error) => alteration.patience.before_another(error.into(), attempt).await?,
            }
        }
    }
    Ok(())
}
