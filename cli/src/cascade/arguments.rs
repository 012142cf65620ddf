//! The arguments as they are typed.

mod foreign_key;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use sea_orm_cascade::delete::Enforce;

use crate::lint::{LintArguments, Sql};
pub(crate) use foreign_key::{Columns, ForeignKeyArguments, ForeignKeyCommand, ForeignKeyFormat, KeyArguments};

/// Cascading deletes, looked at before they happen, on any PostgreSQL, MySQL, MariaDB or SQLite database.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or findings, 3 blocked (nothing was changed), 4 stopped by the user or by --max-rows.
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
    /// Show what deleting rows would delete and change, and what blocks it; exit with 3 if it is blocked
    Plan(PlanArguments),
    /// Delete rows and what goes with them: all or nothing, after showing what it is and asking
    Delete(DeleteArguments),
    /// Show the tables, keys and indexes of a database
    Schema(SchemaArguments),
    /// Draw which table references which, and what happens on delete
    Graph(GraphArguments),
    /// Find what in a schema is wrong, likely to hurt, or worth knowing; exit with 2 for an error or a warning
    Lint(LintCommand),
    /// Find rows that reference rows that are not there, and repair them; exit with 2 if there are any, or a key cannot be checked
    Orphans(OrphansArguments),
    /// Make a foreign key, with its column, index and rows' values, on a table that is in use; it can be stopped, resumed and reverted
    ///
    /// On PostgreSQL and MySQL each step is a transaction of its own that waits for its locks only so long. Ctrl-C stops at the next step or
    /// batch, with exit code 4, and once more at once; `resume` goes on, whatever interrupted it. What was begun is remembered in the
    /// database, in the table cascade_ledger. On SQLite the table is built anew, in one transaction.
    ForeignKey(Box<ForeignKeyArguments>),
}

/// Which rows, and how.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct RowsArguments {
    /// The table that the rows are of
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,

    /// The key of a row: 17, or id=17, or tenant_id=1,id=2; repeat it for several, or give - to read one per line from stdin
    #[arg(
        short,
        long,
        value_name = "KEY",
        allow_negative_numbers = true,
        group = "which",
        conflicts_with = "condition"
    )]
    pub(crate) key: Vec<String>,

    /// The rows that meet a condition, which is sent to the database as it is
    #[arg(short = 'w', long = "where", value_name = "SQL", group = "which")]
    pub(crate) condition: Option<String>,

    /// Who carries out the keys' actions
    #[arg(short, long, value_enum, default_value_t = Who::Auto, value_name = "WHO")]
    pub(crate) enforce: Who,

    /// Who carries out one key's action, as in posts.user_id=database; repeat it for several
    #[arg(long, value_name = "KEY=WHO", value_parser = key_and_who)]
    pub(crate) enforce_key: Vec<(String, Enforce)>,

    /// How many keys of blocking rows to show, for each foreign key
    #[arg(long, default_value_t = 5, value_name = "ROWS")]
    pub(crate) sample: u64,

    /// How to show it
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) format: PlanFormat,

    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// The database where it has an equal constraint and the rows need not be counted, else cascade
    Auto,
    /// The database; it is an error where it has no equal constraint
    Database,
    /// cascade itself, in the same transaction
    Application,
}

impl From<Who> for Enforce {
    fn from(who: Who) -> Self {
        match who {
            Who::Auto => Self::Auto,
            Who::Database => Self::Database,
            Who::Application => Self::Application,
        }
    }
}

fn key_and_who(text: &str) -> Result<(String, Enforce), String> {
    let (key, who) = text
        .rsplit_once('=')
        .ok_or("write it as posts.user_id=database, with auto, database or application")?;
    let who = who.parse().map_err(|error: sea_orm_cascade::Error| error.to_string())?;
    Ok((key.to_owned(), who))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanFormat {
    /// A tree of the keys with the rows they reach
    Text,
    /// JSON
    Json,
    /// A Mermaid flowchart
    Mermaid,
    /// A page for a browser, with a picture and the statements
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    pub(crate) rows: RowsArguments,

    /// Count up to so many rows of each key, which is faster; more are "at least" so many
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cap: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    #[command(flatten)]
    pub(crate) rows: RowsArguments,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Delete nothing if more rows than this would be deleted or changed; exit with 4 then
    #[arg(short, long, value_name = "ROWS")]
    pub(crate) max_rows: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct LintCommand {
    #[command(flatten)]
    pub(crate) script: Sql,

    #[command(flatten)]
    pub(crate) lint: LintArguments,
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
