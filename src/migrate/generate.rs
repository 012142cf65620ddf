//! A migration written from the difference between what the entities declare and what the database has.
//!
//! Start at [`generate`]. What it writes is one file for every engine: SeaORM's calls where they do on every engine what they say, and
//! [`Alteration`](super::Alteration) and [`RequiredForeignKey`](super::RequiredForeignKey) where a table that is there is changed.
//!
//! # Invariants
//!
//! - No I/O: the same schemas give the same text.
//! - What loses rows or values is written as a comment, with the reason.
//! - Nothing is renamed that a hint does not name.

mod changes;
mod columns;
mod file;
mod hints;
mod rust;
mod tables;
mod words;

use sea_orm::DbBackend;
use sea_orm::sea_query::{ColumnDef, TableCreateStatement};

use crate::connection::Connection;
use crate::diff::{Change, DiffOptions, SchemaDiff};
use crate::drift;
use crate::error::{Error, Result};
use crate::introspect;
use crate::name::{ColumnName, TableName};
use crate::schema::{Entities, Registered, Schema};
use file::{Block, File};
pub use hints::Hints;

/// A migration, written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Generated {
    /// The file's text.
    pub source: String,
    /// What a person has to look at: what was commented out, and what is to be written by hand.
    pub notes: Vec<String>,
}

/// Writes the migration that makes a database into what its entities declare; nothing if there is nothing to do.
///
/// `live` is what the database has, with what the hints rename under its new name; `wanted` what the entities declare; `diff` what makes
/// the one into the other.
///
/// # Errors
///
/// Invalid input for a hint that fits nothing.
pub fn generate(
    live: &Schema,
    wanted: &Schema,
    diff: &SchemaDiff,
    entities: &Entities,
    hints: &Hints,
) -> Result<Option<Generated>> {
    if diff.is_empty() && hints.tables.is_empty() && hints.columns.is_empty() {
        return Ok(None);
    }
    let given = Given {
        live,
        wanted,
        diff,
        entities,
        hints,
    };
    let mut file = File::new();
    renames(&given, &mut file);
    tables::add_labels(&given, &mut file);
    tables::create(&given, &mut file);
    changes::change(&given, &mut file)?;
    tables::drop(&given, &mut file);
    unused(&given)?;
    Ok(Some(Generated {
        source: file.source(),
        notes: file.notes,
    }))
}

/// [`generate`], for a live database.
pub(crate) async fn against(
    connection: &Connection,
    entities: &Entities,
    hints: &Hints,
    options: &DiffOptions,
) -> Result<Option<Generated>> {
    let wanted = Schema::from_entities(connection.backend(), entities)?;
    let wanted = drift::localised(connection, wanted).await?.normalised();
    let live = introspect::schema(connection, &drift::scope(&wanted)).await?;
    let live = hints.renamed(&live, &wanted)?.normalised();
    let diff = drift::between(connection, &live, &wanted, options).await?;
    generate(&live, &wanted, &diff, entities, hints)
}

/// What a migration is written from.
#[derive(Clone, Copy)]
struct Given<'a> {
    live: &'a Schema,
    wanted: &'a Schema,
    diff: &'a SchemaDiff,
    entities: &'a Entities,
    hints: &'a Hints,
}

impl<'a> Given<'a> {
    fn changes(&self) -> impl Iterator<Item = &'a Change> {
        self.diff.changes.iter().map(|difference| &difference.change)
    }

    fn entity(&self, table: &TableName) -> Option<&'a Registered> {
        let mut entities = self.entities.registered().iter();
        // The connection's own schema is left out of a table's name.
        let is_it = |known: &TableName| {
            known == table || (table.schema().is_none() && known.schema().is_some() && known.name() == table.name())
        };
        entities.find(|entity| is_it(&entity.table))
    }

    /// The entity's own statement. SQLite's, since that alone leaves enums as they are declared.
    fn statement(&self, table: &TableName) -> Option<TableCreateStatement> {
        self.entity(table)
            .map(|entity| (entity.create_table)(DbBackend::Sqlite))
    }

    fn column(&self, table: &TableName, column: &ColumnName) -> Option<ColumnDef> {
        let statement = self.statement(table)?;
        let mut columns = statement.get_columns().iter();
        columns
            .find(|known| known.get_column_name() == column.as_str())
            .cloned()
    }
}

/// Each only where the old name is still there, so that a migration that stopped further on can be run again.
fn renames(given: &Given<'_>, file: &mut File) {
    let table = |name: &TableName| format!("manager.has_table({}).await?", rust::string(name.name()));
    let column = |table: &TableName, column: &ColumnName| {
        let (table, column) = (rust::string(table.name()), rust::string(column.as_str()));
        format!("manager.has_column({table}, {column}).await?")
    };
    for (old, new) in &given.hints.tables {
        file.step(
            Block::only_if(table(old), tables::rename(old, new)),
            Block::only_if(table(new), tables::rename(new, old)),
        );
    }
    for (of, old, new) in given.hints.columns() {
        file.step(
            Block::only_if(column(&of, old), tables::rename_column(&of, old, new)),
            Block::only_if(column(&of, new), tables::rename_column(&of, new, old)),
        );
    }
}

/// Refuses a backfill that nothing asks for.
fn unused(given: &Given<'_>) -> Result<()> {
    let is_used = |table: &TableName, column: &ColumnName| {
        given.changes().any(|change| match change {
            Change::AddForeignKey { key } => key.relation.table == *table && key.relation.columns.contains(column),
            _ => false,
        })
    };
    match given
        .hints
        .backfills
        .keys()
        .find(|(table, column)| !is_used(table, column))
    {
        Some((table, column)) => Err(Error::invalid_input(format!(
            "no foreign key of {table}.{column} is to be added to a table that is there, so there is nothing to fill"
        ))),
        None => Ok(()),
    }
}
