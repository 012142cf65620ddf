//! Unique keys and indexes that are added and dropped.

use super::super::rust::Argument;
use super::super::tables::declared_indexes;
use super::super::words;
use super::Changing;
use crate::diff::Change;
use crate::name::ColumnName;
use crate::schema::{Index, UniqueKey};

impl Changing<'_, '_> {
    pub(super) fn add_unique(&mut self, columns: &[ColumnName]) {
        let is_it = |unique: bool, known: &[ColumnName]| unique && known == columns;
        let declared = declared_indexes(self.given, self.to);
        let index = declared.iter().find(|index| is_it(index.unique, &index.columns));
        let undo = ("drop_unique", Self::columns(columns));
        match index {
            Some(index) => {
                let made = words::index(&index.name, true, columns);
                self.edit(("add_index", made), undo);
            }
            None => {
                let is_with_its_column = self.changes.iter().any(|change| match change {
                    Change::AddColumn { column, .. } => {
                        columns == [column.name.clone()] && self.added_key(&column.name).is_none()
                    }
                    _ => false,
                });
                let is_there = self.edits.iter().any(|edit| {
                    edit.up.0 == "add_unique"
                        && matches!(&edit.up.1, Argument::Text(text) if *text == Self::columns(columns))
                });
                if !is_with_its_column && !is_there {
                    self.edit(("add_unique", Self::columns(columns)), undo);
                }
            }
        }
    }

    pub(super) fn drop_unique(&mut self, key: &UniqueKey) {
        // MySQL calls a key by its first column unless it was made as an index with a name.
        let name = key.name.as_ref().map(|name| name.as_str());
        let is_index = name.is_some_and(|name| name.starts_with("idx-"));
        let undo = match (is_index, name) {
            (true, Some(name)) => ("add_index", Argument::from(words::index(name, true, &key.columns))),
            _ => ("add_unique", Self::columns(&key.columns).into()),
        };
        self.edit(("drop_unique", Self::columns(&key.columns)), undo);
    }

    pub(super) fn add_index(&mut self, index: &Index) {
        let columns = index.columns().unwrap_or_default();
        if index.unique {
            return self.add_unique(&columns);
        }
        // A required key makes its own.
        let is_key_s = self.changes.iter().any(|change| match change {
            Change::AddForeignKey { key } => key.relation.columns == columns,
            _ => false,
        });
        if !is_key_s {
            let made = words::index(&index.name, false, &columns);
            self.edit(("add_index", made), ("drop_index", Self::columns(&columns)));
        }
    }

    pub(super) fn drop_index(&mut self, index: &Index, columns: &[ColumnName]) {
        let made = words::index(&index.name, index.unique, columns);
        let drop = if index.unique { "drop_unique" } else { "drop_index" };
        self.edit((drop, Self::columns(columns)), ("add_index", made));
    }
}
