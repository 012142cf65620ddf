//! The arguments as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Cascading deletes, looked at before they happen, on any PostgreSQL, MySQL, MariaDB or SQLite database.
///
/// This version shows, checks and repairs; planning and carrying out deletes come with the next ones.
#[derive(Debug, Parser)]
#[command(name = "cascade", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The database: postgres://…, mysql://… or sqlite:…
    #[arg(
        short = 'u',
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,

    /// The schema (on MySQL: database) to look at, instead of the connection's own; repeat it for several
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) schema: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the tables, keys and indexes of a database
    Schema(SchemaArguments),
    /// Draw which table references which
    Graph(GraphArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// How to show it
    #[arg(short, long, value_enum, default_value_t = SchemaFormat::Text)]
    pub(crate) format: SchemaFormat,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFormat {
    /// A line for each column, key and index
    Text,
    /// The statements that make it in an empty database
    Sql,
    /// JSON
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArguments {}
