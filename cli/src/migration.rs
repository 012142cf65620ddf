//! One call that gives a team's migration binary SeaORM's migrate commands and, beside them, `schema create`, `diff`, `check`, `generate` and
//! `sql`.
//!
//! ```no_run
//! # use sea_orm_migration::{MigrationTrait, MigratorTrait};
//! # struct Migrator;
//! # impl MigratorTrait for Migrator { fn migrations() -> Vec<Box<dyn MigrationTrait>> { Vec::new() } }
//! # mod entity { pub fn entities() -> sea_orm_cascade::Entities { sea_orm_cascade::Entities::new() } }
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     cascade_cli::migration::main::<Migrator>(entity::entities()).await
//! }
//! ```

mod exclusive;
mod generate;
mod schema;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::{Entities, Store, StoreOptions};
use sea_orm_cli::{MigrateSubcommands, run_migrate_generate, run_migrate_init};
use sea_orm_migration::MigratorTrait;
use tracing_subscriber::EnvFilter;

pub use exclusive::run;
pub use generate::GenerateArguments;
pub use schema::{DiffFormat, Ignored, SchemaCommand, run_schema};

use crate::{Outcome, finish};

/// Applies and rolls back migrations; creates and checks the schema that the entities declare.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Show debug messages
    #[arg(short, long, global = true)]
    verbose: bool,

    /// The PostgreSQL schema to work in, instead of the role's own
    #[arg(short = 's', long, global = true, env = "DATABASE_SCHEMA")]
    database_schema: Option<String>,

    /// The database: postgres://…, mysql://… or sqlite:…
    #[arg(short = 'u', long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Migrate(MigrateSubcommands),
    /// The schema that the entities declare: create it, compare the database with it, print it
    #[command(subcommand)]
    Schema(SchemaCommand),
}

/// What to do with the migrations: SeaORM's commands, as far as they need the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Apply pending migrations: so many, or all.
    Up(Option<u32>),
    /// Roll back applied migrations: so many, or all.
    Down(Option<u32>),
    /// Log which are applied.
    Status,
    /// Drop all tables, then apply all migrations.
    Fresh,
    /// Roll back all applied migrations, then apply all.
    Refresh,
    /// Roll back all applied migrations.
    Reset,
}

/// The `main` of a migration binary. Reads the arguments, the environment and a file `.env`. Migrations are applied and rolled back while no
/// other process does: see [`run`].
pub async fn main<M: MigratorTrait>(entities: Entities) -> ExitCode {
    main_with::<M>(entities, async |store, command| Ok(run::<M>(store, command).await?)).await
}

/// [`main`], for a team that runs its migrations in a way of its own.
pub async fn main_with<M: MigratorTrait>(
    entities: Entities,
    run: impl AsyncFn(&Store, Migrate) -> anyhow::Result<()>,
) -> ExitCode {
    // A missing .env is the common case.
    dotenvy::dotenv().ok();
    finish(carry_out::<M>(Arguments::parse(), entities, run).await)
}

async fn carry_out<M: MigratorTrait>(
    arguments: Arguments,
    entities: Entities,
    run: impl AsyncFn(&Store, Migrate) -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    log_to_stderr(arguments.verbose)?;
    let command = match arguments.command {
        None => Ok(Migrate::Up(None)),
        Some(Command::Schema(command)) => Err(command),
        Some(Command::Migrate(MigrateSubcommands::Up { num })) => Ok(Migrate::Up(num)),
        Some(Command::Migrate(MigrateSubcommands::Down { num })) => Ok(Migrate::Down(Some(num))),
        Some(Command::Migrate(MigrateSubcommands::Status)) => Ok(Migrate::Status),
        Some(Command::Migrate(MigrateSubcommands::Fresh)) => Ok(Migrate::Fresh),
        Some(Command::Migrate(MigrateSubcommands::Refresh)) => Ok(Migrate::Refresh),
        Some(Command::Migrate(MigrateSubcommands::Reset)) => Ok(Migrate::Reset),
        Some(Command::Migrate(MigrateSubcommands::Init)) => {
            run_migrate_init("./").map_err(boxed)?;
            return Ok(Outcome::Done);
        }
        Some(Command::Migrate(MigrateSubcommands::Generate {
            migration_name,
            local_time,
            ..
        })) => {
            run_migrate_generate("./", &migration_name, !local_time).map_err(boxed)?;
            return Ok(Outcome::Done);
        }
    };
    let url = arguments
        .database_url
        .context("no database: give --database-url, or set DATABASE_URL")?;
    let mut options = StoreOptions::new();
    options.schema = arguments.database_schema;
    let store = Store::connect_with(&url, entities, options).await?;
    let result = match command {
        Ok(command) => run(&store, command).await.map(|()| Outcome::Done),
        Err(command) => {
            let own = M::migration_table_name().to_string();
            run_schema::<M>(&store, command, &DiffOptions::new().ignore(own.as_str())).await
        }
    };
    store.close().await?;
    result
}

fn log_to_stderr(verbose: bool) -> anyhow::Result<()> {
    let shown = if verbose {
        "debug"
    } else {
        "sea_orm_migration=info,migration=info"
    };
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::try_new(shown)?);
    if verbose {
        log.init();
    } else {
        log.with_target(false).with_level(false).without_time().init();
    }
    Ok(())
}

fn boxed(error: Box<dyn std::error::Error>) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}
