//! The linter: what in a schema is wrong, likely to hurt, or worth knowing; and in a migration, before it runs ([`migration`]).
//!
//! Start at [`lint`], which looks at a [`Subject`]: a schema, what the entities declare if there are any, and [`Facts`] that only the
//! data tell. [`RULES`] lists what is looked for; `docs/lint.md` says why and what to do.
//!
//! ```
//! use sea_orm_cascade::lint::{self, Subject};
//! use sea_orm_cascade::overlay::LintSettings;
//! use sea_orm_cascade::schema::Schema;
//!
//! let schema = Schema::parse("\
//! backend sqlite
//! table posts
//!   id: integer, not null
//!   user_id: integer, not null
//!   primary key (id)
//!   foreign key (user_id) references users (id), on delete cascade
//! table users
//!   id: integer, not null
//!   primary key (id)
//! ")?;
//! let findings = lint::lint(&Subject::new(&schema), &LintSettings::default());
//! assert_eq!(findings[0].message, "no index begins with posts.user_id, which references users.id");
//! assert_eq!(findings[0].fix.to_string(), r#"CREATE INDEX "idx-posts-user_id" ON "posts" ("user_id");"#);
//! # Ok::<(), sea_orm_cascade::Error>(())
//! ```
//!
//! # Invariants
//!
//! - Only [`facts`] touches a database; everything else is pure, and equal subjects give equal findings in the same order.
//! - A rule is one function from the subject to its findings, listed in `lint/rules.rs`. It knows neither its code nor the settings.
//! - A rule that needs what the subject does not say (entities, facts) stays silent.

mod baseline;
mod columns;
mod data;
mod declared;
mod facts;
mod finding;
mod inverse;
mod keys;
pub mod migration;
mod names;
mod paths;
mod report;
mod rules;
mod sql;
mod tables;
mod types;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::overlay::{Ignore, LintSettings, Severity};

pub use baseline::{Baseline, Compared};
pub use facts::{Facts, KeyUse, Orphans, facts};
pub use finding::{Declared, Finding, Fix, Subject};
pub use report::{json, sarif, text};
pub use rules::{RULES, Rule};

/// Looks at the subject with every rule about schemas. The findings come errors first, then by code and place.
#[must_use]
pub fn lint(subject: &Subject<'_>, settings: &LintSettings) -> Vec<Finding> {
    settled(RULES.iter().flat_map(|rule| rule.findings(subject)), settings)
}

/// The findings as the settings have them, in their order.
fn settled(findings: impl Iterator<Item = Finding>, settings: &LintSettings) -> Vec<Finding> {
    let mut findings: Vec<_> = findings
        .filter_map(|mut finding| {
            if let Some(severity) = settings.levels.get(finding.code) {
                finding.severity = *severity;
            }
            let ignored = settings.ignores.iter().any(|ignore| covers(ignore, &finding));
            (finding.severity != Severity::Off && !ignored).then_some(finding)
        })
        .collect();
    findings.sort_by(|a, b| (b.severity, a.code, &a.id).cmp(&(a.severity, b.code, &b.id)));
    // The same thing may be seen from two sides, for example a name in the entities and in the database.
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.id.clone()));
    findings
}

fn covers(ignore: &Ignore, finding: &Finding) -> bool {
    let Ignore {
        rule,
        table,
        column,
        reason: _,
    } = ignore;
    rule.as_ref().is_none_or(|rule| rule == finding.code)
        && table.as_ref().is_none_or(|table| finding.table.as_ref() == Some(table))
        && column.as_ref().is_none_or(|column| finding.columns.contains(column))
}

/// The rule of this code.
#[must_use]
pub fn known(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.code == code)
}

/// Refuses settings that name a rule there is not: they would do nothing, without a word.
///
/// # Errors
///
/// Invalid input that names the code and those there are.
pub fn check_settings(settings: &LintSettings) -> Result<()> {
    let ignored = settings.ignores.iter().filter_map(|ignore| ignore.rule.as_ref());
    for code in settings.levels.keys().chain(ignored) {
        if known(code).is_none() {
            return Err(Error::invalid_input(unknown_rule(code)));
        }
    }
    Ok(())
}

fn unknown_rule(code: &str) -> String {
    let near = RULES
        .iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code) || rule.name.eq_ignore_ascii_case(code));
    match near {
        Some(rule) => format!("{code:?} is not a rule's code: write {} ({})", rule.code, rule.name),
        None => {
            let codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
            format!("{code:?} is not a rule of the linter: there are {}", codes.join(", "))
        }
    }
}
