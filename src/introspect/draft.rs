//! The schema while it is being read: rows find their table by its name.

use std::collections::BTreeMap;

use crate::backend::Backend;
use crate::name::TableName;
use crate::schema::{LeftOut, LeftOutKind, Schema, Table};

/// A schema to which rows of a catalog are added. What belongs to a table that is not there is dropped: the table was left out knowingly,
/// or went away between two statements.
pub(super) struct Draft {
    pub(super) schema: Schema,
    places: BTreeMap<TableName, usize>,
}

impl Draft {
    pub(super) const fn new(backend: Backend) -> Self {
        Self {
            schema: Schema::new(backend),
            places: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, table: Table) {
        self.places.insert(table.name.clone(), self.schema.tables.len());
        self.schema.tables.push(table);
    }

    pub(super) fn table(&mut self, name: &TableName) -> Option<&mut Table> {
        let place = self.places.get(name)?;
        self.schema.tables.get_mut(*place)
    }

    pub(super) fn leave_out(
        &mut self,
        kind: LeftOutKind,
        name: TableName,
        table: Option<TableName>,
        definition: Option<String>,
    ) {
        self.schema.left_out.push(LeftOut {
            kind,
            name,
            table,
            definition,
        });
    }

    /// A sentence about something that is carried along without being understood.
    pub(super) fn unknown(&mut self, sentence: String) {
        self.schema.unknown.push(sentence);
    }

    pub(super) fn finish(mut self) -> Schema {
        self.schema.sort();
        self.schema
    }
}
