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
            "{} {} {}: {}",
            finding.severity, finding.code, finding.rule, finding.message
        );
        if let Some(place) = &finding.place {
            let _ = writeln!(text, "  at   {place}");
        }
        let _ = writeln!(text, "  why  {}", finding.why);
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
/// table or its column, since a live schema is in no file; what is found in a migration's file is there besides.
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

/// The file and the line, and the columns or else the table; nothing for what is about the whole database.
fn locations(finding: &Finding) -> Vec<Value> {
    let mut location = serde_json::Map::new();
    if let Some(place) = &finding.place
        && let Some(file) = &place.file
    {
        let physical = value!({ "artifactLocation": { "uri": uri(file) }, "region": { "startLine": place.line } });
        location.insert("physicalLocation".to_owned(), physical);
    }
    let places = logical(finding);
    if !places.is_empty() {
        location.insert("logicalLocations".to_owned(), places.into());
    }
    match location.is_empty() {
        true => Vec::new(),
        false => vec![location.into()],
    }
}

fn logical(finding: &Finding) -> Vec<Value> {
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
    places
}

/// A path as a URI has it (RFC 3986, section 2.1).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b':' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(byte))
            }
            _ => {
                // Writing to a string does not fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Off => "none",
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
