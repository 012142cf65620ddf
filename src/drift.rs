//! Drift: how a live database differs from what the entities declare.
//!
//! The engine itself is asked how it would store what the entities say: their schema is made in a place of its own on the same engine, read
//! back with the same code as the live one, and only then compared. So a default or an expression that is spelled differently is no
//! difference. That place is a schema in a transaction that is rolled back (PostgreSQL), a database in memory (SQLite), or a database
//! beside the connection's own that is dropped again (MySQL). Where the role may not make one, or on MySQL a transaction would be committed by
//! that, spellings are compared after the rules of [`Schema::normalised`].
//!
//! # Invariants
//!
//! - The tables that are compared are neither written nor locked.
//! - On PostgreSQL and SQLite nothing is left behind, however the process ends.

mod realise;

use std::collections::BTreeSet;

use crate::backend::Backend;
use crate::connection::Connection;
use crate::diff::{Comparison, DiffOptions, SchemaDiff, diff};
use crate::error::Result;
use crate::introspect::{self, Scope};
use crate::name::TableName;
use crate::schema::Schema;

/// Compares a live database with the schema it should have.
pub(crate) async fn drift(connection: &Connection, wanted: &Schema, options: &DiffOptions) -> Result<SchemaDiff> {
    let wanted = localised(connection, wanted.clone()).await?;
    let live = introspect::schema(connection, &scope(&wanted)).await?;
    between(connection, &live, &wanted, options).await
}

/// Compares what a live database has, or is about to have, with the schema it should have, in which the connection's own schema is named
/// nowhere.
pub(crate) async fn between(
    connection: &Connection,
    live: &Schema,
    wanted: &Schema,
    options: &DiffOptions,
) -> Result<SchemaDiff> {
    let realised = realise::realise(connection, wanted).await?;
    let mut found = diff(live, realised.as_ref().unwrap_or(wanted), options);
    if connection.backend() == Backend::MySql && !schemas(wanted).is_empty() {
        found.own = introspect::own_schema(connection).await?;
    }
    if realised.is_some() {
        found.compared = Comparison::Engine;
    }
    Ok(found)
}

/// The schema with the connection's own schema left out of all names, which is how the catalog functions name tables.
pub(crate) async fn localised(connection: &Connection, mut schema: Schema) -> Result<Schema> {
    if schemas(&schema).is_empty() {
        return Ok(schema);
    }
    let own = introspect::own_schema(connection).await?;
    let backend = connection.backend();
    schema.map_names(|name| match (backend, name.schema()) {
        (Backend::Sqlite, Some(_)) => TableName::new(name.name()),
        (Backend::Postgres | Backend::MySql, Some(schema)) if Some(schema) == own.as_deref() => {
            TableName::new(name.name())
        }
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => name.clone(),
    });
    schema.sort();
    Ok(schema)
}

/// What to read of a database to compare it with a schema: the connection's own schema, and those the tables name.
pub(crate) fn scope(wanted: &Schema) -> Scope {
    let named: Vec<_> = wanted
        .tables
        .iter()
        .filter_map(|table| table.name.schema())
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    match named.is_empty() {
        true => Scope::Own,
        false => Scope::OwnAnd(named),
    }
}

/// The schemas that are named anywhere.
fn schemas(schema: &Schema) -> BTreeSet<String> {
    let tables = schema.tables.iter().map(|table| &table.name);
    let referenced = schema.foreign_keys().map(|key| &key.relation.referenced_table);
    let types = schema.types.iter().map(|named| &named.name);
    let sequences = schema.sequences.iter().map(|sequence| &sequence.name);
    tables
        .chain(referenced)
        .chain(types)
        .chain(sequences)
        .filter_map(|name| name.schema().map(str::to_owned))
        .collect()
}
