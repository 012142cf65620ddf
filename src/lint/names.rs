//! The rule about names that are too long, or equal to the engine.

use std::collections::BTreeMap;

use super::finding::{Draft, Fix, Subject};
use super::sql::fitting;
use crate::backend::Backend;
use crate::name::{ConstraintName, TableName};
use crate::schema::{Schema, Table};

/// A name, and among which others it must be the only one.
struct Named<'a> {
    kind: &'static str,
    name: &'a str,
    table: &'a TableName,
    among: Among,
}

/// Among which names a name must be the only one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Among {
    /// Tables and indexes of a schema, which PostgreSQL and SQLite keep together.
    Relations,
    /// The tables of a database (MySQL).
    Tables,
    Columns,
    /// The indexes of one table (MySQL).
    Indexes,
    /// The constraints of one table.
    Constraints,
    /// The foreign keys of a database (MySQL).
    ForeignKeys,
    /// Nothing: SQLite keeps the name and makes no use of it.
    Nothing,
}

pub(super) fn name_limit(subject: &Subject<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for schema in subject.declared().into_iter().chain([subject.database]) {
        let names: Vec<_> = schema
            .tables
            .iter()
            .flat_map(|table| named(schema.backend, table))
            .collect();
        found.extend(names.iter().filter_map(|named| too_long(schema, named)));
        found.extend(collisions(schema, &names));
    }
    found
}

fn named<'a>(backend: Backend, table: &'a Table) -> Vec<Named<'a>> {
    let (tables, indexes, constraints, keys) = match backend {
        Backend::Postgres => (
            Among::Relations,
            Among::Relations,
            Among::Constraints,
            Among::Constraints,
        ),
        Backend::MySql => (Among::Tables, Among::Indexes, Among::Constraints, Among::ForeignKeys),
        Backend::Sqlite => (Among::Relations, Among::Relations, Among::Nothing, Among::Nothing),
    };
    // The index behind it is called like it; on SQLite that index has a name of its own.
    let unique = if backend == Backend::Sqlite {
        Among::Nothing
    } else {
        indexes
    };
    let name = |kind, name: &'a str, among| Named {
        kind,
        name,
        table: &table.name,
        among,
    };
    let mut names = vec![name("table", table.name.name(), tables)];
    names.extend(
        table
            .columns
            .iter()
            .map(|column| name("column", column.name.as_str(), Among::Columns)),
    );
    let primary = table.primary_key.iter().filter_map(|key| key.name.as_ref());
    names.extend(primary.map(|known| name("primary key", known.as_str(), unique)));
    let uniques = table.unique_keys.iter().filter_map(|key| key.name.as_ref());
    names.extend(uniques.map(|known| name("unique key", known.as_str(), unique)));
    names.extend(table.indexes.iter().map(|index| name("index", &index.name, indexes)));
    let foreign = table
        .foreign_keys
        .iter()
        .filter_map(|key| key.relation.constraint.as_ref());
    names.extend(foreign.map(|known| name("foreign key", known.as_str(), keys)));
    let checks = table.checks.iter().filter_map(|check| check.name.as_ref());
    names.extend(
        checks
            .map(ConstraintName::as_str)
            .map(|known| name("check", known, constraints)),
    );
    names
}

fn too_long(schema: &Schema, named: &Named<'_>) -> Option<Draft> {
    let limit = schema.backend.capability().name_limit?;
    let (length, unit, then) = match schema.backend {
        Backend::Postgres => (named.name.len(), "bytes", "PostgreSQL cuts it after"),
        Backend::MySql | Backend::Sqlite => (named.name.chars().count(), "characters", "MySQL refuses more than"),
    };
    let message = format!("{} has {length} {unit}, and {then} {limit}", shown(named));
    (length > limit).then(|| draft(named, message))
}

fn collisions(schema: &Schema, names: &[Named<'_>]) -> Vec<Draft> {
    let backend = schema.backend;
    let mut first_of: BTreeMap<_, &Named<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for named in names.iter().filter(|named| named.among != Among::Nothing) {
        let kept = fitting(backend, named.name.to_owned());
        let kept = match (backend, named.among) {
            (Backend::Postgres, _) | (Backend::MySql, Among::Tables) => kept,
            (Backend::MySql | Backend::Sqlite, _) => kept.to_lowercase(),
        };
        let owner = match named.among {
            Among::Columns | Among::Indexes | Among::Constraints => Some(named.table.name()),
            Among::Relations | Among::Tables | Among::ForeignKeys | Among::Nothing => None,
        };
        match first_of.get(&(named.among, named.table.schema(), owner, kept.clone())) {
            Some(first) => {
                let message = format!(
                    "{} and {} have the same name to {backend}: {kept}",
                    shown(first),
                    shown(named)
                );
                found.push(draft(named, message).and(" and ").and(&shown(first)));
            }
            None => {
                first_of.insert((named.among, named.table.schema(), owner, kept), named);
            }
        }
    }
    found
}

fn shown(named: &Named<'_>) -> String {
    match named.kind {
        "table" => format!("the table {}", named.table),
        kind => format!("the {kind} {} of {}", named.name, named.table),
    }
}

fn draft(named: &Named<'_>, message: String) -> Draft {
    let fix = Fix::Advice(
        "give it a shorter name of its own; where SeaORM makes it, shorten the table's or column's".to_owned(),
    );
    Draft::new(named.table, &[], message, fix)
        .and(" ")
        .and(named.kind)
        .and(" ")
        .and(named.name)
}
