//! The linter, for `cascade lint` on any database and for `schema lint` with what the entities declare; and for migrations.

mod migrations;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use sea_orm_cascade::lint::{self, Baseline, Declared, Finding, Subject};
use sea_orm_cascade::overlay::{LintSettings, Severity};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Entities, Store};

use crate::Outcome;
use crate::output::{Notes, print};
use crate::overlay::OverlayFile;

pub use migrations::MigrationFiles;
pub(crate) use migrations::Sql;

/// What `lint` is asked for.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct LintArguments {
    /// How to show the findings
    #[arg(short, long, value_enum, default_value_t = LintFormat::Text)]
    format: LintFormat,

    /// Do not report the findings this file lists
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write all present findings to this file, as a baseline for later runs, and report none
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,

    /// Look at the schema only and not at rows: no orphans (L25), no keys near their highest number (L27)
    #[arg(long)]
    no_data: bool,

    /// The least severity that makes the exit code 2
    #[arg(long, value_enum, default_value_t = Least::Warning, value_name = "SEVERITY")]
    fail_on: Least,
}

/// How findings are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// For a person
    Text,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning services
    Sarif,
}

/// The least severity that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Least {
    /// Any finding
    Info,
    /// A warning or an error
    Warning,
    /// An error
    Error,
}

/// What the overlay says about rules.
fn settings(overlay: Option<&OverlayFile>) -> anyhow::Result<LintSettings> {
    match overlay {
        Some(file) => {
            let settings = file.overlay.lint();
            file.blame(lint::check_settings(settings))?;
            Ok(settings.clone())
        }
        None => Ok(LintSettings::default()),
    }
}

/// Looks at a schema.
pub(crate) async fn run(
    store: &Store,
    schema: &Schema,
    entities: Option<&Entities>,
    overlay: Option<&OverlayFile>,
    arguments: &LintArguments,
    notes: Notes,
) -> anyhow::Result<Outcome> {
    let settings = settings(overlay)?;
    let declared = entities
        .map(|entities| Declared::new(store.backend(), entities))
        .transpose()?;
    let mut subject = Subject::new(schema);
    if let Some(declared) = &declared {
        subject = subject.entities(declared);
    }
    if !arguments.no_data {
        // Orphans are to be expected where an entity declares a key that the database does not have.
        let completed = declared.as_ref().map(|declared| declared.completing(schema));
        let facts = lint::facts(store.connection(), completed.as_ref().unwrap_or(schema)).await?;
        if !facts.unread.is_empty() {
            let tables: Vec<_> = facts.unread.iter().map(ToString::to_string).collect();
            notes.tell(&format!(
                "this role may not read {}: whether there are orphans (L25), and keys near their highest number (L27), is not known",
                tables.join(", ")
            ));
        }
        subject = subject.facts(facts);
    }
    report(lint::lint(&subject, &settings), arguments, notes)
}

/// Shows the findings, those of a baseline left out.
fn report(mut findings: Vec<Finding>, arguments: &LintArguments, notes: Notes) -> anyhow::Result<Outcome> {
    if let Some(file) = &arguments.write_baseline {
        std::fs::write(file, Baseline::of(&findings).to_string())
            .with_context(|| format!("{} cannot be written", file.display()))?;
        print(&format!(
            "{} finding(s) written to {}\n",
            findings.len(),
            file.display()
        ))?;
        return Ok(Outcome::Done);
    }
    if let Some(file) = &arguments.baseline {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let baseline = Baseline::parse(&text).with_context(|| format!("{} cannot be used", file.display()))?;
        let compared = baseline.compare(findings);
        findings = compared.findings;
        for gone in &compared.stale {
            notes.tell(&format!("{}: no longer found: {gone}", file.display()));
        }
    }
    print(&match arguments.format {
        LintFormat::Text => lint::text(&findings),
        LintFormat::Json => lint::json(&findings),
        LintFormat::Sarif => lint::sarif(&findings),
    })?;
    let least = match arguments.fail_on {
        Least::Info => Severity::Info,
        Least::Warning => Severity::Warning,
        Least::Error => Severity::Error,
    };
    let failed = findings.iter().any(|finding| finding.severity >= least);
    Ok(if failed { Outcome::Found } else { Outcome::Done })
}
