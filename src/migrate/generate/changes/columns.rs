//! Columns that are added, changed, dropped.

use sea_orm::sea_query::ColumnDef;

use super::super::columns::{Written, definition, may_lose, recalled};
use super::super::rust::{Chain, string};
use super::lost::Lost;
use super::{Changing, Edit};
use crate::name::ColumnName;
use crate::schema::Column;

impl Changing<'_, '_> {
    pub(super) fn add_column(&mut self, column: &Column) {
        let is_key = self.added_key(&column.name).is_some();
        let written = match self.added_key(&column.name) {
            // A required key adds its columns itself, as what they reference is.
            Some(key) if !self.needs_its_columns_first(key) => return,
            Some(_) => Written::Nullable,
            None => Written::Whole,
        };
        let declared = self.given.column(&self.to.name, &column.name);
        let is_unique = declared.is_some_and(|declared| declared.get_column_spec().unique);
        let definition = self.definition(&column.name, written);
        self.edit(
            ("add_column", definition),
            ("drop_column", string(column.name.as_str())),
        );
        if is_key && is_unique {
            self.add_unique(std::slice::from_ref(&column.name));
        }
        if !is_key && !column.nullable && column.default.is_none() && column.generated.is_none() {
            let name = &column.name;
            self.remarks.push(format!(
                "If there are rows, {name} needs a value for them: give it a default, or add it with null(), fill it, and require it in a \
                 later migration."
            ));
        }
    }

    pub(super) fn change_column(&mut self, from: &Column, to: &Column, lost: &mut Vec<Lost>) {
        let only_required = Column {
            nullable: from.nullable,
            ..to.clone()
        };
        if self.added_key(&to.name).is_some() && only_required.data_type == from.data_type && from.nullable {
            return;
        }
        let was = self.recalled(from);
        let (up, down) = (self.definition(&to.name, Written::NotUnique), self.recalled_text(from));
        let edit = Edit {
            up: ("change_column", up.into()),
            down: ("change_column", down.into()),
        };
        let declared = self.given.column(&self.to.name, &to.name);
        let kinds = was
            .get_column_type()
            .zip(declared.as_ref().and_then(ColumnDef::get_column_type));
        let is_retyped = from.data_type != to.data_type;
        if is_retyped && kinds.is_some_and(|(from, to)| may_lose(from, to)) {
            let name = format!("{}.{}", self.to.name, to.name);
            lost.push(Lost {
                edit,
                reason: format!("Destructive: values of {name} that do not fit its new type are lost, or stop this."),
                back: format!("{name} as it was."),
                note: format!("{name}: its new type is commented out, since values may not fit"),
            });
            return;
        }
        if is_retyped {
            self.retyped.push((self.to.name.clone(), to.name.clone()));
        }
        if from.nullable && !to.nullable {
            let column = &to.name;
            self.remarks
                .push(format!("Rows without {column} stop this before anything is changed."));
        }
        self.edits.push(edit);
    }

    pub(super) fn drop_column(&self, column: &Column, lost: &mut Vec<Lost>) {
        let name = format!("{}.{}", self.to.name, column.name);
        let needs_a_value = !column.nullable && column.default.is_none() && column.generated.is_none();
        let its_rows = match needs_a_value {
            true => " If there are rows, they need a value: give it a default.",
            false => "",
        };
        lost.push(Lost {
            edit: Edit {
                up: ("drop_column", string(column.name.as_str()).into()),
                down: ("add_column", self.recalled_text(column).into()),
            },
            reason: format!("Destructive: the values of {name} are lost."),
            back: format!("{name} as it was, without its values, keys and indexes.{its_rows}"),
            note: format!("{name}: nothing declares it; dropping it is commented out, since its values are lost"),
        });
    }

    pub(super) fn definition(&self, column: &ColumnName, written: Written) -> Chain {
        let backend = self.given.live.backend;
        match self.given.column(&self.to.name, column) {
            Some(declared) => definition(backend, &declared, written),
            // It is in no entity, and so in no change either.
            None => Chain::new(format!("ColumnDef::new({})", string(column.as_str()))),
        }
    }

    pub(super) fn recalled(&self, column: &Column) -> ColumnDef {
        let declared = self.given.column(&self.to.name, &column.name);
        recalled(self.given.live, column, declared.as_ref())
    }

    pub(super) fn recalled_text(&self, column: &Column) -> Chain {
        definition(self.given.live.backend, &self.recalled(column), Written::Whole)
    }
}
