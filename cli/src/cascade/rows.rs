//! The rows that `cascade plan` and `cascade delete` start from.

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;

use anyhow::{Context, bail};
use sea_orm_cascade::delete::{self, DeleteOptions, Plan, Preview, RawCondition, Relations, Roots};
use sea_orm_cascade::{Backend, Error, ErrorKind};

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

/// Says which rows were looked for, or what would help, where the database says only what it does not take.
pub(super) fn explain(database: &Database, rows: &RowsArguments, error: Error) -> anyhow::Error {
    let context = match (right(database, &error), error.kind(), &rows.condition) {
        (Some(context), _, _) => context,
        (None, ErrorKind::Database { code: Some(_) }, Some(_)) => {
            format!("the rows of {} for --where cannot be found", rows.table)
        }
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(context)
}

/// What would help against the database's refusal of who asked, or of any change.
pub(super) fn right(database: &Database, error: &Error) -> Option<String> {
    let ErrorKind::Database { code: Some(code) } = error.kind() else {
        return None;
    };
    match (database.store.backend(), code.as_str()) {
        (Backend::Postgres, "42501") | (Backend::MySql, "1044" | "1142" | "1143") => {
            Some("this user lacks a right: grant it, or connect as another user".to_owned())
        }
        (Backend::Postgres, "25006") | (Backend::MySql, "1290" | "1792" | "1836") => {
            Some("here the database can only be read: connect to where it can be written".to_owned())
        }
        // READONLY, whatever the reason (SQLite, "Result and Error Codes").
        (Backend::Sqlite, code) if code.parse::<u32>().is_ok_and(|code| code & 0xff == 8) => Some(format!(
            "{} can only be read: leave mode=ro out of the URL, and see who may write the file and its directory",
            database.file.as_deref().unwrap_or("the database")
        )),
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => None,
    }
}

/// Counts what the plan would do; fails if there is nothing to start from.
pub(super) async fn preview(database: &Database, rows: &RowsArguments, plan: &Plan) -> anyhow::Result<Preview> {
    let preview = plan.preview(&database.store).await;
    let preview = preview.map_err(|error| explain(database, rows, error))?;
    check_found(database, plan, preview.roots())?;
    Ok(preview)
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
