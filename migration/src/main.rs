//! SeaORM's migrate commands for the tutorial's migrations: `cargo run -p migration -- up|down|status|fresh|…`.

use anyhow::Context;
use clap::Parser;
use migration::Command;
use sea_orm_cascade::{Entities, Store, StoreOptions};
use sea_orm_cli::{MigrateSubcommands, run_migrate_generate, run_migrate_init};
use tracing_subscriber::EnvFilter;

/// Applies and rolls back the tutorial's migrations.
#[derive(Parser)]
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
    command: Option<MigrateSubcommands>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A missing .env is the common case.
    dotenvy::dotenv().ok();
    let arguments = Arguments::parse();
    log_to_stderr(arguments.verbose)?;
    let command = match arguments.command {
        None => Command::Up(None),
        Some(MigrateSubcommands::Up { num }) => Command::Up(num),
        Some(MigrateSubcommands::Down { num }) => Command::Down(Some(num)),
        Some(MigrateSubcommands::Status) => Command::Status,
        Some(MigrateSubcommands::Fresh) => Command::Fresh,
        Some(MigrateSubcommands::Refresh) => Command::Refresh,
        Some(MigrateSubcommands::Reset) => Command::Reset,
        Some(MigrateSubcommands::Init) => return run_migrate_init("./").map_err(boxed),
        Some(MigrateSubcommands::Generate {
            migration_name,
            local_time,
            ..
        }) => return run_migrate_generate("./", &migration_name, !local_time).map_err(boxed),
    };
    let url = arguments
        .database_url
        .context("no database: give --database-url, or set DATABASE_URL")?;
    let mut options = StoreOptions::new();
    options.schema = arguments.database_schema;
    let store = Store::connect_with(&url, Entities::new(), options).await?;
    let result = migration::run(&store, command).await;
    store.close().await?;
    Ok(result?)
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
