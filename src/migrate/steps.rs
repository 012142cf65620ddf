//! The steps of a change, in order, each with whether it is done. Pure: what is known is in the [`Situation`].

mod mysql;
mod postgres;

use super::foreign_key::{RequiredForeignKey, WritePath};
use super::revert::Revert;
use super::situation::Situation;
use super::step::{Lock, Step, StepKind, Way};
use super::values::literals;
use crate::backend::Backend;
use crate::ddl::{self, identifier};
use crate::error::{Error, Result};
use crate::name::{ColumnName, TableName};
use crate::schema::{Column, Index, Table};

/// A step, and whether it is done.
pub(super) type Standing = (Step, bool);

/// What leads to the key.
pub(super) fn forward(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<Standing>> {
    match situation.backend() {
        Backend::Postgres => postgres::forward(situation, request),
        Backend::MySql => mysql::forward(situation, request),
        Backend::Sqlite => Ok(Vec::new()),
    }
}

/// What leads back.
pub(super) fn backward(situation: &Situation, how: Revert) -> Result<Vec<Standing>> {
    match situation.backend() {
        Backend::Postgres => Ok(postgres::backward(situation, how)),
        Backend::MySql => mysql::backward(situation, how),
        Backend::Sqlite => Ok(Vec::new()),
    }
}

/// A step in the making.
fn step(kind: StepKind, way: Way, statements: Vec<String>, leaves: &'static str) -> Step {
    Step {
        kind,
        statements,
        locks: Vec::new(),
        scans: None,
        leaves,
        way,
    }
}

impl Step {
    fn locks(mut self, table: &TableName, mode: &'static str) -> Self {
        self.locks.push(Lock {
            table: table.clone(),
            mode,
        });
        self
    }

    fn scans(mut self, table: &TableName) -> Self {
        self.scans = Some(table.clone());
        self
    }
}

/// Whether rows have no value to get, or all have theirs.
fn is_filled(situation: &Situation, request: &RequiredForeignKey) -> bool {
    situation.entry().filled
        || situation.has_columns()
            && (request.backfill.is_none()
                || request.is_required && situation.requires_values() && situation.placeholders.is_empty())
}

/// Whether the whole change was through before, so that nothing is opened again.
fn is_past(situation: &Situation, request: &RequiredForeignKey) -> bool {
    let has_key = situation.live_key().is_some_and(|key| !key.not_validated);
    match request.is_required {
        true => situation.requires_values(),
        false => situation.entry().filled && has_key,
    }
}

/// The columns to add: of the type, and the collation, of what they reference.
pub(super) fn new_columns(situation: &Situation, request: &RequiredForeignKey) -> Vec<Column> {
    let relation = &situation.key.relation;
    let referenced = situation.schema.table(&relation.referenced_table);
    let is_missing = |name| situation.table().is_none_or(|table| table.column(name).is_none());
    let mut columns = Vec::new();
    for (place, (name, other)) in relation.columns.iter().zip(&relation.referenced_columns).enumerate() {
        if !is_missing(name) {
            continue;
        }
        let other = referenced.and_then(|table| table.column(other));
        let data_type = match request.types.get(place) {
            Some(given) => given.clone(),
            None => other.map_or_else(String::new, |other| other.data_type.clone()),
        };
        let mut column = Column::new(name.as_str(), data_type);
        column.collation = other.and_then(|other| other.collation.clone());
        if let Some(placeholder) = situation.placeholders.of(name) {
            column.nullable = false;
            column.default = Some(placeholder.to_owned());
        }
        columns.push(column);
    }
    columns
}

fn add_columns(situation: &Situation, request: &RequiredForeignKey) -> String {
    let backend = situation.backend();
    let of = Table::new(situation.key.relation.table.clone());
    let added: Vec<_> = new_columns(situation, request)
        .iter()
        .map(|column| format!("ADD COLUMN {}", ddl::column(backend, &of, column)))
        .collect();
    format!("ALTER TABLE {} {}", situation.quoted(), added.join(", "))
}

/// Whether it is a trigger that gives new rows a value, or will be.
fn closes_trigger(situation: &Situation) -> bool {
    match situation.is_open() {
        true => !situation.triggers().is_empty(),
        false => situation.write_path == WritePath::Trigger,
    }
}

/// The defaults that give new rows a value. A default that was there before is not taken for ours, which is dropped in the end.
fn default_values(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<(ColumnName, String)>> {
    if situation.has_default() && !situation.entry().gave_default && !is_past(situation, request) {
        return Err(Error::invalid_input(format!(
            "{} has a default already, which the change would replace and drop: let the application give new rows a value, or drop the \
             default first",
            situation.key.relation
        )));
    }
    let values = literals(situation, request)?;
    let columns = situation.filled_columns();
    let named = columns.filter_map(|(place, name)| Some((name.clone(), values.get(place)?.clone())));
    Ok(named.collect())
}

fn index(situation: &Situation) -> Index {
    Index::new(situation.index_name(), situation.key.relation.columns.iter().cloned())
}

/// The columns that may be empty, quoted.
fn nullable_columns(situation: &Situation) -> Vec<String> {
    let relation = &situation.key.relation;
    let is_nullable = |name| {
        let column = situation.table().and_then(|table| table.column(name));
        column.is_none_or(|column| column.nullable)
    };
    let nullable = relation.columns.iter().filter(|name| is_nullable(name));
    nullable
        .map(|name| identifier(situation.backend(), name.as_str()))
        .collect()
}
