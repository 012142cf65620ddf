//! Rules about several keys in a row: circles, depth, diamonds.

use std::collections::BTreeMap;

use super::finding::{Draft, Fix, Subject};
use super::keys::reference;
use crate::backend::Backend;
use crate::graph;
use crate::name::TableName;
use crate::overlay::Severity;
use crate::schema::{Action, Deferrable, Enforcement, ForeignKey, Schema};

/// Nested cascades InnoDB does (MySQL manual, "FOREIGN KEY Constraints": "may not be nested more than 15 levels deep"); the fifteenth was
/// seen to fail.
const DEEPEST: usize = 14;

fn keys_where(schema: &Schema, wanted: impl Fn(&ForeignKey) -> bool) -> Vec<&ForeignKey> {
    schema.foreign_keys().filter(|key| wanted(key)).collect()
}

/// Circles of several tables, each as the keys along one shortest way around.
fn circles<'a>(schema: &Schema, keys: &[&'a ForeignKey]) -> Vec<Vec<&'a ForeignKey>> {
    graph::components(schema.tables.iter().map(|table| &table.name), keys.iter().copied())
        .into_iter()
        .filter(|component| component.len() > 1)
        .filter_map(|component| around(&component, keys))
        .collect()
}

/// A shortest way from the component's first table back to it.
fn around<'a>(component: &[TableName], keys: &[&'a ForeignKey]) -> Option<Vec<&'a ForeignKey>> {
    let start = component.first()?;
    let mut came_by: BTreeMap<&TableName, Vec<&ForeignKey>> = BTreeMap::new();
    let mut frontier = vec![(start, Vec::new())];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for (table, way) in frontier {
            for key in keys.iter().filter(|key| key.relation.table == *table) {
                let to = &key.relation.referenced_table;
                let mut way = way.clone();
                way.push(*key);
                if to == start {
                    return (way.len() > 1)
                        .then_some(way)
                        .or_else(|| around_without(component, keys, key));
                }
                if component.contains(to) && !came_by.contains_key(to) {
                    came_by.insert(to, way.clone());
                    next.push((to, way));
                }
            }
        }
        frontier = next;
    }
    None
}

/// The same when the first table also references itself, which is no way around.
fn around_without<'a>(
    component: &[TableName],
    keys: &[&'a ForeignKey],
    without: &ForeignKey,
) -> Option<Vec<&'a ForeignKey>> {
    let rest: Vec<_> = keys.iter().filter(|key| **key != without).copied().collect();
    around(component, &rest)
}

/// `a -> b -> a`.
fn shown(way: &[&ForeignKey]) -> String {
    let mut tables: Vec<_> = way.iter().map(|key| key.relation.table.to_string()).collect();
    tables.extend(way.last().map(|key| key.relation.referenced_table.to_string()));
    tables.join(" -> ")
}

pub(super) fn cascade_cycle(subject: &Subject<'_>) -> Vec<Draft> {
    let cascades = keys_where(subject.database, |key| key.on_delete == Action::Cascade);
    circles(subject.database, &cascades)
        .iter()
        .filter_map(|way| {
            let key = way.first()?;
            let message = format!("deletes go around in a circle: {}", shown(way));
            let fix = Fix::Advice("give one of these keys another action than CASCADE".to_owned());
            Some(Draft::new(&key.relation.table, &key.relation.columns, message, fix).and(" circle"))
        })
        .collect()
}

