//! The arguments of `cascade foreign-key`, and how its names are written.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use sea_orm_cascade::migrate::{Revert, WritePath};
use sea_orm_cascade::name::{ColumnName, TableName};
use sea_orm_cascade::schema::Action;

#[derive(Debug, Args)]
pub(crate) struct ForeignKeyArguments {
    #[command(subcommand)]
    pub(crate) command: ForeignKeyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ForeignKeyCommand {
    /// Show the steps to the key, what each locks and reads, and what the database is like if it stops there; changes nothing
    Plan(BegunArguments),
    /// Make the key, step by step, while the database is in use; ends with 3, and nothing changed, if rows would get no owner
    Run(BegunArguments),
    /// Go on where a run ended, as it was begun; nothing need be said again
    Resume(AgainArguments),
    /// Show which steps of a run are done, and which comes next; changes nothing
    Status(AgainArguments),
    /// Take it back: only that the column must have a value, unless told otherwise
    Revert(RevertArguments),
}

/// What to make, which must be said.
#[derive(Debug, Args)]
#[command(mut_arg("references", |references| references.required(true)))]
pub(crate) struct BegunArguments {
    #[command(flatten)]
    pub(crate) key: KeyArguments,
}

/// What was begun, which is remembered.
#[derive(Debug, Args)]
pub(crate) struct AgainArguments {
    #[command(flatten)]
    pub(crate) key: KeyArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RevertArguments {
    #[command(flatten)]
    pub(crate) key: KeyArguments,

    /// Remove the key, its index and its columns, as far as they were not there before; who owned which row is lost with the columns
    #[arg(long)]
    pub(crate) full: bool,

    /// As --full, but the columns and their values stay
    #[arg(long, conflicts_with = "full")]
    pub(crate) keep_data: bool,
}

impl RevertArguments {
    pub(crate) const fn how(&self) -> Revert {
        match (self.full, self.keep_data) {
            (true, _) => Revert::Full,
            (false, true) => Revert::KeepData,
            (false, false) => Revert::Soft,
        }
    }
}

/// The key, and how it is made.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("filling"))]
pub(crate) struct KeyArguments {
    /// The referencing column: posts.user_id, billing.invoices.user_id, or several, as in seats.tenant_id,user_id
    #[arg(value_name = "TABLE.COLUMN", value_parser = Columns::read)]
    pub(crate) columns: Columns,

    /// What it references: a primary or unique key, as users.id
    #[arg(long, value_name = "TABLE.COLUMN", value_parser = Columns::read)]
    pub(crate) references: Option<Columns>,

    /// What happens to a row when the one it references is deleted: cascade, set-null, set-default, restrict or no-action [default:
    /// no-action]
    #[arg(long, value_name = "ACTION", value_parser = action, requires = "references")]
    pub(crate) on_delete: Option<Action>,

    /// The same when the key of the one it references changes [default: no-action]
    #[arg(long, value_name = "ACTION", value_parser = action, requires = "references")]
    pub(crate) on_update: Option<Action>,

    /// Every row must have a value: the column becomes NOT NULL
    #[arg(long, requires = "references")]
    pub(crate) required: bool,

    /// What rows without a value get: an SQL expression over the row, as '1 + id % 10', sent to the database as it is; repeat it for each
    /// column of a composite key
    #[arg(
        long,
        value_name = "SQL",
        group = "filling",
        requires = "references",
        allow_hyphen_values = true
    )]
    pub(crate) backfill: Vec<String>,

    /// What rows without a value get: all the same owner, by its key; the values of a composite one are separated by commas
    #[arg(
        long,
        value_name = "KEY",
        group = "filling",
        requires = "references",
        allow_hyphen_values = true
    )]
    pub(crate) owner: Option<String>,

    /// What rows without a value get: what a table says, as post_owners:id=post_id:user_id, the user_id of the row of post_owners whose
    /// post_id is the row's id; several columns are separated by commas
    #[arg(
        long,
        value_name = "TABLE:COLUMN=COLUMN:VALUE",
        group = "filling",
        requires = "references",
        value_parser = Mapping::read
    )]
    pub(crate) mapping: Option<Mapping>,

    /// Who gives rows a value that are written meanwhile [default: a trigger if it can do what the backfill does, else the application]
    #[arg(long, value_enum, value_name = "WHO", requires = "references")]
    pub(crate) write_path: Option<Writer>,

    /// The constraint's name [default: as SeaORM calls it, fk-posts-user_id]
    #[arg(long, value_name = "NAME", requires = "references")]
    pub(crate) name: Option<String>,

    /// The type of a column that is not there yet, in the engine's words; repeat it for each column of a composite key [default: that of
    /// what it references]
    #[arg(long = "type", value_name = "TYPE", requires = "references")]
    pub(crate) types: Vec<String>,

    /// How many rows one transaction fills [default: 2000]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,

    /// How long to rest after each batch, in percent of the time it took [default: 100 on MySQL, else 0]
    #[arg(long, value_name = "PERCENT")]
    pub(crate) rest: Option<u32>,

    /// How long a step waits for a lock before it lets others pass and tries again [default: 200; MySQL waits whole seconds]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) lock_timeout: Option<u64>,

    /// How often a step is tried [default: 50]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempts: Option<u32>,

    /// How long to wait for another process that is making the same key [default: 600]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) patience: Option<u64>,

    /// How to show it
    #[arg(short, long, value_enum, default_value_t = ForeignKeyFormat::Text)]
    pub(crate) format: ForeignKeyFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForeignKeyFormat {
    /// For a person
    Text,
    /// JSON
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Writer {
    /// A trigger that does to new rows what the backfill does to old ones; it is dropped at the end
    Trigger,
    /// A default, which is dropped at the end; only with --owner
    Default,
    /// The application: rows that come without a value are filled later
    Application,
}

impl From<Writer> for WritePath {
    fn from(writer: Writer) -> Self {
        match writer {
            Writer::Trigger => Self::Trigger,
            Writer::Default => Self::Default,
            Writer::Application => Self::Application,
        }
    }
}

fn action(word: &str) -> Result<Action, String> {
    let action = word.to_lowercase().replace(['-', '_'], " ").parse::<Action>();
    action
        .ok()
        .filter(|action| action.is_in_databases())
        .ok_or_else(|| "write cascade, set-null, set-default, restrict or no-action".to_owned())
}

/// Columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) table: TableName,
    pub(crate) columns: Vec<ColumnName>,
}

