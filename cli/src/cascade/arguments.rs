//! The arguments as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::lint::LintArguments;

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
#[command(next_help_heading = "Options of every command")]
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

    /// The overlay file: keys the database does not have, other actions, lint settings [default: cascade.toml, if it is there]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) relations: Option<PathBuf>,

    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Log every statement to stderr, without its values
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the tables, keys and indexes of a database
    Schema(SchemaArguments),
    /// Draw which table references which, and what happens on delete
    Graph(GraphArguments),
    /// Find what in a schema is wrong, likely to hurt, or worth knowing; exit with 2 for an error or a warning
    Lint(LintArguments),
    /// Find rows that reference rows that are not there, and repair them; exit with 2 if there are any, or a key cannot be checked
    Orphans(OrphansArguments),
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
    /// A Mermaid entity-relationship diagram
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArguments {
    /// Only what is around this table
    #[arg(value_name = "TABLE")]
    pub(crate) table: Option<String>,

    /// How many keys away from TABLE; all that reference it, directly or not, in the text format
    #[arg(long, default_value_t = 1, value_name = "KEYS", requires = "table")]
    pub(crate) steps: u32,

    /// How to draw it
    #[arg(short, long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree of what references what; a table that was shown before ends with … and is not unfolded again
    Text,
    /// JSON
    Json,
    /// A Mermaid entity-relationship diagram
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct OrphansArguments {
    /// The referencing table, or one of its keys as TABLE.COLUMN; all tables, if left out
    #[arg(value_name = "TABLE")]
    pub(crate) table: Option<String>,

    /// How many rows of each key to show
    #[arg(long, default_value_t = 5, value_name = "ROWS")]
    pub(crate) sample: u64,

    /// What to do with them; only shown, unless --yes says to do it
    #[arg(long, value_enum, value_name = "HOW", requires = "table")]
    pub(crate) repair: Option<RepairWay>,

    /// With --repair reown: the key of the row that shall own them, its values separated by commas
    #[arg(long, value_name = "KEY", required_if_eq("repair", "reown"))]
    pub(crate) to: Option<String>,

    /// Do the repair
    #[arg(long, requires = "repair")]
    pub(crate) yes: bool,

    /// How to show it
    #[arg(short, long, value_enum, default_value_t = OrphansFormat::Text)]
    pub(crate) format: OrphansFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RepairWay {
    /// Delete the rows
    Delete,
    /// Set the reference to NULL
    Null,
    /// Let them reference the row that --to names
    Reown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrphansFormat {
    /// For a person
    Text,
    /// JSON
    Json,
}
