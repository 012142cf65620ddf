//! `schema create | diff | check | generate | sql | lint`.

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use sea_orm_cascade::diff::{Class, Comparison, DiffOptions, SchemaDiff};
use sea_orm_cascade::name::TableName;
use sea_orm_cascade::{Store, ddl};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use super::generate::{self, GenerateArguments};
use crate::Outcome;
use crate::lint::{self, LintArguments, MigrationFiles};
use crate::output::{Notes, print};

/// The commands about the schema that the entities declare.
#[derive(Debug, Clone, Subcommand)]
#[non_exhaustive]
pub enum SchemaCommand {
    /// Create what the entities declare and the database does not have; what is there is left alone
    ///
    /// If the database is then as the entities declare and no migration is recorded, all are recorded as applied: what they would do is
    /// done.
    Create {
        /// Print the statements for an empty database, and change nothing
        #[arg(long)]
        sql: bool,
    },
    /// Show what would have to change in the database for it to be as the entities declare; changes nothing
    Diff {
        /// How to show it
        #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
        format: DiffFormat,

        /// What to leave out
        #[command(flatten)]
        but: Ignored,
    },
    /// Exit with 0 if the database is as the entities declare, and with 2 and the differences if not
    Check {
        /// What to leave out
        #[command(flatten)]
        but: Ignored,
    },
    /// Write a migration that makes the database as the entities declare, to be reviewed; what loses data is commented out
    Generate(GenerateArguments),
    /// Print the statements that make the whole schema in an empty database
    Sql,
    /// Find what in the database and in the entities, or in the migrations, is wrong, likely to hurt, or worth knowing; exit with 2 for an
    /// error or a warning
    Lint {
        /// What is looked at instead of the database
        #[command(flatten)]
        files: MigrationFiles,

        /// How it is told
        #[command(flatten)]
        arguments: LintArguments,
    },
}

/// Tables that are somebody else's.
#[derive(Debug, Clone, Default, Args)]
#[non_exhaustive]
pub struct Ignored {
    /// Leave this table out, because it is not the entities' business; repeat it for several
    #[arg(long, value_name = "TABLE")]
    ignore: Vec<String>,
}

impl Ignored {
    pub(super) fn added_to(&self, options: &DiffOptions) -> anyhow::Result<DiffOptions> {
        self.ignore.iter().try_fold(options.clone(), |options, name| {
            let table = TableName::read(name).with_context(|| format!("{name:?} is not the name of a table"))?;
            Ok(options.ignore(table))
        })
    }
}

/// How differences are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum DiffFormat {
    /// A line for each change, and below it how dangerous it is and why
    Text,
    /// The statements that make the changes; those that lose data are commented out
    Sql,
    /// JSON
    Json,
}

/// Carries out a command about the schema.
///
/// # Errors
///
/// What the database refuses or the entities cannot have on it.
pub async fn run_schema<M: MigratorTrait>(
    store: &Store,
    command: SchemaCommand,
    options: &DiffOptions,
) -> anyhow::Result<Outcome> {
    match command {
        SchemaCommand::Create { sql: true } | SchemaCommand::Sql => {
            print(&script(ddl::create(&store.schema()?)))?;
            Ok(Outcome::Done)
        }
        SchemaCommand::Lint { files, arguments } if files.asked_for() => {
            let overlay = crate::overlay::read(None)?;
            files.run(store.backend(), overlay.as_ref(), &arguments, Notes::Told)
        }
        SchemaCommand::Lint { files: _, arguments } => {
            let mut schema = store.introspect().await?;
            let overlay = crate::overlay::read(None)?;
            if let Some(file) = &overlay {
                file.blame(file.overlay.apply(&mut schema))?;
            }
            let entities = Some(store.entities());
            lint::run(store, &schema, entities, overlay.as_ref(), &arguments, Notes::Told).await
        }
        SchemaCommand::Create { sql: false } => create::<M>(store, options).await,
        SchemaCommand::Generate(arguments) => generate::generate::<M>(store, &arguments, options).await,
        SchemaCommand::Diff { format, but } => {
            let diff = store.diff(&but.added_to(options)?).await?;
            say_how(&diff);
            print(&match format {
                DiffFormat::Text if diff.is_empty() => "equal: nothing would have to change\n".to_owned(),
                DiffFormat::Text => diff.to_string(),
                DiffFormat::Sql => commented(&diff),
                DiffFormat::Json => json(&diff)?,
            })?;
            Ok(Outcome::Done)
        }
        SchemaCommand::Check { but } => {
            let diff = store.diff(&but.added_to(options)?).await?;
            say_how(&diff);
            if diff.is_empty() {
                print("equal: the database is as the entities declare\n")?;
                return Ok(Outcome::Done);
            }
            print(&diff.to_string())?;
            Ok(Outcome::Found)
        }
    }
}

async fn create<M: MigratorTrait>(store: &Store, options: &DiffOptions) -> anyhow::Result<Outcome> {
    let pool = store.connection().as_pool().context("the store is in a transaction")?;
    let was_empty = store.introspect().await?.tables.is_empty();
    let created = store.create_all().await?;
    for table in &created {
        print(&format!("created {table}\n"))?;
    }
    if created.is_empty() {
        print("every table is there already\n")?;
    }
    M::install(pool).await?;
    // Also after a run that was cut off before it came to this.
    let none_applied = M::get_applied_migrations(pool).await?.is_empty();
    if none_applied && (was_empty || store.diff(options).await?.is_empty()) {
        let manager = SchemaManager::new(pool);
        for migration in M::migrations() {
            record(&manager, &M::migration_table_name().to_string(), migration.name()).await?;
        }
        print("the migrations are recorded as applied\n")?;
    }
    Ok(Outcome::Done)
}

/// As SeaORM's migrator records a migration it has applied.
async fn record(manager: &SchemaManager<'_>, table: &str, name: &str) -> anyhow::Result<()> {
    use sea_orm_migration::prelude::{Alias, Query};
    use sea_orm_migration::sea_orm::ConnectionTrait;

    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs();
    let insert = Query::insert()
        .into_table(Alias::new(table))
        .columns([Alias::new("version"), Alias::new("applied_at")])
        .values([name.into(), i64::try_from(now)?.into()])?
        .take();
    manager.get_connection().execute(&insert).await?;
    Ok(())
}

fn say_how(diff: &SchemaDiff) {
    if diff.compared == Comparison::Spelling {
        Notes::Told.tell(
            "the role may not make a schema of its own to see how the database stores what the entities declare; \
             defaults and expressions that mean the same may be listed as different",
        );
    }
}

fn script(statements: Vec<String>) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

/// What loses data is for a person to uncomment.
fn commented(diff: &SchemaDiff) -> String {
    let mut sql = String::new();
    for step in diff.statements() {
        if step.class == Class::Destructive {
            sql.push_str("-- destructive: ");
            sql.push_str(&step.sql.replace('\n', "\n-- "));
        } else {
            sql.push_str(&step.sql);
        }
        sql.push_str(";\n");
    }
    sql
}

fn json(diff: &SchemaDiff) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(diff)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("format".to_owned(), 1.into());
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}
