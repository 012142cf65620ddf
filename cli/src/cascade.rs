//! The binary `cascade`.

mod arguments;
mod delete;
mod foreign_key;
mod graph;
mod orphans;
mod plan;
mod rows;
mod schema;

use std::borrow::Cow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sea_orm_cascade::delete::Relations;
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, SqliteJournal, Store, StoreOptions};

use crate::output::{Notes, print};
use crate::overlay::OverlayFile;
use crate::{Outcome, finish};
use arguments::{Arguments, Command, Common, LintCommand};

/// The `main` of `cascade`. Reads the arguments and the environment.
pub async fn main() -> ExitCode {
    finish(carry_out(Arguments::parse()).await)
}

async fn carry_out(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments { common, mut command } = arguments;
    if common.verbose {
        tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_env_filter("sea_orm_cascade=trace")
            .init();
    }
    match &mut command {
        Command::Plan(arguments) => rows::read_stdin(&mut arguments.rows)?,
        Command::Delete(arguments) => {
            delete::check(arguments)?;
            rows::read_stdin(&mut arguments.rows)?;
        }
        Command::Schema(_) | Command::Graph(_) | Command::Lint(_) | Command::Orphans(_) | Command::ForeignKey(_) => {}
    }
    let overlay = crate::overlay::read(common.relations.as_deref())?;
    let store = connect(&common).await?;
    let database = Database {
        scope: scope(&store, &common)?,
        overlay,
        notes: if common.quiet { Notes::Silent } else { Notes::Told },
        file: common.database_url.as_deref().and_then(file),
        schemas: common.schema,
        store,
    };
    let outcome = run(&database, &command).await;
    match outcome {
        // A statement that was cut off may still be running.
        Ok(Outcome::Stopped) => drop(tokio::time::timeout(Duration::from_secs(1), database.store.close()).await),
        Ok(_) | Err(_) => database.store.close().await?,
    }
    outcome
}

async fn run(database: &Database, command: &Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Plan(arguments) => plan::run(database, arguments).await,
        Command::Delete(arguments) => delete::run(database, arguments).await,
        Command::Schema(arguments) => schema::run(&database.schema().await?, arguments),
        Command::Graph(arguments) => graph::run(&database.schema().await?, arguments),
        Command::Lint(LintCommand { script, lint }) => {
            // Before anything that takes long: it may come from a pipe.
            let sql = script.read()?;
            let schema = database.schema().await?;
            let overlay = database.overlay.as_ref();
            match sql {
                Some(sql) => script.run(&sql, &schema, overlay, lint, database.notes),
                None => crate::lint::run(&database.store, &schema, None, overlay, lint, database.notes).await,
            }
        }
        Command::Orphans(arguments) => orphans::run(&database.store, &database.schema().await?, arguments).await,
        Command::ForeignKey(arguments) => foreign_key::run(database, arguments).await,
    }
}

/// The database that was named, and what to look at in it.
struct Database {
    store: Store,
    scope: Scope,
    overlay: Option<OverlayFile>,
    notes: Notes,
    /// The schemas that were named.
    schemas: Vec<String>,
    /// The file, if it is one.
    file: Option<String>,
}

/// The file that a SQLite URL names.
fn file(url: &str) -> Option<String> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(path.split('?').next().unwrap_or(path).to_owned())
}

impl Database {
    /// Its schema, with what the overlay says.
    async fn schema(&self) -> anyhow::Result<Schema> {
        let mut schema = introspect::schema(self.store.connection(), &self.scope).await?;
        if let Some(overlay) = &self.overlay {
            overlay.blame(overlay.overlay.apply(&mut schema))?;
        }
        self.tell_about(&schema);
        Ok(schema)
    }

    /// Its tables and keys, with what the overlay says, and its constraints.
    async fn relations(&self) -> anyhow::Result<Arc<Relations>> {
        let mut relations = Relations::read(self.store.connection(), &self.scope).await?;
        if let Some(overlay) = &self.overlay {
            relations = overlay.blame(relations.overlaid(&overlay.overlay))?;
        }
        self.tell_about(relations.schema());
        Ok(Arc::new(relations))
    }

    fn tell_about(&self, schema: &Schema) {
        let notes = self.notes;
        if schema.tables.is_empty() {
            notes.tell(match schema.backend {
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

/// The schemas that were asked for.
fn scope(store: &Store, common: &Common) -> anyhow::Result<Scope> {
    match (common.schema.as_slice(), store.backend()) {
        ([], _) => Ok(Scope::Own),
        (named, Backend::Postgres | Backend::MySql) => Ok(Scope::Named(named.to_vec())),
        (_, Backend::Sqlite) => anyhow::bail!("a SQLite database has no schemas: leave --schema out"),
    }
}

/// To the file, if one was named, else to stdout.
fn write(text: &str, file: Option<&Path>) -> anyhow::Result<()> {
    match file {
        Some(file) => std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display())),
        None => print(text),
    }
}