pub(super) fn required_cycle(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let required = keys_where(schema, |key| {
        let table = schema.table(&key.relation.table);
        let column = |name| table.and_then(|table| table.column(name));
        key.enforced_by == Enforcement::Database
            // A deferrable one is checked after the other row is there.
            && key.deferrable == Deferrable::No
            && key.relation.columns.iter().all(|name| column(name).is_some_and(|column| !column.nullable))
    });
    let mut found: Vec<_> = circles(schema, &required)
        .iter()
        .filter_map(|way| {
            let key = way.first()?;
            let message = format!("required references go around in a circle: {}", shown(way));
            Some(Draft::new(&key.relation.table, &key.relation.columns, message, first_row(schema)).and(" circle"))
        })
        .collect();
    let itself = required
        .iter()
        .filter(|key| key.relation.table == key.relation.referenced_table);
    found.extend(itself.map(|key| {
        let message = format!(
            "{} must reference a row of its own table: the first can only reference itself",
            key.relation
        );
        Draft::of_key(key, message, first_row(schema))
    }));
    found
}

fn first_row(schema: &Schema) -> Fix {
    Fix::Advice(match schema.backend {
        Backend::Postgres | Backend::Sqlite => {
            "let one of these columns be NULL, or make its key DEFERRABLE INITIALLY DEFERRED".to_owned()
        }
        Backend::MySql => "let one of these columns be NULL".to_owned(),
    })
}

pub(super) fn cascade_depth(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    if schema.backend != Backend::MySql {
        return Vec::new();
    }
    let cascades = keys_where(schema, |key| {
        key.on_delete == Action::Cascade && key.enforced_by == Enforcement::Database
    });
    // SET NULL is a level too, and the last.
    let ends = keys_where(schema, |key| {
        key.on_delete == Action::SetNull && key.enforced_by == Enforcement::Database
    });
    let itself = cascades
        .iter()
        .filter(|key| key.relation.table == key.relation.referenced_table);
    let mut found: Vec<_> = itself
        .map(|key| {
            let message = format!(
                "{} cascades to its own table, and InnoDB goes {DEEPEST} levels deep",
                key.relation
            );
            let fix = Fix::Advice("delete deeper trees from below, or let the application enforce this key".to_owned());
            Draft::of_key(key, message, fix).severity(Severity::Warning)
        })
        .collect();
    // Referenced tables first; circles are told by L19, and have no depth.
    let mut deepest: BTreeMap<&TableName, Vec<&ForeignKey>> = BTreeMap::new();
    let components = graph::components(schema.tables.iter().map(|table| &table.name), cascades.iter().copied());
    for component in components.iter().rev() {
        let [table] = component.as_slice() else { continue };
        let cascading = cascades
            .iter()
            .filter(|key| key.relation.referenced_table == *table && key.relation.table != *table)
            .map(|key| {
                let mut way = vec![*key];
                way.extend(deepest.get(&key.relation.table).into_iter().flatten());
                way
            });
        let ending = ends.iter().filter(|key| key.relation.referenced_table == *table);
        let below = cascading
            .chain(ending.map(|key| vec![*key]))
            // The first of the longest.
            .reduce(|longest, way| if way.len() > longest.len() { way } else { longest });
        if let Some(way) = below {
            deepest.insert(table, way);
        }
    }
    let is_deep = |table: &TableName| deepest.get(table).is_some_and(|way| way.len() > DEEPEST);
    // A table above a deep one is deep too; the topmost is told.
    let topmost = deepest.iter().filter(|(table, _)| {
        is_deep(table)
            && !cascades.iter().any(|key| {
                key.relation.table == ***table
                    && key.relation.referenced_table != ***table
                    && is_deep(&key.relation.referenced_table)
            })
    });
    found.extend(topmost.map(|(table, way)| {
        let tables: Vec<_> = way.iter().map(|key| key.relation.table.to_string()).collect();
        let message = format!(
            "a delete from {table} cascades {} levels, and InnoDB goes {DEEPEST} deep: {table} -> {}",
            way.len(),
            tables.join(" -> ")
        );
        let fix = Fix::Advice("delete from below, or let the application enforce one of these keys".to_owned());
        Draft::new(table, &[], message, fix)
    }));
    found
}

