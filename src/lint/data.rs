//! Rules about what the data and the session tell.

use super::facts::COUNTED;
use super::finding::{Draft, Fix, Subject};
use crate::backend::Backend;
use crate::name::ColumnList;
use crate::overlay::Severity;
use crate::schema::ForeignKey;

pub(super) fn orphans(subject: &Subject<'_>) -> Vec<Draft> {
    let found = subject.facts.orphans.iter().filter(|orphans| orphans.rows > 0);
    found
        .map(|orphans| {
            let relation = &orphans.relation;
            let rows = match (orphans.rows, orphans.rows >= COUNTED) {
                (1, _) => "1 row references".to_owned(),
                (rows, true) => format!("{rows} or more rows reference"),
                (rows, false) => format!("{rows} rows reference"),
            };
            let message = format!(
                "{rows} by {relation} what is not in {}.{}",
                relation.referenced_table,
                ColumnList(&relation.referenced_columns)
            );
            let fix = Fix::Advice(format!(
                "see them with `cascade orphans {}`; then delete them, null the reference, or insert what it references",
                relation.table
            ));
            Draft::of_key(&ForeignKey::new(relation.clone()), message, fix)
        })
        .collect()
}

pub(super) fn not_enforced(subject: &Subject<'_>) -> Vec<Draft> {
    let has_keys = subject.database.foreign_keys().next().is_some();
    if subject.facts.foreign_keys_enforced != Some(false) || !has_keys {
        return Vec::new();
    }
    let (setting, fix) = match subject.backend() {
        Backend::Sqlite => ("PRAGMA foreign_keys is off", "PRAGMA foreign_keys = ON;"),
        Backend::MySql => ("foreign_key_checks is 0", "SET foreign_key_checks = 1;"),
        Backend::Postgres => (
            "session_replication_role is replica",
            "SET session_replication_role = DEFAULT;",
        ),
    };
    vec![Draft {
        table: None,
        columns: Vec::new(),
        about: "session".to_owned(),
        message: format!("{setting}: this session does not enforce foreign keys"),
        fix: Fix::Sql(fix.to_owned()),
        severity: None,
    }]
}

pub(super) fn key_overflow(subject: &Subject<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for used in &subject.facts.key_use {
        let percent = used.highest.saturating_mul(100) / Ord::max(used.capacity, 1);
        let severity = match percent {
            // More than 80 and 50 percent; the quotient is rounded down.
            _ if used.highest.saturating_mul(100) > used.capacity.saturating_mul(80) => Severity::Error,
            _ if used.highest.saturating_mul(100) > used.capacity.saturating_mul(50) => Severity::Warning,
            _ => continue,
        };
        let message = format!(
            "{}.{} has reached {}, which is {percent} % of the {} its type holds",
            used.table, used.column, used.highest, used.capacity
        );
        let referencing: Vec<_> = subject
            .database
            .foreign_keys()
            .filter(|key| key.relation.referenced_table == used.table)
            .filter(|key| key.relation.referenced_columns.contains(&used.column))
            .map(|key| key.relation.to_string())
            .collect();
        let with = match referencing.as_slice() {
            [] => String::new(),
            columns => format!(", and with it {}", columns.join(", ")),
        };
        let fix = Fix::Advice(format!(
            "make {}.{} a bigint{with}; a plain ALTER TABLE rewrites the table while nobody can write",
            used.table, used.column
        ));
        found.push(Draft::new(&used.table, std::slice::from_ref(&used.column), message, fix).severity(severity));
    }
    found
}
