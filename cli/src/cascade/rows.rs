//! The rows that `cascade plan` and `cascade delete` start from.

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;

use anyhow::{Context, bail};
use sea_orm_cascade::ErrorKind;
use sea_orm_cascade::delete::{self, DeleteOptions, Plan, RawCondition, Relations, Roots};

use super::Database;
use super::arguments::RowsArguments;
use super::graph::find_table;
use crate::WrongUsage;

/// Puts the keys that stdin lists in the place of `--key -`, and drops those that were given before.
pub(super) fn read_stdin(rows: &mut RowsArguments) -> anyhow::Result<()> {
    let mut keys = Vec::new();
    for key in std::mem::take(&mut rows.key) {
        if key != "-" {
            keys.push(key);
            continue;
        }
        for line in std::io::stdin().lock().lines() {
            let line = line.context("the keys cannot be read from stdin")?;
            if !line.trim().is_empty() {
                keys.push(line);
            }
        }
    }
    if keys.is_empty() && rows.condition.is_none() {
        return Err(
            WrongUsage("stdin lists no keys: give one per line, or name the rows with --key or --where").into(),
        );
    }
    let mut known = HashSet::new();
    keys.retain(|key| known.insert(key.clone()));
    rows.key = keys;
    Ok(())
}

/// The plan that was asked for.
pub(super) fn plan(
    relations: &Arc<Relations>,
    rows: &RowsArguments,
    change: impl FnOnce(DeleteOptions) -> DeleteOptions,
) -> anyhow::Result<Plan> {
    let table = find_table(relations.schema(), &rows.table)?.clone();
    let roots = match &rows.condition {
        Some(condition) => Roots::matching(table, RawCondition::new(condition)),
        None => Roots::written(table, rows.key.iter().cloned()),
    };
    let mut options = DeleteOptions::new().enforce(rows.enforce.into()).sample(rows.sample);
    for (key, who) in &rows.enforce_key {
        options = options.enforce_key(key, *who);
    }
    Ok(delete::plan(relations, &roots, &change(options))?)
}

/// Says of a condition that the database does not take which one it is.
pub(super) fn blame<T>(rows: &RowsArguments, result: sea_orm_cascade::Result<T>) -> anyhow::Result<T> {
    match (result, &rows.condition) {
        (Err(error), Some(_)) if matches!(error.kind(), ErrorKind::Database { .. }) => {
            Err(anyhow::Error::from(error).context(format!("the rows of {} for --where cannot be found", rows.table)))
        }
        (result, _) => Ok(result?),
    }
}

/// Fails if keys were given and none has a row; tells if some have none.
pub(super) fn check_found(database: &Database, plan: &Plan, found: u64) -> anyhow::Result<()> {
    let table = plan.root();
    match (plan.given(), plan.only_key(), found) {
        (Some(_), Some(key), 0) => bail!("{table} has no row with {key}"),
        (Some(keys), None, 0) => bail!("{table} has no row with any of the {keys} keys"),
        (Some(keys), None, found) if u64::try_from(keys).is_ok_and(|keys| found < keys) => {
            let rows = if found == 1 { "row" } else { "rows" };
            database
                .notes
                .tell(&format!("{keys} keys were given, and {table} has {found} such {rows}"));
            Ok(())
        }
        _ => Ok(()),
    }
}
