//! MySQL and MariaDB: each ALTER commits by itself, and waits for its lock a little only.
//!
//! A key is never off while it is changed. Under its own name it can be exchanged only by two statements, so it has another name between
//! them, from which a run that was killed there is completed. A key that is in the way of a column's new type has to be off for a while;
//! that is done only if the alteration says what the key is, so that a later run can put it back.

use super::steps::{Step, Steps, Way};
use super::{Alteration, edit};
use crate::backend::Backend::MySql;
use crate::connection::{Connection, Session};
use crate::ddl::{self, identifier, table_name};
use crate::diff::{Change, DiffOptions, SchemaDiff, diff};
use crate::error::{Error, Result};
use crate::introspect;
use crate::name::ConstraintName;
use crate::schema::{ForeignKey, Schema};

/// Behind the name of a key that is being exchanged.
const BETWEEN: &str = "~cascade";

pub(super) async fn make(alteration: &Alteration, connection: &Connection) -> Result<()> {
    let mut alteration = alteration.clone();
    alteration.own = introspect::own_schema(connection).await?;
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
    let mut steps = Steps::new(&alteration, &alone.connection);
    let made = steps.until_none(next).await;
    alone.close().await?;
    made
}

/// Fails if a key would have to be taken off that nobody could put back.
pub(super) fn refuse_lost_keys(alteration: &Alteration, live: &Schema, goal: &Schema) -> Result<()> {
    let sent = statements(alteration, &without_changed_keys(alteration, live, goal));
    for key in taken_off(live, goal, &sent) {
        let relation = &key.relation;
        let table = &alteration.table;
        if relation.table != *table {
            return Err(Error::invalid_input(format!(
                "nothing was changed: MySQL alters {table} only without the key {relation}, and if this were cut off that key would be \
                 lost: drop it first, by an Alteration of {}, and add it after this by another",
                relation.table
            )));
        }
        if !alteration.edits.iter().any(|edit| edit::declares(edit, key)) {
            return Err(Error::invalid_input(format!(
                "nothing was changed: MySQL alters {table} only without the key {relation}, and if this were cut off that key would be \
                 lost: say in this alteration how it is to be, with change_foreign_key"
            )));
        }
    }
    Ok(())
}

/// Keys that stay, and that these statements drop first.
fn taken_off<'a>(live: &'a Schema, goal: &'a Schema, sent: &'a [String]) -> impl Iterator<Item = &'a ForeignKey> {
    let stays = |key: &&ForeignKey| goal.foreign_keys().any(|wanted| wanted.is_same_key(key));
    live.foreign_keys()
        .filter(stays)
        .filter(|key| sent.contains(&drop_key(key)))
}

fn next(alteration: &Alteration, live: &Schema, goal: &Schema) -> Option<Step> {
    let diff = without_changed_keys(alteration, live, goal);
    let mut sent = statements(alteration, &diff);
    if !sent.is_empty() {
        let says: Vec<_> = diff.changes.iter().map(|change| change.change.to_string()).collect();
        // Keys that are taken off are put back by the same step.
        if taken_off(live, goal, &sent).next().is_none() {
            sent.truncate(1);
        }
        return Some(Step {
            says: says.join(", "),
            statements: sent,
            way: Way::Alone,
        });
    }
    exchange(alteration, live, goal)
}

fn statements(alteration: &Alteration, diff: &SchemaDiff) -> Vec<String> {
    let mut diff = diff.clone();
    if alteration.table.schema().is_some() {
        diff.own = alteration.own.clone();
    }
    diff.statements().into_iter().map(|step| step.sql).collect()
}

/// All that is different but keys with other actions.
fn without_changed_keys(alteration: &Alteration, live: &Schema, goal: &Schema) -> SchemaDiff {
    let mut goal = goal.clone();
    if let (Some(from), Some(to)) = (live.table(&alteration.table), goal.table_mut(&alteration.table)) {
        for key in &mut to.foreign_keys {
            if let Some(known) = from.foreign_keys.iter().find(|known| known.is_same_key(key)) {
                *key = known.clone();
            }
        }
    }
    diff(live, &goal, &DiffOptions::default())
}

/// Exchanges a key for one with other actions, or gives it its name back. What it demands of rows stays the same, so they need not be read.
fn exchange(alteration: &Alteration, live: &Schema, goal: &Schema) -> Option<Step> {
    let name = |key: &ForeignKey| {
        key.relation
            .constraint
            .as_ref()
            .map_or("", ConstraintName::as_str)
            .to_owned()
    };
    let step = |from: &ForeignKey, to: &ForeignKey, says: String| {
        let own = alteration
            .own
            .as_deref()
            .filter(|_| alteration.table.schema().is_some());
        let add = ddl::add_foreign_key(MySql, &ddl::qualified(MySql, to, own));
        let alter = format!("ALTER TABLE {} ", table_name(MySql, &alteration.table));
        let clause = add.strip_prefix(&alter).unwrap_or(&add).to_owned();
        Step {
            says,
            statements: vec![format!("{}, {clause}", drop_key(from))],
            way: Way::Unchecked,
        }
    };
    let changed = diff(live, goal, &DiffOptions::default());
    for difference in &changed.changes {
        if let Change::ChangeForeignKey { from, to } = &difference.change {
            let mut between = to.as_ref().clone();
            let known = name(from);
            // Cut off by a run before this.
            let known = known.strip_suffix(BETWEEN).unwrap_or(&known);
            let other = match name(from).ends_with(BETWEEN) {
                true => known.to_owned(),
                false => format!("{}{BETWEEN}", shortened(known)),
            };
            between.relation.constraint = Some(ConstraintName::new(other));
            return Some(step(from, &between, difference.change.to_string()));
        }
    }
    let keys = &live.table(&alteration.table)?.foreign_keys;
    let key = keys.iter().find(|key| name(key).ends_with(BETWEEN))?;
    let mut named = key.clone();
    let own = name(key).trim_end_matches(BETWEEN).to_owned();
    named.relation.constraint = Some(ConstraintName::new(own.as_str()));
    Some(step(
        key,
        &named,
        format!("give the key {} its name {own} back", key.relation),
    ))
}

/// So that what follows has room. A name that long loses its end for good.
fn shortened(name: &str) -> String {
    let room = 64 - BETWEEN.len();
    name.chars().take(room).collect()
}

fn drop_key(key: &ForeignKey) -> String {
    let name = key.relation.constraint.as_ref().map_or("", ConstraintName::as_str);
    format!(
        "ALTER TABLE {} DROP FOREIGN KEY {}",
        table_name(MySql, &key.relation.table),
        identifier(MySql, name)
    )
}
