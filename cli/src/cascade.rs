//! The binary `cascade`.

mod arguments;
mod graph;
mod orphans;
mod schema;

use std::borrow::Cow;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, SqliteJournal, Store, StoreOptions};

use crate::output::{Notes, print};
use crate::overlay::OverlayFile;
use crate::{Outcome, finish};
use arguments::{Arguments, Command, Common};

/// The `main` of `cascade`. Reads the arguments and the environment.
pub async fn main() -> ExitCode {
    finish(carry_out(Arguments::parse()).await)
}

async fn carry_out(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments { common, command } = arguments;
    if common.verbose {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter("sea_orm_cascade=trace")
            .init();
    }
    let overlay = crate::overlay::read(common.relations.as_deref())?;
    let store = connect(&common).await?;
    let outcome = run(&store, &common, overlay.as_ref(), &command).await;
    store.close().await?;
    outcome
}

async fn run(
    store: &Store,
    common: &Common,
    overlay: Option<&OverlayFile>,
    command: &Command,
) -> anyhow::Result<Outcome> {
    let mut schema = introspect(store, common).await?;
    if let Some(overlay) = overlay {
        overlay.blame(overlay.overlay.apply(&mut schema))?;
    }
    let notes = if common.quiet { Notes::Silent } else { Notes::Told };
    if schema.tables.is_empty() {
        notes.tell(match store.backend() {
            Backend::Postgres => "there are no tables here; --schema names another schema",
            Backend::MySql => "there are no tables here; --schema names another database",
            Backend::Sqlite => "there are no tables in this file",
        });
    }
    let (shown, more) = schema.unknown.split_at(Ord::min(schema.unknown.len(), NOTES));
    for unknown in shown {
        notes.tell(unknown);
    }
    if !more.is_empty() {
        notes.tell(&format!("and {} more, which `cascade schema` lists", more.len()));
    }
    match command {
        Command::Schema(arguments) => schema::run(&schema, arguments),
        Command::Graph(arguments) => graph::run(&schema, arguments),
        Command::Lint(arguments) => crate::lint::run(store, &schema, None, overlay, arguments, notes).await,
        Command::Orphans(arguments) => orphans::run(store, &schema, arguments).await,
    }
}

/// Notes about what of a schema is not known; a user who may only SELECT gets two a key on MySQL.
const NOTES: usize = 5;

async fn connect(common: &Common) -> anyhow::Result<Store> {
    let url = common
        .database_url
        .as_deref()
        .context("no database: give --database-url, or set DATABASE_URL")?;
    // Looking at a file must not change it.
    let mut options = StoreOptions::new().sqlite_journal(SqliteJournal::AsIs);
    // PostgreSQL's connection then works in it, and its tables are called by their bare names.
    if let [only] = common.schema.as_slice() {
        options.schema = Some(only.clone());
    }
    Ok(Store::connect_with(&with_room(url), Entities::new(), options).await?)
}

/// sqlx keeps 100 prepared statements of a connection. Closing one to make room costs 40 ms on MySQL, where no answer comes and
/// the kernel waits for one before it sends the next; a database of a thousand keys would take a minute and not a second.
fn with_room(url: &str) -> Cow<'_, str> {
    let parameter = "statement-cache-capacity";
    let is_mysql = url.starts_with("mysql:") || url.starts_with("mariadb:");
    match is_mysql && !url.contains(parameter) {
        true => format!("{url}{}{parameter}=4000", if url.contains('?') { '&' } else { '?' }).into(),
        false => url.into(),
    }
}

/// The schema that was asked for.
async fn introspect(store: &Store, common: &Common) -> anyhow::Result<Schema> {
    let scope = match (common.schema.as_slice(), store.backend()) {
        ([], _) => Scope::Own,
        (named, Backend::Postgres | Backend::MySql) => Scope::Named(named.to_vec()),
        (_, Backend::Sqlite) => anyhow::bail!("a SQLite database has no schemas: leave --schema out"),
    };
    Ok(introspect::schema(store.connection(), &scope).await?)
}

/// To the file, if one was named, else to stdout.
fn write(text: &str, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(file) => std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display())),
        None => print(text),
    }
}