pub(super) fn mixed_diamond(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let refusing = keys_where(schema, |key| refuses_at_once(schema.backend, key));
    if refusing.is_empty() {
        return Vec::new();
    }
    let mut above: BTreeMap<&TableName, Vec<&TableName>> = BTreeMap::new();
    for key in keys_where(schema, |key| key.on_delete == Action::Cascade) {
        let relation = &key.relation;
        above
            .entry(&relation.table)
            .or_default()
            .push(&relation.referenced_table);
    }
    refusing
        .into_iter()
        .filter_map(|key| {
            let relation = &key.relation;
            let reach_referenced = distances(&above, &relation.referenced_table);
            // The nearest table whose delete cascades to both ends.
            let (_, top) = distances(&above, &relation.table)
                .into_iter()
                .filter(|(top, _)| **top != relation.table)
                .filter_map(|(top, distance)| Some((distance + reach_referenced.get(top)?, top)))
                .min()?;
            Some(diamond(schema.backend, key, top))
        })
        .collect()
}

/// The tables whose deletes cascade to this one, itself among them, and over how many keys.
fn distances<'a>(
    above: &BTreeMap<&'a TableName, Vec<&'a TableName>>,
    table: &'a TableName,
) -> BTreeMap<&'a TableName, usize> {
    let mut distances = BTreeMap::from([(table, 0)]);
    let mut frontier = vec![table];
    for distance in 1.. {
        let next: Vec<_> = frontier
            .iter()
            .filter_map(|table| above.get(*table))
            .flatten()
            .copied()
            .filter(|table| {
                let is_new = !distances.contains_key(table);
                distances.entry(table).or_insert(distance);
                is_new
            })
            .collect();
        if next.is_empty() {
            break;
        }
        frontier = next;
    }
    distances
}

/// Whether the database may refuse before the whole delete is done. A deferred key sees that the row has gone too, and so does
/// PostgreSQL within one table.
fn refuses_at_once(backend: Backend, key: &ForeignKey) -> bool {
    let itself = key.relation.table == key.relation.referenced_table;
    key.enforced_by == Enforcement::Database
        && !(itself && backend == Backend::Postgres)
        && match key.on_delete {
            Action::Restrict => true,
            Action::NoAction => key.deferrable != Deferrable::InitiallyDeferred,
            Action::Cascade
            | Action::SetNull
            | Action::SetDefault
            | Action::SetValue
            | Action::Protect
            | Action::DoNothing
            | Action::Unknown => false,
        }
}

/// What each engine does was seen on diamonds, triangles, double and self references, with the keys made in every order.
fn diamond(backend: Backend, key: &ForeignKey, top: &TableName) -> Draft {
    let relation = &key.relation;
    let itself = relation.table == relation.referenced_table;
    let outcome = match (backend, key.on_delete) {
        (Backend::Postgres, _) => {
            "whether it passes depends on the length of the paths and the order in which the keys were created"
        }
        (Backend::MySql, _) if itself => "InnoDB refuses it",
        (Backend::MySql, _) => "whether it passes depends on the order in which InnoDB takes the keys",
        (Backend::Sqlite, Action::NoAction) => "SQLite lets it pass, and other engines may not",
        (Backend::Sqlite, _) => "whether it passes depends on the paths and their order",
    };
    let message = format!(
        "a delete from {top} cascades to {} and is forbidden by {}: {outcome}",
        relation.table,
        reference(key)
    );
    let fix = Fix::Advice(format!(
        "make {relation} CASCADE too if the rows are to go{}; if they are to stay, let no other path cascade to {}",
        match backend {
            Backend::Postgres => ", or NO ACTION DEFERRABLE INITIALLY DEFERRED",
            Backend::MySql => "",
            Backend::Sqlite => ", or NO ACTION",
        },
        relation.table
    ));
    let draft = Draft::of_key(key, message, fix);
    match (backend, key.on_delete) {
        (Backend::Sqlite, Action::NoAction) => draft.severity(Severity::Info),
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => draft,
    }
}
