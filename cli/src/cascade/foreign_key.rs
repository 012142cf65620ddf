//! `cascade foreign-key`.

mod progress;
mod request;
mod show;

use sea_orm_cascade::migrate::{ChangeReport, Revert};
use sea_orm_cascade::{Backend, Error, ErrorKind};

use super::arguments::{Columns, ForeignKeyArguments, ForeignKeyCommand, KeyArguments};
use super::{Database, rows};
use crate::Outcome;
use crate::output::{complain, print};
use progress::Progress;

pub(super) async fn run(database: &Database, arguments: &ForeignKeyArguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        ForeignKeyCommand::Plan(arguments) => plan(database, &arguments.key).await,
        ForeignKeyCommand::Status(arguments) => status(database, &arguments.key).await,
        ForeignKeyCommand::Run(arguments) => change(database, &arguments.key, Way::Forward).await,
        ForeignKeyCommand::Resume(arguments) => change(database, &arguments.key, Way::Forward).await,
        ForeignKeyCommand::Revert(arguments) => change(database, &arguments.key, Way::Back(arguments.how())).await,
    }
}

#[derive(Clone, Copy)]
enum Way {
    Forward,
    Back(Revert),
}

async fn plan(database: &Database, key: &KeyArguments) -> anyhow::Result<Outcome> {
    let request = request::of(database, key).await?;
    let plan = request.plan(database.store.connection()).await;
    let plan = plan.map_err(|error| explain(database, key, error))?;
    print(&show::plan(&plan, key.format)?)?;
    Ok(Outcome::Done)
}

async fn status(database: &Database, key: &KeyArguments) -> anyhow::Result<Outcome> {
    let request = request::of(database, key).await?;
    let status = request.status(database.store.connection()).await;
    let status = status.map_err(|error| explain(database, key, error))?;
    print(&show::status(&status, key.format)?)?;
    Ok(Outcome::Done)
}

async fn change(database: &Database, key: &KeyArguments, way: Way) -> anyhow::Result<Outcome> {
    let request = request::of(database, key).await?;
    let connection = database.store.connection();
    let steps = match way {
        // What cannot be done is refused here too, before anything is waited for.
        Way::Forward => match request.plan(connection).await {
            Ok(plan) => plan.steps.iter().map(|step| step.step.kind).collect(),
            // The run knows more of it: that another change of the same columns is under way.
            Err(_) => Vec::new(),
        },
        Way::Back(_) => Vec::new(),
    };
    let progress = Progress::new(steps, database.notes);
    let told = progress.clone();
    let request = request.on_progress(move |event| told.tell(event));
    let work = async {
        match way {
            Way::Forward => request.run(connection).await,
            Way::Back(how) => request.revert(connection, how).await,
        }
    };
    let done = tokio::select! {
        done = work => Some(done),
        () = progress.cut_off() => None,
    };
    progress.finish();
    match done {
        Some(done) => end(database, key, way, done),
        None => {
            complain(&format!(
                "stopped in the middle of a step, which is undone, or which the server still completes; {}",
                go_on(database, key, way)
            ));
            Ok(Outcome::Stopped)
        }
    }
}

/// Says what was done, or why not.
fn end(
    database: &Database,
    key: &KeyArguments,
    way: Way,
    done: Result<ChangeReport, Error>,
) -> anyhow::Result<Outcome> {
    match done {
        Ok(report) => {
            print(&show::report(&report, key.format)?)?;
            if report.stopped.is_none() {
                return Ok(Outcome::Done);
            }
            complain(&format!("stopped: {}", go_on(database, key, way)));
            Ok(Outcome::Stopped)
        }
        Err(error) if matches!(error.kind(), ErrorKind::Unfilled { .. }) => {
            print(&show::unfilled(&error, key.format)?)?;
            complain(&format!("error: {error}"));
            Ok(Outcome::Blocked)
        }
        Err(error) => Err(explain(database, key, error)),
    }
}

/// The command that goes on.
fn go_on(database: &Database, key: &KeyArguments, way: Way) -> String {
    let columns = shell(&key.columns);
    match (way, database.store.backend()) {
        (Way::Forward, Backend::Postgres | Backend::MySql) => {
            format!("run `cascade foreign-key resume {columns}` to go on")
        }
        (Way::Back(Revert::Full), Backend::Postgres | Backend::MySql) => {
            format!("run `cascade foreign-key revert {columns} --full` to go on")
        }
        (Way::Back(Revert::KeepData), Backend::Postgres | Backend::MySql) => {
            format!("run `cascade foreign-key revert {columns} --keep-data` to go on")
        }
        (Way::Back(_), Backend::Postgres | Backend::MySql) => {
            format!("run `cascade foreign-key revert {columns}` to go on")
        }
        (_, Backend::Sqlite) => "nothing was changed; run the same command again".to_owned(),
    }
}

/// The columns as they are typed into a shell.
fn shell(columns: &Columns) -> String {
    let typed = columns.typed();
    match typed.contains(['"', ' ', '$', '(']) {
        true => format!("'{}'", typed.replace('\'', "'\\''")),
        false => typed,
    }
}

/// Says what would help, where the database says only what it does not take.
fn explain(database: &Database, key: &KeyArguments, error: Error) -> anyhow::Error {
    let given = match (&key.mapping, key.backfill.is_empty()) {
        (Some(_), _) => Some("--mapping"),
        (None, false) => Some("--backfill"),
        (None, true) => None,
    };
    match (rows::right(database, &error), given) {
        (Some(context), _) => anyhow::Error::from(error).context(context),
        (None, Some(given)) if is_about_an_expression(database.store.backend(), &error) => {
            anyhow::Error::from(error).context(format!("the values of {given} cannot be found"))
        }
        (None, _) => error.into(),
    }
}

/// The database does not understand a statement, or cannot compute what it says: only what the user wrote can be wrong in it.
fn is_about_an_expression(backend: Backend, error: &Error) -> bool {
    let ErrorKind::Database { code: Some(code) } = error.kind() else {
        return false;
    };
    match backend {
        // "Syntax error or access rule violation" and "data exception" (PostgreSQL, "Error Codes").
        Backend::Postgres => code.starts_with("42") || code.starts_with("22"),
        // Syntax; unknown column, table, function; more than one row; a value that does not fit (MySQL, "Server Error Message Reference").
        Backend::MySql => ["1064", "1054", "1146", "1305", "1242", "1292", "1366"].contains(&code.as_str()),
        // What it says of a statement it does not understand, and of little else.
        Backend::Sqlite => code == "1",
    }
}
