//! `cascade lint`.

use anyhow::Context;
use sea_orm_cascade::Store;
use sea_orm_cascade::lint::{self, Baseline, Subject};
use sea_orm_cascade::overlay::{LintSettings, Overlay, Severity};
use sea_orm_cascade::schema::Schema;

use super::arguments::{Common, Least, LintArguments, LintFormat};
use crate::Outcome;
use crate::output::{complain, print};

pub(super) async fn run(
    store: &Store,
    common: &Common,
    schema: &Schema,
    overlay: Option<&Overlay>,
    arguments: &LintArguments,
) -> anyhow::Result<Outcome> {
    let settings = overlay.map_or_else(LintSettings::default, |overlay| overlay.lint().clone());
    lint::check_settings(&settings)?;
    let mut subject = Subject::new(schema);
    if !arguments.no_data {
        subject = subject.facts(lint::facts(store.connection(), schema).await?);
    }
    let mut findings = lint::lint(&subject, &settings);
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
        for gone in compared.stale.iter().filter(|_| !common.quiet) {
            complain(&format!("note: {}: no longer found: {gone}", file.display()));
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
