//! `schema generate`: a migration from what differs, written into the migration crate.

mod register;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;
use sea_orm_cascade::Store;
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::lint::migration::{self, Direction};
use sea_orm_cascade::migrate::Hints;
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_migration::MigratorTrait;

use super::schema::Ignored;
use crate::Outcome;
use crate::output::{Notes, print};

/// What to generate, and where.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct GenerateArguments {
    /// What the migration does, in a few words: add_posts_user_id
    name: String,

    /// The crate of the migrations, or the directory they are in [default: this program's crate, or where it is run]
    #[arg(short = 'd', long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,

    /// A table or column that has another name now: articles=posts, posts.body=content; repeat it for several
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,

    /// What rows that are there get in a new foreign key's column, an SQL expression over the row: posts.user_id="1 + id % 10"
    #[arg(long, value_name = "TABLE.COLUMN=SQL")]
    backfill: Vec<String>,

    /// Print the migration, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// What to leave out
    #[command(flatten)]
    but: Ignored,
}

/// Writes the migration and registers it.
pub(super) async fn generate<M: MigratorTrait>(
    store: &Store,
    arguments: &GenerateArguments,
    options: &DiffOptions,
) -> anyhow::Result<Outcome> {
    let name = module_name(&arguments.name)?;
    let hints = arguments
        .rename
        .iter()
        .try_fold(Hints::new(), |hints, text| hints.rename(text))?;
    let hints = arguments
        .backfill
        .iter()
        .try_fold(hints, |hints, text| hints.backfill(text))?;
    refuse_if_pending::<M>(store).await?;
    let options = arguments.but.added_to(options)?;
    let Some(generated) = store.generate_migration(&hints, &options).await? else {
        print("equal: nothing to migrate\n")?;
        return Ok(Outcome::Done);
    };
    if arguments.dry_run {
        print(&generated.source)?;
    } else {
        let module = format!("m{}_{name}", Utc::now().format("%Y%m%d_%H%M%S"));
        write(&source_directory(arguments.dir.as_deref()), &module, &generated.source)?;
    }
    for note in &generated.notes {
        Notes::Told.tell(note);
    }
    let script = migration::source::read(&generated.source).script(store.backend(), Direction::Up);
    for finding in migration::lint(&script, &LintSettings::default()) {
        let (code, rule) = (finding.code, finding.rule);
        Notes::Told.tell(&format!("{code} {rule}: {}", finding.message));
    }
    Ok(Outcome::Done)
}

/// A database that a migration has yet to change is not what the next one begins with.
async fn refuse_if_pending<M: MigratorTrait>(store: &Store) -> anyhow::Result<()> {
    let pending = M::get_pending_migrations_read_only(store.connection()).await?.len();
    if pending > 0 {
        bail!("apply the pending migrations first ({pending}): the database is not what the last migration leaves");
    }
    Ok(())
}

/// A name that a module can have.
fn module_name(name: &str) -> anyhow::Result<String> {
    let lower = name.trim().to_lowercase();
    let words: Vec<_> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    match words.is_empty() {
        true => bail!("{name:?} has nothing a module could be called: say in a few words what the migration does"),
        false => Ok(words.join("_")),
    }
}

/// Where the migrations are, as SeaORM's own `migrate generate` finds them; `cargo run` tells whose program this is.
fn source_directory(given: Option<&Path>) -> PathBuf {
    let own = || std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let directory = given.map_or_else(own, Path::to_owned);
    let source = directory.join("src");
    if source.is_dir() { source } else { directory }
}

fn write(directory: &Path, module: &str, source: &str) -> anyhow::Result<()> {
    let path = directory.join(format!("{module}.rs"));
    let shown = path.display();
    let file = fs::File::options().write(true).create_new(true).open(&path);
    file.and_then(|mut file| file.write_all(source.as_bytes()))
        .with_context(|| format!("{shown} cannot be written"))?;
    // In the project's own style, if there is a formatter; without one it is close to the usual.
    let formatted = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    drop(formatted);
    print(&format!("wrote {shown}\n"))?;
    let migrator = ["lib.rs", "mod.rs"].map(|name| directory.join(name));
    let migrator = migrator.iter().find(|path| path.is_file());
    let registered = migrator
        .map(|path| register_in(path, module))
        .transpose()?
        .unwrap_or(false);
    if !registered {
        Notes::Told.tell(&format!(
            "no place was found to register it: add `mod {module};` beside the other migrations, and `Box::new({module}::Migration),` at \
             the end of what `fn migrations()` returns"
        ));
    }
    Ok(())
}

fn register_in(path: &Path, module: &str) -> anyhow::Result<bool> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    let Some(registered) = register::registered(&text, module) else {
        return Ok(false);
    };
    fs::write(path, registered).with_context(|| format!("{shown} cannot be written"))?;
    print(&format!("registered in {shown}\n"))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::module_name;

    #[test]
    fn names() {
        assert_eq!(module_name("Add posts.user-id").unwrap(), "add_posts_user_id");
        assert!(module_name(" -/ ").is_err());
    }
}
