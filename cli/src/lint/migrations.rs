//! Migrations: the source files of a migrator, and scripts of SQL.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use sea_orm_cascade::Backend;
use sea_orm_cascade::lint::migration::source::{self, Source};
use sea_orm_cascade::lint::migration::{self, Direction, Script};
use sea_orm_cascade::schema::Schema;

use super::{LintArguments, report, settings};
use crate::Outcome;
use crate::output::Notes;
use crate::overlay::OverlayFile;

/// Which migrations to look at.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct MigrationFiles {
    /// Look at the migrations in DIR and not at the database: who waits for them, what fails on a table with rows, what is lost
    /// [default DIR: migration/src, or else src, whichever has files m20…_….rs]
    ///
    /// Read are the files m….rs in DIR, oldest first, and in each what `up` sends to this database's engine: SQL as texts, and the
    /// common calls of SchemaManager. What could not be read is said in a note. A table counts as one with rows unless the same
    /// migration makes it.
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    migrations: Option<Option<PathBuf>>,

    /// With --migrations: only report what is in this migration and those after it, as in m20260103 or the whole name
    #[arg(long, value_name = "NAME", requires = "migrations")]
    since: Option<String>,
}

/// A script to look at.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sql {
    /// Look at what this SQL would do to the database, and not at the database: who waits for it, what fails on a table with rows, what
    /// is lost. Nothing of it is run; - reads stdin
    #[arg(long, value_name = "FILE")]
    sql: Option<PathBuf>,
}

impl MigrationFiles {
    /// Whether they are asked for.
    pub(crate) const fn asked_for(&self) -> bool {
        self.migrations.is_some()
    }

    /// Looks at the migrations' source files.
    pub(crate) fn run(
        &self,
        backend: Backend,
        overlay: Option<&OverlayFile>,
        arguments: &LintArguments,
        notes: Notes,
    ) -> anyhow::Result<Outcome> {
        let settings = settings(overlay)?;
        let files = match self.migrations.as_ref().and_then(Option::as_ref) {
            Some(directory) => {
                let files = read(directory)?;
                anyhow::ensure!(
                    !files.is_empty(),
                    "there are no migrations m….rs in {}",
                    directory.display()
                );
                files
            }
            None => usual()?,
        };
        let mut earlier = Script::new(backend);
        let mut findings = Vec::new();
        let mut shown = 0;
        for (path, source) in files {
            let file = path.to_string_lossy().replace('\\', "/");
            let script = source.script(backend, Direction::Up);
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if self.since.as_ref().is_none_or(|since| *name >= **since) {
                shown += 1;
                for unread in source.unread(backend, Direction::Up) {
                    notes.tell(&format!(
                        "{file}:{}: what {} does could not be read",
                        unread.line, unread.call
                    ));
                }
                findings.extend(migration::lint(
                    &script.clone().in_file(file).after(&earlier),
                    &settings,
                ));
            }
            earlier = earlier.then(&script);
        }
        if shown == 0 {
            notes.tell("no migration is that new");
        }
        // As if it were one report: errors first.
        findings.sort_by(|a, b| (b.severity, a.code, &a.id).cmp(&(a.severity, b.code, &b.id)));
        report(findings, arguments, notes)
    }
}

/// The directory that a migrator's files are usually in, seen from the workspace or from its crate.
fn usual() -> anyhow::Result<Vec<(PathBuf, Source)>> {
    for directory in ["migration/src", "src"] {
        let directory = Path::new(directory);
        let files = if directory.is_dir() {
            read(directory)?
        } else {
            Vec::new()
        };
        if !files.is_empty() {
            return Ok(files);
        }
    }
    anyhow::bail!("there are no migrations m….rs in migration/src or src: name their directory, as in --migrations DIR")
}

/// The migrations in a directory, oldest first.
fn read(directory: &Path) -> anyhow::Result<Vec<(PathBuf, Source)>> {
    let cannot = || format!("{} cannot be read", directory.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let dated = name
            .strip_prefix('m')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if dated && name.ends_with(".rs") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let source = source::read(&text);
        if source.is_migration() {
            files.push((path, source));
        }
    }
    Ok(files)
}

impl Sql {
    /// The text, if one is to be looked at.
    pub(crate) fn read(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.sql else {
            return Ok(None);
        };
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("stdin cannot be read")?;
            return Ok(Some(text));
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Some(text))
    }

    /// Looks at a text, which is to run on this schema.
    pub(crate) fn run(
        &self,
        text: &str,
        schema: &Schema,
        overlay: Option<&OverlayFile>,
        arguments: &LintArguments,
        notes: Notes,
    ) -> anyhow::Result<Outcome> {
        let settings = settings(overlay)?;
        let mut script = Script::sql(schema.backend, text).on(schema);
        if let Some(path) = self.sql.as_ref().filter(|path| path.as_os_str() != "-") {
            script = script.in_file(path.to_string_lossy());
        }
        report(migration::lint(&script, &settings), arguments, notes)
    }
}
