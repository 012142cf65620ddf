//! `cascade delete`.

use std::fs::File;
use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;
use sea_orm_cascade::delete::{Check, DeleteReport, Plan, Preview};
use sea_orm_cascade::{Backend, Error, ErrorKind};

use super::arguments::{DeleteArguments, PlanFormat, RowsArguments};
use super::plan::show;
use super::{Database, rows, write};
use crate::output::complain;
use crate::{Outcome, WrongUsage};

/// Rows may come between counting and deleting, over and over.
const ATTEMPTS: u32 = 5;

/// Whether it can be asked, where it must.
pub(super) fn check(arguments: &DeleteArguments) -> anyhow::Result<()> {
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    match arguments.yes || can_ask {
        true => Ok(()),
        false => Err(WrongUsage(
            "nothing was deleted: this is no terminal to ask on; look with `cascade plan`, then add --yes",
        )
        .into()),
    }
}

pub(super) async fn run(database: &Database, arguments: &DeleteArguments) -> anyhow::Result<Outcome> {
    // Rather now than when everything is gone.
    if let Some(file) = &arguments.rows.output {
        let opened = File::options().append(true).create(true).open(file);
        opened.with_context(|| format!("nothing was deleted: {} cannot be written", file.display()))?;
    }
    let relations = database.relations().await?;
    let looks_first = !arguments.yes || arguments.max_rows.is_some();
    let plan = rows::plan(&relations, &arguments.rows, |options| match looks_first {
        // What was shown, or held against the limit, is what is done.
        true => options.check(Check::Counts),
        false => options,
    })?;
    match looks_first {
        true => look_first(database, &plan, arguments).await,
        false => {
            let done = plan.execute(&database.store).await;
            end(database, &plan, &arguments.rows, done).await
        }
    }
}

async fn look_first(database: &Database, plan: &Plan, arguments: &DeleteArguments) -> anyhow::Result<Outcome> {
    let mut attempt = 1;
    loop {
        let preview = rows::preview(database, &arguments.rows, plan).await?;
        if preview.is_blocked() {
            show(&preview, &arguments.rows)?;
            return Ok(Outcome::Blocked);
        }
        if let Some(limit) = arguments.max_rows
            && touched(&preview) > limit
        {
            show(&preview, &arguments.rows)?;
            complain(&format!(
                "stopped: nothing was deleted, since {} rows would be deleted or changed, and --max-rows is {limit}",
                touched(&preview)
            ));
            return Ok(Outcome::Stopped);
        }
        if !arguments.yes && !is_wanted(&preview)? {
            complain("stopped: nothing was deleted");
            return Ok(Outcome::Stopped);
        }
        match preview.execute(&database.store).await {
            // Nobody looked at the counts but the limit, which can be held against those of now.
            Err(error) if error.is_stale_plan() && arguments.yes && attempt < ATTEMPTS => attempt += 1,
            done => return end(database, plan, &arguments.rows, done).await,
        }
    }
}

/// Rows that would be deleted or changed.
fn touched(preview: &Preview) -> u64 {
    let tables = preview.tables().iter();
    tables
        .map(|table| table.deleted + table.set_null + table.set_default + table.set_value)
        .sum()
}

/// Shows the plan, and asks.
fn is_wanted(preview: &Preview) -> anyhow::Result<bool> {
    if touched(preview) == 0 {
        return Ok(true);
    }
    let mut stderr = std::io::stderr().lock();
    let said = write!(stderr, "{preview}\ndo it? [y/N] ").and_then(|()| stderr.flush());
    said.context("the question cannot be asked")?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    // The end of the input ends no line.
    if read.context("the answer cannot be read")? == 0 {
        writeln!(stderr).context("stderr cannot be written")?;
    }
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Says what was done, or why nothing was.
async fn end(
    database: &Database,
    plan: &Plan,
    rows: &RowsArguments,
    done: Result<DeleteReport, Error>,
) -> anyhow::Result<Outcome> {
    let report = match done {
        Ok(report) => report,
        Err(error) if error.is_blocked() => {
            let preview = plan.preview(&database.store).await?;
            match preview.is_blocked() {
                true => show(&preview, rows)?,
                // They are gone again, and what blocked is all there is to say.
                false => complain(&format!("error: {error}")),
            }
            return Ok(Outcome::Blocked);
        }
        Err(error) if error.is_connection() => {
            return Err(anyhow::Error::from(error).context(match database.store.backend() {
                // It is one statement, which may have arrived.
                Backend::Postgres => {
                    "the connection was lost while deleting; all or nothing was deleted, and `cascade plan` shows which"
                }
                Backend::MySql | Backend::Sqlite => "the connection was lost while deleting; nothing was deleted",
            }));
        }
        // These say themselves what was done.
        Err(error) if matches!(error.kind(), ErrorKind::CommitUnknown | ErrorKind::StalePlan { .. }) => {
            return Err(error.into());
        }
        Err(error) => return Err(rows::explain(database, rows, error).context("nothing was deleted")),
    };
    rows::check_found(database, plan, report.roots())?;
    let text = match rows.format {
        PlanFormat::Text => format!("{report}\n"),
        PlanFormat::Json => report.to_json() + "\n",
        PlanFormat::Mermaid => report.to_mermaid(),
        PlanFormat::Html => report.to_html(),
    };
    write(&text, rows.output.as_deref()).context("the rows were deleted, and the report of it is lost")?;
    Ok(Outcome::Done)
}
