//! Findings as text, JSON and SARIF.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json as value};

use super::finding::Finding;
use super::rules::RULES;
use crate::overlay::Severity;

/// For a person: a paragraph for each finding, and their number at the end.
///
/// ```text
/// warning L01 missing-index: no index begins with posts.user_id, which references users.id
///   why  every delete of a referenced row, and every change of its key, reads the whole referencing table
///   fix  CREATE INDEX "idx-posts-user_id" ON "posts" ("user_id");
///
/// 0 errors, 1 warning, 0 notes
/// ```
#[must_use]
pub fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{} {} {}: {}\n  why  {}",
            finding.severity, finding.code, finding.rule, finding.message, finding.why
        );
        for (number, line) in finding.fix.to_string().lines().enumerate() {
            let _ = writeln!(text, "  {}  {line}", if number == 0 { "fix" } else { "   " });
        }
        text.push('\n');
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let _ = writeln!(
        text,
        "{}, {}, {}",
        plural(count(Severity::Error), "error"),
        plural(count(Severity::Warning), "warning"),
        plural(count(Severity::Info), "note")
    );
    text
}

/// For a program: `{"format": 1, "findings": […]}`, each with the fields of [`Finding`].
#[must_use]
pub fn json(findings: &[Finding]) -> String {
    format!("{:#}\n", value!({ "format": 1, "findings": findings }))
}

/// For code scanning: SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"). A finding's place is a logical location, the
/// table or its column, since a live schema is in no file.
#[must_use]
pub fn sarif(findings: &[Finding]) -> String {
    let positions: BTreeMap<_, _> = RULES
        .iter()
        .enumerate()
        .map(|(position, rule)| (rule.code, position))
        .collect();
    let results: Vec<_> = findings
        .iter()
        .map(|finding| {
            value!({
                "ruleId": finding.code,
                "ruleIndex": positions.get(finding.code),
                "level": level(finding.severity),
                "message": { "text": format!("{}. Fix: {}", finding.message, finding.fix) },
                "locations": locations(finding),
                "partialFingerprints": { "finding/v1": finding.id },
            })
        })
        .collect();
    let rules: Vec<_> = RULES
        .iter()
        .map(|rule| {
            value!({
                "id": rule.code,
                "name": rule.name,
                "shortDescription": { "text": rule.summary },
                "fullDescription": { "text": format!("{}: {}", rule.summary, rule.why) },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let run = value!({
        "tool": { "driver": {
            "name": "sea-orm-cascade",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        } },
        "results": results,
    });
    let log = value!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    format!("{log:#}\n")
}

/// The columns, or else the table; nothing for what is about the whole database.
fn locations(finding: &Finding) -> Vec<Value> {
    let Some(table) = &finding.table else {
        return Vec::new();
    };
    let place =
        |name: &str, full: String, kind: &str| value!({ "name": name, "fullyQualifiedName": full, "kind": kind });
    let mut places: Vec<_> = finding
        .columns
        .iter()
        .map(|column| place(column.as_str(), format!("{table}.{column}"), "column"))
        .collect();
    if places.is_empty() {
        places.push(place(table.name(), table.to_string(), "table"));
    }
    vec![value!({ "logicalLocations": places })]
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Off => "none",
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