impl Columns {
    /// Reads `posts.user_id`, `sales."the posts".user_id`, `seats.tenant_id,user_id`, or `seats.(tenant_id, user_id)`, as reports have it.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || "write it as TABLE.COLUMN, TABLE.COLUMN,COLUMN or SCHEMA.TABLE.COLUMN".to_owned();
        let (table, columns) = last(text, '.').ok_or_else(wrong)?;
        let columns = columns
            .strip_prefix('(')
            .and_then(|columns| columns.strip_suffix(')'))
            .unwrap_or(columns);
        Ok(Self {
            table: TableName::read(table).ok_or_else(wrong)?,
            columns: list(columns).ok_or_else(wrong)?,
        })
    }

    /// As it is typed again.
    pub(crate) fn typed(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(ColumnName::as_str).collect();
        format!("{}.{}", String::from(self.table.clone()), columns.join(","))
    }
}

/// A table that says which row gets which owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) table: TableName,
    pub(crate) on: Vec<(ColumnName, ColumnName)>,
    pub(crate) values: Vec<ColumnName>,
}

impl Mapping {
    /// Reads `post_owners:id=post_id:user_id`.
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || "write it as TABLE:COLUMN=COLUMN:VALUE: the table, the row's column = its own, and its columns with the values";
        let (front, values) = last(text, ':').ok_or_else(wrong)?;
        let (table, on) = last(front, ':').ok_or_else(wrong)?;
        let on: Option<Vec<_>> = split(on, ',')
            .into_iter()
            .map(|pair| match split(pair, '=').as_slice() {
                [own, other] => Some((column(own)?, column(other)?)),
                _ => None,
            })
            .collect();
        Ok(Self {
            table: TableName::read(table).ok_or_else(wrong)?,
            on: on.ok_or_else(wrong)?,
            values: list(values).ok_or_else(wrong)?,
        })
    }
}

/// The parts between marks; a mark within double quotes is none.
fn split(text: &str, mark: char) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(|c: char| {
        is_quoted ^= c == '"';
        c == mark && !is_quoted
    })
    .collect()
}

/// What is before the last mark, and behind it.
fn last(text: &str, mark: char) -> Option<(&str, &str)> {
    let behind = split(text, mark).pop()?;
    let front = text.strip_suffix(behind)?.strip_suffix(mark)?;
    Some((front, behind))
}

fn list(text: &str) -> Option<Vec<ColumnName>> {
    split(text, ',').into_iter().map(column).collect()
}

fn column(text: &str) -> Option<ColumnName> {
    let text = text.trim();
    let name = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?.replace("\"\"", "\""),
        None => text.to_owned(),
    };
    (!name.is_empty()).then(|| ColumnName::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Option<(String, Vec<String>)> {
        let read = Columns::read(text).ok()?;
        let columns = read.columns.iter().map(ToString::to_string).collect();
        Some((String::from(read.table), columns))
    }

    #[test]
    fn columns_are_written_in_many_ways() {
        for (text, table, names) in [
            ("posts.user_id", "posts", &["user_id"][..]),
            ("billing.invoices.user_id", "billing.invoices", &["user_id"]),
            ("seats.tenant_id,user_id", "seats", &["tenant_id", "user_id"]),
            ("seats.(tenant_id, user_id)", "seats", &["tenant_id", "user_id"]),
            ("\"a.b\".\"c.d\",e", "\"a.b\"", &["c.d", "e"]),
        ] {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(columns(text), Some((table.to_owned(), names)), "{text}");
        }
        for text in ["posts", ".user_id", "posts.", "a.b.c.d", "posts.a,", "posts.\"a"] {
            assert_eq!(columns(text), None, "{text}");
        }
    }

    #[test]
    fn a_mapping_names_a_table_and_columns() {
        let mapping = Mapping::read("sales.owners:tenant_id=tenant,id=post:tenant,user_id");
        let name = ColumnName::new;
        assert_eq!(
            mapping,
            Ok(Mapping {
                table: TableName::in_schema("sales", "owners"),
                on: vec![(name("tenant_id"), name("tenant")), (name("id"), name("post"))],
                values: vec![name("tenant"), name("user_id")],
            })
        );
        for text in [
            "owners",
            "owners:id",
            "owners:id:user_id",
            "owners:id=:user_id",
            ":id=a:b",
        ] {
            assert!(Mapping::read(text).is_err(), "{text}");
        }
    }
}
